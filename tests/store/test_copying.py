"""A copy of a store equals it, whatever the two stores are and whatever moment a kill chooses."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from qdrant_stand_in import Qdrant, serving
from torturing.processes import run

from autoenc import backup_store, copy_store, list_collections
from autoenc.errors import ArgumentError, StoreError, StoreMismatchError, StoreNotFoundError
from autoenc.store import Better, Store, VectorSpec, open_store, point_id
from autoenc.store import copying as module

PAINT = VectorSpec(dim=4, fingerprint="paint-1", preprocessing=1, origin="/models/paint")
SHAPE = VectorSpec(dim=3, fingerprint="shape-1", preprocessing=1)
AHEAD = Better("shape", "paint", 0.5, 0.25, 0.1, 0.3, 700, "2026-01-31", {"shape": "shape-1", "paint": "paint-1"})
KINDS = ("edge", "memory", "stand-in")

Opener = Callable[[str, str], Store]


@pytest.fixture
def opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opener]:
    """Opens a store of a kind under a name, and closes all of them; copies are made of 50 points at a time."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(module, "AT_ONCE", 50)
    with ExitStack() as opened:

        def opener(kind: str, name: str) -> Store:
            location = {"edge": str(tmp_path / name), "memory": ":memory:"}.get(kind)
            location = location or opened.enter_context(serving(Qdrant()))
            return opened.enter_context(open_store(location, create=True))

        yield opener


def fill(store: Store, points: int = 123) -> Store:
    """Points of which every third has no vector of its shape, with payloads of every kind of value."""
    rng = np.random.default_rng(3)
    store.add_vectors({"paint": PAINT, "shape": SHAPE})
    store.add_fields({"price": "float", "sold": "bool", "name of it": "keyword"})
    store.add_source("shop", "/photos")
    store.set_better("picture", AHEAD)
    ids = [point_id("shop", f"{number}.jpg") for number in range(points)]
    payloads = [
        {
            "price": number / 7,
            "sold": number % 2 == 0,
            "name of it": "é\u0000",
            "seen": datetime(2026, 1, 2, tzinfo=UTC),
        }
        | {
            "nested": {"list": [1, 2.0, None, {"deep": -0.0}]},
            "large": 2**63 - 1,
            "_autoenc": {"path": f"{number}.jpg"},
        }
        for number in range(points)
    ]
    whole, without = np.arange(points) % 3 != 0, np.arange(points) % 3 == 0
    for chosen, names in ((whole, ("paint", "shape")), (without, ("paint",))):
        rows = {name: rng.normal(size=(int(chosen.sum()), store.info.vectors[name].dim)) for name in names}
        places = np.flatnonzero(chosen)
        store.upsert([ids[at] for at in places], rows, [payloads[at] for at in places])  # type: ignore[arg-type]
    store.flush()
    return store


def held(store: Store) -> list[tuple[str, str, dict[str, list[float]]]]:
    """Everything in a store, with vectors rounded to what float32 arithmetic can tell."""
    return [
        (
            record.id,
            json.dumps({**record.payload, "price": round(record.payload.get("price", 0), 9)}, sort_keys=True),
            {name: row.round(5).tolist() for name, row in sorted(record.vectors.items())},
        )
        for record in store.scroll(vectors=list(store.info.vectors))
    ]


def close(one: Store, other: Store) -> bool:
    pairs = list(zip(held(one), held(other), strict=True))
    return all(a[:2] == b[:2] and a[2].keys() == b[2].keys() for a, b in pairs) and all(
        np.allclose(a[2][name], b[2][name], atol=2e-5) for a, b in pairs for name in a[2]
    )


# ---- between all kinds ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("of", KINDS)
def test_a_copy_holds_and_remembers_what_the_source_does(opening: Opener, of: str, kind: str) -> None:
    source, target = fill(opening(of, "source")), opening(kind, "target")
    report = copy_store(source, target)
    assert (report.points, report.copied) == (123, 123)
    assert close(source, target)
    assert target.info == source.info
    assert target.info.vectors["paint"].origin == "/models/paint"
    assert target.info.better == {"picture": AHEAD}
    assert target.count({"sold": True}) == 62
    ours, theirs = (store.search([1, 0, 0, 0], using="paint", k=7) for store in (source, target))
    assert [hit.id for hit in ours] == [hit.id for hit in theirs]
    target.delete([point_id("shop", "0.jpg")])  # it is finished: anything may be written again


def test_there_and_back_is_the_same_store(opening: Opener) -> None:
    edge, server, back = fill(opening("edge", "a")), opening("stand-in", "b"), opening("edge", "c")
    copy_store(edge, server)
    assert copy_store(server, back).points == 123
    assert close(edge, back)
    assert back.info == edge.info


def test_the_checksum_is_that_of_the_points_in_order(opening: Opener) -> None:
    """Worked out by hand: for each part of a point its length in 8 bytes and the part, then its vectors' bytes."""
    source = opening("edge", "source")
    source.add_vector("shape", SHAPE)
    ids = sorted(point_id("s", str(number)) for number in range(2))
    source.upsert(ids[:1], {"shape": np.array([[0, 3, 4]], np.float32)}, [{"b": 1, "a": "é"}])
    source.upsert(ids[1:], {}, [{}])
    digest = hashlib.sha256()
    parts = [ids[0].encode(), b'{"a": "\\u00e9", "b": 1}', b"shape", None, ids[1].encode(), b"{}"]
    for part in parts:
        digest.update(
            np.array([0, 0.6, 0.8], "<f4").tobytes() if part is None else len(part).to_bytes(8, "little") + part
        )
    report = copy_store(source, opening("edge", "target"))
    assert report.checksum == digest.hexdigest()


def test_vectors_are_copied_bit_for_bit_between_folders(opening: Opener) -> None:
    source, target = fill(opening("edge", "a")), opening("edge", "b")
    copy_store(source, target)
    for one, other in zip(*(store.scroll(vectors=["paint", "shape"]) for store in (source, target)), strict=True):
        assert all(row.tobytes() == other.vectors[name].tobytes() for name, row in one.vectors.items())


def test_locations_and_collections(tmp_path: Path) -> None:
    for name in ("shoes", "hats"):
        with open_store(tmp_path / "a", name, create=True) as store:
            fill(store, 10)
    copy_store(tmp_path / "a", tmp_path / "b", collection="hats")
    assert list_collections(tmp_path / "b") == ["hats"]


def test_an_empty_store_is_copied_with_what_it_remembers(opening: Opener) -> None:
    source, target = fill(opening("edge", "a"), 0), opening("memory", "b")
    assert copy_store(source, target).points == 0
    assert target.info == source.info


# ---- again ------------------------------------------------------------------------------------------


def test_a_finished_copy_is_left_as_it_is(opening: Opener) -> None:
    source, target = fill(opening("edge", "a")), opening("memory", "b")
    first = copy_store(source, target)
    again = copy_store(source, target)
    assert (again.points, again.copied, again.checksum) == (123, 0, first.checksum)


def test_what_a_finished_copy_has_learned_since_is_kept(opening: Opener) -> None:
    source, target = fill(opening("edge", "a"), 5), opening("memory", "b")
    copy_store(source, target)
    target.add_source("shop", "/moved")
    target.set_better("picture", None)
    copy_store(source, target)
    assert target.info.sources == {"shop": "/moved"}
    assert target.info.better == {}


class BreakError(Exception):
    pass


def interrupted(source: Store, target: Store, after: int) -> None:
    """A copy that ends after some points."""

    def stop(stage: str, done: int, total: int, note: str) -> None:
        if done >= after:
            raise BreakError

    with pytest.raises(BreakError):
        copy_store(source, target, progress=stop)


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_copy_is_finished_by_the_next(opening: Opener, kind: str) -> None:
    source, target = fill(opening("edge", "a")), opening(kind, "b")
    interrupted(source, target, 50)
    assert 0 < len(target) < 123
    report = copy_store(source, target)
    assert 0 < report.copied < 123
    assert close(source, target)
    assert target.info == source.info


def test_a_source_that_changes_between_the_two_is_followed(opening: Opener) -> None:
    source, target = fill(opening("edge", "a")), opening("memory", "b")
    interrupted(source, target, 100)
    first, second, *_ = (record.id for record in source)
    source.delete([first])
    source.set_payload(second, {"price": 99.0})
    source.add_source("other", "/elsewhere")
    source.set_better("picture", None)
    copy_store(source, target)
    assert close(source, target)
    assert target.info == source.info


def test_what_another_process_has_added_to_a_server_is_adopted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(Qdrant()) as url, open_store(url, create=True) as source:
        fill(source, 5)
        with open_store(url) as other:
            other.add_field("sku", "keyword")
            other.set_product("sku")
        assert source.info.product is None
        with open_store(tmp_path / "b", create=True) as target:
            target.adopt(source)
        with open_store(tmp_path / "b") as target:  # a product without its field could not be opened
            assert target.info.product == "sku"


@pytest.mark.parametrize("when", ["copying", "comparing"])
def test_what_another_process_adds_to_a_server_meanwhile_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    third = VectorSpec(dim=2, fingerprint="third-1", preprocessing=1)
    some = point_id("shop", "1.jpg")

    with serving(Qdrant()) as url, open_store(url, create=True) as source, open_store(":memory:") as target:
        fill(source, 5)

        def add(stage: str, done: int, total: int, note: str) -> None:
            with open_store(url) as other:
                if stage == when and "third" not in other.info.vectors:
                    other.add_vector("third", third)
                    other.update_vectors([some], {"third": np.array([[0, 1]], np.float32)})
                    other.add_field("sku", "keyword")
                    other.set_payload(some, {"sku": "A1"})

        copy_store(source, target, progress=add)
        assert target.info == source.info
        assert target.info.vectors["third"] == third
        assert [point.id for point in target.scroll(having=["third"])] == [some]
        assert close(source, target)


def test_a_resumed_copy_gets_an_encoder_that_its_source_has_gained(opening: Opener) -> None:
    source, target = fill(opening("edge", "a")), opening("memory", "b")
    interrupted(source, target, 50)
    source.add_vector("third", SHAPE)
    source.update_vectors([point_id("shop", "1.jpg")], {"third": np.array([[0, 0, 1]], np.float32)})
    copy_store(source, target)
    assert target.info == source.info
    assert close(source, target)


def test_an_encoder_that_the_source_loses_meanwhile(opening: Opener) -> None:
    source, target = fill(opening("edge", "a"), 5), opening("memory", "b")

    def drop(stage: str, done: int, total: int, note: str) -> None:
        if "shape" in source.info.vectors:
            source.drop_vector("shape")

    with pytest.raises(StoreMismatchError, match="'shape' not in both"):
        copy_store(source, target, progress=drop)


def test_an_unfinished_copy_says_so_and_is_written_to_by_nothing_else(opening: Opener) -> None:
    source, target = fill(opening("edge", "a")), opening("memory", "b")
    interrupted(source, target, 50)
    assert str(source.location) in target.status().copy_of
    before = held(target)
    some = point_id("shop", "1.jpg")
    for write in (
        lambda: target.upsert([some], {}, [{}]),
        lambda: target.update_vectors([some], {"shape": np.ones((1, 3), np.float32)}),
        lambda: target.set_payload(some, {"price": 1.0}),
        lambda: target.delete_fields([next(iter(target)).id], ["price"]),
        lambda: target.delete([some]),
        lambda: target.add_vector("new", SHAPE),
    ):
        with pytest.raises(StoreError, match=r"unfinished copy of collection 'images' of .*a. Run the same copy"):
            write()
    assert held(target) == before


def test_writers_who_never_pause(opening: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = fill(opening("memory", "a"), 3), opening("memory", "b")
    remove = module.remove_gone
    prices = iter(range(10**6))

    def meanwhile(*arguments: object) -> int:
        source.set_payload(point_id("shop", "1.jpg"), {"price": float(next(prices))})
        return remove(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "remove_gone", meanwhile)
    with pytest.raises(StoreError, match=r"has changed again .* Run the same command again"):
        copy_store(source, target)
    monkeypatch.undo()
    copy_store(source, target)
    assert close(source, target)


# ---- refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specs", "points"),
    [
        ({"paint": SHAPE}, 0),
        ({"paint": VectorSpec(4, "another model", 1)}, 0),
        ({"paint": PAINT, "shape": SHAPE, "third": SHAPE}, 0),
        ({"paint": PAINT}, 1),
    ],
    ids=["another length", "another model", "one more", "one less, with points"],
)
def test_a_collection_of_another_shape(opening: Opener, specs: dict[str, VectorSpec], points: int) -> None:
    source, target = fill(opening("edge", "a"), 5), opening("edge", "b")
    target.add_vectors(specs)
    target.upsert([point_id("x", str(n)) for n in range(points)], {}, [{}] * points)
    before = target.info, held(target)
    with pytest.raises(StoreMismatchError, match="has other encoders than"):
        copy_store(source, target)
    assert (target.info, held(target)) == before


def test_fields_of_another_kind(opening: Opener) -> None:
    source, target = fill(opening("edge", "a"), 5), opening("edge", "b")
    target.add_field("price", "keyword")
    with pytest.raises(StoreMismatchError, match="price"):
        copy_store(source, target)
    assert len(target) == 0


@pytest.mark.parametrize("change", ["one more", "another price", "others"])
def test_points_of_other_origin_are_never_replaced(opening: Opener, change: str) -> None:
    source, target = fill(opening("edge", "a"), 30), fill(opening("edge", "b"), 30)
    if change == "one more":
        target.upsert([point_id("other", "1")], {}, [{}])
    elif change == "another price":
        target.set_payload(point_id("shop", "3.jpg"), {"price": 1.5})
    else:
        target.delete([point_id("shop", "3.jpg")])
        target.upsert([point_id("other", "1")], {}, [{}])
    before = held(target)
    with pytest.raises(StoreMismatchError, match=r"holds 3[01] points that are not a copy of collection 'images' of"):
        copy_store(source, target)
    assert held(target) == before


def test_the_unfinished_copy_of_another_store(opening: Opener) -> None:
    source, other, target = fill(opening("edge", "a")), fill(opening("edge", "c")), opening("edge", "b")
    interrupted(source, target, 50)
    with pytest.raises(StoreMismatchError, match=r"unfinished copy of .*/a, not of .*/c\. Finish"):
        copy_store(other, target)


def test_an_unfinished_copy_is_never_copied_as_if_it_were_whole(opening: Opener, tmp_path: Path) -> None:
    source, part, target = fill(opening("edge", "a")), opening("edge", "b"), opening("edge", "c")
    interrupted(source, part, 50)
    for copying in (lambda: copy_store(part, target), lambda: backup_store(part, tmp_path / "b.zip")):
        with pytest.raises(StoreError, match=r"b is an unfinished copy of .*/a\. Finish that copy first"):
            copying()
    assert len(target) == 0
    assert not target.info.vectors
    assert not (tmp_path / "b.zip").exists()


def test_onto_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(tmp_path / "a", create=True) as store:
        fill(store, 3)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match="two different collections"):
        copy_store("a", tmp_path / "b" / ".." / "a")


def test_a_source_that_is_not_there_leaves_no_copy(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFoundError):
        copy_store(tmp_path / "a", tmp_path / "b")
    assert not (tmp_path / "b").exists()
    with pytest.raises(ArgumentError, match="lost when it is closed"):
        copy_store(":memory:", tmp_path / "b")


# ---- killed -----------------------------------------------------------------------------------------

_COPY = """
import os, signal, sys, threading
from autoenc.store import copying

copying.AT_ONCE = 25  # so that few points take many writes
write, left, seconds = copying._write, int(sys.argv[3]), float(sys.argv[4])

def writing(target, batch):
    global left
    if left == 0:
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
    left -= 1
    return write(target, batch)

copying._write = writing
print(copying.copy_store(sys.argv[1], sys.argv[2]).points)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["edge", "stand-in"])
def test_kill_9_at_ten_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Processes are killed while they write, some milliseconds after a write began; another one finishes the copy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with open_store(tmp_path / "a", create=True) as store:
        fill(store, 1500)
        before = held(store)
    rng = random.Random(7)
    with ExitStack() as opened:
        target = str(tmp_path / "b") if kind == "edge" else opened.enter_context(serving(Qdrant()))
        line = [sys.executable, "-c", _COPY, str(tmp_path / "a"), target]
        counts = set()
        for _ in range(10 if kind == "edge" else 3):  # the client of a server takes long to start
            killed = run([*line, str(rng.randrange(4)), str(rng.uniform(0, 0.005))])
            assert killed.code in (-signal.SIGKILL, 0), killed.err  # 0: too little was left to be written
            try:
                with open_store(target) as left:
                    ids = [record.id for record in left]
                    counts.add(len(ids))
                    assert len(ids) == len(set(ids))
                    assert set(ids) <= {id for id, _, _ in before}
                    assert left.info.copy_of or len(ids) in (0, 1500)
            except StoreNotFoundError:  # killed before the first write
                counts.add(0)
        done = run([*line, "-1", "0"])
        assert done.code == 0, done.err
        assert done.out == "1500\n"
        with open_store(tmp_path / "a") as source, open_store(target) as copy:
            assert close(source, copy)
            assert copy.info == source.info
            assert held(source) == before
        assert counts - {0, 1500}, "no kill came while it wrote"
