"""`check_store` vouches for a whole store, and says what is wrong with one that is not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torturing.copies import copied

import autoenc
from autoenc.catalog import checking
from autoenc.catalog.checking import check_store
from autoenc.errors import ArgumentError
from autoenc.store import Record, Store, VectorSpec, open_store, point_id


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Path:
    folder = tmp_path_factory.mktemp("checked")
    shutil.copytree(drawn, folder / "photos")
    autoenc.index_images(folder / "photos", folder / "store", encoders=["color", "edges"], progress=False)
    return folder


def test_a_store_as_it_was_written_is_whole(indexed: Path) -> None:
    with open_store(indexed / "store") as store:
        report = check_store(store, progress=False)
    assert report.whole
    assert report.problems == report.notes == []
    assert report.points == 48
    assert report.vectors == {"color": 48, "edges": 48}
    assert report.encoded == {"color": 20, "edges": 20}


def test_a_changed_file_is_found_even_if_its_size_and_time_have_not(indexed: Path, tmp_path: Path) -> None:
    copied(indexed / "store", tmp_path / "store")
    (path,) = (tmp_path / "store").rglob("vector_storage-color/vectors/chunk_0.mmap")
    times = path.stat()
    with path.open("r+b") as file:
        file.write(b"\x7f\x00")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with open_store(tmp_path / "store") as store:
        report = check_store(store, progress=False)
    assert not report.whole
    assert "chunk_0.mmap has changed. Restore it from a backup" in report.problems[0]


def test_vectors_that_are_not_what_the_encoder_makes_are_counted(indexed: Path, tmp_path: Path) -> None:
    copied(indexed / "store", tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        ids = sorted(record.id for record in store)
        noise = np.random.default_rng(0).random((len(ids), 126)).astype(np.float32)
        store.update_vectors(ids, {"color": noise})
        (problem,) = check_store(store, progress=False).problems
    assert problem.startswith("Of 20 images encoded again by 'color', 20 got another vector than the one that is")


def test_images_that_have_changed_are_not_compared(indexed: Path, tmp_path: Path, drawn: Path) -> None:
    shutil.copytree(drawn, tmp_path / "photos")
    autoenc.index_images(tmp_path / "photos", tmp_path / "store", encoders=["color"], progress=False)
    for path in (tmp_path / "photos").rglob("*.jpg"):
        path.write_bytes((drawn / "shoe" / "001.jpg").read_bytes())
    with open_store(tmp_path / "store") as store:
        report = check_store(store, progress=False)
    assert report.whole
    assert report.encoded["color"] <= 1  # shoe/001.jpg itself


def test_images_that_are_gone_are_said_not_to_have_been_compared(tmp_path: Path, drawn: Path) -> None:
    shutil.copytree(drawn, tmp_path / "photos")
    autoenc.index_images(tmp_path / "photos", tmp_path / "store", encoders=["color"], progress=False)
    shutil.rmtree(tmp_path / "photos")
    with open_store(tmp_path / "store") as store:
        report = check_store(store, progress=False)
    assert report.whole
    assert report.notes == ["No image was encoded again by 'color': none of a sample is the file that was indexed."]


def test_a_model_that_is_gone_is_a_problem(tmp_path: Path, drawn: Path, bundle_dir: Path) -> None:
    model = shutil.copytree(bundle_dir, tmp_path / "model")
    autoenc.index_images(drawn, tmp_path / "store", model=model, encoders=["learned"], progress=False)
    shutil.rmtree(model)
    with open_store(tmp_path / "store") as store:
        (problem,) = check_store(store, progress=False).problems
    assert "if it has moved, name its new folder with model=" in problem


def test_an_index_of_a_field_that_has_lost_values(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(indexed / "store") as store:
        monkeypatch.setattr(Store, "facets", lambda *_, **__: {})
        problems = check_store(store, progress=False).problems
    assert [problem.split(".")[0] for problem in problems] == [
        "The index of the field 'source' does not hold what the points hold",
        "The index of the field 'folder' does not hold what the points hold",
    ]


def test_vectors_that_are_gone_are_counted_even_if_their_images_are_there(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Store.retrieve

    def without(store: Store, ids: list[str], **_: object) -> list[Record]:
        return [Record(record.id, record.payload, {}) for record in real(store, ids)]

    with open_store(indexed / "store") as store:
        monkeypatch.setattr(Store, "retrieve", without)
        problems = check_store(store, progress=False).problems
    assert [problem.split(" of ")[0] for problem in problems] == ["48 vectors 'color'", "48 vectors 'edges'"]


@pytest.mark.parametrize(
    "vectors", [{}, {"paint": np.ones(3, np.float32)}, {"paint": np.array([1, np.nan], np.float32)}]
)
def test_vectors_that_came_back_wrong_are_counted(vectors: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine returns these unless it is damaged, so the store's answer is replaced."""
    ids = [point_id("s", "1"), point_id("s", "2")]
    with open_store(":memory:") as store:
        store.add_vector("paint", VectorSpec(2, "p", 1))
        store.upsert(ids, {"paint": np.eye(2, dtype=np.float32)}, [{}, {}])
        monkeypatch.setattr(Store, "retrieve", lambda *_, **__: [Record(id, {}, vectors) for id in ids])
        report = check_store(store, progress=False)
    assert report.problems == [
        "2 vectors 'paint' of 2 read are missing, of another length than 2, or not finite. Index into a new store."
    ]


def test_a_search_that_does_not_find_the_vector_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(":memory:") as store:
        store.add_vector("paint", VectorSpec(2, "p", 1))
        store.upsert([point_id("s", "1")], {"paint": np.ones((1, 2), np.float32)}, [{}])
        monkeypatch.setattr(Store, "search", lambda *_, **__: [])
        (problem,) = check_store(store, progress=False).problems
    assert problem.startswith("Of 1 search by vectors 'paint' of the store itself, 1 found nothing equal.")


def test_points_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(":memory:") as store:
        store.upsert([point_id("s", "1")], {}, [{}])
        monkeypatch.setattr(Store, "scroll", lambda *_, **__: iter(()))
        (problem,) = check_store(store, progress=False).problems
    assert problem.startswith("The store counts 1 point, but 0 can be read")


def test_what_could_not_be_checked_is_said() -> None:
    with open_store(":memory:") as store:
        store.add_vector("paint", VectorSpec(2, "p", 1))
        store.upsert([point_id("s", "1")], {}, [{}])
        report = check_store(store, progress=False)
    assert report.whole
    assert report.notes[:3] == [
        "There are no checksums of the files: the store is on a server, or was not closed.",
        "1 point was not indexed by autoenc.",
        "1 point without vector 'paint'; index with encoders=paint to add it.",
    ]
    assert report.notes[3].startswith("No image was encoded again by 'paint'")


def test_a_large_store_is_sampled(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "SAMPLE", 10)
    with open_store(indexed / "store") as store:
        assert check_store(store, progress=False).vectors == {"color": 10, "edges": 10}


def test_something_other_than_a_store() -> None:
    with pytest.raises(ArgumentError, match="Expected an open store"):
        check_store("store")  # type: ignore[arg-type]
