"""Files on their way out: whole, or as they were before."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoenc.errors import OutputError
from autoenc.files import check_makeable, check_writable, digest_of, replace_file, write_file


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def full_disk(self: Path, other: Path) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_is_written_over_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    target.write_text("old")
    assert write_file(str(target), b"new") == target
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["out.bin"]


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced(tmp_path: Path, durable: bool) -> None:
    target = tmp_path / "out.bin"
    for data in (b"first", b""):
        replace_file(target, data, durable=durable)
        assert target.read_bytes() == data
    assert names(tmp_path) == ["out.bin"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"there is no folder .*absent"):
        write_file(tmp_path / "absent" / "out.bin", b"")


def test_a_folder_in_the_files_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "out.bin").mkdir()
    with pytest.raises(OutputError, match="Cannot write"):
        write_file(tmp_path / "out.bin", b"")
    assert names(tmp_path) == ["out.bin"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.bin"
    target.write_text("old")
    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space left on device"):
        replace_file(target, b"new")
    with pytest.raises(OutputError, match=r"Cannot write .*out\.bin: No space left on device"):
        write_file(target, b"new")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["out.bin"]


def test_where_a_file_can_be_written(tmp_path: Path) -> None:
    check_writable(tmp_path / "new.json")
    (tmp_path / "file").touch()
    check_writable(tmp_path / "file")
    for bad in (tmp_path, tmp_path / "none" / "new.json", tmp_path / "file" / "new.json"):
        with pytest.raises(OutputError, match="expected a file in a folder"):
            check_writable(bad)


def test_where_a_folder_can_be_made(tmp_path: Path) -> None:
    for good in (tmp_path, tmp_path / "new", tmp_path / "new" / "deep"):
        check_makeable(good)
    assert names(tmp_path) == [], "checking makes nothing"
    (tmp_path / "file").touch()
    for bad in (tmp_path / "file", tmp_path / "file" / "new"):
        with pytest.raises(OutputError, match="Cannot write"):
            check_makeable(bad)


def test_folders_out_of_reach(out_of_reach: Path) -> None:
    check_writable(out_of_reach / "r.json")
    with pytest.raises(OutputError):
        check_writable(out_of_reach / "deep" / "r.json")
    check_makeable(out_of_reach / "deep" / "r")  # whether it can be made is seen when it is


def test_the_digest_is_blake2b() -> None:
    """The value of the empty input, as RFC 7693's reference code gives it for 16 bytes."""
    assert digest_of(b"") == "cae66941d9efbd404e4d88758ea67670"
