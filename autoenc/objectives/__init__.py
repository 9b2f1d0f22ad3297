"""What training minimises: small terms, written with `keras.ops`, that add up."""

from __future__ import annotations

from autoenc.errors import ArgumentError
from autoenc.objectives.base import Batch, Images, Objective, Prediction
from autoenc.objectives.neighbours import Neighbours
from autoenc.objectives.reconstruction import Reconstruction
from autoenc.objectives.structure import Structure

__all__ = [
    "DEFAULT_OBJECTIVE",
    "OBJECTIVES",
    "Batch",
    "Images",
    "Neighbours",
    "Objective",
    "Prediction",
    "Reconstruction",
    "Structure",
    "create_objectives",
]

OBJECTIVES: dict[str, type[Objective]] = {
    objective.name: objective for objective in (Reconstruction, Structure, Neighbours)
}
DEFAULT_OBJECTIVE = "reconstruction+structure+neighbours"


def create_objectives(names: str) -> list[Objective]:
    """The objectives of "reconstruction", "reconstruction+structure" and so on, with their usual weights.

    Raises:
        ArgumentError: an unknown name, or one given twice.
    """
    parts = names.split("+")
    for part in parts:
        if part not in OBJECTIVES:
            raise ArgumentError(
                f"Unknown objective '{part}'; there are: {', '.join(OBJECTIVES)}; join several with '+'."
            )
        if parts.count(part) > 1:
            raise ArgumentError(f"Objective '{part}' is named twice; name it once.")
    return [OBJECTIVES[part]() for part in parts]
