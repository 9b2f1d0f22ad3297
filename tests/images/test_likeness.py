"""Copies of a picture are alike, however they lie in one another; other pictures are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from textured import altered, picture

from autoenc.images.decoding import area_resize
from autoenc.images.likeness import GRID, SIDE, Gray, Way, _averages, gray, likeness, rough, wholes


def compared(pixels: np.ndarray) -> Gray:
    return gray(area_resize(pixels, SIDE))


def roughly(one: Gray, other: Gray) -> float:
    """How much one picture looks like a part of another, roughly."""
    return float(rough(other[None], wholes(one[None])[None])[0][0, 0])


FIRST, SECOND = compared(picture(1)), compared(picture(2))


def test_a_picture_and_its_mirror_image_are_wholly_alike() -> None:
    assert likeness(FIRST, FIRST) == pytest.approx(1, abs=1e-3)
    assert likeness(FIRST, FIRST[:, ::-1]) == pytest.approx(1, abs=1e-3)
    assert likeness(FIRST, FIRST[:, ::-1], (Way(swapped=False, mirrored=False),)) < 0.5


def test_a_picture_without_details_is_like_nothing() -> None:
    plain = np.full((SIDE, SIDE), 200, np.uint8)
    assert likeness(plain, plain) == 0
    assert roughly(plain, plain) == 0


@pytest.mark.parametrize("kind", altered(picture(1)))
def test_copies_are_alike_and_roughly_so(kind: str) -> None:
    copy = compared(altered(picture(1))[kind])
    assert likeness(FIRST, copy) > 0.8
    assert max(roughly(FIRST, copy), roughly(copy, FIRST)) > 0.68


@given(st.integers(0, 50), st.floats(0.84, 1), st.floats(0, 1), st.floats(0, 1))
@example(1, 0.84, 0.5, 0.5)  # the same is cut off at each side
def test_each_crop_is_alike_and_roughly_so(seed: int, share: float, down: float, right: float) -> None:
    pixels = picture(seed)
    height, width = (round(share * side) for side in pixels.shape[:2])
    top, left = round(down * (pixels.shape[0] - height)), round(right * (pixels.shape[1] - width))
    whole, part = compared(pixels), compared(pixels[top : top + height, left : left + width].copy())
    assert likeness(whole, part) > 0.86
    assert roughly(part, whole) > 0.64  # .56 is enough to be compared


def test_other_pictures_are_not_alike() -> None:
    found = [likeness(compared(picture(one)), compared(picture(one + 1))) for one in range(20)]
    assert max(found) < 0.6


def test_a_way_says_which_picture_is_part_of_the_other() -> None:
    part = compared(picture(1)[6:-6, 4:-4])  # .9 of each side
    assert likeness(FIRST, part, (Way(swapped=False, mirrored=False),)) > 0.9
    assert likeness(part, FIRST, (Way(swapped=True, mirrored=False),)) > 0.9
    assert likeness(FIRST, part, (Way(swapped=True, mirrored=False),)) < 0.75


@given(st.integers(0, 50), st.integers(0, 50))
def test_it_is_the_same_both_ways_and_from_0_to_1(one: int, other: int) -> None:
    first, second = compared(picture(one)), compared(picture(other))
    value = likeness(first, second)
    assert value == pytest.approx(likeness(second, first), abs=1e-6)
    assert 0 <= value <= 1
    assert (value > 0.99) == (one == other)


def test_a_side_is_averaged_in_24_parts() -> None:
    """By hand: from 6.0 on, 1.74 pixels each: pixel 6 and .74 of pixel 7, then the rest of 7, 8, and .48 of 9."""
    weights = _averages(6, 1.74 * GRID)
    assert weights.shape == (GRID, SIDE)
    assert weights[0, 6:8] == pytest.approx([1 / 1.74, 0.74 / 1.74])
    assert weights[1, 7:10] == pytest.approx([0.26 / 1.74, 1 / 1.74, 0.48 / 1.74], abs=1e-6)
    assert weights.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.count_nonzero(_averages(0, 48)[3]) == 2


def test_whole_pictures_have_mean_0_and_length_1() -> None:
    rows = wholes(np.stack([FIRST, SECOND])) / 32_767
    assert rows.shape == (2, GRID * GRID)
    assert rows.mean(axis=1) == pytest.approx(0, abs=1e-4)
    assert (rows**2).sum(axis=1) == pytest.approx(1, abs=2e-3)


def test_the_rough_likeness_is_that_of_the_best_part() -> None:
    """Against correlations of parts that OpenCV cuts out and averages, at a scale where the edges are whole pixels."""
    small = FIRST.astype(np.float32)
    details = cv2.GaussianBlur(small, (0, 0), 0.7) - cv2.GaussianBlur(small, (0, 0), 2.0)
    values = cv2.resize(details, (SIDE * 25, SIDE * 25), interpolation=cv2.INTER_NEAREST)
    other = wholes(SECOND[None])[0]
    best = -1.0
    for share, places in ((1.0, 1), (0.96, 2), (0.92, 3), (0.87, 4), (0.835, 5)):
        side = round(share * SIDE * 25)
        for top in np.linspace(0, SIDE * 25 - side, places):
            for left in np.linspace(0, SIDE * 25 - side, places):
                cut = values[round(top) : round(top) + side, round(left) : round(left) + side]
                part = cv2.resize(cut, (GRID, GRID), interpolation=cv2.INTER_AREA)
                for flipped in (other.reshape(GRID, GRID), other.reshape(GRID, GRID)[:, ::-1]):
                    best = max(best, float(np.corrcoef(part.ravel(), flipped.ravel())[0, 1]))
    assert roughly(SECOND, FIRST) == pytest.approx(best, abs=0.005)


def test_many_are_compared_as_each_alone() -> None:
    """With rows that are no multiple of what is compared at a time, and one that stands for no picture."""
    pictures = np.stack([compared(picture(seed)) for seed in range(3)])
    others = wholes(np.stack([compared(picture(seed)[:, :: 1 - 2 * (seed % 2)]) for seed in range(11)]))
    others[4] = 0
    scores, mirrored = rough(pictures, np.stack([others, others[::-1], others]))
    assert scores.shape == mirrored.shape == (3, 11)
    assert scores[:, 4].tolist() == [0, scores[1, 4], 0]
    for row, picked in enumerate((others, others[::-1], others)):
        for column, other in enumerate(picked):
            alone = rough(pictures[row][None], other[None, None])
            assert scores[row, column] == pytest.approx(alone[0][0, 0], abs=1e-6)
            assert mirrored[row, column] == alone[1][0, 0]
    assert scores[0, 0] > 0.99
    assert scores[2, 2] > 0.99
    assert not mirrored[0, 0]
