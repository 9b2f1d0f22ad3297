"""How to train: the numbers, checked."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from autoenc.errors import ArgumentError


@dataclass(frozen=True)
class Settings:
    """How to train; see `autoenc.train`."""

    epochs: int
    batch_size: int
    latent_dim: int
    objectives: list[dict[str, Any]]
    learning_rate: float
    validation: float
    patience: int
    seed: int

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "latent_dim", "patience"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"{name} must be 1 or more; got {getattr(self, name)}.")
        if self.seed < 0:
            raise ArgumentError(f"seed must be 0 or more; got {self.seed}.")
        if not 0 < self.validation < 1:
            raise ArgumentError(f"validation is a share between 0 and 1; got {self.validation}.")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise ArgumentError(f"learning_rate must be a positive number; got {self.learning_rate}.")

    def fixed(self) -> dict[str, Any]:
        """What must not change when a training is resumed: a more patient one is the same training."""
        return {name: value for name, value in asdict(self).items() if name != "patience"}
