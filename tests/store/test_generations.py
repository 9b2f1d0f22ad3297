"""A collection has generations: one answers to its name, and another takes its place at once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines import Opener
from qdrant_client import models
from qdrant_stand_in import Qdrant, serving

from autoenc import backup_store, copy_store, list_collections, restore_store
from autoenc.errors import ArgumentError, StoreError, StoreLockedError, StoreNotFoundError
from autoenc.store import Store, VectorSpec, open_store, point_id
from autoenc.store.edge_folder import locked
from autoenc.store.naming import split_name

OLD, NEW = VectorSpec(dim=2, fingerprint="old", preprocessing=1), VectorSpec(dim=3, fingerprint="new", preprocessing=1)
ONE, TWO = point_id("demo", "1"), point_id("demo", "2")


def filled(store: Store, spec: VectorSpec, *ids: str) -> Store:
    """A store whose points say which generation they are of."""
    store.add_vector("learned", spec)
    rows = np.eye(len(ids), spec.dim, dtype=np.float32)
    store.upsert(ids, {"learned": rows}, [{"of": spec.fingerprint}] * len(ids))
    return store


def second(store: Store) -> Store:
    """A second generation, beside the first."""
    return filled(store.beside(2, create=True), NEW, ONE, TWO)


def told(store: Store) -> list[tuple[int, bool, bool]]:
    return [(each.number, each.current, each.unfinished) for each in store.generations()]


# ---- on every engine --------------------------------------------------------------------------------


def test_a_new_collection_is_its_first_generation(reopen: Opener) -> None:
    store = reopen()
    assert (store.collection, store.generation, told(store)) == ("images", 1, [(1, True, False)])


def test_the_first_answers_until_the_second_takes_its_place(reopen: Opener) -> None:
    store = filled(reopen(), OLD, ONE)
    other = second(store)
    assert (other.generation, told(store)) == (2, [(1, True, False), (2, False, False)])
    assert store.retrieve([ONE])[0].payload == {"of": "old"}
    store.switch_to(other)
    assert (store.collection, store.generation, len(store)) == ("images", 2, 2)
    assert store.info.vectors == {"learned": NEW}
    assert [hit.id for hit in store.search([0, 1, 0], using="learned", k=1)] == [TWO]
    assert told(store) == [(1, False, False), (2, True, False)]
    store = reopen()
    assert (store.generation, len(store)) == (2, 2)
    assert "generation" in repr(store.status().to_dict())
    older = store.beside(1)
    assert older.retrieve([ONE])[0].payload == {"of": "old"}
    older.close()


def test_an_older_generation_is_dropped_and_the_one_that_answers_is_not(reopen: Opener) -> None:
    store = filled(reopen(), OLD, ONE)
    store.switch_to(second(store))
    with pytest.raises(ArgumentError, match=r"Generation 2 of collection .* is the one that answers"):
        store.drop_generation(2)
    store.drop_generation(1)
    assert told(store) == [(2, True, False)]
    assert len(store) == 2
    with pytest.raises(StoreNotFoundError):
        store.beside(1)


def test_two_that_switch_at_once(reopen: Opener) -> None:
    store = filled(reopen(), OLD, ONE)
    other = second(store)
    store._engine.generations.switch(2)  # as another process would
    with pytest.raises(StoreError, match="has been switched to another generation meanwhile"):
        store.switch_to(other)
    other.close()


def test_a_store_that_is_open_elsewhere_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(Qdrant()) as qdrant:
        writer = filled(open_store(qdrant, create=True), OLD, ONE)
        with open_store(qdrant) as reader, open_store(qdrant, "images@1") as pinned:
            writer.switch_to(second(writer))
            assert (reader.generation, len(reader)) == (1, 1)
            for store in (reader, pinned):
                store.follow()
            assert (reader.collection, reader.generation, len(reader)) == ("images", 2, 2)
            assert reader.info.vectors == {"learned": NEW}
            assert (pinned.generation, len(pinned)) == (1, 1)
        writer.close()


def test_one_that_was_begun_is_told_as_unfinished(reopen: Opener) -> None:
    store = filled(reopen(), OLD, ONE)
    store.beside(2, create=True).close()
    third = filled(store.beside(3, create=True), NEW, ONE)
    with pytest.raises(KeyboardInterrupt), third.being_copied("somewhere"):
        raise KeyboardInterrupt
    third.close()
    assert told(store) == [(1, True, False), (2, False, True), (3, False, True)]


def test_what_is_written_while_a_generation_is_built_would_be_lost(reopen: Opener) -> None:
    store = filled(reopen(), OLD, ONE)
    with store.being_replaced(), pytest.raises(StoreLockedError, match="is being reindexed"):
        store.set_payload(ONE, {"price": 3})
    store.set_payload(ONE, {"price": 3})


@pytest.mark.parametrize(
    ("name", "parts"),
    [("a", ("a", None)), ("a@7", ("a", 7)), ("a@0", ("a@0", None)), ("a@07", ("a@07", None)), ("a@b@2", ("a@b", 2))],
)
def test_the_name_of_a_generation(name: str, parts: tuple[str, int | None]) -> None:
    assert split_name(name) == parts


@pytest.mark.parametrize("name", ["images@0", "images@x", "@1", "images@"])
def test_what_is_no_name_of_a_generation(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="A collection's name"):
        open_store(tmp_path, name)


# ---- in a folder, and on a server -------------------------------------------------------------------


@pytest.fixture(params=["folder", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The location of a store whose second generation answers, and whose first is kept."""
    location = str(tmp_path / "s") if request.param == "folder" else request.getfixturevalue("qdrant").url
    with open_store(location, create=True) as store:
        filled(store, OLD, ONE).switch_to(second(store))
    return location


def test_a_generation_is_opened_by_its_name_and_never_made(place: str) -> None:
    with open_store(place, "images@1") as store:
        assert (store.collection, store.generation, len(store)) == ("images@1", 1, 1)
    with pytest.raises(StoreNotFoundError, match="no collection 'images@3'"):
        open_store(place, "images@3", create=True)
    assert list_collections(place) == ["images"]


def test_the_whole_collection_is_dropped_with_all_generations(place: str) -> None:
    with open_store(place) as store:
        store.drop()
    assert list_collections(place) == []
    for name in ("images", "images@1", "images@2"):
        with pytest.raises(StoreNotFoundError):
            open_store(place, name)
    with open_store(place, create=True) as store:
        assert (store.generation, len(store)) == (1, 0)


def test_a_generation_is_dropped_by_its_name_unless_it_answers(place: str) -> None:
    with open_store(place, "images@2") as store, pytest.raises(ArgumentError, match="images@2 answers to"):
        store.drop()
    open_store(place, "images@1").drop()
    with open_store(place) as store:
        assert told(store) == [(2, True, False)]


def test_what_answers_is_copied_and_a_named_generation_becomes_a_collection(place: str, tmp_path: Path) -> None:
    assert copy_store(place, tmp_path / "copy").points == 2
    assert copy_store(place, tmp_path / "older", collection="images@1").collection == "images"
    with open_store(tmp_path / "copy") as copy, open_store(tmp_path / "older") as older:
        assert (copy.generation, copy.info.vectors["learned"]) == (1, NEW)
        assert (older.generation, older.info.vectors["learned"]) == (1, OLD)


def test_what_answers_is_packed_and_restored_in_its_place(place: str, tmp_path: Path) -> None:
    assert backup_store(place, tmp_path / "b.zip").points == {"images": 2}
    assert backup_store(place, tmp_path / "old.zip", collection="images@1").points == {"images": 1}
    with open_store(place) as store:
        store.delete([TWO])
    assert restore_store(tmp_path / "b.zip", place, overwrite=True).points == {"images": 2}
    with open_store(place) as store:
        assert len(store) == 2
    assert restore_store(tmp_path / "old.zip", tmp_path / "back").points == {"images": 1}
    assert list_collections(place) == ["images"]


# ---- in a folder ------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store in a folder whose second generation answers."""
    with open_store(tmp_path / "s", create=True) as store:
        filled(store, OLD, ONE).switch_to(second(store))
    return tmp_path / "s"


def test_one_file_says_which_generation_answers_and_without_it_the_first_does(root: Path) -> None:
    assert sorted(path.name for path in root.iterdir()) == ["images", "images@2", "images@current"]
    pointer = root / "images@current"
    assert json.loads(pointer.read_text()) == {"generation": 2}
    pointer.unlink()
    with open_store(root) as store:
        assert (store.generation, len(store)) == (1, 1)


@pytest.mark.parametrize("text", ["", "2", "{}", '{"generation": "2"}', '{"generation": 0}', '{"generation": true}'])
def test_a_pointer_that_is_damaged(root: Path, text: str) -> None:
    (root / "images@current").write_text(text)
    with pytest.raises(StoreError, match=r"images@current is damaged: .* holds 1, 2"):
        open_store(root)
    with open_store(root, "images@2") as store:
        assert len(store) == 2


def test_a_generation_that_is_lost(root: Path) -> None:
    (root / "images@2").rename(root.parent / "elsewhere")
    with pytest.raises(StoreError, match=r"has lost images@2, .* or name another generation with collection=images@1"):
        open_store(root, create=True)
    (root.parent / "elsewhere").rename(root / "images@2")
    with open_store(root) as store:
        assert len(store) == 2


def test_a_generation_that_is_lost_is_restored_to_its_place(root: Path, tmp_path: Path) -> None:
    """As after a kill between the two renames by which restoring replaces it."""
    backup_store(root, tmp_path / "b.zip")
    (root / "images@2").rename(tmp_path / "elsewhere")
    restore_store(tmp_path / "b.zip", root, overwrite=True)
    with open_store(root) as store:
        assert told(store) == [(1, False, False), (2, True, False)]
        assert len(store) == 2


def switched_back(root: Path) -> None:
    """The first generation answers again, as another process may decide at any moment."""
    with open_store(root) as store:
        store.switch_to(store.beside(1))


def test_what_is_packed_is_what_answers_once_the_store_is_open(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waiting(*arguments: Any, **options: Any) -> Store:
        monkeypatch.undo()
        switched_back(root)
        return open_store(*arguments, **options)

    monkeypatch.setattr("autoenc.store.backup.open_store", waiting)
    assert backup_store(root, tmp_path / "b.zip").points == {"images": 1}
    restore_store(tmp_path / "b.zip", tmp_path / "back")
    with open_store(tmp_path / "back") as store:
        assert (len(store), store.info.vectors["learned"]) == (1, OLD)


def test_what_is_restored_takes_the_place_of_what_answers_once_that_is_locked(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup_store(root, tmp_path / "b.zip")

    @contextmanager
    def waiting(folder: Path, wait: float) -> Iterator[None]:
        if folder.parent == root:
            monkeypatch.undo()
            switched_back(root)
        with locked(folder, wait):
            yield

    monkeypatch.setattr("autoenc.store.restoring.locked", waiting)
    restore_store(tmp_path / "b.zip", root, overwrite=True)
    with open_store(root) as store:
        assert (store.generation, len(store), store.info.vectors["learned"]) == (1, 2, NEW)


def test_a_pointer_that_a_kill_has_left_of_a_collection_that_was_removed(root: Path) -> None:
    with open_store(root) as store:
        store.drop_generation(1)
    (root / "images@2").rename(root / ".autoenc-dropped-x")
    with pytest.raises(StoreNotFoundError):
        open_store(root)
    with open_store(root, create=True) as store:
        assert len(store) == 0
    with open_store(root) as store:
        assert told(store) == [(2, True, False)]
        store.drop()
    assert list(root.iterdir()) == []


def test_who_waits_for_the_old_generation_gets_the_new_one(tmp_path: Path) -> None:
    """In one process, another opening is refused and not waited for; so it waits here as another process does."""
    ready = threading.Event()
    code = "import sys, autoenc; s = autoenc.open_store(sys.argv[1]); print(s.generation, len(s)); s.close()"
    found: list[str] = []

    def wait() -> None:
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "s")], stdout=subprocess.PIPE, text=True)
        ready.set()
        found.append(process.communicate(timeout=60)[0])

    with open_store(tmp_path / "s", create=True) as store:
        filled(store, OLD, ONE)
        waiting = threading.Thread(target=wait)
        waiting.start()
        ready.wait()
        store.switch_to(second(store))
    waiting.join()
    assert found == ["2 2\n"]


def test_a_generation_that_is_open_elsewhere_is_not_dropped(root: Path) -> None:
    with open_store(root) as store, open_store(root, "images@1"):
        with pytest.raises(StoreLockedError):
            store.drop_generation(1)
        assert len(told(store)) == 2


# ---- on a server ------------------------------------------------------------------------------------

OURS = {"autoenc": {"version": 2}, "autoenc.sources.s": "/photos"}


def test_a_collection_that_was_made_before_there_were_generations(qdrant: Qdrant) -> None:
    qdrant.memory.create_collection("images", vectors_config={}, metadata=OURS)
    with open_store(qdrant.url, create=True) as store:
        assert (store.generation, store.generations(), store.info.sources) == (None, [], {"s": "/photos"})
        filled(store, OLD, ONE)
        assert store.status().generation is None
    assert list_collections(qdrant.url) == ["images"]
    with open_store(qdrant.url) as store:
        store.drop()
    assert list_collections(qdrant.url) == []


def test_restoring_gives_it_generations(qdrant: Qdrant, tmp_path: Path) -> None:
    qdrant.memory.create_collection("images", vectors_config={}, metadata=OURS)
    with open_store(qdrant.url) as store:
        filled(store, OLD, ONE)
    backup_store(qdrant.url, tmp_path / "b.zip")
    restore_store(tmp_path / "b.zip", qdrant.url, overwrite=True)
    with open_store(qdrant.url) as store:
        assert (store.generation, len(store), store.info.sources) == (1, 1, {"s": "/photos"})


def test_an_alias_of_another_program_leads_where_it_did(qdrant: Qdrant) -> None:
    with open_store(qdrant.url, create=True) as store:
        filled(store, OLD, ONE)
    alias = models.CreateAlias(collection_name="images@1", alias_name="live")
    qdrant.memory.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
    with open_store(qdrant.url, "live") as store:
        assert (len(store), store.generation) == (1, None)
    assert list_collections(qdrant.url) == ["images"]


def test_a_collection_whose_making_was_interrupted_before_it_had_its_name(qdrant: Qdrant) -> None:
    qdrant.memory.create_collection("images@1", vectors_config={}, metadata=OURS)
    with pytest.raises(StoreNotFoundError):
        open_store(qdrant.url)
    with open_store(qdrant.url, create=True) as store:
        assert store.generation == 1
    assert list_collections(qdrant.url) == ["images"]


def test_a_reader_keeps_to_its_generation(qdrant: Qdrant) -> None:
    """Else it would search with the vectors of one model in those of another."""
    with open_store(qdrant.url, create=True) as store:
        filled(store, OLD, ONE)
        store.add_field("price", "integer")
        store.set_payload(ONE, {"price": 5})
        with open_store(qdrant.url) as reader:
            other = second(store)
            other.add_field("price", "integer")
            other.set_payload(ONE, {"price": 9})
            store.switch_to(other)
            assert [hit.id for hit in reader.search([1, 0], using="learned")] == [ONE]
            assert (reader.bounds("price"), store.bounds("price")) == ((5, 5), (9, 9))
