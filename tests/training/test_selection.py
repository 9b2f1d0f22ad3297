"""Choosing between models without labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy", reason="choosing is a part of training: pip install 'autoenc[train]'")

from hypothesis import given, settings
from hypothesis import strategies as st

from autoenc.training.selection import choose_whitening, cluster_map


def groups(spread: float, *, count: int = 8, each: int = 60, dim: int = 16, seed: int = 0) -> tuple[Any, Any, Any]:
    """Latents around `count` orthogonal directions: fitted, held out, and two copies of the latter."""
    rng = np.random.default_rng(seed)
    latents = np.repeat(np.eye(dim)[:count], each, axis=0) + rng.normal(0, spread, (count * each, dim))
    held_out = latents[::4]
    copies = [held_out + rng.normal(0, spread, held_out.shape) for _ in range(2)]
    return latents.astype(np.float32), held_out.astype(np.float32), [copy.astype(np.float32) for copy in copies]


def test_groups_far_apart_are_found_whole() -> None:
    assert cluster_map(*groups(0.01), clusters=8) == pytest.approx(1, abs=0.1)  # k-means may split or join a group


def test_the_more_the_groups_overlap_the_lower() -> None:
    found = [cluster_map(*groups(spread)) for spread in (0.05, 0.2, 0.4)]
    assert found[0] > found[1] > found[2] > 0


def test_following_what_an_alteration_changes_is_punished() -> None:
    """The same latents, but a copy lies anywhere."""
    latents, held_out, copies = groups(0.1)
    rng = np.random.default_rng(1)
    lost = [copy + rng.normal(0, 1, copy.shape).astype(np.float32) for copy in copies]
    assert cluster_map(latents, held_out, lost) < cluster_map(latents, held_out, copies) - 0.2


def test_two_clusters_by_hand() -> None:
    latents = np.repeat(np.array([[1, 0], [0, 1]], np.float32), 10, axis=0)
    held_out = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    copies = held_out.copy()
    assert cluster_map(latents, held_out, [copies]) == 1
    # A copy that lies in the other cluster finds its own one's other picture last of three: average precision 1/3, and
    # by chance too.
    copies[0] = [0, 1]
    assert cluster_map(latents, held_out, [copies]) == pytest.approx((0 + 3) / 4)


@pytest.mark.parametrize("held", [1, 2, 5])
@pytest.mark.parametrize("value", [0, 3])
def test_a_collapse_scores_nothing(held: int, value: float) -> None:
    same = np.full((5, 4), value, np.float32)
    assert cluster_map(same, same[:held], [same[:held]]) == 0


def test_a_random_order_scores_nothing() -> None:
    latents, held_out, copies = groups(0.1)
    lost = [np.random.default_rng(2).normal(size=copy.shape).astype(np.float32) for copy in copies]
    assert cluster_map(latents, held_out, lost) == pytest.approx(0, abs=0.08)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 100), st.integers(0, 100))
def test_neither_scale_nor_rotation_matters(scale: float, seed: int) -> None:
    latents, held_out, copies = groups(0.15, each=20)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(16, 16)))[0].astype(np.float32) * np.float32(scale)
    turned = cluster_map(latents @ turn, held_out @ turn, [copy @ turn for copy in copies])
    assert turned == pytest.approx(cluster_map(latents, held_out, copies), abs=0.02)


def test_one_call_is_like_another() -> None:
    assert cluster_map(*groups(0.3)) == cluster_map(*groups(0.3))


def test_whitening_is_chosen_by_what_it_does_to_the_clusters() -> None:
    """Groups told apart along weak axes, and one strong axis of noise: evened out, the groups show."""
    latents, held_out, copies = groups(0.05)
    rng = np.random.default_rng(3)

    def noisy(points: Any) -> Any:
        return np.concatenate([points, rng.normal(0, 3, (len(points), 1))], axis=1).astype(np.float32)

    views = noisy(latents), noisy(held_out), [noisy(copy) for copy in copies]
    chosen, value = choose_whitening((0.0, 0.5, 1.0), *views)
    assert chosen.strength == 1.0
    assert value > choose_whitening((0.0,), *views)[1]
