"""The groups as a sheet, and the likenesses as a plot."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from textured import picture

from autoenc.catalog.copies import Copy, Duplicates
from autoenc.errors import MissingDependencyError
from autoenc.outputs import carries_mark
from autoenc.report.duplicates import MOST_GROUPS, duplicates_sheet, likeness_plot
from autoenc.report.sheet_files import MAX_SIDE


def found(groups: list[tuple[Copy, ...]], likenesses: tuple[float, ...] = ()) -> Duplicates:
    return Duplicates(groups, 0.8, False, likenesses, ("color",), 100, 0, 0, [])


def copies(files: list[Path | None]) -> tuple[Copy, ...]:
    return tuple(Copy(f"id {number}", file, 96, 128, 10, 0.9, False) for number, file in enumerate(files))


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    names = [tmp_path / f"{seed}.png" for seed in range(3)]
    for seed, name in enumerate(names):
        Image.fromarray(picture(seed)).save(name)
    return names


def test_each_group_has_a_row_with_its_best_image_first(files: list[Path]) -> None:
    sheet = np.asarray(duplicates_sheet(found([copies(list(files)), copies([files[1], files[0]])])))
    alone = np.asarray(duplicates_sheet(found([copies(list(files))])))
    assert np.array_equal(sheet[60 : len(alone)], alone[60:])  # below the line that counts the groups
    assert len(sheet) - 44 == 2 * (len(alone) - 44)
    row = len(alone) - 44
    first, second = sheet[44 : 44 + row, :160], sheet[44 + row :, :160]
    assert not np.array_equal(first[60:], second[60:])  # 0.png leads the one, 1.png the other


def test_no_group_at_all() -> None:
    assert duplicates_sheet(found([])).size == (900, 44)


def test_the_largest_sheet_fits_every_format(files: list[Path]) -> None:
    many = copies([None] * 40)
    sheet = duplicates_sheet(found([many] * (MOST_GROUPS + 5)))
    assert max(sheet.size) <= min(MAX_SIDE.values())
    assert sheet.size == duplicates_sheet(found([many] * MOST_GROUPS)).size


def test_a_picture_without_a_file_says_so(files: list[Path]) -> None:
    there, gone = copies([files[0], files[1]]), copies([files[0], files[1].with_name("gone.png")])
    assert not np.array_equal(duplicates_sheet(found([there])), duplicates_sheet(found([gone])))


def test_the_plot_shows_where_the_copies_begin(tmp_path: Path) -> None:
    plot = tmp_path / "plot.png"
    plot.write_bytes(likeness_plot(found([], (0.6, 0.7, 0.95, 0.95))))
    assert carries_mark(plot)
    pixels = np.asarray(Image.open(plot).convert("RGB")).astype(int)
    blue = (np.abs(pixels - (0x00, 0x72, 0xB2)).sum(2) < 12).sum(axis=0) > 9
    gray = (np.abs(pixels - (0x9A, 0xA2, 0xAE)).sum(2) < 12).sum(axis=0) > 9
    assert gray.any()
    assert np.flatnonzero(gray).max() < np.flatnonzero(blue).min()  # copies are at the right


def test_a_plot_of_nothing() -> None:
    assert Image.open(io.BytesIO(likeness_plot(found([])))).width > 500


def test_without_matplotlib_the_message_names_the_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'autoenc\[plots\]'"):
        likeness_plot(found([]))
