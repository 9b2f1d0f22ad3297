"""What is trained on, what is held out, and what a step sees of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.images.alterations import altered_copies
from autoenc.training.examples import Examples, distinct, split

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


MATERIAL: Any = SimpleNamespace(images=IMAGES)


def objective(name: str, targets: Any) -> Any:
    """One that makes these targets of the material above."""

    def prepare(material: Any) -> Any:
        assert material is MATERIAL
        return targets

    return SimpleNamespace(name=name, prepare=prepare)


@given(st.integers(2, 500), st.floats(0.001, 0.999), st.integers(0, 9))
def test_every_image_is_trained_on_or_held_out(count: int, validation: float, seed: int) -> None:
    training, held_out = split(count, validation, seed)
    assert sorted([*training, *held_out]) == list(range(count))
    assert len(held_out) == min(max(1, round(count * validation)), count - 1)


def test_one_seed_gives_one_split() -> None:
    first, again, other = (split(100, 0.1, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other


# ---- one of each ------------------------------------------------------------------------------------


def test_of_identical_images_the_first_is_kept() -> None:
    images = IMAGES[[0, 1, 0, 2, 1, 3]]
    assert distinct(images, np.array([5, 4, 3, 2]), limit=9).tolist() == [2, 3, 4, 5]
    assert distinct(images, np.array([5, 4, 3, 2, 1, 0]), limit=9).tolist() == [0, 1, 3, 5]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_there_is_one_of_each_whatever_the_order(which: list[int], random: Any) -> None:
    indices = [*range(len(which))]
    random.shuffle(indices)
    found = distinct(IMAGES[which], np.array(indices), limit=99).tolist()
    assert found == sorted({which.index(image) for image in which})


def test_of_many_images_an_even_sample_is_drawn() -> None:
    images = np.zeros((101, 32, 32, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(101)
    images[50] = images[49]
    assert distinct(images, np.arange(101), limit=5).tolist() == [0, 24, 49, 75, 100]
    assert len(distinct(images, np.arange(101), limit=100)) == 100


# ---- batches ----------------------------------------------------------------------------------------


def test_a_batch_has_the_images_and_their_targets() -> None:
    targets = np.arange(12, dtype=np.float32).reshape(6, 2)
    examples = Examples([objective("a", targets), objective("b", None)], MATERIAL, gain=None)
    images, found = examples.batch(np.array([4, 1]), seed=0)
    np.testing.assert_array_equal(images, IMAGES[[4, 1]])
    np.testing.assert_array_equal(examples.altered(np.array([4, 1]), seed=0), IMAGES[[4, 1]])
    assert {name: values.tolist() for name, values in found.items()} == {"a": [[8, 9], [2, 3]]}


@pytest.mark.parametrize("seed", [0, (3, 1)])
@pytest.mark.parametrize("gain", [0.0, 0.1, 0.3])
def test_images_are_altered_as_far_as_the_gain_says(seed: Any, gain: float) -> None:
    """And as the seed and the place among all images decide, whatever the batch."""
    examples = Examples([objective("a", None)], MATERIAL, gain)
    expected = altered_copies(IMAGES, seed=seed, gain=gain)[[4, 1]]
    assert not np.array_equal(expected, IMAGES[[4, 1]])
    np.testing.assert_array_equal(examples.batch(np.array([4, 1]), seed=seed)[0], expected)
    np.testing.assert_array_equal(examples.altered(np.array([4, 1]), seed=seed), expected)


def test_each_objective_makes_its_targets_once() -> None:
    prepared: list[str] = []
    objectives: Any = [
        SimpleNamespace(name=name, prepare=lambda material, name=name: prepared.append(name)) for name in ("a", "b")
    ]
    examples = Examples(objectives, MATERIAL, gain=None)
    for seed in range(3):
        examples.batch(np.arange(6), seed=seed)
    assert prepared == ["a", "b"]
