"""Classes from folders: which image is held out, how much a class counts, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.errors import ArgumentError, LabelsError
from autoenc.finetuning.classes import NO_CLASS, class_weights, in_class_folders, numbered, split_by_class
from autoenc.images.finding import find_images

PLACE = Path("photos")


def test_the_class_is_the_name_of_the_folder_and_an_image_outside_has_none(picture_folder: Path) -> None:
    (picture_folder / "red" / "0.png").rename(picture_folder / "stray.png")
    classes, left_out = in_class_folders(find_images(picture_folder))
    assert sorted(classes.values()) == ["blue"] * 4 + ["green"] * 4 + ["red"] * 3
    assert [(file.path.name, file.reason) for file in left_out] == [("stray.png", NO_CLASS)]


def test_those_to_validate_on_are_numbered_last() -> None:
    classes, labels = numbered(["b", "a"], ["a", "b", "b"], PLACE)
    assert (classes, labels.tolist()) == (["a", "b"], [1, 0, 0, 1, 1])


@pytest.mark.parametrize(
    ("names", "held_out", "reason"),
    [
        ([], None, r"Expected two classes or more, each a folder of images in photos; found none"),
        (["a"] * 5, None, "found only 'a'"),
        (["a", "a", "b"], None, r"'b' has 1\. Add images, or move that folder away"),
        (["a", "b", "c", "c"], None, r"'a' and 'b' have 1\. Add images, or move those folders away"),
        (["a", "b"], ["a"], r"'b' has none in the folder of validation="),
        (["shirt", "shoe"], ["shirt", "shoe", "shoes"], r"images of 'shoes', of which .* Did you mean 'shoe'\?"),
    ],
)
def test_what_cannot_be_learned_or_measured_is_refused(
    names: list[str], held_out: list[str] | None, reason: str
) -> None:
    with pytest.raises(LabelsError, match=reason):
        numbered(names, held_out, PLACE)


@given(
    st.lists(st.integers(2, 30), min_size=2, max_size=6),
    st.floats(0.01, 0.99),
    st.integers(0, 2**32 - 1),
)
def test_the_same_share_of_each_class_is_held_out(counts: list[int], share: float, seed: int) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    training, held_out = split_by_class(labels, share, seed)
    assert sorted([*training, *held_out]) == list(range(len(labels)))
    for number, count in enumerate(counts):
        own = int((labels[held_out] == number).sum())
        assert own == min(max(1, round(count * share)), count - 1)


def test_one_seed_gives_one_split_and_another_gives_another() -> None:
    labels = np.repeat([0, 1], 50)
    first, again, other = (split_by_class(labels, 0.2, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_balanced_classes_count_the_same_in_all() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2])
    weights = class_weights("balanced", labels, ["a", "b", "c"])
    np.testing.assert_allclose(np.bincount(labels) * weights, [10 / 3] * 3, rtol=1e-6)


def test_given_weights_keep_their_ratio_and_have_a_mean_of_one() -> None:
    labels = np.array([0, 0, 0, 1])
    weights = class_weights({"a": 1, "b": 5}, labels, ["a", "b"])
    np.testing.assert_allclose(weights, [0.5, 2.5])
    assert weights[labels].mean() == 1
    assert class_weights(None, labels, ["a", "b"]).tolist() == [1, 1]


@pytest.mark.parametrize(
    "asked", [{"a": 1}, {"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 0}, {"a": 1, "b": "2"}, {"a": 1, "b": float("nan")}]
)
def test_weights_that_do_not_fit(asked: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match="class_weights="):
        class_weights(asked, np.array([0, 1]), ["a", "b"])
