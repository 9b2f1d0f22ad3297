"""The audit of an index: measured on a store's own vectors, against exact search."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qdrant_stand_in import Qdrant, serving

from autoenc import SearchSettings, audit_store, open_store
from autoenc.catalog.auditing import AuditReport, _best
from autoenc.catalog.measuring import Measurement, recall_of
from autoenc.errors import ArgumentError, DiskFullError, StoreMismatchError
from autoenc.store import Store, VectorSpec, point_id
from autoenc.store.ann import search_ef
from autoenc.vectors import Vectors, unit_rows

DIM, POINTS = 2048, 1400  # so wide that few vectors are enough for a graph
EXACT = SearchSettings(exact=True)


def vectors() -> Vectors:
    """Of 20 clusters, as latents are."""
    rng = np.random.default_rng(5)
    centers = rng.normal(size=(20, DIM))
    return unit_rows((centers[np.arange(POINTS) % 20] + rng.normal(size=(POINTS, DIM))).astype(np.float32))


def fill(store: Store, rows: Vectors) -> Store:
    store.add_vector("wide", VectorSpec(rows.shape[1], "w", 1))
    store.add_field("year", "integer")
    store.upsert(
        [point_id("s", str(n)) for n in range(len(rows))], {"wide": rows}, [{"year": n} for n in range(len(rows))]
    )
    return store


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("audit") / "store"
    with open_store(root, create=True) as store:
        fill(store, vectors()).optimize()
    return root


@pytest.fixture(scope="module")
def report(built: Path) -> AuditReport:
    with open_store(built) as store:
        before = store.info, len(store)
        audited = audit_store(store, quantizations=["int8"], queries=40)
        assert (store.info, len(store)) == before
    return audited


# ---- what is measured ---------------------------------------------------------------------------


def test_what_is_as_near_as_the_last_neighbor_counts_as_found() -> None:
    assert recall_of([[0.9, 0.8]], [[0.9, 0.8]]) == 1
    assert recall_of([[0.9, 0.7], [0.5, 0.4], []], [[0.9, 0.8], [0.5, 0.4], []]) == pytest.approx(3 / 4)
    assert recall_of([[0.9, 0.9 - 1e-7]], [[0.9, 0.9]]) == 1  # rounding
    assert recall_of([[]], [[0.9, 0.9]]) == 0
    assert recall_of([[], []], [[], []]) == 1


def test_every_way_is_measured_and_the_exact_one_finds_everything(report: AuditReport) -> None:
    ways = [each.settings for each in report.measured]
    assert ways[0] == EXACT
    assert report.measured[0].recall == 1
    assert {way.ef for way in ways if way.quantization is None} == {None, 16, 32, 64, 128, 256, 512}
    assert {(way.ef, way.oversampling) for way in ways if way.quantization == "int8"} == {
        (ef, more) for ef in (32, 64, 128, 256) for more in (2.0, 4.0)
    }
    assert len(ways) == len(set(ways)) == 15
    assert (report.points, report.dim, report.queries, report.using) == (POINTS, DIM, 40, "wide")
    assert report.present.settings == SearchSettings(ef=search_ef(POINTS))
    assert not report.applied
    assert report.recall == report.present.recall
    for each in report.measured:
        assert 0 < each.median_ms <= each.p99_ms


def test_recall_is_that_of_a_slow_reference(built: Path, report: AuditReport) -> None:
    """The same queries, all cosines computed in NumPy, each image without itself."""
    rows = vectors()
    names = np.array([point_id("s", str(n)) for n in range(POINTS)])
    asked = np.argsort(names)[:40]
    (measured,) = [each for each in report.measured if each.settings == SearchSettings(ef=16)]
    shares = []
    with open_store(built) as store:
        for query in asked:
            cosines = rows @ rows[query]
            cosines[query] = -2
            nearest = set(names[np.argsort(-cosines)[:10]])
            hits = store.search_batch(rows[[query]], using="wide", k=11, settings=SearchSettings(ef=16))[0]
            shares.append(len(nearest & {hit.id for hit in hits}) / 10)
    assert measured.recall == pytest.approx(np.mean(shares), abs=1e-9)
    assert measured.recall > 0.5


def test_bytes_are_those_of_the_files(report: AuditReport) -> None:
    exact, graph = report.measured[0], report.measured[1]
    short = next(each for each in report.measured if each.settings.quantization == "int8")
    numbers = POINTS * DIM
    for each in (exact, graph, short):
        assert each.memory_bytes is not None
        assert each.disk_bytes is not None
        assert each.disk_bytes > exact.memory_bytes
    assert 4 * numbers <= exact.memory_bytes < 4.2 * numbers
    assert exact.memory_bytes < graph.memory_bytes < 5 * numbers
    assert numbers <= short.memory_bytes < 1.5 * numbers
    assert numbers <= short.disk_bytes - graph.disk_bytes < 1.2 * numbers


def test_copies_are_removed(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with open_store(built) as store:
        seen: list[str] = []

        def stop(stage: str, *_: object) -> None:
            seen.extend(path.name for path in tmp_path.iterdir())
            if stage.startswith("building"):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            audit_store(store, quantizations=["int8"], queries=1, progress=stop)
        assert seen
        assert list(tmp_path.iterdir()) == []


def test_no_room_for_copies(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoenc.store.space.free_bytes", lambda _: 4 * POINTS * DIM)
    with open_store(built) as store, pytest.raises(DiskFullError, match="to try short copies of the vectors"):
        audit_store(store, quantizations=["int8"], queries=1)


# ---- what is suggested ----------------------------------------------------------------------------


def measured(settings: SearchSettings, recall: float, milliseconds: float) -> Measurement:
    return Measurement(settings, recall, milliseconds, milliseconds, 0, 0)


SLOW = measured(EXACT, 1.0, 10.0)
LOW = measured(SearchSettings(ef=16), 0.97, 0.1)
FAST = measured(SearchSettings(ef=32), 0.991, 0.2)
SURE = measured(SearchSettings(ef=64), 0.999, 0.24)
USED = measured(SearchSettings(ef=128), 1.0, 0.3)
SHORT = measured(SearchSettings(ef=64, quantization="int8", oversampling=2.0), 0.995, 0.22)


@pytest.mark.parametrize(
    ("ways", "present", "wanted", "expected"),
    [
        ([SLOW, LOW, FAST, USED], USED, 0.99, FAST),
        ([SLOW, LOW, FAST, SURE, USED], USED, 0.99, SURE),  # hardly slower, and it finds more
        ([SLOW, LOW, FAST, SURE, SHORT, USED], USED, 0.99, SURE),  # hardly slower, without short copies
        ([SLOW, SHORT, USED], USED, 0.99, SHORT),
        ([SLOW, LOW, FAST, SURE], SURE, 0.99, SURE),  # the present ones are hardly slower
        ([SLOW, LOW, FAST], LOW, 0.99, FAST),  # the present ones find too little
        ([SLOW, LOW, FAST], LOW, 0.995, SLOW),
        ([SLOW, LOW, FAST], FAST, 0.5, LOW),
    ],
)
def test_the_suggestion(ways: list[Measurement], present: Measurement, wanted: float, expected: Measurement) -> None:
    assert _best(ways, present, wanted) is expected


def test_what_is_applied_is_kept_and_used(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = SearchSettings(ef=64, quantization="int8", oversampling=4.0)
    monkeypatch.setattr(
        "autoenc.catalog.auditing._best", lambda ways, *_: next(w for w in ways if w.settings == chosen)
    )
    rows = vectors()
    with open_store(built) as store:
        expected = store.search_batch(rows[:5], using="wide", k=10, settings=EXACT)
        report = audit_store(store, quantizations=["int8"], queries=20, apply=True)
        assert report.applied
        assert report.recall == report.suggested.recall
    kept = replace(chosen, points=POINTS, fingerprint="w")
    with open_store(built) as store:
        assert store.verify()
        assert store.info.settings == store.status().settings == {"wide": kept}
        sizes = store.vector_bytes("wide")
        assert sizes is not None
        assert sizes.quantized >= POINTS * DIM
        for found, nearest in zip(store.search_batch(rows[:5], using="wide", k=10), expected, strict=True):
            assert len({hit.id for hit in found} & {hit.id for hit in nearest}) >= 9
            assert found[0].score == pytest.approx(1, abs=1e-5)  # by the vectors themselves
            assert found[0].payload
        again = audit_store(store, quantizations=["int8"], queries=20)
        assert again.present.settings == chosen
        assert len(again.measured) == 15
        store.set_settings({"wide": SearchSettings()})
        store.optimize()
    with open_store(built) as store:
        assert store.info.settings == {}
        sizes = store.vector_bytes("wide")
        assert sizes is not None
        assert sizes.quantized == 0
        assert len(store) == POINTS


# ---- where there is no graph ------------------------------------------------------------------------


@pytest.mark.parametrize("location", [":memory:", "folder"])
def test_every_search_is_exact(location: str, tmp_path: Path) -> None:
    place = location if location == ":memory:" else tmp_path / "store"
    with open_store(place, create=True) as store:
        fill(store, vectors()[:30, :5])
        report = audit_store(store, min_recall=1, apply=True)
    assert [each.settings for each in report.measured] == [EXACT]
    assert report.recall == 1
    assert report.present is report.suggested is report.measured[0]
    (note,) = report.notes
    assert note.startswith("The 30 images are so few" if location == "folder" else "Every search of a store in memory")
    assert note.endswith("; there is no graph to audit.")


def test_of_a_server_only_what_it_has_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("autoenc.catalog.measuring.is_exact", lambda *_: False)
    qdrant = Qdrant()
    with serving(qdrant) as url, open_store(url, create=True) as store:
        fill(store, vectors()[:30, :5])
        report = audit_store(store, queries=5)
        assert [each.settings for each in report.measured] == [
            EXACT,
            *(SearchSettings(ef=ef) for ef in (16, 32, 64, 128, 256, 512)),
        ]
        assert [note.split(" were ")[0] for note in report.notes] == [
            "Short copies of kind int8",
            "Short copies of kind turbo4",
        ]
        assert {each.memory_bytes for each in report.measured} == {None}
        store.set_settings({"wide": SearchSettings(ef=32, quantization="int8", oversampling=2.0)})
        report = audit_store(store, queries=5, quantizations=["int8"])
        assert report.notes == []
        assert len(report.measured) == 15
        assert report.present.settings == SearchSettings(ef=32, quantization="int8", oversampling=2.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_recall": 1.1}, "min_recall= must be a number from 0 to 1"),
        ({"min_recall": "all"}, "min_recall= must be a number"),
        ({"queries": 0}, "queries= must be a whole number, 1 or more"),
        ({"quantizations": ["int4"]}, "quantizations= names int8, turbo4, product16, binary; got 'int4'"),
        ({"using": "wide=1,tall=1"}, "no vectors of encoder 'tall'"),
    ],
)
def test_values_that_are_not_allowed(options: dict[str, object], message: str) -> None:
    with open_store(":memory:") as store:
        fill(store, vectors()[:3, :5])
        with pytest.raises((ArgumentError, StoreMismatchError), match=message):
            audit_store(store, **options)  # type: ignore[arg-type]
