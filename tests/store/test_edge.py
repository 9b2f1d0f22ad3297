"""Stores in a folder: made and opened with care, locked, durable, and in agreement with the in-memory engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torturing.copies import copied

from autoenc.errors import (
    ArgumentError,
    StoreError,
    StoreLockedError,
    StoreMismatchError,
    StoreNotFoundError,
)
from autoenc.store import VectorSpec, list_collections, open_store, point_id
from autoenc.store.ann import is_exact, search_ef
from autoenc.store.edge_values import condition_for
from autoenc.store.filters import Conditions, HasVector

PAINT = VectorSpec(dim=2, fingerprint="paint-1", preprocessing=1)


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "store"


def filled(root: Path, collection: str = "images", points: int = 3) -> None:
    with open_store(root, collection, create=True) as store:
        store.add_vector("paint", PAINT)
        store.add_field("folder", "keyword")
        vectors = np.array([[1, n] for n in range(points)], np.float32)
        store.upsert([point_id("s", str(n)) for n in range(points)], {"paint": vectors}, [{"folder": "f"}] * points)


FILES = ["autoenc.json", "autoenc.manifest.json", "shard"]
"""What is in the folder of a collection that was closed."""


def killed(root: Path, collection: str = "images") -> None:
    """Make a closed store look like one whose process was killed: without a manifest."""
    (root / collection / "autoenc.manifest.json").unlink()


def everything_under(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


# ---- finding ----------------------------------------------------------------------------------


def test_a_store_that_is_not_there(root):
    with pytest.raises(StoreNotFoundError, match=r"There is no store at .*store\. Index images into it first"):
        open_store(root)
    with pytest.raises(StoreNotFoundError, match="There is no store"):
        list_collections(root)
    assert not root.exists()


def test_a_collection_that_is_not_there_is_told_with_those_that_are(root):
    filled(root, "shoes")
    filled(root, "hats")
    assert list_collections(root) == ["hats", "shoes"]
    with pytest.raises(StoreNotFoundError, match="no collection 'images'; the collections there are: 'hats', 'shoes'"):
        open_store(root)
    assert not (root / "images").exists()


def test_a_collection_named_as_if_it_were_the_store(root):
    filled(root)
    for create in (False, True):
        with pytest.raises(StoreNotFoundError, match="'images' as the collection"):
            open_store(root / "images", "images", create=create)


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", "a\\b", ".hidden", "a b", "x\n", "x" * 101])
@pytest.mark.parametrize("location", ["folder", ":memory:"])
def test_names_that_no_collection_can_have(root, location, name):
    with pytest.raises(ArgumentError, match="A collection's name holds"):
        open_store(root if location == "folder" else location, name, create=True)
    assert not root.exists()


@pytest.mark.parametrize("location", ["", "ftp://host/x", "file:///tmp/x"])
def test_locations_that_are_no_store(location):
    with pytest.raises(ArgumentError, match="A store is :memory:, a folder, or a server's"):
        open_store(location, create=True)


@pytest.fixture(params=["a name too long", "a folder of another user"])
def forbidden(request, root) -> Iterator[tuple[Path, str]]:
    """A place that the file system refuses to tell of: Path.exists() and its like raise there up to Python 3.13."""
    (root / "inside").mkdir(parents=True)
    if request.param == "a name too long":
        yield root / ("x" * 300), "File name too long"
        return
    if os.name != "posix" or os.geteuid() == 0:
        pytest.skip("nothing is forbidden to this user")
    root.chmod(0)
    yield root / "inside", "Permission denied"
    root.chmod(0o700)


def test_a_place_that_may_not_be_looked_into(forbidden):
    place, why = forbidden
    for attempt in (lambda: open_store(place), lambda: open_store(place, create=True), lambda: list_collections(place)):
        with pytest.raises(StoreError, match=f"Cannot read .*{why}"):
            attempt()


# ---- making -----------------------------------------------------------------------------------


def test_a_folder_of_other_things_is_refused_and_left_as_it_is(root):
    (root / "hat").mkdir(parents=True)
    (root / "hat" / "1.jpg").write_bytes(b"photo")
    before = everything_under(root)
    with pytest.raises(StoreError, match="holds other files and is not a store"):
        open_store(root, create=True)
    with pytest.raises(StoreError, match="hat holds other files"):
        open_store(root, "hat", create=True)
    with pytest.raises(StoreNotFoundError, match="holds other files, such as hat, and is not a store"):
        open_store(root, "hat")
    assert everything_under(root) == before


def test_a_file_is_no_store(root):
    root.write_text("hello")
    with pytest.raises(StoreError, match="is a file; a store is a folder"):
        open_store(root, create=True)
    with pytest.raises(StoreNotFoundError):
        open_store(root)
    assert root.read_text() == "hello"


def test_an_interrupted_making_is_completed(root):
    left = root / "images" / "shard-abc"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    with pytest.raises(StoreNotFoundError):
        open_store(root)
    filled(root)
    assert not left.exists()
    with open_store(root) as store:
        assert store.count() == 3


def test_a_collection_that_is_being_made_beside_it_is_no_other_file(root):
    (root / "first" / "shard-abc").mkdir(parents=True)
    open_store(root, "second", create=True).close()
    assert list_collections(root) == ["second"]


def test_a_shard_made_before_its_record_gets_one(root):
    open_store(root, create=True).close()
    for name in ("autoenc.json", "autoenc.manifest.json"):
        (root / "images" / name).unlink()
    with open_store(root, create=True) as store:
        assert store.info.vectors == {}
    assert list_collections(root) == ["images"]


@pytest.mark.skipif(os.name != "posix", reason="a umask is POSIX's")
def test_the_umask_says_who_may_read_the_shard_and_the_record(root):
    before = os.umask(0o027)
    try:
        open_store(root, create=True).close()
    finally:
        os.umask(before)
    folder = root / "images"
    assert {oct(path.stat().st_mode & 0o777) for path in (root, folder, folder / "shard")} == {"0o750"}
    assert oct((folder / "autoenc.json").stat().st_mode & 0o777) == "0o640"


# ---- the record -------------------------------------------------------------------------------


def test_the_record_is_json_that_a_person_can_read(root):
    filled(root)
    record = json.loads((root / "images" / "autoenc.json").read_text())
    assert record == {
        "vectors": {"paint": {"dim": 2, "fingerprint": "paint-1", "preprocessing": 1, "origin": None}},
        "sources": {},
        "fields": {"folder": "keyword"},
        "better": {},
        "scales": {},
        "settings": {},
        "product_folders": False,
        "runs": {},
        "product": None,
        "copy_of": "",
        "version": 2,
    }
    assert sorted(path.name for path in (root / "images").iterdir()) == FILES


def test_what_is_recorded_but_not_in_the_engine_is_made_on_opening(root):
    """As after a crash between the record and the engine's operation."""
    filled(root)
    killed(root)
    path = root / "images" / "autoenc.json"
    record = json.loads(path.read_text())
    record["vectors"]["shape"] = {"dim": 3, "fingerprint": "s", "preprocessing": 1, "origin": None}
    record["fields"]["year"] = "integer"
    path.write_text(json.dumps(record))
    with open_store(root) as store:
        store.update_vectors([point_id("s", "0")], {"shape": np.ones((1, 3), np.float32)})
        assert len(store.search([1, 1, 1], using="shape")) == 1
        assert store.facets("year") == {}
        assert store.count() == 3


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", StoreError),
        ("{", StoreError),
        ("[]", StoreMismatchError),
        ('{"version": 99}', StoreMismatchError),
        ('{"version": 1}', StoreMismatchError),
        ('{"version": 2}', StoreMismatchError),
        ('{"version": 2, "vectors": {"a": {"dim": "x"}}, "sources": {}, "fields": {}}', StoreMismatchError),
        ('{"version": 2, "vectors": {}, "sources": {}, "fields": {"a": "money"}}', StoreMismatchError),
        ('{"version": 2, "vectors": {"paint": {"dim": 5, "fingerprint": "p", "preprocessing": 1}}, '
         '"sources": {}, "fields": {}}', StoreError),
    ],
)  # fmt: skip
def test_a_damaged_record_is_told_and_the_lock_let_go(root, text, error):
    filled(root)
    killed(root)
    path = root / "images" / "autoenc.json"
    good = path.read_text()
    path.write_text(text)
    with pytest.raises(error):
        open_store(root)
    path.write_text(good)
    with open_store(root) as store:
        assert store.count() == 3


def test_a_kill_while_the_first_record_is_written_leaves_a_store_that_opens(root):
    filled(root)
    folder = root / "images"
    killed(root)
    (folder / "autoenc.json").rename(folder / ".autoenc-0123.tmp")
    shutil.rmtree(folder / "shard")
    with open_store(root, create=True) as store:
        assert len(store) == 0
    assert sorted(path.name for path in folder.iterdir()) == FILES


def test_a_failed_write_of_the_record_changes_nothing(root, monkeypatch):
    filled(root)
    with open_store(root) as store:

        def full(*_):
            raise OSError("No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(StoreError, match=r"Cannot write to .*No space left"):
            store.add_source("photos", "/photos")
        assert store.info.sources == {}
    monkeypatch.undo()
    assert sorted(path.name for path in (root / "images").iterdir()) == FILES


# ---- the engine's folder ----------------------------------------------------------------------


def test_a_lost_engine_folder(root):
    filled(root)
    (root / "images" / "shard").rename(root / "elsewhere")
    with pytest.raises(StoreError, match="has lost its engine folder"):
        open_store(root)
    (root / "images" / "shard").mkdir()
    with pytest.raises(StoreError, match="has lost its engine folder"):
        open_store(root)
    assert everything_under(root / "images" / "shard") == []


@pytest.mark.parametrize(
    "pattern", ["edge_config.json", "segments/*/segment.json", "segments/*/vector_storage-*/vectors/status.dat"]
)
def test_a_damaged_engine_folder_is_one_clear_error(root, pattern):
    """A cut status.dat makes the engine panic: an exception past `except Exception`."""
    filled(root)
    killed(root)
    for path in (root / "images" / "shard").glob(pattern):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StoreError, match="The engine failed on collection 'images'"), open_store(root) as store:
        store.search([1, 0], using="paint")


def test_a_store_is_open_only_once(root):
    filled(root)
    with open_store(root) as store:
        with pytest.raises(StoreLockedError, match="open already in this process"):
            open_store(root)
        code = f"from autoenc.store import open_store; open_store({str(root)!r}, wait=0)"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "StoreLockedError" in other.stderr
        assert store.count() == 3
    open_store(root).close()


def test_closing_waits_for_what_another_thread_reads(root):
    """Ctrl-C leaves one reading."""
    filled(root, points=500)
    ids = [point_id("s", str(n)) for n in range(500)]

    def read(store):
        while True:
            store.retrieve(ids, vectors=["paint"])

    for _ in range(10):
        with ThreadPoolExecutor(1) as pool:
            with open_store(root) as store:
                reading = pool.submit(read, store)
                time.sleep(0.02)
            with pytest.raises(StoreError, match="has been closed"):
                reading.result()


def test_a_payload_that_is_no_number(root):
    with open_store(root, create=True) as store:
        with pytest.raises(ArgumentError, match="cannot be stored"):
            store.upsert([point_id("s", "1")], {}, [{"x": float("nan")}])
        assert store.count() == 0


WRITER = """
import itertools, sys
import numpy as np
from autoenc.store import open_store, point_id
store = open_store(sys.argv[1])
for turn in itertools.count(1):
    ids = [point_id("s", str(n)) for n in range(200)]
    vectors = np.tile(np.array([[1, turn]], np.float32), (200, 1))
    store.upsert(ids, {"paint": vectors}, [{"turn": turn}] * 200)
    if turn % 3 == 0:
        store.flush()
        print(turn, flush=True)
"""


def test_kill_loses_nothing_flushed_and_tears_no_point(root):
    filled(root, points=200)
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        reported = [writer.stdout.readline() for _ in range(4)]
        writer.kill()
        reported += writer.stdout.readlines()
        writer.wait()
        writer.stdout.close()
        with open_store(root) as store:
            records = list(store.scroll(vectors=["paint"]))
        assert len(records) == 200
        for record in records:
            turn = record.payload["turn"]
            assert turn >= int(reported[-1])
            x, y = record.vectors["paint"].tolist()
            assert y / x == pytest.approx(turn, rel=1e-3)  # vector and payload are of one write


# ---- large collections --------------------------------------------------------------------------


def test_effort_rises_with_size():
    assert is_exact(80_000, 32)
    assert not is_exact(80_001, 32)
    assert is_exact(7_900, 324)
    assert not is_exact(8_000, 324)
    assert [search_ef(n) for n in (1_000, 100_000, 800_000)] == [128, 128, 256]


@pytest.mark.slow
def test_an_indexed_collection_still_finds_the_nearest(root):
    """Wide vectors pass the bound of exact search early; recall is measured against NumPy, filtered too."""
    points = np.random.default_rng(0).normal(size=(2700, 2048)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    names = [point_id("s", str(n)) for n in range(len(points))]
    queries = points[:50] + 0.3 * points[50:100]
    scores = queries @ points.T
    with open_store(root, create=True) as store:
        store.add_vector("wide", VectorSpec(2048, "w", 1))
        store.add_field("third", "integer")
        store.upsert(names, {"wide": points}, [{"third": n % 3} for n in range(len(names))])
        store.optimize()
        assert not is_exact(store.count(), 2048)
        for where, wanted in (({}, slice(None)), ({"third": 1}, slice(1, None, 3))):
            found = [{hit.id for hit in hits} for hits in store.search_batch(queries, using="wide", k=10, where=where)]
            nearest = np.argsort(-scores[:, wanted], axis=1)[:, :10]
            expected = [{names[wanted][n] for n in row} for row in nearest]
            assert np.mean([len(a & b) / 10 for a, b in zip(found, expected, strict=True)]) >= 0.9
        store.upsert([names[0]], {"wide": -points[:1]}, [{"new": 1}])
        assert store.search(-points[0], using="wide", k=1)[0].payload == {"new": 1}
    with open_store(root) as store:
        assert store.count() == 2700


# ---- both engines agree -------------------------------------------------------------------------

numbers = st.integers(-4, 4).map(float)
drawn_points = st.lists(
    st.tuples(st.tuples(numbers, numbers, numbers), st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=12
)
filters = st.fixed_dictionaries(
    {}, optional={"folder": st.lists(st.sampled_from("abcd"), min_size=1), "year": st.integers(0, 3)}
)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("both") / "store", create=True) as edge, open_store(":memory:") as memory:
        for store in (edge, memory):
            store.add_vector("v", VectorSpec(3, "f", 1))
            store.add_field("folder", "keyword")
            store.add_field("year", "integer")
        yield edge, memory


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points=drawn_points, query=st.tuples(numbers, numbers, numbers), where=filters, k=st.integers(1, 14))
def test_edge_and_memory_agree(both, points, query, where, k):
    names = [point_id("s", str(n)) for n in range(len(points))]
    vectors = {"v": np.array([vector for vector, _, _ in points], np.float32)}
    payloads = [{"folder": folder, "year": year} for _, folder, year in points]
    for store in both:
        store.delete([record.id for record in store.scroll()])
        store.upsert(names, vectors, payloads)

    edge, memory = both
    assert edge.count(where) == memory.count(where)
    assert list(edge.facets("folder", where=where).items()) == list(memory.facets("folder", where=where).items())
    assert list(edge.facets("year").items()) == list(memory.facets("year").items())
    there, here = list(edge.scroll(where, vectors=["v"])), list(memory.scroll(where, vectors=["v"]))
    assert [(r.id, r.payload) for r in there] == [(r.id, r.payload) for r in here]
    for one, other in zip(there, here, strict=True):
        np.testing.assert_allclose(one.vectors["v"], other.vectors["v"], atol=1e-6)

    ours = edge.search(query, using="v", k=k, where=where)
    theirs = memory.search(query, using="v", k=k, where=where)
    assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], abs=1e-6)
    if ours:  # which of several equally similar points is the last is left to the engine
        last = ours[-1].score + 1e-5
        assert {h.id for h in ours if h.score > last} == {h.id for h in theirs if h.score > last}


def test_opening_a_folder_loads_no_other_engine(root):
    filled(root)
    code = f"""
import sys
from autoenc.store import open_store
assert not [name for name in sys.modules if name.startswith("qdrant")]
open_store({str(root)!r}).close()
assert "qdrant_edge" in sys.modules and "qdrant_client" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_opening_writes_nothing(root):
    """A store that is only read must not grow, however often it is opened and left without being closed."""
    filled(root)
    code = "import os, sys; from autoenc.store import open_store; open_store(sys.argv[1]); os._exit(0)"

    def log() -> list[bytes]:
        return [path.read_bytes() for path in sorted((root / "images" / "shard" / "wal").rglob("*")) if path.is_file()]

    before = log()
    for _ in range(3):
        subprocess.run([sys.executable, "-c", code, str(root)], check=True)
    assert log() == before


def test_a_closed_store_cannot_be_dropped(root):
    filled(root)
    store = open_store(root)
    store.close()
    with open_store(root) as other:
        with pytest.raises(StoreError, match="closed"):
            store.drop()
        assert len(other) == 3


def test_a_bool_field_whose_making_was_killed_is_made_whole(root):
    """The index is there, and the record does not know of it."""
    filled(root)
    with open_store(root) as store:
        store.add_field("stock", "bool")
        store._engine.merge_record({"fields": {"stock": None}})
    with open_store(root) as store:
        store.set_payload(point_id("s", "0"), {"stock": True})
        store.add_field("stock", "bool")
        assert store.count({"stock": True}) == 1


# ---- what the engine corrects when it opens --------------------------------------------------------


@pytest.fixture(scope="module")
def optimized(tmp_path_factory):
    """A store whose segment has been optimized, closed."""
    root = tmp_path_factory.mktemp("optimized") / "s"
    points = np.random.default_rng(0).normal(size=(2700, 1024)).astype(np.float32)
    with open_store(root, create=True) as store:
        store.add_vector("wide", VectorSpec(1024, "w", 1))
        store.upsert([point_id("s", str(n)) for n in range(2700)], {"wide": points}, [{"n": n} for n in range(2700)])
        store.optimize()
    return root


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A store that is too small for that, closed."""
    root = tmp_path_factory.mktemp("plain") / "s"
    with open_store(root, create=True) as store:
        store.add_vector("wide", VectorSpec(1024, "w", 1))
        points = np.random.default_rng(0).normal(size=(60, 1024)).astype(np.float32)
        store.upsert([point_id("s", str(n)) for n in range(60)], {"wide": points}, [{"n": n} for n in range(60)])
    return root


CHANGES = {
    "delete": lambda store, ids: store.delete(ids),
    "payload": lambda store, ids: store.set_payloads(ids, [{"x": 1}] * len(ids)),
    "vectors": lambda store, ids: store.update_vectors(ids, {"wide": np.eye(len(ids), 1024)}),
    "upsert": lambda store, ids: store.upsert(ids, {"wide": np.eye(len(ids), 1024)}, [{}] * len(ids)),
    "delete, optimize": lambda store, ids: (store.delete(ids), store.optimize()),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["plain", "optimized"])
def test_a_changed_store_is_whole_however_often_it_is_opened(kind, change, request, tmp_path):
    """The engine corrects the versions of deleted points when it opens their segment, which is no damage."""
    root = copied(request.getfixturevalue(kind), tmp_path / "s")
    ids = [point_id("s", str(number)) for number in range(40)]
    with open_store(root) as store:
        CHANGES[change](store, ids[:20])
        left = len(store)
    for verify in (False, True, False, True):
        with open_store(root, verify=verify) as store:
            assert len(store) == left
    with open_store(root):
        root = copied(root, tmp_path / "left")  # by a process that ends without closing it, as `autoenc query` does
    for turn in range(3):
        with open_store(root) as store:
            store.set_payload(ids[30], {"turn": turn})
            store.delete([ids[20 + turn]])
    with open_store(root, verify=True) as store:
        assert store.verify()
        assert len(store) == left - 3


def test_a_store_that_was_killed_is_whole_after_the_next_write(plain, tmp_path):
    root, killed = copied(plain, tmp_path / "s"), tmp_path / "killed"
    ids = [point_id("s", str(number)) for number in range(40)]
    with open_store(root) as store:
        store.delete(ids[:20])
        store._engine._shard.flush()
        copied(root, killed)
    for _ in range(3):
        with open_store(killed) as store:
            store.set_payload(ids[30], {"x": 1})
            assert len(store) == 40
    with open_store(killed, verify=True) as store:
        assert store.verify()


def test_a_condition_alone_is_no_filter_of_its_own_which_the_engine_would_read_in_more_time():
    alone = Conditions((HasVector("shape"),))
    assert type(condition_for(Conditions((alone,)))) is type(condition_for(HasVector("shape")))
    assert type(condition_for(Conditions(must_not=(alone,)))) is not type(condition_for(HasVector("shape")))
