"""A store opens again after a kill in the middle of creating or removing a vector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoenc.errors import StoreError
from autoenc.store import VectorSpec, open_store, point_id
from autoenc.store.recovery import drop_unfinished_vector

IDS = [point_id("s", str(number)) for number in range(3)]
CONFIG = "images/shard/edge_config.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with open_store(tmp_path / "store", create=True) as store:
        store.add_vector("paint", VectorSpec(3, "paint-1", 1))
        store.upsert(IDS, {"paint": np.eye(3, dtype=np.float32)}, [{"price": number} for number in range(3)])
    return tmp_path / "store"


def killed(folder: Path, config: str) -> None:
    """Leave what a kill leaves before the engine has written its configuration: the old one, and no manifest."""
    (folder / CONFIG).write_text(config)
    (folder / "images" / "autoenc.manifest.json").unlink()


def test_killed_while_a_vector_was_created(folder: Path) -> None:
    before = (folder / CONFIG).read_text()
    with open_store(folder) as store:
        store.add_vector("edges", VectorSpec(2, "edges-1", 1))
    killed(folder, before)
    with open_store(folder) as store:
        assert list(store.info.vectors) == ["paint", "edges"]
        assert store.having_vectors(IDS, ["paint"]) == set(IDS)
        store.update_vectors(IDS, {"edges": np.ones((3, 2), np.float32)})
    with open_store(folder) as store:
        assert {hit.id for hit in store.search([1, 1], using="edges")} == set(IDS)
        assert [record.payload["price"] for record in store.retrieve(IDS)] == [0, 1, 2]


def test_killed_while_a_vector_was_removed(folder: Path) -> None:
    with open_store(folder) as store:
        store.add_vector("edges", VectorSpec(2, "edges-1", 1))
        store.update_vectors(IDS, {"edges": np.ones((3, 2), np.float32)})
    before = (folder / CONFIG).read_text()
    with open_store(folder) as store:
        store.drop_vector("edges")
    killed(folder, before)
    with open_store(folder) as store:
        assert list(store.info.vectors) == ["paint"]
        store.add_vector("edges", VectorSpec(2, "edges-1", 1))
        assert store.having_vectors(IDS, ["edges"]) == set()
        assert store.having_vectors(IDS, ["paint"]) == set(IDS)


def test_a_damaged_name_is_refused_and_costs_no_vectors(folder: Path) -> None:
    config = (folder / CONFIG).read_text()
    killed(folder, config.replace("paint", "pain~"))
    with pytest.raises(StoreError, match="The engine failed"):
        open_store(folder)
    (folder / CONFIG).write_text(config)
    with open_store(folder) as store:
        assert store.having_vectors(IDS, ["paint"]) == set(IDS)


def shard(folder: Path, config: set[str], *segments: set[str]) -> Path:
    """The documents of a shard whose configuration and segments hold these vectors."""
    for number, names in enumerate(segments):
        here = folder / "segments" / str(number)
        for name in names:
            (here / f"vector_storage-{name}").mkdir(parents=True)
        (here / "segment.json").write_text(json.dumps({"config": {"vector_data": {name: {} for name in names}}}))
    (folder / "edge_config.json").write_text(
        json.dumps({"vectors": {name: {} for name in config}, "wal_enabled": True})
    )
    return folder


def names_in(folder: Path) -> list[set[str]]:
    config: dict[str, Any] = json.loads((folder / "edge_config.json").read_text())
    segments = [json.loads(path.read_text()) for path in sorted(folder.glob("segments/*/segment.json"))]
    return [set(config["vectors"]), *(set(segment["config"]["vector_data"]) for segment in segments)]


def test_one_segment_of_two_has_it(tmp_path: Path) -> None:
    drop_unfinished_vector(shard(tmp_path, {"a"}, {"a"}, {"a", "b"}))
    assert names_in(tmp_path) == [{"a"}, {"a"}, {"a"}]
    assert not (tmp_path / "segments/1/vector_storage-b").exists()
    assert (tmp_path / "segments/1/vector_storage-a").exists()


@pytest.mark.parametrize(
    ("config", "segment"), [({"a", "b"}, {"a", "b"}), ({"a"}, {"a", "b", "c"}), ({"a", "b"}, {"a", "c"})]
)
def test_anything_else_is_left_alone(tmp_path: Path, config: set[str], segment: set[str]) -> None:
    drop_unfinished_vector(shard(tmp_path, config, segment))
    assert names_in(tmp_path) == [config, segment]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"vectors": 3}', "[" * 100_000])
def test_documents_that_cannot_be_read_are_left_alone(tmp_path: Path, text: str) -> None:
    shard(tmp_path, {"a"}, {"a", "b"})
    (tmp_path / "edge_config.json").write_text(text)
    drop_unfinished_vector(tmp_path)
    assert (tmp_path / "edge_config.json").read_text() == text
    assert (tmp_path / "segments/0/vector_storage-b").exists()
