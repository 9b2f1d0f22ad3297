"""The HSV histogram, by hand, in exact fractions, and beside scikit-image's conversion."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.color import rgb2hsv

import baselines
from baselines import ImageShapeError, color_histogram

BATCHES = arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.just(3)))


def one_row(*colors: tuple[int, int, int]) -> np.ndarray:
    """A batch of one image, one pixel high."""
    return np.array([[colors]], np.uint8)


def position(hue: int, saturation: int, value: int) -> int:
    return (hue * 4 + saturation) * 4 + value


def reference(images: np.ndarray, bins: tuple[int, int, int] = (8, 4, 4)) -> np.ndarray:
    """scikit-image's hue, saturation and value, binned by NumPy.

    It gets the pixels over 256 for over 255: thirds of 255 are rounded in floating point, and would put some
    colors that lie on an edge of a bin on its wrong side.
    """
    rows = []
    for image in images:
        hsv = rgb2hsv(image / 256).reshape(-1, 3)
        counts, _ = np.histogramdd(hsv, bins=bins, range=((0, 1), (0, 1), (0, 255 / 256)))
        rows.append(np.sqrt(counts.ravel() / len(hsv)))
    return np.array(rows)


def exact_bin(red: int, green: int, blue: int, bins: tuple[int, int, int]) -> int:
    """The definition in the docstring, read aloud in fractions."""
    largest, delta = max(red, green, blue), max(red, green, blue) - min(red, green, blue)
    hue = Fraction(0)
    if delta:
        if largest == red:
            hue = Fraction(green - blue, delta) / 6 % 1
        elif largest == green:
            hue = Fraction(1, 3) + Fraction(blue - red, delta) / 6
        else:
            hue = Fraction(2, 3) + Fraction(red - green, delta) / 6
    saturation = Fraction(delta, largest) if largest else Fraction(0)
    numbers = [
        min(int(part * count), count - 1)
        for part, count in zip((hue, saturation, Fraction(largest, 255)), bins, strict=True)
    ]
    return (numbers[0] * bins[1] + numbers[1]) * bins[2] + numbers[2]


def test_a_red_image_fills_one_bin() -> None:
    red = np.zeros((1, 32, 32, 3), np.uint8)
    red[..., 0] = 255
    histogram = color_histogram(red)
    assert histogram.shape == (1, 128)
    assert histogram.dtype == np.float32
    assert histogram[0, position(0, 3, 3)] == 1
    assert histogram.sum() == 1


def test_each_bin_holds_the_root_of_its_share() -> None:
    histogram = color_histogram(one_row((0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 255)))[0]
    expected = np.zeros(128, np.float32)
    expected[position(0, 0, 0)] = np.sqrt(0.75)
    expected[position(5, 3, 3)] = 0.5  # blue: hue 2/3, the sixth of eight bins
    np.testing.assert_allclose(histogram, expected, atol=1e-7)


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ((255, 255, 255), (0, 0, 3)),  # white: no saturation, and hue 0 by convention
        ((63, 63, 63), (0, 0, 0)),  # value 63/255 < 1/4
        ((64, 64, 64), (0, 0, 1)),  # value 64/255 > 1/4
        ((4, 3, 0), (1, 3, 0)),  # hue exactly 1/8: the edge belongs to the bin above
        ((200, 150, 150), (0, 1, 3)),  # saturation exactly 1/4
        ((200, 100, 100), (0, 2, 3)),  # saturation exactly 1/2
        ((255, 0, 1), (7, 3, 3)),  # a hair on the blue side of red: the end of the circle
        ((255, 255, 0), (1, 3, 3)),  # yellow, 1/6: red and green are both the largest
        ((0, 255, 0), (2, 3, 3)),  # green, 1/3
        ((0, 255, 255), (4, 3, 3)),  # cyan, 1/2, an edge
        ((255, 0, 255), (6, 3, 3)),  # magenta, 5/6
    ],
)
def test_where_a_color_falls(color: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    assert color_histogram(one_row(color))[0].argmax() == position(*expected)


@given(st.tuples(*[st.integers(0, 255)] * 3), st.tuples(*[st.integers(1, 40)] * 3))
def test_no_color_falls_on_the_wrong_side_of_an_edge(color: tuple[int, int, int], bins: tuple[int, int, int]) -> None:
    assert color_histogram(one_row(color), bins)[0].argmax() == exact_bin(*color, bins)


@pytest.mark.parametrize("top", [256, 6])
def test_equals_scikit_image_on_random_images(top: int) -> None:
    """To 1e-6, rounding alone; a `top` of 6 makes many grays, ties and colors on edges."""
    images = np.random.default_rng(0).integers(0, top, (40, 17, 23, 3)).astype(np.uint8)
    np.testing.assert_allclose(color_histogram(images), reference(images), atol=1e-6)
    np.testing.assert_allclose(color_histogram(images, (16, 2, 8)), reference(images, (16, 2, 8)), atol=1e-6)


def test_equals_scikit_image_on_photos(photos: list[Path]) -> None:
    images = np.stack([cv2.resize(cv2.imread(str(path))[..., ::-1], (32, 32)) for path in photos[:100]])
    np.testing.assert_allclose(color_histogram(images), reference(images), atol=1e-6)


@given(BATCHES)
def test_rows_have_length_one_and_no_image_sees_another(images: np.ndarray) -> None:
    histograms = color_histogram(images)
    np.testing.assert_allclose((histograms**2).sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(histograms[::-1], color_histogram(images[::-1]))
    for image, histogram in zip(images, histograms, strict=True):
        np.testing.assert_array_equal(color_histogram(image[np.newaxis])[0], histogram)


@given(BATCHES)
def test_the_order_of_the_pixels_does_not_matter(images: np.ndarray) -> None:
    np.testing.assert_array_equal(color_histogram(images), color_histogram(images[:, ::-1, ::-1]))


def test_a_batch_longer_than_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(1).integers(0, 256, (11, 8, 8, 3)).astype(np.uint8)
    whole = color_histogram(images)
    monkeypatch.setattr(baselines._batch, "PIXELS_AT_ONCE", 3 * 64)
    np.testing.assert_array_equal(color_histogram(images), whole)


def test_gray_images_use_the_bins_without_saturation() -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=-1)
    filled = np.flatnonzero(color_histogram(gray)[0])
    np.testing.assert_array_equal(filled, [position(0, 0, value) for value in range(4)])


def test_an_empty_batch_gives_no_rows() -> None:
    assert color_histogram(np.empty((0, 32, 32, 3), np.uint8)).shape == (0, 128)


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


@pytest.mark.parametrize("bins", [(8, 4), (0, 4, 4), (8, 4, 257)])
def test_wrong_bins(bins: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="three bin counts from 1 to 256"):
        color_histogram(one_row((0, 0, 0)), bins)
