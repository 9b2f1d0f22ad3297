"""Stores of format 1 are brought to today's, in place, whatever moment a kill chooses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torturing.copies import copied

from autoenc.errors import StoreMismatchError
from autoenc.store import Store, VectorSpec, open_store, point_id
from autoenc.store.connection import open_client
from autoenc.store.edge_folder import open_edge
from autoenc.store.engine import Engine
from autoenc.store.migration import FIELDS_1

COUNT = 700  # more than one batch
IDS = [point_id("shop", f"{number:03}.jpg") for number in range(COUNT)]
RECORD_1 = {
    "vectors": {
        "paint": {"dim": 2, "fingerprint": "paint-1", "preprocessing": 1, "bundle": None},
        "learned": {"dim": 3, "fingerprint": "abc", "preprocessing": 1, "bundle": "/models/m"},
    },
    "sources": {"shop": "/photos"},
    "fields": {"source": "keyword", "folder": "keyword", "width": "integer", "height": "integer", "price": "integer"},
    "version": 1,
}


def own(number: int) -> dict[str, Any]:
    path = f"{number % 3}/{number:03}.jpg"
    return {
        "source": "shop", "path": path, "folder": str(number % 3), "digest": "d", "size": number, "mtime_ns": 5,
        "width": 40, "height": 50,
    }  # fmt: skip


def fill(engine: Engine) -> None:
    """As format 1 did: everything at the top level of the payload, the record in one piece."""
    for name, spec in RECORD_1["vectors"].items():  # type: ignore[attr-defined]
        engine.create_vector(name, spec["dim"])
    for name, kind in RECORD_1["fields"].items():  # type: ignore[attr-defined]
        engine.create_field(name, kind)
    vectors = {"paint": np.ones((COUNT, 2), np.float32), "learned": np.ones((COUNT, 3), np.float32)}
    engine.upsert(IDS, vectors, [{**own(number), "price": number} for number in range(COUNT)])
    engine.flush()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    engine = open_edge(folder, "images", create=True)
    engine.merge_record({"version": 0})
    fill(engine)
    engine.close()
    (folder / "images" / "autoenc.json").write_text(json.dumps(RECORD_1))
    (folder / "images" / "autoenc.manifest.json").unlink(missing_ok=True)  # it came later than that format
    return folder


@pytest.fixture
def old(written: Path, tmp_path: Path) -> Path:
    """A folder that holds a store of format 1."""
    return copied(written, tmp_path / "old")


def check(store: Store) -> None:
    assert len(store) == COUNT
    assert store.info.vectors == {
        "paint": VectorSpec(2, "paint-1", 1),
        "learned": VectorSpec(3, "abc", 1, "/models/m"),
    }
    assert store.info.sources == {"shop": "/photos"}
    assert store.info.fields == {
        "price": "integer", "_autoenc.source": "keyword", "_autoenc.folder": "keyword", "_autoenc.width": "integer",
        "_autoenc.height": "integer",
    }  # fmt: skip
    payloads = {record.id: record.payload for record in store}
    assert payloads == {id: {"price": number, "_autoenc": own(number)} for number, id in enumerate(IDS)}
    assert store.count({"folder": "1", "price": [1, 2, 4]}) == 2
    assert store.facets("folder") == {"0": 234, "1": 233, "2": 233}
    assert store.having_vectors(IDS, ["paint", "learned"]) == set(IDS)
    assert len(store.search([1, 1], using="paint", where={"source": "shop"})) == 5


def test_an_embedded_store(old: Path) -> None:
    for _ in range(2):
        with open_store(old) as store:
            check(store)
    record = json.loads((old / "images" / "autoenc.json").read_text())
    assert (record["version"], record["migrating"]) == (2, False)


def test_a_collection_of_the_client() -> None:
    engine = open_client(":memory:", "images", create=True)
    fill(engine)
    engine._client.update_collection("images", metadata={"autoenc": RECORD_1})
    check(Store(engine))


def test_afterward_the_names_are_free_for_columns_of_the_users(old: Path) -> None:
    with open_store(old) as store:
        store.set_payload(IDS[0], {"size": "XL", "folder": "mine"})
        store.add_field("size", "keyword")
    with open_store(old) as store:
        assert store.count({"size": "XL"}) == 1
        assert store.retrieve([IDS[0]])[0].payload == {
            "price": 0, "size": "XL", "folder": "mine", "_autoenc": own(0),
        }  # fmt: skip


class Interrupted(Exception):  # noqa: N818
    pass


@pytest.fixture(params=["set_payloads", "delete_fields", "drop_field", "flush", "merge_record"])
def stopper(request: pytest.FixtureRequest) -> Callable[[Engine, int], None]:
    """Makes an engine's method fail at its n-th call, before or after it did its work."""

    def stop(engine: Engine, at: int) -> None:
        method = getattr(engine, request.param)
        left = [at]

        def failing(*args: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Interrupted
            method(*args)
            if left[0] == -1:
                raise Interrupted

        setattr(engine, request.param, failing)

    return stop


@pytest.mark.parametrize("at", [1, 2])
def test_stopped_at_any_step_it_goes_on_the_next_time(
    old: Path, stopper: Callable[[Engine, int], None], at: int
) -> None:
    engine = open_edge(old, "images", create=False)
    stopper(engine, at)
    with suppress(Interrupted):
        Store(engine)
    with suppress(Interrupted):
        engine.close()
    with open_store(old) as store:
        check(store)


_MIGRATE = """
import os, sys
from autoenc.store.edge_folder import open_edge
from autoenc.store.store import Store
from pathlib import Path
engine, (method, at) = open_edge(Path(sys.argv[1]), "images", create=False), sys.argv[2:]
real, left = getattr(engine, method), [int(at)]
def killing(*arguments):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), 9)
    return real(*arguments)
setattr(engine, method, killing)
Store(engine)
"""


@pytest.mark.parametrize(
    ("method", "at"),
    [
        ("set_payloads", 1),
        ("set_payloads", 2),
        ("delete_fields", 1),
        ("delete_fields", 2),
        ("drop_field", 3),
        ("flush", 1),
    ],
)
def test_killed_in_the_middle_it_goes_on_the_next_time(old: Path, method: str, at: int) -> None:
    done = subprocess.run([sys.executable, "-c", _MIGRATE, str(old), method, str(at)], check=False)
    assert done.returncode == -9
    assert json.loads((old / "images" / "autoenc.json").read_text())["migrating"] is True
    with open_store(old) as store:
        check(store)


@pytest.mark.parametrize(
    "record",
    [
        {"version": 1, "vectors": []},
        {**RECORD_1, "vectors": {"a": 3}},
        {**RECORD_1, "fields": {"price": "money"}},
        {"version": 2, "migrating": True},
    ],
)
def test_a_damaged_record_is_refused_and_not_touched(old: Path, record: dict[str, Any]) -> None:
    path = old / "images" / "autoenc.json"
    path.write_text(json.dumps(record))
    with pytest.raises(StoreMismatchError):
        open_store(old)
    assert set(FIELDS_1) == set(own(0))
    if record["version"] == 1:
        assert json.loads(path.read_text()) == record
