"""What a training is set to, with its values checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autoenc.errors import ArgumentError
from autoenc.models.manifest import MOST_LATENT_DIM

if TYPE_CHECKING:
    from autoenc.training.objectives import Objective

DEFAULT_OBJECTIVE = "reconstruction+structure+neighbors"

EPOCHS, TAUGHT_EPOCHS = 80, 140
"""The usual number without a teacher, and with one: a student has more to learn."""

AUTO = "auto"
"""The emphasis that is found from the images."""

_LEAST = {"epochs": 1, "batch_size": 1, "latent_dim": 1, "patience": 1, "seed": 0, "max_images": 2}
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Settings:
    """What a training is set to. `autoenc.train` says what each value means.

    Raises:
        ArgumentError: a value out of range or of another type. The objective is checked when it is created.
    """

    epochs: int
    batch_size: int
    latent_dim: int
    objective: str | Sequence[Objective]
    emphasis: str | Mapping[str, float]
    learning_rate: float
    validation: float
    patience: int
    seed: int
    max_images: int | None

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if name != "max_images" or value is not None:
                check_whole(name, value, least)
        check_most(self.latent_dim, self.seed)
        if not (is_number(self.validation) and 0 < self.validation < 1):
            raise ArgumentError(f"validation= must be a share between 0 and 1, such as 0.1; got {self.validation!r}.")
        if not (is_number(self.learning_rate) and 0 < self.learning_rate < float("inf")):
            raise ArgumentError(f"learning_rate= must be a number above 0, such as 0.002; got {self.learning_rate!r}.")

    def steps_per_epoch(self, images: int) -> int:
        """How many batches that many training images make."""
        return math.ceil(images / self.batch_size)

    def fixed(self) -> dict[str, Any]:
        """The numbers that must not change when a training is resumed; a more patient one is the same training."""
        return {name: value for name, value in vars(self).items() if name not in ("objective", "emphasis", "patience")}


def check_whole(name: str, value: object, least: int) -> None:
    """Raise ArgumentError unless the value of a parameter is a whole number, `least` or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ArgumentError(f"{name}= must be a whole number, {least} or more; got {value!r}.")


def check_most(latent_dim: int, seed: int) -> None:
    """Raise ArgumentError for a longer latent than a bundle may have, or for a larger seed than Keras takes."""
    for name, value, most in (("latent_dim", latent_dim, MOST_LATENT_DIM), ("seed", seed, LARGEST_SEED)):
        if value > most:
            raise ArgumentError(f"{name}= must be at most {most}; got {value}.")


def is_number(value: object) -> bool:
    """Whether a parameter's value is an int or a float."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
