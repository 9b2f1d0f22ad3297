"""What is trained on, what is held out, and what a step sees of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.images.alterations import altered_copies
from autoenc.training.examples import Examples, split

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


def objective(name: str, *, altered: bool, targets: Any) -> Any:
    return SimpleNamespace(name=name, altered=altered, prepare=lambda images, training, latent_dim: targets)


@given(st.integers(2, 500), st.floats(0.001, 0.999), st.integers(0, 9))
def test_every_image_is_trained_on_or_held_out(count: int, validation: float, seed: int) -> None:
    training, held_out = split(count, validation, seed)
    assert sorted([*training, *held_out]) == list(range(count))
    assert len(held_out) == min(max(1, round(count * validation)), count - 1)


def test_one_seed_gives_one_split() -> None:
    first, again, other = (split(100, 0.1, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_a_batch_has_the_images_and_their_targets() -> None:
    targets = np.arange(12, dtype=np.float32).reshape(6, 2)
    objectives = [objective("a", altered=False, targets=targets), objective("b", altered=False, targets=None)]
    examples = Examples(IMAGES, np.arange(6), objectives, latent_dim=8)
    images, found = examples.batch(np.array([4, 1]), seed=0)
    np.testing.assert_array_equal(images, IMAGES[[4, 1]])
    assert {name: values.tolist() for name, values in found.items()} == {"a": [[8, 9], [2, 3]]}


@pytest.mark.parametrize("seed", [0, (3, 1)])
def test_images_are_altered_for_all_if_one_objective_wants_it(seed: Any) -> None:
    """As the seed and the place among all images decide, whatever the batch."""
    wants = [objective("a", altered=False, targets=None), objective("b", altered=True, targets=None)]
    images, _ = Examples(IMAGES, np.arange(6), wants, 8).batch(np.array([4, 1]), seed=seed)
    np.testing.assert_array_equal(images, altered_copies(IMAGES, seed=seed)[[4, 1]])
