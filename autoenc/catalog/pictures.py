"""The images of a store as `find_duplicates` sees them: those of one content are one picture."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from autoenc.catalog.fields import own_of
from autoenc.catalog.sources import point_path
from autoenc.catalog.verdicts import verdicts_of
from autoenc.errors import ImageError
from autoenc.images.files import decode_file, read_file
from autoenc.images.finding import SkippedFile
from autoenc.images.likeness import SIDE, Gray, gray
from autoenc.parallel import ordered_map
from autoenc.progress import Progress
from autoenc.store import OWN, Store

_TOLD = 1000  # images between two reports of progress
_CHANGED = "It has changed since it was indexed; index it again."
_MEMORY = "It was indexed from memory, so there is no file to compare."


class Image(NamedTuple):
    """A point that `index_images` wrote; `path` is empty for a picture in memory, and `verdicts` are digests."""

    id: str
    path: str
    width: int
    height: int
    bytes: int
    digest: str
    verdicts: tuple[str, ...]


@dataclass
class Pictures:
    """All images of a store, and the pictures that they are.

    Attributes:
        images: all of them.
        of: number of a picture -> the numbers of its images.
        number: id of an image -> number of its picture.
        foreign: how many points `index_images` did not write.
        grays: (N, 48, 48) uint8, once `read` has read them.
        readable: (N,) whether each has been read.
    """

    images: list[Image] = field(default_factory=list)
    of: list[list[int]] = field(default_factory=list)
    number: dict[str, int] = field(default_factory=dict)
    foreign: int = 0
    grays: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, SIDE, SIDE), np.uint8))
    readable: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    @classmethod
    def listed(cls, store: Store, tell: Progress) -> Pictures:
        """List them, without reading any file."""
        found = cls()
        by_digest: dict[str, list[int]] = defaultdict(list)
        total = len(store)
        for done, record in enumerate(store.scroll(fields=[OWN], batch=_TOLD)):
            if done % _TOLD == 0:
                tell("listing", done, total, "")
            own = own_of(record.payload)
            digest, *sizes = (own.get(name) for name in ("digest", "width", "height", "size"))
            path = point_path(store, record.payload)
            if path is None or not isinstance(digest, str) or not all(type(size) is int for size in sizes):
                found.foreign += 1
                continue
            by_digest[digest].append(len(found.images))
            place = str(path) if path.is_absolute() else ""
            found.images.append(Image(record.id, place, *sizes, digest, verdicts_of(own)))  # type: ignore[call-arg, arg-type]
        found.of = [*by_digest.values()]
        found.number = {found.images[image].id: number for number, of in enumerate(found.of) for image in of}
        return found

    def read(self, tell: Progress) -> list[SkippedFile]:
        """Read the files, one of each picture; return those that cannot be compared, and why."""
        self.grays = np.zeros((len(self.of), SIDE, SIDE), np.uint8)
        self.readable = np.zeros(len(self.of), np.bool_)
        unread = []
        for number, found in enumerate(ordered_map(partial(_read, self.images), self.of)):
            if number % _TOLD == 0:
                tell("reading", number, len(self.of), "")
            if isinstance(found, SkippedFile):
                unread.append(found)
            else:
                self.grays[number], self.readable[number] = found, True
        tell("reading", len(self.of), len(self.of), "")
        return unread


def _read(images: list[Image], of: list[int]) -> Gray | SkippedFile:
    """The pixels of the first file of a picture that is still the one that was indexed."""
    why = SkippedFile(Path(images[of[0]].id), _MEMORY)
    for number in of:
        image = images[number]
        if not image.path:
            continue
        try:
            file = read_file(image.path)
            if file.digest == image.digest:
                return gray(decode_file(file, SIDE).pixels)
            why = SkippedFile(Path(image.path), _CHANGED)
        except ImageError as error:
            why = SkippedFile(Path(image.path), str(error))
    return why
