"""Which images are trained on, and what a training step sees of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from autoenc.images.alterations import Seed, altered_copies
from autoenc.vectors import Images, Indices

if TYPE_CHECKING:
    from autoenc.training.objectives import Objective
    from autoenc.training.step import Targets


def split(count: int, validation: float, seed: int) -> tuple[Indices, Indices]:
    """Draw the images to hold out.

    Args:
        count: how many images there are, 2 or more.
        validation: share to hold out.
        seed: one seed, one split.

    Returns:
        Indices to train on and indices held out, at least one of each.

    Example:
        >>> training, held_out = split(10, validation=0.2, seed=0)
        >>> len(training), len(held_out)
        (8, 2)
    """
    order = np.random.default_rng(seed).permutation(count)
    held_out = min(max(1, round(count * validation)), count - 1)
    return order[held_out:], order[:held_out]


class Examples:
    """Images with the targets that the objectives make of them, computed once.

    Args:
        images: (N, 32, 32, 3) uint8.
        training: indices of the images to train on; the objectives are prepared on these.
        objectives: the terms of the loss.
        latent_dim: length of a latent.

    Attributes:
        altered: whether an objective wants altered copies.
    """

    def __init__(self, images: Images, training: Indices, objectives: Sequence[Objective], latent_dim: int) -> None:
        self._images = images
        self.altered = any(objective.altered for objective in objectives)
        made = {objective.name: objective.prepare(images, training, latent_dim) for objective in objectives}
        self._targets = {name: targets for name, targets in made.items() if targets is not None}

    def batch(self, indices: Indices, seed: Seed) -> tuple[Images, Targets]:
        """Those images, altered as the seed decides if an objective wants it, and their targets."""
        images = self._images[indices]
        if self.altered:
            images = altered_copies(images, seed=seed, indices=indices)
        return images, {name: targets[indices] for name, targets in self._targets.items()}
