"""Whatever another program did to the files of a closed store is noticed when it is opened."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from torturing.copies import copied

from autoenc.errors import StoreError
from autoenc.store import VectorSpec, open_store, point_id
from autoenc.store.edge import EdgeEngine
from autoenc.store.manifest import MANIFEST, check_manifest, checksum

IDS = [point_id("s", str(number)) for number in range(40)]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was written to and closed."""
    root = tmp_path_factory.mktemp("closed") / "store"
    with open_store(root, create=True) as store:
        store.add_vector("paint", VectorSpec(4, "paint-1", 1))
        store.add_field("folder", "keyword")
        vectors = np.random.default_rng(0).normal(size=(len(IDS), 4)).astype(np.float32)
        store.upsert(IDS, {"paint": vectors}, [{"folder": "f"}] * len(IDS))
    return root


@pytest.fixture
def root(closed: Path, tmp_path: Path) -> Path:
    return copied(closed, tmp_path / "store")


def files(root: Path) -> list[Path]:
    return sorted(path for path in (root / "images").rglob("*") if path.is_file() and path.name != MANIFEST)


def test_a_copy_with_other_times_is_the_same_store(root: Path) -> None:
    for path in files(root):
        os.utime(path, (1, 1))
    with open_store(root) as store:
        assert len(store) == len(IDS)


def test_a_change_of_the_record_alone_keeps_the_checksums_of_all_other_files(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = json.loads((root / "images" / MANIFEST).read_text())["files"]
    computed: list[str] = []

    def watched(path: Path) -> str:
        computed.append(path.name)
        return checksum(path)

    with open_store(root) as store:
        monkeypatch.setattr("autoenc.store.manifest.checksum", watched)
        store.add_source("demo", "/photos")
        left = json.loads((root / "images" / MANIFEST).read_text())["files"]
        assert left == {path: entry for path, entry in before.items() if path != "autoenc.json"}
        assert computed == []
    monkeypatch.undo()
    after = check_manifest(root / "images", thorough=True)
    assert after is not None
    assert after["autoenc.json"] != before["autoenc.json"]
    assert set(after) == {path for path in before if not path.endswith("_journal.dat")}  # the engine removes those


def test_a_kill_after_a_change_of_the_record_leaves_a_store_that_opens(root: Path, tmp_path: Path) -> None:
    with open_store(root) as store:
        store.add_source("demo", "/photos")
        killed = copied(root, tmp_path / "killed")
    with open_store(killed) as store:
        assert store.info.sources == {"demo": "/photos"}
        assert len(store) == len(IDS)


def test_damage_is_noticed_after_a_change_of_the_record_too(root: Path) -> None:
    with open_store(root) as store:
        store.add_source("demo", "/photos")
    victim = next(path for path in files(root) if "segments" in str(path) and path.stat().st_size > 4096)
    overwrite_unseen(victim, b"\xff" * 64)
    with pytest.raises(StoreError, match="is damaged"):
        open_store(root, verify=True)


def overwrite_unseen(path: Path, data: bytes) -> None:
    """Write over the start of a file as a failing disk does: its size and its time stay as they were."""
    times = path.stat()
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def damages(path: Path, rng: random.Random) -> dict[str, bytes]:
    """Each way of damaging a file: its name -> the file's bytes afterward."""
    data = path.read_bytes()
    at = rng.randrange(len(data))
    flipped = bytes([data[at] ^ (1 << rng.randrange(8))])
    return {
        "cut": data[: len(data) // 2],
        "emptied": b"",
        "one bit": data[:at] + flipped + data[at + 1 :],
        "longer": data + b"\0",
        "noise": rng.randbytes(len(data)) if len(data) < 2**21 else data[:at] + rng.randbytes(8) + data[at + 8 :],
    }


def same_document(name: str, data: bytes, good: bytes) -> bool:
    """Whether only spaces differ between two JSON documents that the engine writes."""
    try:
        return name.endswith(".json") and bool(json.loads(data) == json.loads(good))
    except ValueError:
        return False


def test_every_damage_to_every_file_is_one_clear_error(root: Path) -> None:
    rng = random.Random(0)
    for path in files(root):
        good, times = path.read_bytes(), path.stat()
        if not good:
            continue
        for what, data in damages(path, rng).items():
            path.write_bytes(data)
            if data != good and not same_document(path.name, data, good):
                with pytest.raises(StoreError, match=r"is damaged: .*backup"):
                    pytest.fail(f"{what}: {path} was opened by {open_store(root)}")
                assert path.read_bytes() == data, f"{what}: {path} was written to"
        path.unlink()
        if not path.name.endswith("_journal.dat"):  # which the engine removes itself
            with pytest.raises(StoreError, match=r"is damaged: .* is missing"):
                open_store(root)
        path.write_bytes(good)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with open_store(root) as store:
        assert len(store) == len(IDS)


def test_a_link_to_nowhere_does_not_stop_the_comparison(root: Path) -> None:
    (root / "images" / "shard" / "link").symlink_to("/nowhere")
    (path,) = (root / "images").rglob("mutable_id_tracker.mappings")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="is damaged"):
        open_store(root)


@pytest.mark.skipif(os.name != "posix", reason="pipes in folders are POSIX's")
def test_a_pipe_in_the_place_of_a_file_is_not_opened(root: Path) -> None:
    (path,) = (root / "images").rglob("mutable_id_tracker.mappings")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StoreError, match="is missing"):
        open_store(root)


def test_a_copy_is_compared_in_full_only_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in files(root):
        os.utime(path, (1, 1))
    assert check_manifest(root / "images") is not None
    computed = []
    monkeypatch.setattr("autoenc.store.manifest.checksum", lambda file: computed.append(file.name) or checksum(file))
    assert check_manifest(root / "images") is not None
    assert "mutable_id_tracker.mappings" in computed
    assert "chunk_0.mmap" not in computed


def test_a_journal_that_a_killed_close_left_is_no_damage(root: Path) -> None:
    """The engine makes journals again as it closes, after an opening that removed them from the manifest was killed."""
    folder = root / "images"
    manifest = folder / MANIFEST
    files = json.loads(manifest.read_text())["files"]
    journals = [path for path in files if path.endswith("_journal.dat")]
    assert journals
    manifest.write_text(json.dumps({"files": {path: entry for path, entry in files.items() if path not in journals}}))
    assert check_manifest(folder) is not None
    with open_store(root) as store:
        assert len(store) > 0


def test_a_file_more_in_a_segment(root: Path) -> None:
    (segment,) = (root / "images" / "shard" / "segments").iterdir()
    (segment / "extra.dat").write_bytes(b"x")
    with pytest.raises(StoreError, match=r"extra\.dat was added"):
        open_store(root)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 5}', '{"files": {"a": 1}}', "[" * 100_000, "\udc80"])
def test_a_damaged_manifest(root: Path, text: str) -> None:
    (root / "images" / MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(StoreError, match="is damaged"):
        open_store(root)


def test_damage_that_left_size_and_time_alone_is_found_by_a_thorough_check(root: Path) -> None:
    """As a failing disk does."""
    (path,) = (root / "images").rglob("chunk_0.mmap")
    overwrite_unseen(path, b"\xff")
    assert check_manifest(root / "images") is not None
    with pytest.raises(StoreError, match=r"chunk_0\.mmap has changed"):
        check_manifest(root / "images", thorough=True)


def test_damage_without_a_trace_is_not_written_over(root: Path) -> None:
    """The manifest of the next closing would vouch for it."""
    (path,) = (root / "images").rglob("chunk_0.mmap")
    overwrite_unseen(path, b"\x7f")
    with open_store(root) as store:
        assert len(store) == len(IDS)
        with pytest.raises(StoreError, match=r"chunk_0\.mmap has changed"):
            store.delete(IDS[:1])
    with pytest.raises(StoreError, match=r"chunk_0\.mmap has changed"):
        check_manifest(root / "images", thorough=True)


def test_files_that_are_not_the_stores_are_none_of_its_business(root: Path) -> None:
    (root / "images" / ".DS_Store").write_bytes(b"a")
    with open_store(root) as store:
        store.delete(IDS[:1])
    (root / "images" / ".DS_Store").write_bytes(b"bb")
    with open_store(root) as store:
        assert len(store) == len(IDS) - 1


def test_every_checksum_is_computed_before_opening_if_that_is_asked_for(root: Path) -> None:
    (path,) = (root / "images").rglob("chunk_0.mmap")
    overwrite_unseen(path, b"\xff")
    open_store(root).close()
    with pytest.raises(StoreError, match=r"chunk_0\.mmap has changed"):
        open_store(root, verify=True)


@pytest.mark.parametrize("name", ["mutable_id_tracker.mappings", "vectors/status.dat", "payload_storage/config.json"])
def test_what_would_end_the_process_is_compared_even_if_its_size_and_time_have_not_changed(
    root: Path, name: str
) -> None:
    (path,) = (root / "images").rglob(name)
    overwrite_unseen(path, random.Random(0).randbytes(path.stat().st_size))
    with pytest.raises(StoreError, match="has changed"):
        open_store(root)


def test_a_write_that_failed_leaves_no_manifest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine has it in its log, and finishes it when it is opened again: the files change then."""

    def failing(self: object, operation: object) -> None:
        raise MemoryError

    with open_store(root) as store:
        engine = cast(EdgeEngine, store._engine)
        monkeypatch.setattr(
            engine,
            "_open",
            SimpleNamespace(update=failing.__get__(engine), flush=lambda: None, close=engine._shard.close),
        )
        with pytest.raises(MemoryError):
            store.delete(IDS[:1])
    assert not (root / "images" / MANIFEST).exists()
    with open_store(root) as store:
        assert len(store) == len(IDS)


def test_the_first_write_removes_the_manifest_and_closing_writes_it(root: Path) -> None:
    path = root / "images" / MANIFEST
    before = json.loads(path.read_text())["files"]
    with open_store(root) as store:
        assert len(store) == len(IDS)
        assert path.exists()
        store.delete(IDS[:1])
        assert not path.exists()
    after = json.loads(path.read_text())["files"]
    assert before != after
    with open_store(root) as store:
        assert len(store) == len(IDS) - 1


def test_a_store_that_was_only_read_keeps_its_checksums(root: Path) -> None:
    path = root / "images" / MANIFEST
    before = json.loads(path.read_text())["files"]
    with open_store(root) as store:
        assert store.search([1, 0, 0, 0], using="paint", k=1)
    after = json.loads(path.read_text())["files"]
    assert {name: entry[2] for name, entry in after.items()} == {name: before[name][2] for name in after}


def test_a_store_without_a_manifest_opens_as_after_a_kill(root: Path) -> None:
    (root / "images" / MANIFEST).unlink()
    with open_store(root) as store:
        assert len(store) == len(IDS)
    assert not (root / "images" / MANIFEST).exists()  # only what was written by this process is vouched for


def test_holes_and_the_order_of_keys_do_not_count(tmp_path: Path) -> None:
    zeros, hole = tmp_path / "zeros", tmp_path / "hole"
    zeros.write_bytes(bytes(300_000) + b"end")
    with hole.open("wb") as file:
        file.seek(300_000)
        file.write(b"end")
    assert checksum(zeros) == checksum(hole)
    hole.write_bytes(bytes(299_999) + b"end")
    assert checksum(zeros) != checksum(hole)
    one, two = tmp_path / "segment.json", tmp_path / "x" / "segment.json"
    two.parent.mkdir()
    one.write_text('{"a": 1, "b": 2}')
    two.write_text('{"b": 2, "a": 1}')
    assert checksum(one) == checksum(two)
