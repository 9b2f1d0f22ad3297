"""Where results may be written: never over what autoenc did not write, and never among the images it reads."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoenc.errors import OutputError
from autoenc.outputs import (
    carries_mark,
    check_apart,
    check_folder,
    check_makeable,
    check_output,
    marked_json,
    write_file,
)

OURS = marked_json({"found": 3})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_and_again_over_itself(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    for data in (OURS, marked_json({"found": 4})):
        assert write_file(str(target), data) == target
        assert target.read_bytes() == data
    assert names(tmp_path) == ["out.json"]


def test_json_says_in_its_first_key_who_wrote_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(OURS)
    assert OURS.startswith(b'{\n  "written_by": "autoenc ')
    assert carries_mark(tmp_path / "a.json")


@pytest.mark.parametrize(
    "theirs",
    [
        b"",
        b"years of work",
        b'{"written_by": "me"}',
        b'{"written_by": {"program": "autoenc 1"}}',
        b"<!doctype html><p>autoenc</p>",
        b"encoder,dim\nedges,324\n",
        b"\x89PNG\r\n\x1a\n, and nothing else",
    ],
)
def test_a_file_of_another_is_replaced_only_if_that_is_meant(tmp_path: Path, theirs: bytes) -> None:
    target = tmp_path / "theirs"
    target.write_bytes(theirs)
    with pytest.raises(OutputError, match=r"autoenc did not write\. Name another file, or replace it with overwrite="):
        write_file(target, OURS)
    assert target.read_bytes() == theirs
    assert write_file(target, OURS, overwrite=True).read_bytes() == OURS
    assert names(tmp_path) == ["theirs"]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".gif"])
def test_a_photo_is_not_replaced(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0131] = "autoencoder studio"
    photo = tmp_path / f"photo{suffix}"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(photo, exif=exif)
    before = photo.read_bytes()
    with pytest.raises(OutputError, match="did not write"):
        write_file(photo, OURS)
    assert photo.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="kinds of files as POSIX has them")
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "socket", "folder", "device"])
def test_only_a_regular_file_is_ever_replaced(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.json"
    (tmp_path / "elsewhere.json").write_bytes(OURS)
    if kind == "link":
        target.symlink_to("elsewhere.json")
    elif kind == "dangling link":
        target.symlink_to("nowhere")
    elif kind == "pipe":
        os.mkfifo(target)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener, monkeypatch.context() as moved:
            moved.chdir(tmp_path)  # a socket's path may be no longer than 107 bytes
            listener.bind(target.name)
    elif kind == "folder":
        target.mkdir()
    else:
        target = Path(os.devnull)
    before = target.lstat()
    with pytest.raises(OutputError, match=rf"a {kind.split()[-1]} is there, and only a regular file is ever replaced"):
        write_file(target, OURS, overwrite=True)
    assert target.lstat().st_mode == before.st_mode
    assert (tmp_path / "elsewhere.json").read_bytes() == OURS
    assert not (tmp_path / "nowhere").exists()


def test_nothing_is_written_among_what_is_read(tmp_path: Path) -> None:
    photos, beside = tmp_path / "photos", tmp_path / "photos2"
    (photos / "deep").mkdir(parents=True)
    beside.mkdir()
    (tmp_path / "link").symlink_to(photos)
    (photos / "out").symlink_to(beside)
    for bad in (photos, photos / "a", photos / "deep" / "a", tmp_path / "link" / "a", photos / "out" / "a",
                photos / "new" / "a", beside / ".." / "photos" / "a"):  # fmt: skip
        for given in (photos, str(tmp_path / "link")):
            with pytest.raises(OutputError, match="where images are read"):
                check_apart(bad, [given])
    for good in (tmp_path, tmp_path / "a", beside / "a"):
        check_apart(good, [photos, None, b"a picture", tmp_path / "none"])
    with pytest.raises(OutputError, match="photos, where images are read"):
        write_file(photos / "a", OURS, overwrite=True, reading=[photos])
    assert names(photos) == ["deep", "out"]


def test_what_is_read_is_not_replaced_even_if_autoenc_wrote_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(OURS)
    with pytest.raises(OutputError, match="it is a file that is read"):
        write_file(tmp_path / "a.json", OURS, overwrite=True, reading=[tmp_path / "a.json"])


def test_a_failed_write_is_told_and_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(self: Path, other: Path) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "out.json").write_bytes(OURS)
    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OutputError, match=r"Cannot write .*out\.json: No space left on device"):
        write_file(tmp_path / "out.json", b"new")
    assert (tmp_path / "out.json").read_bytes() == OURS
    assert names(tmp_path) == ["out.json"]


def test_a_file_needs_a_folder_that_exists(tmp_path: Path) -> None:
    check_output(tmp_path / "new.json")
    (tmp_path / "file").touch()
    for bad in (tmp_path / "none" / "new.json", tmp_path / "file" / "new.json"):
        with pytest.raises(OutputError, match="expected a file in a folder"):
            check_output(bad)
    with pytest.raises(OutputError, match="File name too long"):
        check_output(tmp_path / ("a" * 300))


def test_where_a_folder_can_be_made(tmp_path: Path) -> None:
    for good in (tmp_path, tmp_path / "new", tmp_path / "new" / "deep"):
        check_makeable(good)
    assert names(tmp_path) == [], "checking makes nothing"
    (tmp_path / "file").touch()
    for bad in (tmp_path / "file", tmp_path / "file" / "new"):
        with pytest.raises(OutputError, match="Cannot write"):
            check_makeable(bad)


def test_files_in_a_folder_that_may_have_to_be_made(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "deep", ["a", "b"])
    (tmp_path / "a").write_bytes(OURS)
    check_folder(tmp_path, ["a", "b"])
    (tmp_path / "b").touch()
    with pytest.raises(OutputError, match="did not write"):
        check_folder(tmp_path, ["a", "b"])
    check_folder(tmp_path, ["a", "b"], overwrite=True)


def test_folders_out_of_reach(out_of_reach: Path) -> None:
    for unknown in (out_of_reach / "r.json", out_of_reach / "deep" / "r.json"):  # something may be there
        with pytest.raises(OutputError):
            check_output(unknown)
    check_makeable(out_of_reach / "deep" / "r")  # whether it can be made is seen when it is
