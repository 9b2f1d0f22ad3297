"""Local binary patterns and co-occurrence, by hand and beside scikit-image."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern

import baselines
from baselines import ImageShapeError, glcm_properties, lbp_histogram, texture
from baselines.texture import GLCM_PROPERTIES

BATCHES = arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(9, 14), st.integers(9, 14), st.just(3)))


def rgb(gray: list[list[int]] | np.ndarray) -> np.ndarray:
    """A batch of one image from one plane of gray."""
    return np.repeat(np.asarray(gray, np.uint8)[np.newaxis, :, :, np.newaxis], 3, axis=-1)


def checkerboard(size: int) -> np.ndarray:
    return rgb(np.indices((size, size)).sum(axis=0) % 2 * 255)


def luma(images: np.ndarray) -> np.ndarray:
    return ((images.astype(int) @ [299, 587, 114] + 500) // 1000).astype(np.uint8)


def on_photos(photos: list[Path]) -> np.ndarray:
    return np.stack([cv2.resize(cv2.imread(str(path))[..., ::-1], (32, 32)) for path in photos[:100]])


# Local binary patterns


def test_flat_ground_marks_every_sample() -> None:
    """At both scales, whatever the gray: equal counts as marked, and interpolation does not spoil it."""
    for gray in range(256):
        flat = rgb(np.full((5, 5), gray))
        assert lbp_histogram(flat)[0, 8] == 1
        assert lbp_histogram(flat, 16, 2)[0, 16] == 1


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


@pytest.mark.parametrize(("points", "radius"), [(8, 1), (16, 2), (12, 3), (4, 1)])
def test_lbp_equals_scikit_image_on_random_images(points: int, radius: int) -> None:
    random = np.random.default_rng(0)
    assert_same_patterns(random.integers(0, 256, (50, 20, 33, 3)).astype(np.uint8), points, radius)


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


# Gray-level co-occurrence


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
    noise = np.random.default_rng(0).integers(0, 256, (10, 12, 19, 3)).astype(np.uint8)
    images = np.concatenate([noise, noise // 40 * 40, noise[:, ::-1] // 128 * 128, noise // 255])
    ours = glcm_properties(images, levels=levels, distances=distances)
    np.testing.assert_allclose(ours, reference_glcm(images, levels, distances), atol=1e-5)


def test_glcm_equals_scikit_image_on_photos(photos: list[Path]) -> None:
    images = on_photos(photos)
    np.testing.assert_allclose(glcm_properties(images), reference_glcm(images, 16, (1, 2, 4, 8)), atol=1e-5)


@given(BATCHES)
def test_every_property_lies_on_its_scale(images: np.ndarray) -> None:
    values = glcm_properties(images).reshape(len(images), 4, 4, 6)
    assert (np.abs(values) <= 1 + 1e-6).all()
    assert (np.delete(values, GLCM_PROPERTIES.index("correlation"), axis=-1) >= -1e-6).all()


# Both


def test_texture_is_three_parts_of_one_length() -> None:
    images = np.random.default_rng(2).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
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
    images = np.random.default_rng(1).integers(0, 256, (11, 10, 10, 3)).astype(np.uint8)
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


@pytest.mark.parametrize(("points", "radius"), [(0, 1), (17, 1), (8, 0), (8, float("nan"))])
def test_wrong_circles(points: int, radius: float) -> None:
    with pytest.raises(ValueError, match="points from 1 to 16 and a radius above 0"):
        lbp_histogram(np.zeros((1, 9, 9, 3), np.uint8), points, radius)


@pytest.mark.parametrize("options", [{"levels": 1}, {"levels": 257}, {"distances": ()}, {"distances": (0, 1)}])
def test_wrong_levels_and_distances(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="levels from 2 to 256 and one or more distances of at least 1"):
        glcm_properties(np.zeros((1, 9, 9, 3), np.uint8), **options)
