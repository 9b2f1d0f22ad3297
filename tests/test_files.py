"""Files on their way out: whole, or as they were before."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoenc.files import digest_of, replace_file


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def full_disk(self: Path, other: Path) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced(tmp_path: Path, durable: bool) -> None:
    target = tmp_path / "out.bin"
    for data in (b"first", b""):
        replace_file(target, data, durable=durable)
        assert target.read_bytes() == data
    assert names(tmp_path) == ["out.bin"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.bin"
    target.write_text("old")
    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space left on device"):
        replace_file(target, b"new")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["out.bin"]


def test_the_digest_is_blake2b() -> None:
    """The value of the empty input, as RFC 7693's reference code gives it for 16 bytes."""
    assert digest_of(b"") == "cae66941d9efbd404e4d88758ea67670"
