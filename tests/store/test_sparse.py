"""Files with holes are read and copied without filling the holes."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.store.sparse import BLOCK, allocated, copy_folder, files_below, filled_blocks

PIECES = st.lists(st.tuples(st.integers(0, 20 * BLOCK), st.binary(min_size=1, max_size=50)), max_size=5)


@given(pieces=PIECES, size=st.integers(0, 21 * BLOCK))
def test_a_copy_has_the_same_bytes(tmp_path_factory: object, pieces: list[tuple[int, bytes]], size: int) -> None:
    folder = tmp_path_factory.mktemp("s")  # type: ignore[attr-defined]
    source = folder / "source"
    source.mkdir()
    with (source / "f").open("wb") as file:
        for at, data in pieces:
            file.seek(at)
            file.write(data)
        file.truncate(max(size, file.seek(0, 2)))
    copy_folder(source, folder / "copy")
    assert (folder / "copy" / "f").read_bytes() == (source / "f").read_bytes()
    with (source / "f").open("rb", buffering=0) as file:
        blocks = dict(filled_blocks(file))
    assert all(at % BLOCK == 0 and any(block) for at, block in blocks.items())


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_does_not_tell_its_holes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refused(*_: object) -> int:
        raise OSError(number, "no SEEK_DATA here")

    (tmp_path / "f").write_bytes(bytes(BLOCK) + b"x" * BLOCK + bytes(BLOCK) + b"end")
    monkeypatch.setattr("os.lseek", refused)
    with (tmp_path / "f").open("rb", buffering=0) as file:
        assert [at // BLOCK for at, _ in filled_blocks(file)] == [1, 3]


def test_a_disk_that_cannot_be_read_is_an_error_and_not_a_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "f").write_bytes(b"x")
    monkeypatch.setattr("os.lseek", broken)
    with (tmp_path / "f").open("rb", buffering=0) as file, pytest.raises(OSError, match="Input/output"):
        list(filled_blocks(file))


def test_a_hole_takes_no_room_in_the_copy(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with (tmp_path / "a" / "b" / "f").open("wb") as file:
        file.write(b"begin")
        file.truncate(2**26)
    copy_folder(tmp_path / "a", tmp_path / "copy")
    ((path, status),) = files_below(tmp_path / "copy")
    assert path == "b/f"
    assert status.st_size == 2**26
    assert allocated(status) < 2**20
