"""What a fine-tuning is set to, with its values checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autoenc.encoders import Weights, check_used
from autoenc.encoders.applications import IMAGENET, application
from autoenc.errors import ArgumentError, EncoderError
from autoenc.training.settings import check_most, check_whole, is_number

BALANCED = "balanced"
"""Class weights by which every class counts the same, however many images it has."""

_LEAST = {"epochs": 1, "top_epochs": 0, "batch_size": 1, "latent_dim": 1, "copies": 1, "patience": 1, "seed": 0}
_SIZES = (32, 256)  # the bases take no less, a bundle no more


@dataclass(frozen=True)
class Settings:
    """What a fine-tuning is set to. `autoenc.finetune` says what each value means.

    Raises:
        ArgumentError: a value out of range or of another type, or an unknown base.
    """

    base: str
    weights: Weights | None
    epochs: int
    top_epochs: int
    batch_size: int
    latent_dim: int
    size: int | None
    learning_rate: float
    top_learning_rate: float
    class_weights: str | Mapping[str, float] | None
    copies: int
    validation: float | str | os.PathLike[str]
    patience: int
    seed: int

    def __post_init__(self) -> None:
        try:
            application(self.base)
        except EncoderError as error:
            raise ArgumentError(f"base=: {error}") from error
        check_used(self.weights, [self.base])
        for name, least in _LEAST.items():
            check_whole(name, getattr(self, name), least)
        check_most(self.latent_dim, self.seed)
        if self.size is not None and not (type(self.size) is int and _SIZES[0] <= self.size <= _SIZES[1]):
            raise ArgumentError(f"size= must be a whole number from {_SIZES[0]} to {_SIZES[1]}; got {self.size!r}.")
        for name in ("learning_rate", "top_learning_rate"):
            value = getattr(self, name)
            if not (is_number(value) and 0 < value < float("inf")):
                raise ArgumentError(f"{name}= must be a number above 0, such as 0.001; got {value!r}.")
        if not isinstance(self.validation, (str, os.PathLike)) and not (
            is_number(self.validation) and 0 < self.validation < 1
        ):
            raise ArgumentError(
                f"validation= must be a share between 0 and 1, such as 0.15, or a folder of class folders; got "
                f"{self.validation!r}."
            )
        if not (self.class_weights in (None, BALANCED) or isinstance(self.class_weights, Mapping)):
            raise ArgumentError(
                f"class_weights= must be '{BALANCED}', None, or a weight for each class; got {self.class_weights!r}."
            )

    @property
    def base_weights(self) -> str:
        """What the base begins with: a file, "imagenet" or "random"."""
        return (self.weights or {}).get(self.base, IMAGENET)

    def fixed(self) -> dict[str, Any]:
        """The values that must not change when a fine-tuning is resumed; a more patient one is the same one.

        The weights and what is validated on are told by their content instead.
        """
        asked = self.class_weights
        left_out = ("patience", "weights", "validation")
        return {name: value for name, value in vars(self).items() if name not in left_out} | {
            "class_weights": dict(asked) if isinstance(asked, Mapping) else asked
        }
