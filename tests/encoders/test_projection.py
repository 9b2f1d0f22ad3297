"""Projection: against NumPy's own singular value decomposition, batch by batch, and where it must refuse."""

from __future__ import annotations

import numpy as np
import pytest

from autoenc.encoders.base import Encoder
from autoenc.encoders.projection import Projection, parse_projection
from autoenc.errors import EncoderError
from autoenc.vectors import Images, Vectors


class Pixels(Encoder):
    """The first `dim` channel values of a 2x2 picture, far from zero where `offset` says so."""

    def __init__(self, dim: int = 12, offset: float = 0.0) -> None:
        self.name, self.dim, self.input_size, self.fingerprint = "raw", dim, 2, "raw:1"
        self.offset = offset

    def _encode(self, images: Images) -> Vectors:
        return np.asarray(images.reshape(len(images), -1)[:, : self.dim] + self.offset, np.float32)


def test_what_holds_of_the_encoder_holds_of_its_projection() -> None:
    base = Pixels()
    base.advice, base.slow_to_load, base.origin, base.model_bytes = "Take care.", True, "random", 7
    projection = Projection(base, 2)
    assert (projection.advice, projection.slow_to_load) == ("Take care.", True)
    assert (projection.origin, projection.model_bytes) == ("random", 7)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 2, 2, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [("pixels+pca32", ("pixels", 32)), ("edges+pca1", ("edges", 1)), ("edges", None), ("learned", None)],
)
def test_parse(name: str, parsed: tuple[str, int] | None) -> None:
    assert parse_projection(name) == parsed


@pytest.mark.parametrize("name", ["a+pca", "a+pca0", "+pca32", "a+pcax", "a+pca32x", "a+pca-3"])
def test_parse_refuses(name: str) -> None:
    with pytest.raises(EncoderError, match=r"NAME\+pcaK"):
        parse_projection(name)


def test_equals_the_singular_value_decomposition(images: np.ndarray) -> None:
    base = Pixels()
    projection = Projection(base, 5).fit([images])
    vectors = base.encode(images).astype(np.float64)
    centered = vectors - vectors.mean(axis=0)
    _, values, axes = np.linalg.svd(centered, full_matrices=False)
    for axis in axes:
        axis *= np.sign(axis[np.abs(axis).argmax()])
    encoded = projection.encode(images)
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded, centered @ axes[:5].T, atol=1e-3)
    np.testing.assert_allclose((encoded**2).sum(axis=0), values[:5] ** 2, rtol=1e-4)


def test_variance_falls_and_components_do_not_correlate(images: np.ndarray) -> None:
    covariance = np.cov(Projection(Pixels(), 12).fit([images]).encode(images).T)
    variances = np.diag(covariance)
    assert (np.diff(variances) <= 1e-3).all()
    np.testing.assert_allclose(covariance - np.diag(variances), 0, atol=1e-2)
    assert variances.sum() == pytest.approx(np.cov(Pixels().encode(images).T).trace(), rel=1e-5), "all of it is kept"


def test_batches_do_not_matter(images: np.ndarray) -> None:
    whole = Projection(Pixels(), 6).fit([images])
    parts = Projection(Pixels(), 6).fit(iter([images[:0], images[:1], images[1:40], images[40:]]))
    np.testing.assert_allclose(parts.encode(images), whole.encode(images), rtol=1e-4, atol=1e-4)


def test_far_from_zero_the_variance_is_still_seen(images: np.ndarray) -> None:
    near = Projection(Pixels(), 6).fit([images]).encode(images)
    far = Projection(Pixels(offset=2.0**15), 6).fit([images]).encode(images)  # exact in float32
    np.testing.assert_allclose(far, near, atol=0.02)


def test_is_an_encoder_with_a_name_and_a_fingerprint(images: np.ndarray) -> None:
    first, second = Projection(Pixels(), 3), Projection(Pixels(), 3)
    assert (first.name, first.dim, first.input_size, first.fitted) == ("raw+pca3", 3, 2, False)
    unfitted = first.fingerprint
    first.fit([images])
    assert first.fitted
    assert first.fingerprint == second.fit([images]).fingerprint != unfitted
    assert second.fit([images[:30]]).fingerprint != first.fingerprint
    assert first.encode(images[:0]).shape == (0, 3)


def test_directions_without_variance_are_zero() -> None:
    flat = np.full((40, 2, 2, 3), 77, np.uint8)
    flat[:, 0, 0, 0] = np.arange(40)  # one direction of variance, eleven without
    encoded = Projection(Pixels(), 4).fit([flat]).encode(flat)
    np.testing.assert_allclose(encoded[:, 0], np.arange(40) - 19.5, atol=1e-4)
    assert (encoded[:, 1:] == 0).all()


def test_images_that_are_all_the_same_give_zeros() -> None:
    same = np.full((40, 2, 2, 3), 77, np.uint8)
    projection = Projection(Pixels(offset=0.1), 4).fit([same])
    assert (projection.encode(same) == 0).all()


def test_too_few_images(images: np.ndarray) -> None:
    with pytest.raises(EncoderError, match=r"'raw\+pca8' expected 8 images or more to fit 8 components; got 7"):
        Projection(Pixels(), 8).fit([images[:7]])
    with pytest.raises(EncoderError, match="got 0"):
        Projection(Pixels(), 8).fit([])
    assert Projection(Pixels(), 8).fit([images[:8]]).encode(images).shape == (60, 8)


@pytest.mark.parametrize("dim", [0, 13])
def test_dim_out_of_range(dim: int) -> None:
    with pytest.raises(EncoderError, match=f"1 to 12 components.*got {dim}"):
        Projection(Pixels(), dim)


def test_not_fitted(images: np.ndarray) -> None:
    with pytest.raises(EncoderError, match="not fitted yet"):
        Projection(Pixels(), 3).encode(images)


def test_not_finite(images: np.ndarray) -> None:
    with pytest.raises(EncoderError, match="NaN or infinity"):
        Projection(Pixels(offset=float("nan")), 3).fit([images])
