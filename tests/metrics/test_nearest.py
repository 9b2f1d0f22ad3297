"""The nearest of a gallery: against a full sort, for galleries of any size, ties and zeros."""

from __future__ import annotations

import numpy as np
import pytest

from autoenc.metrics import nearest
from autoenc.metrics.nearest import Gallery
from autoenc.vectors import Indices, Vectors, unit_rows

# Vectors that fill a tile of 64, of 24 and of 8, and a group of 32 tiles, or do not.
SIZES = [
    *((count, 7) for count in (1, 63, 64, 65, 2048, 2049, 5000)),
    *((count, 324) for count in (23, 24, 769)),
    *((count, 5000) for count in (9, 257)),
]


@pytest.mark.parametrize(("count", "dim"), SIZES)
@pytest.mark.parametrize("k", [1, 21, 300, 6000])
def test_against_a_full_sort(count: int, dim: int, k: int) -> None:
    generator = np.random.default_rng(count)
    rows = unit_rows(generator.normal(size=(count, dim)).astype(np.float32))
    queries = unit_rows(generator.normal(size=(70, dim)).astype(np.float32))  # more than are compared at a time
    wanted = queries.astype(np.float64) @ rows.T.astype(np.float64)
    order = np.argsort(-wanted, axis=1)[:, :k]
    indices, cosines = Gallery(rows).nearest(queries, k)
    assert indices.shape == (70, min(k, count))
    np.testing.assert_allclose(cosines, np.take_along_axis(wanted, order, 1), atol=1e-6)
    assert np.mean(indices == order) > 0.999  # but for what float32 cannot tell apart
    assert all(len(set(row)) == len(row) for row in indices.tolist())


def test_copies_are_ordered_by_index_and_zero_has_cosine_zero() -> None:
    rows = np.zeros((3000, 40), np.float32)
    copies = [5, 64, 1999, 2048, 2999]
    rows[copies] = unit_rows(np.random.default_rng(0).normal(size=(1, 40)).astype(np.float32))
    rows[7, 0], rows[8, 0] = 1, -1
    indices, cosines = Gallery(rows).nearest(rows[[5, 8, 0]], 6)
    assert indices[0, :5].tolist() == copies
    assert len(set(cosines[0, :5].tolist())) == 1
    assert (indices[1, 0], cosines[1, 0]) == (8, 1)
    assert cosines[2].tolist() == [0] * 6
    assert 7 in Gallery(-rows).nearest(rows[[8]], 1)[0]


@pytest.mark.parametrize(
    ("limit", "value", "step"),
    [("_SCORES", 3 * 4096, 3), ("_NUMBERS", 5 * 21 * 7, 5), ("_NUMBERS", 1, 1)],
)
def test_a_block_has_no_more_queries_than_memory_is_meant_for(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int, step: int
) -> None:
    generator = np.random.default_rng(0)
    gallery = Gallery(unit_rows(generator.normal(size=(2049, 7)).astype(np.float32)))  # two groups: 4,096 scores each
    queries = unit_rows(generator.normal(size=(70, 7)).astype(np.float32))
    wanted = gallery.nearest(queries, 21)
    blocks: list[int] = []
    search = Gallery._nearest

    def noted(self: Gallery, queries: Vectors, k: int) -> tuple[Indices, Vectors]:
        blocks.append(len(queries))
        return search(self, queries, k)

    monkeypatch.setattr(Gallery, "_nearest", noted)
    monkeypatch.setattr(nearest, limit, value)
    indices, cosines = gallery.nearest(queries, 21)
    assert set(blocks[:-1]) == {step}
    assert sum(blocks) == 70
    np.testing.assert_array_equal(indices, wanted[0])
    np.testing.assert_allclose(cosines, wanted[1], atol=1e-6)


def test_nothing_to_find() -> None:
    none = np.empty((0, 3), np.float32)
    assert Gallery(none).nearest(np.eye(3, dtype=np.float32), 4)[0].shape == (3, 0)
    assert Gallery(np.eye(3, dtype=np.float32)).nearest(none, 2)[0].shape == (0, 2)
