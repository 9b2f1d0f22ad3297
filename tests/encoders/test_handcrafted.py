"""The encoders that learn nothing: one contract, known vectors, bounded memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import baselines
from autoenc.encoders import create_encoder
from autoenc.encoders.base import Encoder
from autoenc.encoders.handcrafted import DESCRIPTIONS
from autoenc.errors import EncoderError

DIMS = {"color": 128, "texture": 124, "edges": 324, "handcrafted": 576, "pixels": 3072}


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
        "color": "color-1 hsv=8,4,4 hellinger",
        "texture": "texture-1 lbp=8@1,16@2 glcm=16@1,2,4,8",
        "edges": "edges-1 hog=9 cell=8 block=2",
        "handcrafted": "handcrafted-1 [color-1 hsv=8,4,4 hellinger] "
        "[texture-1 lbp=8@1,16@2 glcm=16@1,2,4,8] [edges-1 hog=9 cell=8 block=2]",
        "pixels": "pixels-1 32x32",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("color", [1.01941, 0.03729, 0.50157]),
        ("texture", [-0.90236, -0.14155, 0.09043]),
        ("edges", [0.1169, 0.11784, 0.25107]),
        ("handcrafted", [2.14976, 0.91384, 0.98714]),
        ("pixels", [-0.43759, -0.44442, -0.31071]),
    ],
)
def test_pinned_vectors(name: str, expected: list[float]) -> None:
    """Each vector of `drawn(3)` folded into one number, as this project's version 0.1 gave it. Should it change,
    raise the version in the fingerprint: stored vectors no longer agree with new ones.
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


def test_handcrafted_is_three_parts_of_length_one() -> None:
    images = drawn()
    parts = np.split(create_encoder("handcrafted").encode(images), [128, 252], axis=1)
    for name, part in zip(("color", "texture", "edges"), parts, strict=True):
        vectors = create_encoder(name).encode(images)
        expected = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        np.testing.assert_allclose(part, expected, atol=1e-6)


def test_handcrafted_leaves_the_edges_of_an_image_without_any_at_zero() -> None:
    vector = create_encoder("handcrafted").encode(np.full((1, 32, 32, 3), 9, np.uint8))[0]
    np.testing.assert_allclose(np.linalg.norm(np.split(vector, [128, 252])[0]), 1, atol=1e-6)
    assert not vector[252:].any()


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
