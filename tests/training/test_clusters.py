"""Cluster mAP: what it rewards, what it punishes, and a few values by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy", reason="clustering is a part of training: pip install 'autoenc[train]'")

from groups import groups
from hypothesis import given, settings
from hypothesis import strategies as st

from autoenc.training.clusters import VIEW_SEEDS, cluster_map


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


def test_the_mean_is_over_all_copies() -> None:
    latents, held_out, copies = groups(0.3)
    each = [cluster_map(latents, held_out, [copy]) for copy in copies]
    assert each[0] != each[1]
    assert cluster_map(latents, held_out, copies) == pytest.approx(np.mean(each), rel=1e-6)


def test_copies_are_made_with_seeds_of_their_own() -> None:
    assert len(set(VIEW_SEEDS)) == len(VIEW_SEEDS) > 1
