"""Gray-level co-occurrence, by hand and beside scikit-image."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from skimage.feature import graycomatrix, graycoprops
from textures import BATCHES, checkerboard, luma, noise, on_photos, rgb

from baselines import glcm_properties
from baselines.glcm import GLCM_PROPERTIES


def properties(images: np.ndarray, **options: object) -> np.ndarray:
    """The first image's properties, (distance, angle, property)."""
    return glcm_properties(images, **options)[0].reshape(-1, 4, 6)


def test_flat_ground_is_one_pair_over_and_over() -> None:
    for image in (rgb(np.zeros((9, 9))), rgb(np.full((9, 9), 200))):
        np.testing.assert_allclose(properties(image), np.broadcast_to([0, 0, 1, 1, 1, 1], (4, 4, 6)))


def test_a_checkerboard_differs_beside_and_agrees_diagonally() -> None:
    """At distance 1 in a 9x9 board: beside each other always black and white, 15 levels apart; diagonally the
    same, half of the 64 pairs black. At distance 2 everything agrees.
    """
    one, two = properties(checkerboard(9), distances=(1, 2))
    beside = [1, 1, 1 / (1 + 15**2), math.sqrt(0.5), -1, 0.5]
    diagonal = [0, 0, 1, math.sqrt(0.5), 1, 0.5]
    np.testing.assert_allclose(one, [beside, diagonal, beside, diagonal], atol=1e-6)
    np.testing.assert_allclose(two[:, :3], np.broadcast_to([0, 0, 1], (4, 3)), atol=1e-6)


def test_the_example_of_haralick() -> None:
    """His 4x4 image with 4 levels. Side by side stand 8 pairs alike, 3 one level apart, 1 two levels apart;
    the symmetric matrix is [[4, 2, 1, 0], [2, 4, 0, 0], [1, 0, 6, 1], [0, 0, 1, 2]] / 24, its squares 84.
    """
    image = rgb(np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 2, 2, 2], [2, 2, 3, 3]]) * 64)
    beside = dict(zip(GLCM_PROPERTIES, properties(image, levels=4, distances=(1,))[0, 0], strict=True))
    assert beside["contrast"] == pytest.approx((3 * 1 + 1 * 4) / 12 / 9)
    assert beside["dissimilarity"] == pytest.approx((3 * 1 + 1 * 2) / 12 / 3)
    assert beside["homogeneity"] == pytest.approx((8 + 3 / 2 + 1 / 5) / 12)
    assert beside["ASM"] == pytest.approx(84 / 24**2)
    assert beside["energy"] == pytest.approx(math.sqrt(84) / 24)
    # Rows of the matrix hold 7, 6, 8 and 3 of 24: mean 31/24, variance 65/24 - mean^2; sum P i j = 58/24.
    mean = 31 / 24
    assert beside["correlation"] == pytest.approx((58 / 24 - mean**2) / (65 / 24 - mean**2))


def test_angles_are_told_apart() -> None:
    """Vertical stripes one pixel wide: contrast across and diagonally, none down."""
    stripes = rgb(np.indices((9, 9))[1] % 2 * 255)
    np.testing.assert_allclose(properties(stripes, distances=(1,))[0, :, 0], [1, 1, 0, 1], atol=1e-6)


def reference_glcm(images: np.ndarray, levels: int, distances: tuple[int, ...]) -> np.ndarray:
    """scikit-image's distances are Euclidean: d rows and d columns are d * sqrt(2) away."""
    scale = {"contrast": (levels - 1) ** 2, "dissimilarity": levels - 1}
    rows = []
    for gray in luma(images):
        quantized = (gray.astype(int) * levels // 256).astype(np.uint8)
        row = []
        for distance in distances:
            for angle in range(4):
                away = distance * (math.sqrt(2) if angle % 2 else 1)
                matrix = graycomatrix(quantized, [away], [angle * math.pi / 4], levels, symmetric=True, normed=True)
                row += [graycoprops(matrix, name).item() / scale.get(name, 1) for name in GLCM_PROPERTIES]
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize(("levels", "distances"), [(16, (1, 2, 4, 8)), (256, (1,)), (5, (3, 1)), (2, (1,))])
def test_glcm_equals_scikit_image_on_random_images(levels: int, distances: tuple[int, ...]) -> None:
    """To 1e-5, on images with and without flat ground."""
    random = noise(10, 12, 19)
    images = np.concatenate([random, random // 40 * 40, random[:, ::-1] // 128 * 128, random // 255])
    ours = glcm_properties(images, levels=levels, distances=distances)
    np.testing.assert_allclose(ours, reference_glcm(images, levels, distances), atol=1e-5)


@pytest.mark.parametrize(("levels", "count"), [(2, 85), (2, 86), (22, 1), (23, 1), (16, 481), (16, 482)])
def test_the_pairs_of_many_images_keep_apart(levels: int, count: int) -> None:
    """An image has levels * (levels + 1) / 2 different pairs. All images' pairs together are numbered in as few bytes
    as will do: 3 * 85 and 22 * 23 / 2 still fit in one byte, 136 * 481 in two. White has the highest numbers.
    """
    images = noise(count, 4, 5)
    images[-1] //= 128
    images[-1] *= 255
    each = [glcm_properties(image[np.newaxis], levels=levels, distances=(1,))[0] for image in images]
    np.testing.assert_allclose(glcm_properties(images, levels=levels, distances=(1,)), each, atol=1e-6)
    np.testing.assert_allclose(each[-1], reference_glcm(images[-1:], levels, (1,))[0], atol=1e-5)


def test_glcm_equals_scikit_image_on_photos(photos: list[Path]) -> None:
    images = on_photos(photos)
    np.testing.assert_allclose(glcm_properties(images), reference_glcm(images, 16, (1, 2, 4, 8)), atol=1e-5)


@given(BATCHES)
def test_every_property_lies_on_its_scale(images: np.ndarray) -> None:
    values = glcm_properties(images).reshape(len(images), 4, 4, 6)
    assert (np.abs(values) <= 1 + 1e-6).all()
    assert (np.delete(values, GLCM_PROPERTIES.index("correlation"), axis=-1) >= -1e-6).all()


@pytest.mark.parametrize("options", [{"levels": 1}, {"levels": 257}, {"distances": ()}, {"distances": (0, 1)}])
def test_wrong_levels_and_distances(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="levels from 2 to 256 and one or more distances of at least 1"):
        glcm_properties(np.zeros((1, 9, 9, 3), np.uint8), **options)
