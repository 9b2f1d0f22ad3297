"""Contact sheets as files: formats, marks, and what is never replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from autoenc.errors import ArgumentError, OutputError
from autoenc.outputs import carries_mark
from autoenc.report.sheet_files import FORMATS, MAX_SIDE, check_sheet, write_sheet

SHEET = Image.new("RGB", (30, 20), (10, 200, 90))


@pytest.mark.parametrize("suffix", [*FORMATS, ".PNG", ".JPG"])
def test_the_suffix_decides_the_format_and_a_sheet_may_replace_a_sheet(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"sheet{suffix}"
    for _ in range(2):
        check_sheet(target)
        assert write_sheet(SHEET, target) == target
    with Image.open(target) as written:
        assert (written.format, written.size) == (FORMATS[suffix.lower()], (30, 20))
        found = written.convert("RGB").getpixel((15, 10))
        assert found == pytest.approx((10, 200, 90), abs=3)
    assert carries_mark(target)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_sheet_does_not_replace_a_photo_unless_that_is_meant(tmp_path: Path, suffix: str) -> None:
    photo = tmp_path / f"photo{suffix}"
    SHEET.save(photo)
    before = photo.read_bytes()
    for refused in (lambda: check_sheet(photo), lambda: write_sheet(SHEET, photo)):
        with pytest.raises(OutputError, match="autoenc did not write"):
            refused()
    assert photo.read_bytes() == before
    write_sheet(SHEET, photo, overwrite=True)
    assert carries_mark(photo)


@pytest.mark.parametrize("name", ["sheet.gif", "sheet", "sheet.png.txt", ".png"])
def test_another_suffix_is_refused(tmp_path: Path, name: str) -> None:
    for refused in (lambda: check_sheet(tmp_path / name), lambda: write_sheet(SHEET, tmp_path / name)):
        with pytest.raises(ArgumentError, match=r"A sheet is a \.png, \.jpg, \.jpeg, \.webp file; got .*"):
            refused()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_a_sheet_that_is_too_long_for_its_format_is_refused(tmp_path: Path, suffix: str) -> None:
    longest = MAX_SIDE[FORMATS[suffix]]
    write_sheet(Image.new("RGB", (1, longest)), tmp_path / f"fits{suffix}")
    with pytest.raises(ArgumentError, match=rf"1 x {longest + 1:,} pixels; a \w+ file has {longest:,} on a side"):
        write_sheet(Image.new("RGB", (1, longest + 1)), tmp_path / f"long{suffix}")
    write_sheet(Image.new("RGB", (1, longest + 1)), tmp_path / "long.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"fits{suffix}", "long.png"]
