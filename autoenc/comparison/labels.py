"""Labels of images: from the names of their folders, from a CSV file, or from a list."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError, LabelsError
from autoenc.images.finding import Found, Pictures
from autoenc.text import counted, shown

Labels = Sequence[str | int | None] | npt.NDArray[np.generic]
"""Labels as callers may give them for a list of pictures, in the same order."""

KEY_COLUMNS = ("path", "file", "filename", "image", "id")
"""Columns that may name the image of a row. The first of them that exists does; without any, the first column does."""

_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class LabelTable:
    """The labels of a CSV file.

    Attributes:
        file: the CSV file.
        labels: name of an image (its path, file name or stem) -> its label.
        broken: number of rows left out because they have more or fewer fields than there are columns.
    """

    file: Path
    labels: dict[str, str]
    broken: int

    def match(self, paths: Sequence[Path]) -> list[str | None]:
        """The label of each image; None where no row names it, or where its label is empty.

        A row names an image by its absolute path, by the end of it (shoe/1.jpg, 1.jpg) or by its stem (1); the
        longest that the table has counts.

        Raises:
            LabelsError: no row names any of the images.
        """
        labels = [self._label(path.absolute()) for path in paths]
        if paths and all(label is None for label in labels):
            key = next(iter(self.labels), None)
            first = f"The first row names '{key}'; the first image is" if key else "The first image is"
            raise LabelsError(
                f"No row of {shown(self.file)} names any of the {counted(len(paths), 'image')}. {first} "
                f"{shown(paths[0])}. Name each image by its path, the end of its path, its file name or its stem, in a "
                f"column called {', '.join(KEY_COLUMNS[:-1])} or {KEY_COLUMNS[-1]}."
            )
        return [label or None for label in labels]

    def _label(self, path: Path) -> str | None:
        ends = ("/".join(path.parts[start:]) for start in range(1, len(path.parts)))
        names = (path.as_posix(), *ends, path.stem)
        return next((self.labels[name] for name in names if name in self.labels), None)


def labels_from_folders(paths: Sequence[Path], root: str | os.PathLike[str] | None = None) -> list[str | None]:
    """The name of the folder that holds each image.

    Args:
        paths: the images.
        root: the folder that was searched; an image directly in it has no label. None for a list of files, each of
            which has the name of its folder.

    Example:
        >>> labels_from_folders([Path("photos/shoe/1.jpg"), Path("photos/2.jpg")], "photos")
        ['shoe', None]
    """
    if root is None:
        return [path.parent.name or None for path in paths]
    return [_relative(path, Path(root)).parent.name or None for path in paths]


def labels_from_list(labels: Labels, images: Pictures, found: Found, parameter: str) -> list[str | None]:
    """The labels of the pictures in `found`, from one label for each of `images`.

    Args:
        labels: strings or whole numbers; None or "" for a picture without a label.
        images: the list of pictures as the caller gave it.
        found: what `gather` made of it.
        parameter: the name of the caller's parameter for labels, for messages.

    Raises:
        ArgumentError: another number of labels than pictures, a folder of images, or labels of another type.
    """
    if isinstance(images, (str, os.PathLike)):
        raise ArgumentError(
            f"{parameter} as a list needs a list of pictures in the same order; got a folder. Give a list of files, "
            "or label them with a CSV file."
        )
    if not isinstance(labels, (Sequence, np.ndarray)):
        raise ArgumentError(f"{parameter} expects a list with one label or None per picture; got {labels!r}.")
    if len(labels) != len(images):
        raise ArgumentError(
            f"{parameter} needs one label or None for each picture; got {counted(len(labels), 'label')} for "
            f"{counted(len(images), 'picture')}."
        )
    for label in labels:
        if label is not None and not isinstance(label, (str, int, np.integer)):
            raise ArgumentError(f"{parameter} takes strings, whole numbers and None; got {label!r}.")
    unusable = {file.path for file in found.skipped}  # files whose names cannot be stored are not among the items
    kept = [
        label
        for image, label in zip(images, labels, strict=True)
        if not (isinstance(image, (str, os.PathLike)) and Path(os.path.abspath(image)) in unusable)
    ]
    return [None if label is None else str(label) or None for label in kept]


def read_labels(file: str | os.PathLike[str], column: str) -> LabelTable:
    """Read a CSV file of labels: a row of column names, then one row per image.

    The file is UTF-8, with or without a byte order mark. The separator is a comma, semicolon, tab or bar, whichever
    occurs most often in the first row. A row with more or fewer fields than there are columns is left out and
    counted. Of two rows for the same image, the first counts.

    Args:
        file: the CSV file.
        column: the name of the column with the labels; upper and lower case are the same.

    Raises:
        LabelsError: the file is missing, unreadable, empty or not UTF-8, or it has no such column.
    """
    path = Path(file)
    rows = _rows(path)
    header = [name.strip() for name in next(rows, [])]
    if not any(header):
        raise LabelsError(f"Expected a CSV file that starts with a row of column names; {shown(path)} is empty.")
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
            broken += bool(row)  # an empty line is not a row
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
        raise LabelsError(
            f"Expected a CSV file in UTF-8; {shown(path)} is in another encoding. Save it as UTF-8."
        ) from error
    except csv.Error as error:
        raise LabelsError(f"Expected a CSV file of labels; {shown(path)} is not one: {error}.") from error


def _relative(path: Path, root: Path) -> Path:
    """The path relative to root; for a file outside of it, the bare file name."""
    try:
        return path.absolute().relative_to(root.absolute())
    except ValueError:
        return Path(path.name)
