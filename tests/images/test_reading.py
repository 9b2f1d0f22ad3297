"""Only stored files are read, as they are."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from autoenc.errors import ImageDecodeError, NoImagesError
from autoenc.images.files import load_images
from autoenc.images.finding import SkippedFile, find_images
from autoenc.images.reading import read_regular

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def test_the_bytes_and_the_status_of_a_file_and_of_a_link_to_it(tmp_path: Path) -> None:
    file, link = tmp_path / "a.jpg", tmp_path / "b.jpg"
    file.write_bytes(b"1234")
    link.symlink_to(file)
    for path in (file, link):
        data, status = read_regular(path)
        assert data == b"1234"
        assert status.st_size == 4
        assert status.st_mtime_ns == file.stat().st_mtime_ns


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_sockets_and_devices_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    os.mkfifo("pipe.jpg")
    Path("null.jpg").symlink_to(os.devnull)
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("it was opened"))
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket.jpg")
        for name in ("pipe.jpg", "null.jpg", "socket.jpg", "."):
            with pytest.raises(ImageDecodeError, match=r"^Not a regular file\.$"):
                read_regular(name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_that_takes_the_place_of_a_file_does_not_hold_us_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "a.jpg", os.stat
    path.write_bytes(b"1234")
    before = real(path)
    path.unlink()
    os.mkfifo(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda *_, **__: before)
        with pytest.raises(ImageDecodeError, match="Not a regular file"):
            read_regular(path)


@linux
@pytest.mark.parametrize("name", ["/proc/kmsg", "/proc/self/status", "/proc/self/pagemap"])
def test_a_link_to_a_file_of_the_kernel_is_never_opened(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.path.exists(name):
        pytest.skip(f"no {name} here")
    (tmp_path / "a.jpg").symlink_to(name)
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("it was opened"))
    (loaded,) = load_images([tmp_path / "a.jpg"])
    assert isinstance(loaded, SkippedFile)
    assert loaded.reason == "Not a stored file: the kernel makes it up when it is read."


@linux
def test_folders_of_the_kernel_are_not_searched(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "link").symlink_to("/proc")
    found = find_images(tmp_path)
    assert found.paths == [tmp_path / "a.jpg"]
    assert [str(skipped) for skipped in found.skipped] == [
        f"{tmp_path / 'link'}: not searched: the kernel makes up this folder's files"
    ]
    with pytest.raises(NoImagesError, match="not searched"):
        find_images("/proc/self")


@pytest.mark.parametrize("change", [b"123456", b"12", b""], ids=["grows", "shrinks", "empties"])
def test_a_file_that_changes_while_it_is_read_is_told(
    change: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "a.jpg", os.fstat
    path.write_bytes(b"1234")

    def changing(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        path.write_bytes(change)
        return status

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", changing)
        with pytest.raises(ImageDecodeError, match="changed while it was read"):
            read_regular(path)
