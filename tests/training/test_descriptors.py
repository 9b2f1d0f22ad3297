"""Edges, color and texture side by side: each against a slow reference, and what joining them does to a cosine."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kinds import gray, kinds_of_color, kinds_of_shape
from skimage.feature import hog
from skimage.transform import resize

import baselines
from autoenc.errors import ArgumentError
from autoenc.training import descriptors
from autoenc.training.descriptors import COLOR_BINS, Describer, Mix, fine_hog, joined, principal_components

NAMES = ["edges", "color", "texture"]


def images_of_blobs(count: int, seed: int = 0) -> Any:
    """Smooth enough that enlarging them in another library gives the same pixels."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3)).astype(float)
    return np.stack([resize(image, (32, 32), order=1, preserve_range=True) for image in coarse]).astype(np.uint8)


@pytest.fixture(scope="module")
def blobs() -> Any:
    return images_of_blobs(90)


def features(name: str, images: Any) -> Any:
    made = {
        "edges": fine_hog,
        "color": partial(baselines.color_histogram, bins=COLOR_BINS),
        "texture": mirrored_texture,
    }
    return made[name](images).astype(float)


def mirrored_texture(images: Any) -> Any:
    return (baselines.texture(images) + baselines.texture(images[:, :, ::-1])) / 2


def lengths(rows: Any) -> Any:
    return np.linalg.norm(rows.astype(float), axis=1)


# ---- weights ----------------------------------------------------------------------------------------


def test_a_mix_names_what_it_holds() -> None:
    assert str(Mix(edges=1, texture=0.7)) == "edges 1, texture 0.7"
    assert str(Mix(1, 0.25, 1 / 3)) == "edges 1, color 0.25, texture 0.333333"
    assert Mix(color=2).to_dict() == {"edges": 0, "color": 2, "texture": 0}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({}, "One of the weights of edges, color and texture must be above 0"),
        ({"edges": 0, "color": 0.0}, "must be above 0"),
        ({"edges": -0.1}, "The weight of edges must be a number from 0 to 1,000,000; got -0.1"),
        ({"edges": 1, "color": "1"}, "The weight of color must be a number from 0 to 1,000,000; got '1'"),
        ({"edges": 1, "texture": True}, "The weight of texture must be a number from 0 to 1,000,000; got True"),
        ({"edges": 1, "texture": None}, "The weight of texture must be a number from 0 to 1,000,000; got None"),
        ({"edges": float("nan")}, "got nan"),
        ({"edges": float("inf")}, "got inf"),
    ],
)
def test_weights_that_cannot_be(weights: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Mix(**weights)


# ---- edges ------------------------------------------------------------------------------------------


def test_fine_edges_are_scikit_images_of_the_enlarged_picture_and_its_mirror_image(blobs: Any) -> None:
    def slow(image: Any) -> Any:
        enlarged = np.rint(resize(image.astype(float), (48, 48), order=1, preserve_range=True, anti_aliasing=False))
        both = [hog(side, 9, (8, 8), (2, 2), "L2-Hys", channel_axis=-1) for side in (enlarged, enlarged[:, ::-1])]
        return np.mean(both, axis=0)

    found, expected = fine_hog(blobs[:20]).astype(float), np.stack([slow(image) for image in blobs[:20]])
    assert found.shape == (20, 900)
    cosines = np.sum(found * expected, axis=1) / lengths(found) / lengths(expected)
    assert cosines.min() > 0.995
    np.testing.assert_allclose(lengths(found), lengths(expected), rtol=0.01)


# ---- principal components ---------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.0, 0.25, 1.0])
def test_principal_components_are_those_of_the_singular_values(strength: float) -> None:
    rows = np.random.default_rng(0).normal(size=(50, 8)) * [5, 4, 3, 2, 1, 1, 0.5, 0.1] + 7
    left, singular, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    expected = left[:, :3] * singular[:3] / (singular[:3] / np.sqrt(50)) ** strength
    found = principal_components(rows.astype(np.float32), 3, strength).apply(rows.astype(np.float32))
    signs = np.sign((found * expected).sum(axis=0))  # the sign of an axis is anyone's
    np.testing.assert_allclose(found, expected * signs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("rows", "kept"), [(np.eye(4), 3), (np.ones((5, 6)), 1), (np.ones((1, 2)), 1)])
def test_there_are_only_components_with_any_variance_but_at_least_one(rows: Any, kept: int) -> None:
    components = principal_components(rows.astype(np.float32), 64, 0.5).apply(rows.astype(np.float32))
    assert components.shape == (len(rows), kept)
    assert np.isfinite(components).all()
    if kept == 1:
        np.testing.assert_array_equal(components, 0)


# ---- all three --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_half_whitened_components_of_length_one(blobs: Any, name: str) -> None:
    """Fitted on 70 images and applied to 20 others: all cosines, since axes may point either way."""
    fitted = features(name, blobs[:70])
    _, singular, axes = np.linalg.svd(fitted - fitted.mean(axis=0), full_matrices=False)
    kept = min(64, int((singular**2 / 70 > 1e-9).sum()))
    rows = (features(name, blobs) - fitted.mean(axis=0)) @ axes[:kept].T / np.sqrt(singular[:kept] / np.sqrt(70))
    rows /= lengths(rows)[:, None]
    found = Describer(blobs[:70])(blobs)[name]
    assert found.shape == (90, kept)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found @ found.T, rows @ rows.T, atol=2e-3)


def test_an_image_and_its_mirror_image_are_described_alike(blobs: Any) -> None:
    describer = Describer(blobs)
    plain, mirrored = describer(blobs), describer(blobs[:, :, ::-1])
    for name in NAMES:
        np.testing.assert_allclose(plain[name], mirrored[name], atol=5e-3)


def test_an_image_is_described_alike_whatever_is_beside_it(blobs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    describer = Describer(blobs)
    whole = describer(blobs)
    monkeypatch.setattr(descriptors, "_BLOCK", 7)
    pieces, backward = describer(blobs), describer(blobs[::-1])
    for name in NAMES:
        np.testing.assert_allclose(pieces[name], whole[name], atol=1e-4)
        np.testing.assert_allclose(backward[name][::-1], whole[name], atol=1e-4)


def test_what_tells_nothing_apart_is_zero() -> None:
    """Images of one color each have no edges and the same texture; identical images have nothing at all."""
    flat = np.arange(0, 240, 8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 32, 32, 3), np.uint8)
    parts = Describer(flat)(flat)
    assert not parts["edges"].any()
    assert not parts["texture"].any()
    np.testing.assert_allclose(lengths(parts["color"]), 1, rtol=1e-5)
    same = images_of_blobs(1).repeat(9, axis=0)
    for rows in Describer(same)(same).values():
        assert rows.shape == (9, 1)
        assert not rows.any()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_images_have_few_components(blobs: Any, count: int) -> None:
    for rows in Describer(blobs[:count])(blobs).values():
        assert rows.shape[1] == max(1, count - 1)
        assert np.isfinite(rows).all()


def test_gray_images_are_not_colorful(blobs: Any) -> None:
    assert Describer(blobs).colorful
    assert not Describer(gray(blobs)).colorful


@pytest.mark.parametrize(("difference", "colorful"), [(0, False), (1, False), (2, True), (60, True)])
def test_a_hint_of_color_is_what_jpeg_leaves(difference: int, colorful: bool) -> None:
    """From two levels of 255 between the channels, on average, it is color."""
    images = gray(images_of_blobs(6) // 2)
    images[..., 0] += np.uint8(difference)
    assert Describer(images).colorful is colorful


def test_a_few_colored_images_among_gray_ones_count_by_their_share() -> None:
    images = gray(images_of_blobs(10) // 2)
    images[0, ..., 2] += np.uint8(100)
    assert Describer(images).colorful
    assert not Describer(np.concatenate([images, images[1:].repeat(5, axis=0)])).colorful


# ---- joined -----------------------------------------------------------------------------------------


def unit(rows: Any) -> Any:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@given(st.tuples(*[st.floats(0.01, 3)] * 3), st.integers(0, 99))
def test_a_cosine_is_the_mean_of_the_three_weighted_by_the_squares(weights: tuple[float, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = {name: unit(rng.normal(size=(5, dim))) for name, dim in zip(NAMES, (4, 9, 2), strict=True)}
    rows = joined(parts, Mix(*weights))
    assert rows.shape == (5, 15)
    assert rows.dtype == np.float32
    squares = np.square(weights)
    expected = sum(square * part @ part.T for square, part in zip(squares, parts.values(), strict=True)) / squares.sum()
    np.testing.assert_allclose(rows @ rows.T, expected, atol=1e-5)


def test_what_has_no_weight_is_left_out() -> None:
    parts = {name: unit(np.random.default_rng(0).normal(size=(5, 3))) for name in NAMES}
    np.testing.assert_allclose(joined(parts, Mix(color=0.2)), parts["color"], atol=1e-6)
    assert joined(parts, Mix(edges=1, texture=2)).shape == (5, 6)


def test_an_image_that_lacks_one_is_told_by_the_others() -> None:
    """Zeros, such as the edges of a flat image, take no part; an image without anything stays zero."""
    rng = np.random.default_rng(0)
    parts = {name: unit(rng.normal(size=(5, 3))) for name in NAMES}
    parts["edges"][0] = 0
    rows = joined(parts, Mix(edges=1, color=1))
    np.testing.assert_allclose(lengths(rows), 1, rtol=1e-6)
    np.testing.assert_allclose(rows[0, 3:], parts["color"][0], atol=1e-6)
    parts["color"][0] = 0
    np.testing.assert_array_equal(joined(parts, Mix(edges=1, color=1))[0], 0)


@pytest.mark.parametrize(
    ("draw", "telling", "silent"), [(kinds_of_color, "color", "edges"), (kinds_of_shape, "edges", "color")]
)
def test_neighbors_are_of_one_kind_where_the_kinds_are_told_apart_by_that(draw: Any, telling: str, silent: str) -> None:
    images, kinds = draw(90)
    parts = Describer(images)(images)

    def share_of_the_same_kind(mix: Mix) -> float:
        rows = joined(parts, mix)
        near = np.argsort(-(rows @ rows.T), axis=1)[:, 1:6]
        return float((kinds[near] == kinds[:, None]).mean())

    only, without = share_of_the_same_kind(Mix(**{telling: 1})), share_of_the_same_kind(Mix(**{silent: 1}))
    both = share_of_the_same_kind(Mix(**{telling: 1, silent: 0.3}))
    assert only > 0.6
    assert without < 0.4
    assert both > without + 0.2
