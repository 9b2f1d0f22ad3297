"""The CIELAB histogram, by hand, in tetrahedra found by solving for them, and by what must hold of it."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.color import rgb2lab
from textures import noise, on_photos

from baselines import ImageShapeError, color, color_histogram

BINS = (3, 7, 6)
BATCHES = arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.just(3)))
COLORS = st.tuples(*[st.integers(0, 255)] * 3)

ROUNDED = 2e-3
"""Share of a point: scikit-image's matrix from sRGB to XYZ has other digits, which move a color by up to 0.02."""


def one_row(*colors: tuple[int, int, int]) -> np.ndarray:
    """A batch of one image, one pixel high."""
    return np.array([[colors]], np.uint8)


def shares(images: np.ndarray, bins: tuple[int, int, int] = BINS) -> np.ndarray:
    """(N, L*, a*, b*): what part of each image's weight is at each grid point."""
    return np.square(color_histogram(images, bins).astype(float)).reshape(-1, *bins)


def place(rgb: tuple[int, ...], bins: tuple[int, int, int] = BINS) -> np.ndarray:
    """Where scikit-image puts a color, in steps of the grid."""
    lab = rgb2lab(np.array(rgb) // 8 / 31)
    low, high = np.array([0, -60, -60]), np.array([100, 60, 60])
    return (np.clip(lab, low, high) - low) / (high - low) * (np.array(bins) - 1)


@cache
def of_color(rgb: tuple[int, ...], bins: tuple[int, int, int]) -> list[tuple[tuple[int, ...], float]]:
    """Grid points and their shares: the barycentric coordinates in the one tetrahedron of six that has none below 0.

    Each tetrahedron leads along the edges of a cell, one axis after another, from its lowest corner to its highest.
    """
    at = place(rgb, bins)
    lowest = np.minimum(np.floor(at), np.array(bins) - 2)
    for order in permutations(range(3)):
        corners = [lowest]
        for axis in order:
            corners.append(corners[-1] + np.eye(3)[axis])
        weights = np.linalg.solve(np.vstack([np.transpose(corners), np.ones(4)]), [*at, 1])
        if weights.min() >= -1e-9:
            return [(tuple(corner.astype(int)), weight) for corner, weight in zip(corners, weights, strict=True)]
    raise AssertionError("the six tetrahedra fill the cell")


def reference(images: np.ndarray, bins: tuple[int, int, int] = BINS) -> np.ndarray:
    """The shares, pixel by pixel."""
    found = np.zeros((len(images), *bins))
    _, height, width, _ = images.shape
    for image, histogram in zip(images, found, strict=True):
        for row in range(height):
            for column in range(width):
                x, y = (column + 0.5) / width * 2 - 1, (row + 0.5) / height * 2 - 1
                for point, share in of_color(tuple(image[row, column] // 8 * 8), bins):
                    histogram[point] += share * np.exp(-2 * (x**2 + y**2))
        histogram /= histogram.sum()
    return found


# ---- by hand ----------------------------------------------------------------------------------------


def test_black_and_white_lie_at_the_ends_of_lightness_between_the_middle_points_of_color() -> None:
    """0 is the fourth of seven points of a*, and halfway between the third and the fourth of six points of b*."""
    histogram = color_histogram(one_row((0, 0, 0)))
    assert histogram.shape == (1, 126)
    assert histogram.dtype == np.float32
    expected = np.zeros((2, *BINS))
    for row, lightness in ((0, 0), (1, 2)):
        expected[row, lightness, 3, 2] = expected[row, lightness, 3, 3] = 0.5
    np.testing.assert_allclose(histogram.reshape(BINS), np.sqrt(expected[0]), atol=1e-6)
    np.testing.assert_allclose(shares(one_row((255, 255, 255)))[0], expected[1], atol=1e-6)


@pytest.mark.parametrize(
    ("rgb", "lightness", "a", "b"),
    [
        ((255, 0, 0), 53.24, 2, 2),  # red: a* 80, b* 67
        ((0, 255, 0), 87.74, 0, 2),  # green: a* -86, b* 83
        ((0, 0, 255), 32.30, 2, 0),  # blue: a* 79, b* -108
        ((255, 0, 255), 60.32, 2, 0),  # magenta: a* 98, b* -61
    ],
)
def test_colors_too_vivid_for_the_grid_lie_on_its_rim(
    rgb: tuple[int, int, int], lightness: float, a: int, b: int
) -> None:
    """Lightness is that of the tables of CIELAB; a* and b* count as 60 or -60."""
    expected = np.zeros((2, 3, 3))
    expected[:, a, b] = 1 - lightness / 100, lightness / 100
    np.testing.assert_allclose(shares(one_row(rgb), (2, 3, 3))[0], expected, atol=2e-4)


def test_a_color_is_shared_by_the_corners_on_the_way_to_it() -> None:
    """Levels (31, 20, 15) of 31 have L* 75.7, a* 29.2, b* 35.1: in steps of (100, 60, 60) beyond (0, 0, 0), 0.757,
    0.487 and 0.585. From (0, 0, 0) the way leads along L*, then b*, then a*.
    """
    assert place((248, 160, 120), (2, 3, 3)) == pytest.approx([0.757, 1.487, 1.585], abs=1e-3)
    expected = np.zeros((2, 3, 3))
    expected[0, 1, 1] = 1 - 0.757
    expected[1, 1, 1] = 0.757 - 0.585
    expected[1, 1, 2] = 0.585 - 0.487
    expected[1, 2, 2] = 0.487
    np.testing.assert_allclose(shares(one_row((248, 160, 120)), (2, 3, 3))[0], expected, atol=ROUNDED)


@pytest.mark.parametrize("upright", [False, True])
def test_the_middle_weighs_most(upright: bool) -> None:
    """Of three pixels in a row, the outer ones lie at 2/3 of the way to the side: exp(-2 * 4/9) of the middle's."""
    row = one_row((0, 0, 0), (255, 255, 255), (0, 0, 0))
    white = shares(np.moveaxis(row, 2, 1) if upright else row, (2, 3, 3))[0, 1, 1, 1]
    assert white == pytest.approx(1 / (1 + 2 * np.exp(-8 / 9)), abs=1e-6)


def test_width_and_height_count_alike_whatever_the_shape() -> None:
    """Pixels at (1/2, 3/4) and (1/2, 1/4) of an image of two rows and four columns, in units of its half sides."""
    image = np.zeros((1, 2, 4, 3), np.uint8)
    image[0, 0, 0] = 255
    corner, inner = np.exp(-2 * (0.25 + 9 / 16)), np.exp(-2 * (0.25 + 1 / 16))
    white = shares(image, (2, 3, 3))[0, 1, 1, 1]
    assert white == pytest.approx(corner / (4 * corner + 4 * inner), abs=1e-6)


# ---- beside scikit-image ----------------------------------------------------------------------------


def test_cielab_is_that_of_scikit_image() -> None:
    colors = np.random.default_rng(0).random((500, 3))
    np.testing.assert_allclose(color.lab(colors), rgb2lab(colors), atol=0.03)


@pytest.mark.parametrize("bins", [BINS, (2, 2, 2), (3, 8, 5)])
def test_equals_the_reference_on_single_colors(bins: tuple[int, int, int]) -> None:
    colors = noise(400, 1, 1)
    np.testing.assert_allclose(shares(colors, bins), reference(colors, bins), atol=ROUNDED)


def test_equals_the_reference_on_images_that_are_not_square() -> None:
    for images in (noise(3, 17, 23), noise(3, 23, 4) // 100 * 100):
        np.testing.assert_allclose(shares(images), reference(images), atol=ROUNDED)


def test_equals_the_reference_on_photos(photos: list[Path]) -> None:
    images = on_photos(photos)[::5]
    np.testing.assert_allclose(shares(images), reference(images), atol=ROUNDED)


# ---- what must hold ---------------------------------------------------------------------------------


@given(BATCHES)
def test_rows_have_length_one_and_no_image_sees_another(images: np.ndarray) -> None:
    histograms = color_histogram(images)
    np.testing.assert_allclose((histograms**2).sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(histograms[::-1], color_histogram(images[::-1]))
    for image, histogram in zip(images, histograms, strict=True):
        np.testing.assert_array_equal(color_histogram(image[np.newaxis])[0], histogram)


@given(BATCHES)
def test_a_mirrored_image_has_the_same_histogram(images: np.ndarray) -> None:
    histograms = color_histogram(images)
    for mirrored in (images[:, :, ::-1], images[:, ::-1], images.swapaxes(1, 2)):
        np.testing.assert_allclose(color_histogram(mirrored), histograms, atol=1e-6)


@given(COLORS)
def test_the_points_that_share_a_color_average_to_it(rgb: tuple[int, int, int]) -> None:
    """And there are four of them at most, all of one cell."""
    found = shares(one_row(rgb))[0]
    points = np.argwhere(found > 1e-9)
    assert len(points) <= 4
    assert np.ptp(points, axis=0).max() <= 1
    np.testing.assert_allclose(found[tuple(points.T)] @ points, place(rgb), atol=ROUNDED)


@given(COLORS, st.tuples(*[st.integers(-24, 24)] * 3))
def test_a_small_change_of_color_is_a_small_change_of_the_histogram(
    rgb: tuple[int, int, int], change: tuple[int, int, int]
) -> None:
    """Linear within a cell and continuous across its border: what moves is twice the way in steps of the grid at most.

    A histogram with hard borders moves all of a color's share, 2, at the smallest step across one.
    """
    other = tuple(np.clip(np.add(rgb, change), 0, 255).tolist())
    moved = np.abs(shares(one_row(rgb)) - shares(one_row(other))).sum()
    assert moved <= 2 * np.abs(place(rgb) - place(other)).sum() + 4 * ROUNDED


def test_each_step_along_the_grays_is_small() -> None:
    """Across all borders of lightness: 31 steps over four cells."""
    ramp = np.arange(0, 256, 8, dtype=np.uint8)[:, None, None, None].repeat(3, axis=-1)
    histograms = color_histogram(ramp)
    assert np.sum(histograms[1:] * histograms[:-1], axis=1).min() > 0.9
    assert np.sum(histograms[2:] * histograms[:-2], axis=1).max() < 1 - 1e-3


@given(BATCHES)
def test_only_the_upper_five_bits_of_a_channel_count(images: np.ndarray) -> None:
    np.testing.assert_array_equal(color_histogram(images), color_histogram(images | 7))


@settings(max_examples=15, deadline=None)
@given(COLORS, st.tuples(*[st.integers(2, 12)] * 3))
def test_any_number_of_points(rgb: tuple[int, int, int], bins: tuple[int, int, int]) -> None:
    np.testing.assert_allclose(shares(one_row(rgb), bins), reference(one_row(rgb), bins), atol=3 * ROUNDED)


def test_as_many_points_as_there_may_be() -> None:
    histogram = color_histogram(one_row((90, 10, 200)), (64, 64, 64))
    assert histogram.shape == (1, 64**3)
    assert np.square(histogram).sum() == pytest.approx(1, abs=1e-5)


def test_gray_images_use_the_points_around_no_color() -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=-1)
    points = np.argwhere(shares(gray)[0] > 1e-9)
    assert {tuple(point[1:]) for point in points} == {(3, 2), (3, 3)}
    assert set(points[:, 0]) == {0, 1, 2}


def test_a_batch_longer_than_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    images = noise(11, 8, 8, seed=1)
    whole = color_histogram(images)
    pieces: list[int] = []
    count = color.count

    def counted(labels: np.ndarray, *rest: object) -> np.ndarray:
        pieces.append(len(labels))
        return count(labels, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(color, "count", counted)
    monkeypatch.setattr(color, "PIXELS_AT_ONCE", 4 * 3 * 64)  # of three images: each pixel has four shares
    np.testing.assert_array_equal(color_histogram(images), whole)
    assert pieces == [3, 3, 3, 2]


def test_an_empty_batch_gives_no_rows() -> None:
    assert color_histogram(np.empty((0, 32, 32, 3), np.uint8)).shape == (0, 126)


# ---- wrong input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "came", "remedy"),
    [
        (np.zeros((32, 32, 3), np.uint8), "(32, 32, 3) uint8", "images[np.newaxis]"),
        (np.zeros((2, 3, 32, 32), np.uint8), "(2, 3, 32, 32)", "np.moveaxis(images, 1, -1)"),
        (np.zeros((2, 32, 32, 4), np.uint8), "(2, 32, 32, 4)", "alpha"),
        (np.zeros((2, 32, 32, 1), np.uint8), "(2, 32, 32, 1)", "np.repeat"),
        (np.zeros((2, 32, 32), np.uint8), "(2, 32, 32)", "np.stack"),
        (np.zeros((2, 32, 32, 3), np.float32), "float32", ".astype(np.uint8)"),
        (np.zeros((2, 0, 32, 3), np.uint8), "(2, 0, 32, 3)", "Resize"),
        ([], "(0,) float64", "np.stack"),
    ],
)
def test_wrong_input_is_told_what_was_expected_what_came_and_what_to_do(
    images: np.ndarray, came: str, remedy: str
) -> None:
    with pytest.raises(ImageShapeError) as caught:
        color_histogram(images)
    message = str(caught.value)
    assert "color_histogram expected RGB images of shape (N, H, W, 3) and dtype uint8" in message
    assert came in message
    assert remedy in message


@pytest.mark.parametrize("bins", [(8, 4), (1, 4, 4), (8, 4, 65), (5, 10, 10, 10)])
def test_wrong_bins(bins: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="three whole bin counts from 2 to 64, of L"):
        color_histogram(one_row((0, 0, 0)), bins)
