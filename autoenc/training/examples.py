"""Which images are trained on, and what a training step sees of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from autoenc.images.alterations import Seed, altered_copies
from autoenc.vectors import Images, Indices, evenly

if TYPE_CHECKING:
    from autoenc.training.objectives import Material, Objective
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


def distinct(images: Images, indices: Indices, limit: int) -> Indices:
    """Of some images, one of each: a placeholder that stands for hundreds of products is one image.

    Returns:
        Their indices in ascending order, of many an even sample of `limit`.

    Example:
        >>> black, white = np.zeros((2, 32, 32, 3), np.uint8), np.full((1, 32, 32, 3), 255, np.uint8)
        >>> distinct(np.concatenate([black, white]), np.arange(3), limit=10).tolist()
        [0, 2]
    """
    first: dict[int, int] = {}
    for at in np.sort(indices):
        first.setdefault(hash(images[at].tobytes()), at)
    return evenly(np.array([*first.values()]), limit)


class Examples:
    """Images with the targets that the objectives make of them, computed once.

    Args:
        objectives: the terms of the loss.
        material: the images, and what objectives may make their targets of.
        gain: how far altered copies are recolored; None if no objective wants any.
    """

    def __init__(self, objectives: Sequence[Objective], material: Material, gain: float | None) -> None:
        self._images = material.images
        self.gain = gain
        made = {objective.name: objective.prepare(material) for objective in objectives}
        self._targets = {name: targets for name, targets in made.items() if targets is not None}

    def altered(self, indices: Indices, seed: Seed) -> Images:
        """Those images as the seed alters them, or as they are if no objective wants altered copies."""
        images = self._images[indices]
        return images if self.gain is None else altered_copies(images, seed=seed, indices=indices, gain=self.gain)

    def batch(self, indices: Indices, seed: Seed) -> tuple[Images, Targets]:
        """What the encoder sees of those images, and their targets."""
        return self.altered(indices, seed), {name: targets[indices] for name, targets in self._targets.items()}
