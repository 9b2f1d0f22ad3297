"""The two sides of a comparison: the gallery that is searched, and the queries."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from autoenc.errors import ArgumentError, NoImagesError
from autoenc.images.cache import load_pixels
from autoenc.images.files import read_item
from autoenc.images.finding import NamedPicture, Pictures, SkippedFile, gather, path_of
from autoenc.progress import Progress
from autoenc.tables.labels import Labels, LabelTable, labels_from_folders, labels_from_list
from autoenc.text import counted
from autoenc.vectors import Images, Indices


@dataclass(frozen=True)
class Side:
    """The gallery of a comparison, or its queries.

    Attributes:
        pictures: N files, or pictures in memory.
        labels: N labels; None for a picture without one.
        ignored: number of files in the folder that are not images.
        skipped: files that could not be used.
        folder: the folder that was searched; None for a list of pictures.
    """

    pictures: list[Path | NamedPicture]
    labels: list[str | None]
    ignored: int = 0
    skipped: list[SkippedFile] = field(default_factory=list)
    folder: Path | None = None

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, rows: Iterable[int]) -> Side:
        """Only these pictures, with their labels."""
        kept = list(rows)
        return replace(self, pictures=[self.pictures[at] for at in kept], labels=[self.labels[at] for at in kept])

    def without_labels(self) -> Side:
        return replace(self, labels=[None] * len(self))

    def read(self, size: int, *, least: int, stage: str, tell: Progress) -> tuple[Side, Images]:
        """Decode every picture once.

        Args:
            size: height and width in pixels.
            least: the number of pictures that must be readable.
            stage: what `tell` calls it.
            tell: receives the progress.

        Returns:
            this side without the pictures that could not be read, and the (N, size, size, 3) uint8 pixels of the
            others.

        Raises:
            NoImagesError: fewer than `least` pictures could be read.
        """
        cache = load_pixels(self.pictures, size, progress=lambda _, done, total, note: tell(stage, done, total, note))
        if len(cache) < least:
            why = f" The first that could not: {cache.skipped[0]}" if cache.skipped else ""
            raise NoImagesError(
                f"A comparison needs {counted(least, 'image')} or more; {len(cache)} of {len(self)} could be read.{why}"
            )
        unreadable = {file.path for file in cache.skipped}
        kept = self.take(at for at, picture in enumerate(self.pictures) if path_of(picture) not in unreadable)
        return replace(kept, skipped=[*self.skipped, *cache.skipped]), cache.images


def find_side(images: Pictures, labels: Labels | LabelTable | None, parameter: str) -> Side:
    """The pictures that a caller means, and their labels, before the long work of reading them.

    Args:
        images: as `gather` takes them.
        labels: a table; a list with one label or None per picture; or None for the names of the folders.
        parameter: the name of the caller's parameter for labels, for messages.

    Raises:
        NoImagesError, ArgumentError: as `gather`.
        LabelsError: no row of the table names any of the pictures.
        ArgumentError: not one label per picture, or a table for pictures in memory.
    """
    found = gather(images)
    if isinstance(labels, LabelTable):
        if found.root is None:
            raise ArgumentError(
                f"A table can only label image files. Give the labels of pictures in memory as a list, {parameter}."
            )
        chosen = labels.match(found.paths)
    elif labels is not None:
        chosen = labels_from_list(labels, images, found, parameter)
    else:
        chosen = labels_from_folders(found.paths, found.root if found.whole else None)
    return Side(list(found.items), chosen, found.ignored, found.skipped, found.root if found.whole else None)


def sample(count: int, limit: int | None, seed: int) -> Indices:
    """Up to `limit` of the numbers below `count`, in rising order."""
    if limit is None or limit >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))


def positions(queries: Side, gallery: Side) -> Indices:
    """The index of each query in the gallery, or -1: a picture must not find itself."""
    row_of = {_identity(picture): row for row, picture in enumerate(gallery.pictures)}
    return np.array([row_of.get(_identity(picture), -1) for picture in queries.pictures], np.int64)


def codes(*sides: Side) -> list[Indices]:
    """(N,) int64 for each side: an integer for each label, the same on all sides, and -1 for None."""
    names = sorted({label for side in sides for label in side.labels if label is not None})
    code_of = {None: -1} | {name: code for code, name in enumerate(names)}
    return [np.array([code_of[label] for label in side.labels], np.int64) for side in sides]


def _identity(picture: Path | NamedPicture) -> str:
    """What makes a picture the same picture: the file it is, or, in memory, its contents."""
    return read_item(picture).digest if isinstance(picture, NamedPicture) else os.path.realpath(picture)
