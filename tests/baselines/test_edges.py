"""HOG, by hand and beside scikit-image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import hog as skimage_hog

import baselines
from baselines import ImageShapeError, hog

BATCHES = arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(16, 26), st.integers(16, 26), st.just(3)))


def blocks(image: np.ndarray) -> np.ndarray:
    """HOG of one 32x32 image: (block row, block column, cell row, cell column, orientation)."""
    return hog(image[np.newaxis]).reshape(3, 3, 2, 2, 9)


def rgb(gray: np.ndarray) -> np.ndarray:
    return np.repeat(gray.astype(np.uint8)[..., np.newaxis], 3, axis=-1)


def reference(images: np.ndarray, orientations: int = 9, cell: int = 8, block: int = 2) -> np.ndarray:
    return np.stack(
        [skimage_hog(image, orientations, (cell, cell), (block, block), channel_axis=-1) for image in images]
    )


def test_a_vertical_step_votes_for_the_first_bin() -> None:
    """The step between columns 15 and 16 gives the second and the third column of cells the same vote. A
    block with two such cells has 1 / sqrt(2) in each, one with four has 1/2; the clip at 0.2 cuts them alike.
    """
    step = np.zeros((32, 32))
    step[:, 16:] = 255
    expected = np.zeros((3, 3, 2, 2, 9))
    expected[:, 0, :, 1, 0] = np.sqrt(0.5)
    expected[:, 1, :, :, 0] = 0.5
    expected[:, 2, :, 0, 0] = np.sqrt(0.5)
    np.testing.assert_allclose(blocks(rgb(step)), expected, atol=1e-6)


def test_a_horizontal_step_votes_for_the_fifth_bin() -> None:
    """90 degrees lies in the bin from 80 to 100."""
    step = np.zeros((32, 32))
    step[16:] = 255
    expected = np.zeros((3, 3, 2, 2, 9))
    expected[0, :, 1, :, 4] = np.sqrt(0.5)
    expected[1, :, :, :, 4] = 0.5
    expected[2, :, 0, :, 4] = np.sqrt(0.5)
    np.testing.assert_allclose(blocks(rgb(step)), expected, atol=1e-6)


@pytest.mark.parametrize(("down", "right", "orientation"), [(1, 1, 2), (1, -1, 6), (-1, -1, 2), (-1, 1, 6)])
def test_a_diagonal_ramp(down: int, right: int, orientation: int) -> None:
    """45 degrees lies in the bin from 40 to 60, 135 in the one from 120 to 140; the sign does not matter."""
    rows, columns = np.indices((32, 32))
    middle = blocks(rgb(128 + 2 * (down * rows + right * columns)))[1, 1]
    np.testing.assert_allclose(middle[..., orientation], 0.5, atol=1e-6)
    assert np.delete(middle, orientation, axis=-1).max() == 0


def test_the_strongest_channel_votes_with_its_length() -> None:
    """Red steps by 50 across, green by 200 down, both in each of the four cells of the middle block.

    Green has a row of 8 pixels in a cell; red a column of 8, less the one where green is stronger. Of the
    block's length, red has 0.107 in a cell and keeps it; green has 0.488 and is clipped.
    """
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, 16:, 0] = 50
    image[16:, :, 1] = 200
    red, green = 7 * 50, 8 * 200
    clipped = np.array([red / np.sqrt(4 * (red**2 + green**2)), 0.2])
    expected = clipped / np.sqrt(4 * (clipped**2).sum())
    middle = blocks(image)[1, 1]
    np.testing.assert_allclose(middle[..., [0, 4]], np.broadcast_to(expected, (2, 2, 2)), atol=1e-6)
    assert np.delete(middle, [0, 4], axis=-1).max() == 0


def test_an_image_of_one_color_is_all_zero() -> None:
    np.testing.assert_array_equal(hog(np.full((2, 32, 32, 3), 77, np.uint8)), np.zeros((2, 324)))


@pytest.mark.parametrize("top", [256, 4, 2])
def test_equals_scikit_image_on_random_images(top: int) -> None:
    """To 1e-5. A `top` of 2, black and white in each channel, makes the longest gradients there are, many ties
    between channels and angles on the edges of bins.
    """
    images = (np.random.default_rng(0).integers(0, top, (50, 32, 32, 3)) * (255 // (top - 1))).astype(np.uint8)
    assert hog(images).shape == (50, 324)
    np.testing.assert_allclose(hog(images), reference(images), atol=1e-5)


@pytest.mark.parametrize(("orientations", "cell", "block"), [(8, 8, 2), (12, 6, 3), (1, 5, 1), (18, 4, 2)])
def test_equals_scikit_image_with_other_parameters(orientations: int, cell: int, block: int) -> None:
    """Height and width no multiple of the cell; 8 and 12 orientations have an edge at 45 degrees."""
    images = np.random.default_rng(1).integers(0, 256, (10, 37, 29, 3)).astype(np.uint8)
    ours = hog(images, orientations=orientations, cell=cell, block=block)
    np.testing.assert_allclose(ours, reference(images, orientations, cell, block), atol=1e-5)


def test_equals_scikit_image_on_photos(photos: list[Path]) -> None:
    images = np.stack([cv2.resize(cv2.imread(str(path))[..., ::-1], (32, 32)) for path in photos[:100]])
    np.testing.assert_allclose(hog(images), reference(images), atol=1e-5)


@given(BATCHES)
def test_the_negative_has_the_same_edges(images: np.ndarray) -> None:
    np.testing.assert_array_equal(hog(images), hog(255 - images))


@given(BATCHES)
def test_every_block_has_length_one_or_zero_and_no_image_sees_another(images: np.ndarray) -> None:
    vectors = hog(images)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors.reshape(len(images), -1, 36), axis=-1)
    assert (np.minimum(np.abs(lengths - 1), lengths) < 1e-4).all()
    np.testing.assert_array_equal(vectors[::-1], hog(images[::-1]))
    for image, vector in zip(images, vectors, strict=True):
        np.testing.assert_array_equal(hog(image[np.newaxis])[0], vector)


def test_a_batch_longer_than_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(1).integers(0, 256, (11, 16, 16, 3)).astype(np.uint8)
    whole = hog(images)
    monkeypatch.setattr(baselines._batch, "PIXELS_AT_ONCE", 3 * 256)
    np.testing.assert_array_equal(hog(images), whole)


def test_an_empty_batch_gives_no_rows() -> None:
    assert hog(np.empty((0, 32, 32, 3), np.uint8)).shape == (0, 324)


def test_images_smaller_than_a_block() -> None:
    with pytest.raises(ImageShapeError, match=r"H and W at least 16; got .* Resize the images to 16x16 or more"):
        hog(np.zeros((1, 15, 32, 3), np.uint8))


def test_one_image_is_no_batch() -> None:
    with pytest.raises(ImageShapeError, match=r"got \(32, 32, 3\) uint8. Make one image a batch"):
        hog(np.zeros((32, 32, 3), np.uint8))


@pytest.mark.parametrize("options", [{"orientations": 0}, {"cell": 0}, {"block": -1}])
def test_wrong_parameters(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="orientations, cell and block of at least 1"):
        hog(np.zeros((1, 32, 32, 3), np.uint8), **options)
