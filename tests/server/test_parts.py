"""The parts of a server by themselves: kept files, threads, work in the background."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="serving needs FastAPI: pip install 'autoenc[serve]'")

from autoenc.errors import ArgumentError, DiskFullError, ImageDecodeError, OutputError, PointNotFoundError
from autoenc.server.access import Access
from autoenc.server.blobs import Blobs
from autoenc.server.catalog import media_type
from autoenc.server.jobs import Jobs
from autoenc.server.problems import RequestError
from autoenc.server.settings import Settings
from autoenc.server.uploads import Uploads, is_token
from autoenc.server.workers import Workers


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_least_used_files_make_room(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, 30)
    for name in ("a", "b", "c"):
        blobs.put(name, bytes(10))
    blobs.get("a")
    blobs.put("d", bytes(5))
    assert [name for name in "abcd" if blobs.get(name) is not None] == ["a", "c", "d"]
    assert names_in(tmp_path) == ["a", "c", "d"]
    with pytest.raises(ArgumentError):
        blobs.put("e", bytes(31))


def test_a_file_is_gone_after_its_time_and_another_process_knows_it(tmp_path: Path) -> None:
    blobs, other = Blobs(tmp_path, 100, seconds=60), Blobs(tmp_path, 100, seconds=60)
    blobs.put("a", b"1")
    assert other.get("a") == b"1"
    os.utime(tmp_path / "a", (time.time() - 61, time.time() - 61))
    assert blobs.get("a") is None
    assert names_in(tmp_path) == []


def test_a_restart_keeps_to_the_bound_and_sweeps_what_a_kill_left(tmp_path: Path) -> None:
    (tmp_path / ".autoenc-half.tmp").write_bytes(bytes(50))
    os.utime(tmp_path / ".autoenc-half.tmp", (0, 0))
    for number, name in enumerate("abc"):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (number, number))
    assert Blobs(tmp_path, 20).get("a") is None
    assert names_in(tmp_path) == ["b", "c"]


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "", "a/b", "a\0", ".hidden", "a" * 200])
def test_a_name_that_is_none_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_bytes(b"secret")
    blobs = Blobs(tmp_path / "kept", 100)
    assert blobs.get(name) is None
    with pytest.raises(ArgumentError):
        blobs.put(name, b"x")


def test_a_full_disk_and_a_folder_that_cannot_be_are_said_in_a_sentence(tmp_path: Path, monkeypatch) -> None:
    blobs = Blobs(tmp_path / "kept", 100)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("autoenc.server.blobs.replace_file", full)
    with pytest.raises(DiskFullError, match=r"^The server cannot keep a file: No space left"):
        blobs.put("a", b"1")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cache="):
        Blobs(tmp_path / "file" / "kept", 100)


def test_uploads_are_known_by_tokens_alone(tmp_path: Path, drawn: Path) -> None:
    uploads = Uploads(tmp_path, 10**6)
    data = (drawn / "shoe" / "001.jpg").read_bytes()
    kept = uploads.keep(data)
    assert is_token(kept.token)
    assert (kept.width, kept.height) == (160, 160)
    assert uploads.read(kept.token) == data
    assert uploads.keep(data).token != kept.token
    for token in ("", kept.token[:-1], f"{kept.token[:-1]}!", "../x"):
        with pytest.raises(PointNotFoundError):
            uploads.read(token)
    with pytest.raises(ImageDecodeError):
        uploads.keep(b"no picture")


def test_workers_tell_what_they_run_and_refuse_more(tmp_path: Path) -> None:
    async def work() -> None:
        workers = Workers(1, 1, 0.3)
        assert await workers.run(lambda a, b=0: a + b, 1, b=2) == 3
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 // 0)
        with pytest.raises(TimeoutError):
            await workers.run(_timed_out)
        slow = [asyncio.create_task(workers.run(time.sleep, 0.6)) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(RequestError) as busy:
            await workers.run(time.sleep, 0)
        assert busy.value.status == 503
        for task in slow:
            with pytest.raises(RequestError) as late:
                await task
            assert late.value.status == 504
        assert workers.pending > 0  # what nobody waits for any more still takes its place
        while workers.pending:
            await asyncio.sleep(0.02)
        assert await workers.run(int) == 0
        workers.close()

    asyncio.run(work())


def _timed_out() -> None:
    raise TimeoutError


def test_work_in_the_background_is_done_once_and_told(tmp_path: Path) -> None:
    done = []

    def work(tell) -> str:
        tell("counting", 1, 2, "")
        done.append(1)
        time.sleep(0.1)
        return "result"

    async def ask() -> None:
        jobs = Jobs()
        early = await jobs.result("a", work, 0)
        assert early.told()["state"] == "running"
        later = [await jobs.result("a", work, 5) for _ in range(2)]
        assert [job.result for job in later] == ["result", "result"]
        assert len(done) == 1
        with pytest.raises(ZeroDivisionError):
            await jobs.result("b", lambda _: 1 // 0, 5)
        assert (await jobs.result("b", lambda _: "again", 5)).result == "again"
        jobs.close()
        with pytest.raises(RequestError):
            jobs.only("c", work)

    asyncio.run(ask())


def test_work_in_the_background_stops_at_its_next_report() -> None:
    def endless(tell) -> None:
        while True:
            tell("counting", 1, 2, "")
            time.sleep(0.01)

    jobs = Jobs()
    job = jobs.only("a", endless)
    jobs.close()
    assert isinstance(job.error, RequestError)


@given(st.text(max_size=40))
def test_no_key_but_the_right_one_is_known(key: str) -> None:
    right = "0123456789abcdef"
    access = Access(Settings(cache=Path("unused"), key=right, private=True))
    assert access.knows(key) == (key == right)
    assert access.knows(right)
    assert not Access(Settings(cache=Path("unused"))).knows(key)


def test_media_types() -> None:
    assert media_type(b"RIFF....WEBPVP8 ") == "image/webp"
    assert media_type(b"\x89PNG\r\n\x1a\n") == "image/png"
    assert media_type(b"<html>") == "application/octet-stream"
