"""The encoders that learn nothing: one contract, known vectors, bounded memory."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hostile_bundles import MANIFEST, READY

import baselines
from autoenc import index_images, load_bundle, open_store, search
from autoenc.encoders import create_encoder
from autoenc.encoders.base import Encoder
from autoenc.encoders.handcrafted import DESCRIPTIONS
from autoenc.errors import BundleNotFoundError, EncoderError

DIMS = {"color": 126, "texture": 124, "edges": 324, "handcrafted": 574, "pixels": 3072}
PARTS = ("color", "texture", "edges")
PLACES = [126, 250]
WEIGHTS = {"edges": 1, "color": 0.5, "texture": 0.7}


@pytest.fixture(params=[description.name for description in DESCRIPTIONS])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return create_encoder(request.param)


def drawn(count: int = 7) -> np.ndarray:
    """Pictures with flat ground, edges and noise, the same every time and on every machine."""
    row, column = np.indices((32, 32))
    pictures = [
        np.stack([row * 7 + number * 31, column * 5 * number, (row // 8 + column // 4) % 2 * 90], axis=-1)
        for number in range(count)
    ]
    return (np.stack(pictures) % 256).astype(np.uint8)


def test_the_table_names_each_encoder() -> None:
    assert {description.name: description.dim for description in DESCRIPTIONS} == DIMS
    for description in DESCRIPTIONS:
        made = create_encoder(description.name)
        assert (made.name, made.dim, made.input_size) == (description.name, description.dim, description.input_size)
        assert made.origin is None


def test_each_fingerprint_names_the_encoder_its_version_and_its_parameters() -> None:
    assert {name: create_encoder(name).fingerprint for name in DIMS} == {
        "color": "color-2 lab=3,7,6 ab=60 center=2 hellinger",
        "texture": "texture-1 lbp=8@1,16@2 glcm=16@1,2,4,8",
        "edges": "edges-1 hog=9 cell=8 block=2",
        "handcrafted": "handcrafted-2 weights=1,1,1 [color-2 lab=3,7,6 ab=60 center=2 hellinger] "
        "[texture-1 lbp=8@1,16@2 glcm=16@1,2,4,8] [edges-1 hog=9 cell=8 block=2]",
        "pixels": "pixels-1 32x32",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("color", [0.87942, 1.52166, 1.63315]),
        ("texture", [-0.90236, -0.14155, 0.09043]),
        ("edges", [0.1169, 0.11784, 0.25107]),
        ("handcrafted", [0.10859, 1.59478, 1.78073]),
        ("pixels", [-0.43759, -0.44442, -0.31071]),
    ],
)
def test_pinned_vectors(name: str, expected: list[float]) -> None:
    """Each vector of `drawn(3)` folded into one number, as the version in the fingerprint gave it: 2 for color and
    handcrafted, 1 for the others. Should it change, raise that version: stored vectors no longer agree with new ones.
    """
    vectors = create_encoder(name).encode(drawn(3))
    np.testing.assert_allclose(vectors @ np.cos(np.arange(vectors.shape[1])), expected, atol=1e-4)


def test_vectors_are_float32_one_row_an_image(encoder: Encoder) -> None:
    vectors = encoder.encode(drawn())
    assert vectors.shape == (7, encoder.dim)
    assert vectors.dtype == np.float32
    assert encoder.encode(drawn()[:0]).shape == (0, encoder.dim)


def test_no_image_sees_another(encoder: Encoder) -> None:
    images = drawn()
    vectors = encoder.encode(images)
    np.testing.assert_allclose(encoder.encode(images[::-1]), vectors[::-1], atol=1e-6)
    np.testing.assert_allclose(
        np.concatenate([encoder.encode(image[np.newaxis]) for image in images]), vectors, atol=1e-6
    )


@pytest.mark.parametrize("gray", [0, 128, 255])
def test_an_image_of_one_color_has_a_finite_vector(encoder: Encoder, gray: int) -> None:
    assert np.isfinite(encoder.encode(np.full((1, 32, 32, 3), gray, np.uint8))).all()


def test_the_input_is_left_as_it_was(encoder: Encoder) -> None:
    images = drawn()
    images.flags.writeable = False
    encoder.encode(images)
    np.testing.assert_array_equal(images, drawn())


def test_other_sizes_are_refused(encoder: Encoder) -> None:
    with pytest.raises(EncoderError, match=rf"'{encoder.name}' expected images of shape \(N, 32, 32, 3\)"):
        encoder.encode(np.zeros((1, 64, 64, 3), np.uint8))


def test_the_descriptors_are_those_of_baselines() -> None:
    images = drawn()
    np.testing.assert_array_equal(create_encoder("color").encode(images), baselines.color_histogram(images))
    np.testing.assert_array_equal(create_encoder("texture").encode(images), baselines.texture(images))
    np.testing.assert_array_equal(create_encoder("edges").encode(images), baselines.hog(images))


def test_pixels_are_the_picture_over_255() -> None:
    image = np.zeros((1, 32, 32, 3), np.uint8)
    image[0, 0, 1] = (51, 102, 255)  # the second pixel of the first row
    vector = create_encoder("pixels").encode(image)[0]
    np.testing.assert_allclose(vector[3:6], [0.2, 0.4, 1.0], atol=1e-7)
    assert np.count_nonzero(vector) == 3


# ---- handcrafted, and the weights of a model ---------------------------------------------------------


def weighing(folder: Path, **weights: float) -> Path:
    """The ready model, with these weights in what it says it learned, or without any."""
    shutil.copytree(READY, folder)
    training = {key: value for key, value in MANIFEST["training"].items() if key != "emphasis"}
    if weights:
        training["emphasis"] = {"weights": weights}
    (folder / "bundle.json").write_text(json.dumps({**MANIFEST, "training": training}))
    return folder


def cosines(name: str, images: np.ndarray) -> np.ndarray:
    vectors = create_encoder(name).encode(images).astype(float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors @ vectors.T)


def test_handcrafted_is_three_parts_of_length_one() -> None:
    images = drawn()
    parts = np.split(create_encoder("handcrafted").encode(images), PLACES, axis=1)
    for name, part in zip(PARTS, parts, strict=True):
        vectors = create_encoder(name).encode(images)
        expected = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        np.testing.assert_allclose(part, expected, atol=1e-6)


def test_handcrafted_leaves_the_edges_of_an_image_without_any_at_zero() -> None:
    vector = create_encoder("handcrafted").encode(np.full((1, 32, 32, 3), 9, np.uint8))[0]
    np.testing.assert_allclose(np.linalg.norm(np.split(vector, PLACES)[0]), 1, atol=1e-6)
    assert not vector[624:].any()


def test_with_a_models_weights_a_cosine_is_the_mean_of_three_weighted_by_their_squares(tmp_path: Path) -> None:
    images = drawn()
    vectors = create_encoder("handcrafted", weighing(tmp_path / "m", **WEIGHTS)).encode(images).astype(float)
    assert vectors.shape == (7, 574)
    for name, part in zip(PARTS, np.split(vectors, PLACES, axis=1), strict=True):
        np.testing.assert_allclose(np.linalg.norm(part, axis=1), WEIGHTS[name], rtol=1e-5)
    found = vectors @ vectors.T / np.outer(np.linalg.norm(vectors, axis=1), np.linalg.norm(vectors, axis=1))
    edges, color, texture = (cosines(name, images) for name in ("edges", "color", "texture"))
    np.testing.assert_allclose(found, (edges + 0.25 * color + 0.49 * texture) / 1.74, atol=1e-5)
    assert np.abs(found - (edges + color + texture) / 3).max() > 0.05


def test_a_weight_of_zero_leaves_a_descriptor_out(tmp_path: Path) -> None:
    vectors = create_encoder("handcrafted", weighing(tmp_path / "m", edges=1, color=0, texture=0.5)).encode(drawn())
    color, texture, edges = np.split(vectors, PLACES, axis=1)
    assert not color.any()
    assert texture.any()
    assert edges.any()


def test_its_fingerprint_tells_the_weights_and_its_origin_the_model(tmp_path: Path) -> None:
    folder = weighing(tmp_path / "m", **WEIGHTS)
    tuned, other, plain = (
        create_encoder("handcrafted", model)
        for model in (folder, weighing(tmp_path / "other", **{**WEIGHTS, "color": 0.25}), None)
    )
    assert tuned.fingerprint == plain.fingerprint.replace(
        "weights=1,1,1 ", "weights=0.5,0.7,1 "
    )  # color, texture, edges
    assert len({tuned.fingerprint, other.fingerprint, plain.fingerprint}) == 3
    assert (tuned.origin, plain.origin) == (str(folder), None)
    again = create_encoder("handcrafted", load_bundle(folder))
    assert (again.fingerprint, again.origin) == (tuned.fingerprint, tuned.origin)


def test_a_model_without_weights_changes_nothing(tmp_path: Path) -> None:
    """One of an earlier version, or one that learned by "reconstruction" alone."""
    plain = create_encoder("handcrafted")
    made = create_encoder("handcrafted", weighing(tmp_path / "m"))
    assert (made.fingerprint, made.origin) == (plain.fingerprint, None)
    np.testing.assert_array_equal(made.encode(drawn()), plain.encode(drawn()))
    with pytest.raises(BundleNotFoundError):
        create_encoder("handcrafted", tmp_path / "none")


def test_a_store_remembers_the_model_that_the_weights_are_from(picture_folder: Path, tmp_path: Path) -> None:
    folder = weighing(tmp_path / "m", **WEIGHTS)
    index_images(picture_folder, tmp_path / "s", encoders=["handcrafted"], model=folder)
    picture = picture_folder / "green" / "1.png"
    with open_store(tmp_path / "s") as store:
        assert store.info.vectors["handcrafted"].origin == str(folder)
        best, *_ = search(store, picture, using="handcrafted", k=1)
    assert best.path == picture
    assert best.score == pytest.approx(1, abs=1e-4)


# ---- memory -----------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_batch(encoder: Encoder) -> None:
    """Beyond the result and the parts it is joined from, a few megabytes however many images there are."""
    images = np.tile(drawn(), (400, 1, 1, 1))
    tracemalloc.start()
    try:
        vectors = encoder.encode(images)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * vectors.nbytes + 12e6
