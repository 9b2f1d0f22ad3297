"""How two generations are compared: by neighbors in common, and by copies that find their originals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from corners import Corners
from shops import draw_shop

from autoenc import index_images, open_store, reindex_store
from autoenc.catalog.agreement import compare_generations
from autoenc.encoders import Encoder
from autoenc.store import Store
from autoenc.vectors import Images, Vectors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return draw_shop(tmp_path / "shop")


class Constant(Encoder):
    """All images look alike to it."""

    name, dim, input_size, fingerprint = "corners", 2, 8, "constant"

    def _encode(self, images: Images) -> Vectors:
        return np.ones((len(images), 2), np.float32)


def two(folder: Path, old: Encoder, new: Encoder) -> tuple[Store, Store]:
    store = open_store(":memory:")
    index_images(folder, store, encoders=[old])
    reindex_store(store, encoders=[new], switch=False)
    return store, store.beside(2)


def test_neighbors_in_common_are_counted(folder: Path) -> None:
    """By a slow reference: all cosines in NumPy."""
    old, new = two(folder, Corners("one"), Corners("two", 3))
    found = compare_generations(old, new, Corners("two", 3))
    assert found is not None
    near = []
    for each in (old, new):
        records = list(each.scroll(vectors=["corners"]))
        rows = np.stack([record.vectors["corners"] for record in records])
        cosines = rows @ rows.T
        np.fill_diagonal(cosines, -2)
        near.append([set(np.argsort(-row, kind="stable")[:10].tolist()) for row in cosines])
        standing = found.before if each is old else found.after
        assert standing.distinct == len(set().union(*near[-1]))
        assert standing.random == pytest.approx(np.median(cosines[np.triu_indices(30, 1)]), abs=1e-3)
        assert standing.nearest[1] == pytest.approx(np.median(cosines.max(axis=1)), abs=1e-3)
    expected = np.mean([len(a & b) / 10 for a, b in zip(*near, strict=True)])
    assert found.overlap.mean == pytest.approx(expected)
    assert (found.queries, found.copies) == (30, 150)


def test_copies_tell_which_model_is_better(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy has its original's colors here, so it is found by who sees them, and by chance by who sees nothing."""
    monkeypatch.setattr("autoenc.catalog.agreement.altered_copies", lambda images, seed: images)
    monkeypatch.setattr(
        "autoenc.catalog.agreement._encoder", lambda store, _: encoders[store.info.vectors["corners"].fingerprint]
    )
    encoders = {each.fingerprint: each for each in (Corners("one"), Corners("two"), Constant())}
    for old, new, verdict in (
        ("corners one 12", "corners two 12", "equal"),
        ("corners one 12", "constant", "worse"),
        ("constant", "corners two 12", "better"),
    ):
        found = compare_generations(*two(folder, encoders[old], encoders[new]), encoders[new])
        assert found is not None
        assert found.verdict == verdict
        assert found.before.found == pytest.approx(1 if old != "constant" else 1 / 30)
        assert found.after.found == pytest.approx(1 if new != "constant" else 1 / 30)
        assert found.to_dict()["verdict"] == verdict


def test_without_the_old_encoder_copies_are_not_compared(folder: Path) -> None:
    found = compare_generations(*two(folder, Corners("one"), Corners("two")), Corners("two"))
    assert found is not None
    assert (found.gain, found.verdict, found.before.found) == (None, "unknown", None)
    assert found.after.found is not None
