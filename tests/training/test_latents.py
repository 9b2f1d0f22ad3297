"""How much of its room a latent uses, and the rotation that evens it out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.training.latents import fit_whitening, latent_health


def cloud(deviations: list[float], count: int = 4000, seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    """Latents whose axes have just these standard deviations and no correlation."""
    values = np.random.default_rng(seed).normal(size=(count, len(deviations)))
    values -= values.mean(axis=0)
    values = values @ np.linalg.inv(np.linalg.cholesky(np.cov(values.T, bias=True)).T)
    return (values * deviations).astype(np.float32)


def test_equal_axes_use_all_their_room() -> None:
    health = latent_health(cloud([2.0, 2.0, 2.0, 2.0]))
    assert health.effective_rank == pytest.approx(4.0, rel=1e-3)
    assert (health.deviation_min, health.deviation_max) == (pytest.approx(2.0, rel=1e-3),) * 2
    assert (health.dead, health.collapsed) == (0, False)


def test_the_effective_rank_is_the_exponential_of_the_entropy() -> None:
    """Variances 3 and 1: shares .75 and .25, entropy .5623, rank 1.7548."""
    assert latent_health(cloud([3**0.5, 1.0])).effective_rank == pytest.approx(1.7548, rel=1e-3)


def test_dead_dimensions_are_counted() -> None:
    assert latent_health(cloud([1.0, 1.0, 0.001, 0.002])).dead == 2


@pytest.mark.parametrize("deviations", [[0.0, 0.0, 0.0], [1.0, 0.001, 0.001]])
def test_a_point_and_a_line_have_collapsed(deviations: list[float]) -> None:
    values = np.zeros((50, 3), np.float32) + 7 if not any(deviations) else cloud(deviations)
    assert latent_health(values).collapsed


@given(st.floats(0, 1))
def test_whitening_leaves_each_axis_its_deviation_to_the_power_that_is_left(strength: float) -> None:
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    values = (cloud([4.0, 2.0, 1.0]) @ rotation + [1, 2, 3]).astype(np.float32)
    white = fit_whitening(values, strength).apply(values).astype(np.float64)
    expected = np.array([16.0, 4.0, 1.0]) ** (1 - strength)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.diag(expected), atol=0.01 * expected.max())
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-3)


@given(st.floats(0, 1))
def test_the_inverse_undoes_a_whitening(strength: float) -> None:
    """Of an axis without variance, too."""
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))
    values = (cloud([4.0, 2.0, 1.0, 0.0]) @ rotation + [1, 2, 3, 4]).astype(np.float32)
    whitening = fit_whitening(values, strength)
    np.testing.assert_allclose(whitening.apply(values) @ whitening.inverse + whitening.mean, values, atol=1e-4)


def test_strength_0_keeps_every_distance() -> None:
    values = cloud([4.0, 2.0, 1.0], count=20)
    white = fit_whitening(values, 0.0).apply(values)
    between = lambda x: np.linalg.norm(x[:, None] - x[None], axis=2)  # noqa: E731
    np.testing.assert_allclose(between(white), between(values), rtol=1e-4, atol=1e-4)


def test_an_axis_without_variance_is_not_blown_up() -> None:
    values = cloud([1.0, 1.0, 0.0])
    assert np.abs(fit_whitening(values, 1.0).apply(values)).max() < 10


def test_with_a_head_distances_are_those_between_its_predictions() -> None:
    rng = np.random.default_rng(0)
    latents, head = rng.normal(size=(30, 6)).astype(np.float32), rng.normal(size=(6, 9)).astype(np.float32)
    whitening = fit_whitening(latents, 0.0, "neighbors", head, 1.0)
    assert whitening.head == "neighbors"
    moved, predicted = whitening.apply(latents), latents @ head
    np.testing.assert_allclose(
        np.linalg.norm(moved[:, None] - moved, axis=2),
        np.linalg.norm(predicted[:, None] - predicted, axis=2),
        rtol=1e-4,
    )
    np.testing.assert_allclose(np.cov(moved.T) - np.diag(moved.var(axis=0, ddof=1)), 0, atol=1e-4)  # principal axes
    np.testing.assert_allclose(moved @ whitening.inverse + whitening.mean, latents, atol=1e-4)


def test_without_power_a_head_changes_no_distance() -> None:
    rng = np.random.default_rng(0)
    latents, head = rng.normal(size=(30, 6)).astype(np.float32), rng.normal(size=(6, 9)).astype(np.float32)
    moved = fit_whitening(latents, 0.0, "neighbors", head, 0.0).apply(latents)
    np.testing.assert_allclose(
        np.linalg.norm(moved[:, None] - moved, axis=2), np.linalg.norm(latents[:, None] - latents, axis=2), atol=1e-4
    )


def test_with_a_head_and_full_strength_every_axis_has_variance_one() -> None:
    rng = np.random.default_rng(0)
    latents, head = rng.normal(size=(200, 4)).astype(np.float32), rng.normal(size=(4, 4)).astype(np.float32)
    moved = fit_whitening(latents, 1.0, "structure", head, 0.5).apply(latents)
    np.testing.assert_allclose(np.cov(moved.T, bias=True), np.eye(4), atol=1e-3)
