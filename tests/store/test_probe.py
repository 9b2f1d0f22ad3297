"""A store that was not closed is tried in another process: what would end ours, or never end, is one sentence."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from autoenc.errors import StoreError
from autoenc.store import VectorSpec, open_store, point_id, probe
from autoenc.store.manifest import MANIFEST

COUNT = 20


@pytest.fixture
def unclosed(tmp_path: Path) -> Path:
    """A store as a kill leaves it: without a manifest."""
    root = tmp_path / "store"
    with open_store(root, create=True) as store:
        store.add_vector("paint", VectorSpec(2, "paint-1", 1))
        ids = [point_id("s", str(number)) for number in range(COUNT)]
        store.upsert(ids, {"paint": np.ones((COUNT, 2), np.float32)}, [{"x": 1}] * COUNT)
    (root / "images" / MANIFEST).unlink()
    return root


def only(root: Path, pattern: str) -> Path:
    (found,) = root.glob(f"images/shard/segments/*/{pattern}")
    return found


def test_a_store_that_was_killed_opens_if_its_files_are_whole(unclosed: Path) -> None:
    with open_store(unclosed) as store:
        assert len(store) == COUNT


def test_a_number_that_makes_the_engine_abort(unclosed: Path) -> None:
    """The last point's place among the points, which it makes room for: 1 byte, 16 of the id, and 4 of the place."""
    mappings = only(unclosed, "mutable_id_tracker.mappings")
    content = bytearray(mappings.read_bytes())
    assert int.from_bytes(content[-4:], "little") == COUNT - 1
    content[-4:] = (2**31).to_bytes(4, "little")
    mappings.write_bytes(content)
    with pytest.raises(StoreError, match=r"'images' in .* were not closed properly, and are damaged: .*\. Restore"):
        open_store(unclosed)


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program instead of the one that tries the engine."""
    program = tmp_path / "program"
    program.write_text(f"#!{sys.executable}\nimport os, time\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(program))


@pytest.mark.skipif(os.name != "posix", reason="signals and scripts as POSIX has them")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("os.abort()", "the engine was aborted by signal 6 when it read them"),
        ("time.sleep(60)", "reading them takes longer than 1 s"),
        ("os._exit(3)", "reading them takes far more memory than their size explains"),
    ],
)
def test_what_happens_to_the_other_process(
    unclosed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    stand_in(tmp_path, monkeypatch, script)
    monkeypatch.setattr(probe, "SECONDS", 1)
    with pytest.raises(StoreError, match=reason):
        open_store(unclosed)


def test_what_this_process_takes_is_not_counted(unclosed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one begins as a copy of it."""
    ballast = b"1" * 2**29
    assert sys.platform != "linux" or probe._peak() > len(ballast)
    monkeypatch.setattr(probe, "_MOST", len(ballast))
    with open_store(unclosed) as store:
        assert len(store) == COUNT


@pytest.mark.skipif(os.name != "posix", reason="signals and scripts as POSIX has them")
def test_stores_that_were_closed_or_are_new_are_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unclosed: Path
) -> None:
    stand_in(tmp_path, monkeypatch, "os.abort()")
    for _ in range(2):
        with open_store(tmp_path / "new", create=True) as store:
            store.add_vector("paint", VectorSpec(2, "paint-1", 1))
    with pytest.raises(StoreError, match="aborted"):
        open_store(unclosed)


def test_where_no_process_can_be_started_the_engine_is_opened_untried(
    unclosed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with open_store(unclosed) as store:
        assert len(store) == COUNT
