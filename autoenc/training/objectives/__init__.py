"""What training minimizes: small terms, written with `keras.ops`, that add up."""

from __future__ import annotations

from collections.abc import Sequence

from autoenc.errors import ArgumentError
from autoenc.training.objectives.base import Batch, Objective, Prediction
from autoenc.training.objectives.neighbors import Neighbors
from autoenc.training.objectives.reconstruction import Reconstruction
from autoenc.training.objectives.structure import Structure
from autoenc.vectors import Images

__all__ = [
    "DEFAULT_OBJECTIVE",
    "OBJECTIVES",
    "Batch",
    "Images",
    "Neighbors",
    "Objective",
    "Prediction",
    "Reconstruction",
    "Structure",
    "create_objectives",
]

OBJECTIVES: dict[str, type[Objective]] = {
    objective.name: objective for objective in (Reconstruction, Structure, Neighbors)
}
DEFAULT_OBJECTIVE = "reconstruction+structure+neighbors"


def create_objectives(objective: str | Sequence[Objective]) -> list[Objective]:
    """The objectives of "reconstruction", "reconstruction+structure" and so on, with their usual weights.

    Args:
        objective: names joined by "+", or objectives made already: they are checked.

    Raises:
        ArgumentError: an unknown name, something that is no objective, one given twice, or no weight above 0.
    """
    made: list[Objective]
    if isinstance(objective, str):
        names = [name.strip() for name in objective.split("+")]
        for name in names:
            if name not in OBJECTIVES:
                raise ArgumentError(
                    f"Unknown objective '{name}'; there are: {', '.join(OBJECTIVES)}; join several with '+'."
                )
        made = [OBJECTIVES[name]() for name in names]
    else:
        made = [*objective] if isinstance(objective, (list, tuple)) else [objective]  # type: ignore[list-item]
        for term in made:
            if not isinstance(term, Objective):
                raise ArgumentError(
                    f"Expected names joined by '+', or a list of objectives such as [Structure(0.5)]; got {term!r}."
                )
    kinds = [term.name for term in made]
    for name in kinds:
        if kinds.count(name) > 1:
            raise ArgumentError(f"Objective '{name}' is given twice; give it once, with its weight.")
    if not any(term.weight > 0 for term in made):
        raise ArgumentError("Name at least one objective with a weight above 0.")
    return made
