"""What training minimizes: small terms, written with `keras.ops`, that add up."""

from __future__ import annotations

from collections.abc import Sequence

from autoenc.errors import ArgumentError
from autoenc.training.libraries import loading_libraries
from autoenc.training.settings import DEFAULT_OBJECTIVE

with loading_libraries():
    from autoenc.training.objectives.base import Batch, Material, Objective, Prediction
    from autoenc.training.objectives.neighbors import Neighbors
    from autoenc.training.objectives.reconstruction import Reconstruction
    from autoenc.training.objectives.structure import Structure
    from autoenc.training.objectives.supervised import Supervised

__all__ = [
    "DEFAULT_OBJECTIVE",
    "OBJECTIVES",
    "Batch",
    "Material",
    "Neighbors",
    "Objective",
    "Prediction",
    "Reconstruction",
    "Structure",
    "Supervised",
    "create_objectives",
]

OBJECTIVES: dict[str, type[Objective]] = {
    objective.name: objective for objective in (Reconstruction, Structure, Neighbors, Supervised)
}


TAUGHT_WEIGHTS = {Neighbors.name: 2.0}
"""The weights that differ with a teacher, whose neighborhoods are the most useful part of what it sees."""


def create_objectives(
    objective: str | Sequence[Objective], *, labels: bool = False, taught: bool = False
) -> list[Objective]:
    """Create the objectives of "reconstruction", "reconstruction+structure" and so on, each with its usual weight.

    Args:
        objective: names joined by "+", or a list of objectives, which is checked.
        labels: whether there are labels to learn from. If no objective uses them, "supervised" is added.
        taught: whether there is a teacher. Then "neighbors" has weight 2; all other usual weights are 1.

    Returns:
        Those with a weight above 0.

    Raises:
        ArgumentError: an unknown name, something that is not an objective, one given twice, one that needs labels
            where there are none, or no weight above 0.

    Example:
        >>> [term.name for term in create_objectives("reconstruction+structure")]
        ['reconstruction', 'structure']
        >>> [term.name for term in create_objectives("structure", labels=True)]
        ['structure', 'supervised']
        >>> create_objectives("neighbors", taught=True)[0].weight
        2.0
        >>> create_objectives([Structure(0.5)], taught=True)[0].weight
        0.5
    """
    made: list[Objective]
    if isinstance(objective, str):
        names = [name.strip() for name in objective.split("+")]
        for name in names:
            if name not in OBJECTIVES:
                raise ArgumentError(
                    f"objective= must be one of {', '.join(OBJECTIVES)}, or several joined by '+'; got '{name}'."
                )
        made = [OBJECTIVES[name](TAUGHT_WEIGHTS.get(name, 1.0) if taught else 1.0) for name in names]
    else:
        made = [*objective] if isinstance(objective, (list, tuple)) else [objective]  # type: ignore[list-item]
        for term in made:
            if not isinstance(term, Objective):
                raise ArgumentError(
                    f"objective= must be names joined by '+', or a list of objectives such as [Structure(0.5)]; "
                    f"got {term!r}."
                )
    kinds = [term.name for term in made]
    for name in kinds:
        if kinds.count(name) > 1:
            raise ArgumentError(f"objective= has '{name}' twice; give it once, with its weight.")
    if labels and not any(term.labeled for term in made):
        made.append(Supervised())
    for term in made:
        if term.labeled and not labels:
            raise ArgumentError(f"objective= has '{term.name}', which learns from labels=; give them too.")
    weighty = [term for term in made if term.weight > 0]
    if not weighty:
        raise ArgumentError("objective= must have at least one objective with a weight above 0.")
    return weighty
