"""Scales are measured from the catalog itself: leave-one-out neighbors and random pairs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoenc import index_images, measure_scales, open_store
from autoenc.catalog.scales import scale_of
from autoenc.errors import ArgumentError, DiskFullError, StoreError, VectorError
from autoenc.store import Store, VectorSpec, point_id
from autoenc.store.scale import SAMPLE
from autoenc.vectors import Vectors, unit_rows

RNG = np.random.default_rng(3)


def holding(rows: Vectors) -> Store:
    """A store in memory with these vectors."""
    store = open_store(":memory:")
    store.add_vector("paint", VectorSpec(rows.shape[1], "p", 1))
    store.upsert([point_id("s", str(number)) for number in range(len(rows))], {"paint": rows}, [{}] * len(rows))
    return store


def normal(count: int, dim: int = 6) -> Vectors:
    return RNG.normal(size=(count, dim)).astype(np.float32)


def test_against_a_slow_reference() -> None:
    """And three copies of each image change nothing: a copy counts neither as a neighbor nor as a pair."""
    rows = normal(60)
    cosines = unit_rows(rows).astype(np.float64) @ unit_rows(rows).astype(np.float64).T
    pairs = [cosines[one, other] for one in range(60) for other in range(one)]
    nearest = [max(cosines[one, other] for other in range(60) if other != one) for one in range(60)]
    for copies in (1, 3):
        scale = measure_scales(holding(np.repeat(rows, copies, axis=0)))["paint"]
        expected = [np.percentile(np.repeat(nearest, copies), share) for share in range(101)]
        assert scale.percentiles == pytest.approx(expected, abs=2e-6)
        assert scale.nearest == scale.percentiles[50]
        assert scale.median == pytest.approx(np.median(np.repeat(pairs, copies**2)), abs=2e-6)
        assert (scale.points, scale.fingerprint) == (60 * copies, "p")


def test_no_payload_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    store = holding(normal(20))
    store.set_payloads([record.id for record in store], [{"title": "long"}] * 20)
    read: list[dict[str, Any]] = []
    scroll, search = Store.scroll, Store.search_batch

    def spied_scroll(self: Store, *args: Any, **options: Any) -> Any:
        records = list(scroll(self, *args, **options))
        read.extend(record.payload for record in records)
        return iter(records)

    def spied_search(self: Store, *args: Any, **options: Any) -> Any:
        found = search(self, *args, **options)
        read.extend(hit.payload for hits in found for hit in hits)
        return found

    monkeypatch.setattr(Store, "scroll", spied_scroll)
    monkeypatch.setattr(Store, "search_batch", spied_search)
    measure_scales(store)
    assert len(read) > 40
    assert not any(read)


def test_a_picture_with_many_copies_is_left_out() -> None:
    rows = normal(60)
    crowded = np.concatenate([rows, np.repeat(normal(1), 30, axis=0)])
    scale = measure_scales(holding(crowded))["paint"]
    cosines = unit_rows(crowded) @ unit_rows(crowded).T
    np.fill_diagonal(cosines, -1)
    assert scale.percentiles == pytest.approx(np.percentile(cosines[:60].max(axis=1), range(101)), abs=2e-6)


@pytest.mark.parametrize("rows", [normal(0), normal(1), np.ones((5, 3), np.float32), np.ones((40, 3), np.float32)])
def test_where_no_two_images_differ_every_figure_is_1(rows: Vectors) -> None:
    scale = measure_scales(holding(rows))["paint"]
    assert (scale.median, scale.nearest, set(scale.percentiles), scale.points) == (1, 1, {1}, len(rows))
    assert (scale.scaled(1.0), scale.scaled(0.25)) == (1, 0.25)


def test_two_images_and_vectors_without_a_direction() -> None:
    scale = measure_scales(holding(np.array([[1, 0], [3, 4]], np.float32)))["paint"]
    assert (scale.median, scale.nearest) == (0.6, 0.6)
    assert measure_scales(holding(np.zeros((4, 3), np.float32)))["paint"].nearest == 0


def test_a_large_catalog_is_sampled_and_still_searched_whole() -> None:
    """Each image has one near twin; half of the twins are not in the sample, but found all the same."""
    one = unit_rows(normal(SAMPLE, 16))
    scale = measure_scales(holding(np.concatenate([one, one + 0.01 * unit_rows(normal(SAMPLE, 16))])))["paint"]
    assert scale.percentiles[0] > 0.999
    assert scale.points == 2 * SAMPLE
    assert abs(scale.median) < 0.05


def test_a_scale_is_measured_on_demand_and_remembered() -> None:
    store = holding(normal(20))
    told = scale_of(store, "paint")
    assert store.info.scales == {}, "what only reads remembers nothing"
    assert measure_scales(store, ["paint"]) == {"paint": told} == store.info.scales
    store.upsert([point_id("s", "new")], {"paint": normal(1)}, [{}])
    assert scale_of(store, "paint") == told, "it is read, not measured again"
    with pytest.raises(VectorError, match="holds no vector 'ink'"):
        measure_scales(store, ["ink"])
    with pytest.raises(ArgumentError, match="Expected an open store"):
        measure_scales("store")  # type: ignore[arg-type]


def test_indexing_measures_what_is_missing_or_has_moved(picture_folder: Path, tmp_path: Path) -> None:
    def points() -> dict[str, int]:
        index_images(picture_folder, tmp_path / "s", encoders=["color"], progress=False)
        with open_store(tmp_path / "s") as store:
            return {name: scale.points for name, scale in store.info.scales.items()}

    assert points() == {"color": 12}
    shutil.copy(picture_folder / "red" / "0.png", picture_folder / "one.png")
    assert points() == {"color": 12}, "one in twelve is less than a tenth"
    shutil.copy(picture_folder / "red" / "1.png", picture_folder / "two.png")
    assert points() == {"color": 14}
    index_images(picture_folder, tmp_path / "s", encoders=["edges"], progress=False)
    with open_store(tmp_path / "s") as store:
        assert {name: scale.points for name, scale in store.info.scales.items()} == {"color": 14, "edges": 14}


def test_indexing_measures_again_when_pictures_were_replaced(picture_folder: Path, tmp_path: Path) -> None:
    index_images(picture_folder, tmp_path / "s", encoders=["color"], progress=False)
    with open_store(tmp_path / "s") as store:
        before = store.info.scales["color"]
    for name in ("0", "1"):
        shutil.copy(picture_folder / "blue" / f"{name}.png", picture_folder / "red" / f"{name}.png")
    index_images(picture_folder, tmp_path / "s", progress=False)
    with open_store(tmp_path / "s") as store:
        assert store.info.scales["color"] != before
        assert store.info.scales["color"] == measure_scales(store)["color"]


def test_a_run_that_changes_nothing_measures_nothing(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_images(picture_folder, tmp_path / "s", encoders=["color"], progress=False)
    monkeypatch.setattr(Store, "set_scales", lambda self, scales: pytest.fail("measured again"))
    assert index_images(picture_folder, tmp_path / "s", progress=False).unchanged == 12


@pytest.mark.parametrize("error", [DiskFullError("The disk is full."), StoreError("It did not answer in time.")])
def test_what_keeps_a_store_from_writing_costs_the_scales_alone(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: StoreError
) -> None:
    def failing(self: Store, scales: object) -> None:
        raise error

    monkeypatch.setattr(Store, "set_scales", failing)
    report = index_images(picture_folder, tmp_path / "s", encoders=["color"], source="shop", progress=False)
    assert report.indexed == 12
    assert report.notes[-1].endswith(f"the scales of their encoders are not: {error}")
    with open_store(tmp_path / "s") as store:
        assert "shop" in store.info.runs
