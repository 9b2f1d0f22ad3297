"""Choosing between models without labels."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy", reason="choosing is a part of training: pip install 'autoenc[train]'")

from groups import groups

from autoenc.images.alterations import altered_copies
from autoenc.training.clusters import VIEW_SEEDS
from autoenc.training.examples import Examples
from autoenc.training.selection import choose_whitening, judge


def groups_beside_noise() -> tuple[Any, Any, Any]:
    """Groups told apart along sixteen weak axes, and one strong axis of noise."""
    latents, held_out, copies = groups(0.05)
    rng = np.random.default_rng(3)

    def noisy(points: Any) -> Any:
        return np.concatenate([points, rng.normal(0, 3, (len(points), 1))], axis=1).astype(np.float32)

    return noisy(latents), noisy(held_out), [noisy(copy) for copy in copies]


def test_whitening_is_chosen_by_what_it_does_to_the_clusters() -> None:
    """Once the axes are evened out, the groups show."""
    views = groups_beside_noise()
    chosen, value = choose_whitening((0.0, 0.5, 1.0), *views)
    assert chosen.strength == 1.0
    assert value > choose_whitening((0.0,), *views)[1]


@pytest.mark.parametrize("gain", [0.1, None])
def test_a_model_is_judged_by_altered_copies_of_what_was_held_out(gain: float | None) -> None:
    """Altered as in training; those of a plain autoencoder, too, whose cluster mAP is compared to those of others."""
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    encoded: list[Any] = []

    def encode(pictures: Any) -> Any:
        encoded.append(pictures)
        return pictures[:, ::8, ::8, 0].reshape(len(pictures), -1).astype(np.float32)

    material: Any = SimpleNamespace(images=images)
    session: Any = SimpleNamespace(
        trainer=SimpleNamespace(encode=encode, heads=dict),
        pixels=SimpleNamespace(images=images),
        training=np.arange(10, 40),
        held_out=np.arange(10)[::-1],
        examples=Examples([], material, gain),
    )
    assert (judge(session).whitening is None) == (gain is None)
    np.testing.assert_array_equal(encoded[0], images)
    assert len(encoded) == 1 + len(VIEW_SEEDS)
    for view, copies in zip(VIEW_SEEDS, encoded[1:], strict=True):
        expected = altered_copies(images[:10][::-1], seed=view, indices=session.held_out, gain=gain or 0.3)
        np.testing.assert_array_equal(copies, expected)


def test_distances_between_predictions_are_chosen_where_groups_show_in_them() -> None:
    """A head that looks away from the noise beside the groups; and one that is too narrow, which is left out."""
    views = groups_beside_noise()
    head = np.eye(17, 20, dtype=np.float32)
    head[16] = 1e-3
    plain, without = choose_whitening((0.0,), *views)
    chosen, value = choose_whitening((0.0,), *views, {"neighbors": head, "narrow": head[:, :16]})
    assert (plain.head, chosen.head) == ("", "neighbors")
    assert value > without
