"""What each image shows, where somebody has said so: from folders' names or from a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoenc.errors import LabelsError
from autoenc.text import shown

KEY_COLUMNS = ("path", "file", "filename", "image", "id")
"""Columns that name the image of a row, the first that is there; without any, the first column does."""

_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class LabelTable:
    """The labels of a CSV file.

    Attributes:
        file: where they were read.
        labels: what names an image (a path, a file's name, or its stem) -> its label.
        broken: rows left out because they have more or fewer fields than there are columns.
    """

    file: Path
    labels: dict[str, str]
    broken: int

    def match(self, paths: Sequence[Path], root: str | os.PathLike[str]) -> list[str | None]:
        """The label of each image; None where no row names it or where its label is empty.

        A row names an image by the path relative to `root` (with or without the name of `root` before it), by
        the absolute path, by the file's name, or by its stem; the first that matches counts.

        Raises:
            LabelsError: no row names any of the images.
        """
        found = [self._label(path, Path(root)) for path in paths]
        if all(label is None for label in found):
            example = next(iter(self.labels), None)
            seen = f"The first row names '{example}', the first image is" if example else "The first image is"
            name = shown(paths[0].name) if paths else "not there"
            raise LabelsError(
                f"No row of {shown(self.file)} names one of the {len(paths)} images in {shown(root)}. {seen} "
                f"{name}: name each image by its path in that folder, its file name or its stem, in a column "
                f"called {', '.join(KEY_COLUMNS[:-1])} or {KEY_COLUMNS[-1]}."
            )
        return [label or None for label in found]

    def _label(self, path: Path, root: Path) -> str | None:
        relative = _relative(path, root)
        names = (
            relative.as_posix(),
            (Path(root.absolute().name) / relative).as_posix(),
            path.absolute().as_posix(),
            path.name,
            path.stem,
        )
        return next((self.labels[name] for name in names if name in self.labels), None)


def labels_from_folders(paths: Sequence[Path], root: str | os.PathLike[str]) -> list[str | None]:
    """The name of the folder that each image lies in; None for an image directly in `root`.

    Args:
        paths: of images below `root`.
        root: the folder that was searched.
    """
    parents = [_relative(path, Path(root)).parent for path in paths]
    return [parent.name or None for parent in parents]


def read_labels(file: str | os.PathLike[str], column: str) -> LabelTable:
    """Read a CSV file with a row of column names, one row an image.

    UTF-8, with or without a byte order mark; separated by comma, semicolon, tab or bar, whichever the first row
    has most of. A row with more or fewer fields than there are columns is left out and counted; of two rows for
    one image the first counts.

    Args:
        file: the CSV file.
        column: the name of the column that holds the labels; case does not matter.

    Raises:
        LabelsError: the file is missing, unreadable, not UTF-8 text or empty, or has no such column.
    """
    path = Path(file)
    rows = _rows(path)
    header = [name.strip() for name in next(rows, [])]
    if not any(header):
        raise LabelsError(f"Expected a CSV file with a row of column names; {shown(path)} is empty.")
    lowered = [name.lower() for name in header]
    if column.strip().lower() not in lowered:
        raise LabelsError(f"{shown(path)} has no column '{column}'. Its columns are: {', '.join(header)}.")
    exact = column.strip() in header
    label_at = header.index(column.strip()) if exact else lowered.index(column.strip().lower())
    key_at = next((lowered.index(name) for name in KEY_COLUMNS if name in lowered), 0)
    labels: dict[str, str] = {}
    broken = 0
    for row in rows:
        if len(row) != len(header):
            broken += bool(row)  # an empty line is no row
            continue
        key = row[key_at].strip().replace("\\", "/").removeprefix("./")
        if key:
            labels.setdefault(key, row[label_at].strip())
    return LabelTable(path, labels, broken)


def _rows(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(_DELIMITERS, key=first.count)  # the comma, when there is none
            yield from csv.reader(file, delimiter=delimiter)
    except OSError as error:
        raise LabelsError(f"Expected a CSV file of labels; {shown(path)} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise LabelsError(f"Expected a CSV file in UTF-8; {shown(path)} is not. Save it as UTF-8.") from error
    except csv.Error as error:
        raise LabelsError(f"Expected a CSV file of labels; {shown(path)} is not one: {error}.") from error


def _relative(path: Path, root: Path) -> Path:
    """The path below root; the name alone for a file that does not lie there."""
    try:
        return path.absolute().relative_to(root.absolute())
    except ValueError:
        return Path(path.name)
