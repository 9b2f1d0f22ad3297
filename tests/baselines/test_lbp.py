"""Local binary patterns, by hand, beside a slow reference and beside scikit-image."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import local_binary_pattern
from textures import BATCHES, checkerboard, luma, noise, on_photos, rgb

from baselines import lbp_histogram


@pytest.mark.parametrize(("points", "radius"), [(8, 1), (16, 2), (16, 1)])
def test_flat_ground_marks_every_sample(points: int, radius: float) -> None:
    """Whatever the gray: equal counts as marked, and interpolation does not spoil it. With 16 points at radius 1,
    four weights each rounded by itself would sum to less than 1.
    """
    for gray in range(256):
        assert lbp_histogram(rgb(np.full((5, 5), gray)), points, radius)[0, points] == 1


def test_a_checkerboard_is_half_all_and_half_none() -> None:
    """Around a dark pixel every sample is at least as bright; around a bright one none is: beside it lie
    dark pixels, and diagonally, between four pixels, 255 * 0.586.
    """
    expected = np.zeros(10)
    expected[[0, 8]] = np.sqrt(0.5)
    np.testing.assert_allclose(lbp_histogram(checkerboard(8))[0], expected, atol=1e-7)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_step_edge_has_five_marks_in_a_row(turns: int) -> None:
    """Of the 4x4 pixels counted, the 4 on the bright side of the edge miss the 3 samples across it."""
    step = np.zeros((6, 6))
    step[:, 3:] = 255
    expected = np.zeros(10)
    expected[5], expected[8] = np.sqrt(4 / 16), np.sqrt(12 / 16)
    np.testing.assert_allclose(lbp_histogram(rgb(np.rot90(step, turns)))[0], expected, atol=1e-7)


def test_marks_on_two_sides_are_not_uniform() -> None:
    saddle = rgb([[0, 0, 0], [255, 100, 255], [0, 0, 0]])
    assert lbp_histogram(saddle)[0, 9] == 1


def test_the_border_is_not_counted() -> None:
    """Only pixels whose circle lies inside: one of 3x3 at radius 1, one of 5x5 at radius 2."""
    frame = rgb([[255] * 5, *[[255, 0, 0, 0, 255]] * 3, [255] * 5])
    assert lbp_histogram(frame, 16, 2)[0, 16] == 1
    assert np.count_nonzero(lbp_histogram(frame[:, 1:4, 1:4])) == 1


def test_color_becomes_rec_601_luma() -> None:
    """Pure blue of 255 has luma 29: as a center among grays of 29 it ties, among 28 it does not."""
    for around, label in ((29, 8), (28, 0)):
        image = rgb(np.full((3, 3), around))
        image[0, 1, 1] = (0, 0, 255)
        assert lbp_histogram(image)[0, label] == 1


def reference_lbp(images: np.ndarray, points: int, radius: int) -> np.ndarray:
    """Shares of the labels, from the pixels whose circle lies inside."""
    inside = slice(radius, -radius)
    labels = [local_binary_pattern(g, points, radius, "uniform")[inside, inside] for g in luma(images)]
    return np.array([np.bincount(x.astype(int).ravel(), minlength=points + 2) / x.size for x in labels])


def assert_same_patterns(images: np.ndarray, points: int, radius: int) -> None:
    """At most one pixel in 1,000 has another label: scikit-image rounds the samples' places to 5 digits and
    interpolates in floating point, where flat ground may miss a tie.
    """
    shares = lbp_histogram(images, points, radius).astype(float) ** 2
    moved = np.abs(shares - reference_lbp(images, points, radius)).sum(axis=1) / 2
    assert moved.mean() < 1e-3
    assert moved.max() < 0.02


def slow_label(gray: np.ndarray, row: int, column: int, points: int, radius: float) -> int:
    """Sample by sample from the definition, in floating point."""
    marks = []
    for k in range(points):
        angle = 2 * math.pi * k / points
        down, right = round(row - radius * math.sin(angle), 9), round(column + radius * math.cos(angle), 9)
        top, left = math.floor(down), math.floor(right)
        sample = sum(
            (1 - abs(down - y)) * (1 - abs(right - x)) * float(gray[y, x])
            for y in (top, top + 1)
            for x in (left, left + 1)
            if abs(down - y) < 1 and abs(right - x) < 1
        )
        marks.append(sample >= gray[row, column])
    changes = sum(mark != following for mark, following in zip(marks, marks[1:] + marks[:1], strict=True))
    return sum(marks) if changes <= 2 else points + 1


@pytest.mark.parametrize(("points", "radius"), [(8, 1), (16, 2), (1, 1), (5, 0.5), (7, 1.4), (12, 2.7)])
@pytest.mark.parametrize("more", [(0, 0), (0, 4), (5, 0), (2, 3)], ids=["one pixel", "one row", "one column", "some"])
def test_lbp_equals_a_slow_reference(points: int, radius: float, more: tuple[int, int]) -> None:
    """Pixel by pixel: no circle takes its samples from the next row, or from another image."""
    margin = math.ceil(radius)
    height, width = (2 * margin + 1 + size for size in more)
    images = noise(3, height, width)
    labels = [
        [
            slow_label(gray, row, column, points, radius)
            for row in range(margin, height - margin)
            for column in range(margin, width - margin)
        ]
        for gray in luma(images)
    ]
    shares = np.array([np.bincount(own, minlength=points + 2) / len(own) for own in labels])
    np.testing.assert_allclose(lbp_histogram(images, points, radius), np.sqrt(shares), atol=1e-7)


@pytest.mark.parametrize(("points", "radius"), [(8, 1), (16, 2), (12, 3), (4, 1)])
def test_lbp_equals_scikit_image_on_random_images(points: int, radius: int) -> None:
    assert_same_patterns(noise(50, 20, 33), points, radius)


@pytest.mark.parametrize(("points", "radius"), [(8, 1), (16, 2)])
def test_lbp_equals_scikit_image_on_photos(photos: list[Path], points: int, radius: int) -> None:
    assert_same_patterns(on_photos(photos), points, radius)


@given(BATCHES)
def test_a_quarter_turn_keeps_the_patterns(images: np.ndarray) -> None:
    np.testing.assert_allclose(lbp_histogram(images), lbp_histogram(np.rot90(images, axes=(1, 2))), atol=1e-6)


@given(arrays(np.uint8, (1, 9, 9, 1), elements=st.integers(0, 100)), st.integers(0, 55))
def test_brightness_keeps_the_patterns(gray: np.ndarray, more: int) -> None:
    image = gray.repeat(3, axis=-1)
    np.testing.assert_array_equal(lbp_histogram(image, 16, 2), lbp_histogram(image * 2 + np.uint8(more), 16, 2))


@pytest.mark.parametrize(("points", "radius"), [(0, 1), (17, 1), (8, 0), (8, float("nan"))])
def test_wrong_circles(points: int, radius: float) -> None:
    with pytest.raises(ValueError, match="points from 1 to 16 and a radius above 0"):
        lbp_histogram(np.zeros((1, 9, 9, 3), np.uint8), points, radius)
