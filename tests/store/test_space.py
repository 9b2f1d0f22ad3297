"""A full disk ends in a sentence, with the store whole, and never in a signal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autoenc.errors import StoreError
from autoenc.store import Store, VectorSpec, open_store, point_id, space
from autoenc.store.lock import lock_folder, unlock

WRITE = """
import sys
import numpy as np
from autoenc.errors import StoreError
from autoenc.store import VectorSpec, open_store, point_id
try:
    with open_store(sys.argv[1], create=True) as store:
        store.add_vector("paint", VectorSpec(512, "paint-1", 1))
        store.flush()
        for batch in range(10_000):
            ids = [point_id("s", f"{batch} {n}") for n in range(500)]
            store.upsert(ids, {"paint": np.ones((500, 512), np.float32)}, [{"x": "y" * 100}] * 500)
            print(batch, flush=True)
except StoreError as error:
    print(error)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 160 MB in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up(small_disk: Path) -> None:
    root = small_disk / "store"
    done = subprocess.run([sys.executable, "-c", WRITE, str(root)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"ended by signal {-done.returncode}"
    *batches, last = done.stdout.splitlines()
    assert batches
    assert "MiB left" in last
    (small_disk / "rest").write_bytes(bytes(space.free_bytes(small_disk)))
    with pytest.raises(StoreError, match=r"has 0\.0 MiB left; .* needed to open the store"):
        open_store(root)
    (small_disk / "rest").unlink()
    with open_store(root) as store:
        assert len(store) >= 500 * len(batches)
        assert len(store) % 500 == 0


def filled(root: Path) -> Store:
    store = open_store(root, create=True)
    store.add_vector("paint", VectorSpec(2, "paint-1", 1))
    store.upsert([point_id("s", "1")], {"paint": np.ones((1, 2), np.float32)}, [{}])
    return store


def test_every_write_to_a_full_disk_is_refused_and_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with filled(tmp_path) as store:
        monkeypatch.setattr(space, "free_bytes", lambda _: 10 * 2**20)
        id = point_id("s", "1")
        for write in (
            lambda: store.upsert([id], {"paint": np.ones((1, 2), np.float32)}, [{}]),
            lambda: store.update_vectors([id], {"paint": np.ones((1, 2), np.float32)}),
            lambda: store.set_payload(id, {"a": 1}),
            lambda: store.add_vector("more", VectorSpec(2, "m", 1)),
            lambda: store.add_field("a", "keyword"),
            lambda: store.add_source("s", "/s"),
            lambda: store.delete([id]),
            store.optimize,
        ):
            with pytest.raises(StoreError, match=r"has 10\.0 MiB left; .* Free some space"):
                write()
        assert len(store.search([1, 1], using="paint")) == 1
    with open_store(tmp_path) as store:
        assert len(store) == 1


def test_a_store_is_not_begun_where_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "free_bytes", lambda _: 2**20)
    with pytest.raises(StoreError, match="needed to create the store"):
        open_store(tmp_path / "s", create=True)
    monkeypatch.undo()
    with filled(tmp_path / "s") as store:
        assert len(store) == 1


# ---- read-only stores ---------------------------------------------------------------------------------


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "store"
    filled(root).close()
    if os.geteuid() == 0:  # nothing is forbidden to this user, so the file system itself must refuse
        bound = [["mount", "--bind", str(root), str(root)], ["mount", "-o", "remount,ro,bind", str(root)]]
        if any(subprocess.run(command, check=False, capture_output=True).returncode for command in bound):
            pytest.skip("no file system can be mounted here")
        yield root
        subprocess.run(["umount", str(root)], check=True)
        return
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    yield root
    for folder in folders:
        folder.chmod(0o700)


def test_a_read_only_store_is_searched_in_a_copy_that_leaves_nothing(
    read_only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with open_store(read_only) as store:
        assert store.location == str(read_only)
        assert list(temporary.iterdir()) == []
        assert len(store.search([1, 1], using="paint")) == 1
        assert store.status().points == 1
        with pytest.raises(StoreError, match="is read-only"):
            store.delete([point_id("s", "1")])
        with pytest.raises(StoreError, match="is read-only"):
            store.drop()
    assert list(temporary.iterdir()) == []
    with open_store(read_only) as store:
        assert len(store) == 1


def test_copies_of_killed_processes_are_removed(
    read_only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    (temporary / "autoenc-store-dead" / "shard").mkdir(parents=True)
    (temporary / "autoenc-store-busy").mkdir()
    busy = lock_folder(temporary / "autoenc-store-busy", 0)
    assert busy is not None
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    open_store(read_only).close()
    assert [path.name for path in temporary.iterdir()] == ["autoenc-store-busy"]
    unlock(busy)


def test_a_large_read_only_store_is_refused(read_only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoenc.store.edge_folder.MOST_COPIED", 1000)
    with pytest.raises(StoreError, match="read-only, and too large to be copied"):
        open_store(read_only)


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
from autoenc.errors import StoreError
from autoenc.store import open_store
try:
    open_store(sys.argv[1]).close()
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited as Linux does it")
def test_too_little_address_space_for_the_files_that_the_engine_maps(tmp_path: Path) -> None:
    """Without the check, the engine aborts the process."""
    filled(tmp_path / "store").close()
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "store"), str(700 * 2**20)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"ended by signal {-done.returncode}"
    assert "of address space beside what is in use" in done.stdout
    assert "ulimit -v" in done.stdout
