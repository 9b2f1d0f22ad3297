"""Labels of images: from the names of their folders, from a table, or from a list."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError, LabelsError, TableError
from autoenc.images.finding import Found, Pictures
from autoenc.tables.kinds import value_of
from autoenc.tables.table import read_table
from autoenc.text import counted, meant, shown

Labels = Sequence[str | int | None] | npt.NDArray[np.generic]
"""Labels as callers may give them for a list of pictures, in the same order."""

FOLDERS = "folders"
"""The labels that are the names of the folders that hold the images."""

LABEL_COLUMN = "label"
"""The column of a table that holds the labels, unless another is named."""

KEY_COLUMNS = ("path", "file", "filename", "image", "id")
"""Columns that may name the image of a row. The first of them that exists does; without any, the first column does."""


@dataclass(frozen=True)
class LabelTable:
    """The labels of a table.

    Attributes:
        file: the table.
        labels: name of an image (its path, file name or stem) -> its label.
        broken: number of rows left out because they have more or fewer cells than there are columns.
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
        labels = labels_by_name(self.labels, paths)
        if paths and not any(name in self.labels for path in paths for name in _names(path)):
            key = next(iter(self.labels), None)
            first = f"The first row names '{key}'; the first image is" if key else "The first image is"
            raise LabelsError(
                f"No row of {shown(self.file)} names any of the {counted(len(paths), 'image')}. {first} "
                f"{shown(paths[0])}. Name each image by its path, the end of its path, its file name or its stem, in a "
                f"column called {', '.join(KEY_COLUMNS[:-1])} or {KEY_COLUMNS[-1]}."
            )
        return labels


def labels_by_name(labels: Mapping[str, str], paths: Sequence[Path]) -> list[str | None]:
    """The label of each image; None where no name is one of it, or where its label is empty.

    Args:
        labels: an image's absolute path, the end of it (shoe/1.jpg, 1.jpg) or its stem (1) -> its label; the longest
            name counts.
        paths: the images.

    Example:
        >>> labels_by_name({"shoe/1.jpg": "boot", "1": "shoe"}, [Path("photos/shoe/1.jpg"), Path("photos/1.png")])
        ['boot', 'shoe']
    """
    return [next((labels[name] for name in _names(path) if name in labels), None) or None for path in paths]


def image_name(text: str) -> str:
    r"""What names an image in a table or a mapping, in the form in which `labels_by_name` looks for it.

    Example:
        >>> image_name("./shoe/1.jpg"), image_name("shoe\\1.jpg")
        ('shoe/1.jpg', 'shoe/1.jpg')
    """
    return text.replace("\\", "/").removeprefix("./")


def _names(path: Path) -> Iterator[str]:
    """What may name an image, the longest first."""
    whole = path.absolute()
    yield whole.as_posix()
    yield from ("/".join(whole.parts[start:]) for start in range(1, len(whole.parts)))
    yield whole.stem


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
            "or label them with a table."
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


def check_label_column(column: str | None, labels: object) -> None:
    """Refuse a column of labels that come from no table.

    Args:
        column: the caller's `label_column`.
        labels: the caller's `labels`, whatever they are.

    Raises:
        ArgumentError: a column, and no file of a table.

    Example:
        >>> check_label_column(None, "folders")
        >>> check_label_column("kind", "table.csv")
    """
    if column is not None and (not isinstance(labels, (str, os.PathLike)) or labels == FOLDERS):
        raise ArgumentError("label_column= is a column of a table; name its file with labels=.")


def read_labels(file: str | os.PathLike[str], column: str | None = None) -> LabelTable:
    """Read the labels from a table, CSV or Parquet, with one row per image: see `autoenc.tables.table.read_table`.

    Of two rows for the same image, the first counts. A row whose stray commas belong to its label or to what names its
    image is left out.

    Args:
        file: the table.
        column: the name of the column with the labels, "label" if None; upper and lower case are the same.

    Raises:
        LabelsError: the table cannot be read, or has no such column.
    """
    try:
        table = read_table(file)
    except TableError as error:
        folders = meant(os.fspath(file), [FOLDERS]) if not os.path.exists(file) else ""
        raise LabelsError(f"{error}{folders}") from error
    lowered = {name.lower(): name for name in reversed(table.columns)}
    wanted = (column or LABEL_COLUMN).strip()
    named = wanted if wanted in table.columns else lowered.get(wanted.lower())
    if named is None:
        raise LabelsError(
            f"{shown(table.file)} has no column '{wanted}'. Its columns are: {', '.join(table.columns)}."
            f"{meant(wanted, table.columns) or ' Name the right one with label_column=.'}"
        )
    key = next((lowered[name] for name in KEY_COLUMNS if name in lowered), next(iter(table.columns)))
    guessed = {line for line, name, _ in table.mended if name in (key, named)}  # a label of its own, perhaps
    labels: dict[str, str] = {}
    for row, (name, label) in enumerate(zip(table.columns[key].cells, table.columns[named].cells, strict=True)):
        image = image_name(_text(name))
        if image and not (guessed and table.lines and table.lines.of(row) in guessed):
            labels.setdefault(image, _text(label))
    return LabelTable(table.file, labels, len(table.broken) + len(guessed))


def _text(cell: object) -> str:
    return value_of("keyword", cell) or ""


def _relative(path: Path, root: Path) -> Path:
    """The path relative to root; for a file outside of it, the bare file name."""
    try:
        return path.absolute().relative_to(root.absolute())
    except ValueError:
        return Path(path.name)
