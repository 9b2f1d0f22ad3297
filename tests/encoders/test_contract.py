"""What holds for every encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoenc.encoders import ENCODER_NAMES, Encoder, create_encoder, create_encoders
from autoenc.encoders.projection import Projection
from autoenc.errors import ArgumentError, BundleNotFoundError, EncoderError

DIMENSIONS = {"learned": 32, "color": 126, "texture": 124, "edges": 324, "handcrafted": 574, "pixels": 3072}


@pytest.fixture(params=[*ENCODER_NAMES, "edges+pca8"], scope="module")
def encoder(request: pytest.FixtureRequest) -> Encoder:
    name = request.param
    if name == "edges+pca8":
        projection = Projection(create_encoder("edges"), 8)
        projection.fit(iter([pictures(50, seed=1)]))
        return projection
    return create_encoder(name, model=request.getfixturevalue("bundle_dir") if name == "learned" else None)


def pictures(count: int, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def test_a_batch_becomes_rows_of_float32(encoder: Encoder) -> None:
    vectors = encoder.encode(pictures(5))
    assert vectors.shape == (5, encoder.dim)
    assert vectors.dtype == np.float32
    assert encoder.dim == DIMENSIONS.get(encoder.name, 8)
    assert np.isfinite(vectors).all()


def test_an_empty_batch_has_no_rows(encoder: Encoder) -> None:
    assert encoder.encode(pictures(0)).shape == (0, encoder.dim)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_picture_has_its_vector_whatever_is_beside_it(encoder: Encoder, seed: int) -> None:
    batch = pictures(4, seed)
    together = encoder.encode(batch)
    alone = np.concatenate([encoder.encode(batch[i : i + 1]) for i in range(4)])
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(encoder.encode(batch[::-1]), together[::-1], rtol=1e-3, atol=1e-4)


def test_the_pictures_are_left_as_they_are(encoder: Encoder) -> None:
    batch = pictures(3)
    encoder.encode(batch)
    assert (batch == pictures(3)).all()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_one_color_has_a_finite_vector(encoder: Encoder, value: int) -> None:
    assert np.isfinite(encoder.encode(np.full((2, 32, 32, 3), value, np.uint8))).all()


@pytest.mark.parametrize(
    "images", [np.zeros((32, 32, 3), np.uint8), np.zeros((1, 16, 16, 3), np.uint8), np.zeros((1, 32, 32, 3))]
)
def test_another_shape_or_type_is_refused(encoder: Encoder, images: np.ndarray) -> None:  # type: ignore[type-arg]
    with pytest.raises(EncoderError, match=r"expected images of shape \(N, 32, 32, 3\) and dtype uint8"):
        encoder.encode(images)


def test_the_fingerprint_is_steady_and_its_own(encoder: Encoder) -> None:
    assert encoder.fingerprint
    others = {name: create_encoder(name).fingerprint for name in ENCODER_NAMES if name != "learned"}
    if encoder.name in others:
        assert others.pop(encoder.name) == encoder.fingerprint
    assert encoder.fingerprint not in others.values()


def test_encoders_are_made_by_name(bundle_dir: Path) -> None:
    made = create_encoders(["edges", "learned"], model=bundle_dir)
    assert list(made) == ["edges", "learned"]
    assert [encoder.name for encoder in made.values()] == ["edges", "learned"]


def test_what_cannot_be_made_says_why(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="Unknown encoder 'sift'; the encoders are: learned, color, texture, edges"):
        create_encoder("sift")
    with pytest.raises(EncoderError, match="'learned' needs a trained model"):
        create_encoder("learned")
    with pytest.raises(ArgumentError, match="'edges' is named twice"):
        create_encoders(["edges", "color", "edges"])
    with pytest.raises(BundleNotFoundError):
        create_encoder("learned", model=tmp_path)
