"""Texture: its parts joined, whatever the batch."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from textures import BATCHES, noise

import baselines
from baselines import ImageShapeError, glcm_properties, lbp_histogram, texture


def test_texture_is_three_parts_of_one_length() -> None:
    images = noise(5, 32, 32)
    vectors = texture(images)
    assert vectors.shape == (5, 124)
    assert vectors.dtype == np.float32
    parts = (lbp_histogram(images, 8, 1), lbp_histogram(images, 16, 2), glcm_properties(images))
    for part, ours in zip(parts, np.split(vectors, [10, 28], axis=1), strict=True):
        unit = part / np.linalg.norm(part, axis=1, keepdims=True)
        np.testing.assert_allclose(ours, unit / math.sqrt(3), atol=1e-6)


@given(BATCHES)
def test_rows_have_length_one_and_no_image_sees_another(images: np.ndarray) -> None:
    vectors = texture(images)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[::-1], texture(images[::-1]), atol=1e-6)
    for image, vector in zip(images, vectors, strict=True):
        np.testing.assert_allclose(texture(image[np.newaxis])[0], vector, atol=1e-6)


def test_a_batch_longer_than_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    images = noise(11, 10, 10)
    whole = texture(images)
    monkeypatch.setattr(baselines._batch, "PIXELS_AT_ONCE", 3 * 100)
    np.testing.assert_allclose(texture(images), whole, atol=1e-6)


def test_an_empty_batch_gives_no_rows() -> None:
    assert texture(np.empty((0, 32, 32, 3), np.uint8)).shape == (0, 124)


@pytest.mark.parametrize(
    ("describe", "size", "least"),
    [(texture, 8, 9), (glcm_properties, 8, 9), (lbp_histogram, 2, 3)],
)
def test_images_too_small(describe: Callable[..., np.ndarray], size: int, least: int) -> None:
    with pytest.raises(ImageShapeError, match=rf"{describe.__name__} expected.*Resize the images to {least}x{least}"):
        describe(np.zeros((1, size, 20, 3), np.uint8))
    assert np.isfinite(describe(np.zeros((1, least, least, 3), np.uint8))).all()


@pytest.mark.parametrize("describe", [texture, glcm_properties, lbp_histogram])
def test_one_image_is_no_batch(describe: Callable[..., np.ndarray]) -> None:
    with pytest.raises(ImageShapeError, match=r"got \(32, 32, 3\) uint8. Make one image a batch"):
        describe(np.zeros((32, 32, 3), np.uint8))
