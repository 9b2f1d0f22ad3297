"""One process at a time has a collection open; another waits its turn, and is told whose it is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoenc.errors import StoreLockedError
from autoenc.store import open_store
from autoenc.store.lock import lock_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="locks on folders are POSIX's")

HOLD = """
import sys
from autoenc.store import open_store
with open_store(sys.argv[1], create=True):
    print("open", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the store open until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "s")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    yield process
    process.kill()
    process.communicate()


def test_another_process_is_named_once_the_wait_is_over(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    start = time.monotonic()
    with pytest.raises(StoreLockedError, match=rf"is open in process {other.pid}, .*waited 0\.3 s"):
        open_store(tmp_path / "s", wait=0.3)
    assert 0.3 <= time.monotonic() - start < 5


def test_the_store_is_opened_as_soon_as_the_other_process_closes_it(
    tmp_path: Path, other: subprocess.Popen[str]
) -> None:
    assert other.stdin is not None
    timer = threading.Timer(0.3, lambda: (other.stdin.write("\n"), other.stdin.flush()))  # type: ignore[union-attr]
    timer.start()
    with open_store(tmp_path / "s", wait=60) as store:
        assert len(store) == 0
    timer.join()


def test_a_killed_process_holds_nothing(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    other.kill()
    other.wait()
    open_store(tmp_path / "s", wait=0).close()


def test_this_process_is_told_at_once(tmp_path: Path) -> None:
    with open_store(tmp_path, create=True), pytest.raises(StoreLockedError, match="open already in this process"):
        open_store(tmp_path, wait=600)


def test_a_folder_that_was_moved_away_is_not_what_gets_locked(tmp_path: Path) -> None:
    """While one waits for a collection, another drops it and makes a new one in its place."""
    folder = tmp_path / "c"
    folder.mkdir()
    old = lock_folder(folder, wait=0)
    assert old is not None
    folder.rename(tmp_path / "gone")
    folder.mkdir()
    new = lock_folder(folder, wait=0)
    assert new is not None
    assert os.path.samestat(os.fstat(new), folder.stat())
    os.close(new)
    os.close(old)


QUERY = """
import sys
from autoenc.store import open_store
with open_store(sys.argv[1]) as store:
    print(len(store))
"""


def test_processes_that_open_one_store_at_the_same_moment_all_get_their_turn(tmp_path: Path) -> None:
    open_store(tmp_path, create=True).close()
    command = [sys.executable, "-c", QUERY, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate()[0] for process in processes] == ["0\n"] * 4


def test_processes_that_create_one_store_at_the_same_moment_share_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", QUERY.replace("argv[1]", "argv[1], create=True"), str(tmp_path / "s")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate()[0] for process in processes] == ["0\n"] * 4
    assert sorted(path.name for path in (tmp_path / "s" / "images").iterdir()) == [
        "autoenc.json",
        "autoenc.manifest.json",
        "shard",
    ]
