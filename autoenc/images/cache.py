"""Decode many images once, into one array: in memory or, if it is large, in an unnamed temporary file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoenc.images.files import load_images
from autoenc.images.finding import NamedPicture, SkippedFile
from autoenc.progress import Progress, silent
from autoenc.vectors import Images, room_for

IN_MEMORY_BYTES = 512 * 2**20
"""A cache larger than this is memory-mapped."""


class PixelCache:
    """The images of those files that could be read.

    Attributes:
        images: (N, size, size, 3) uint8, RGB, read-only.
        paths: the N files; for pictures in memory, their names.
        digests: the N digests of what was decoded.
        skipped: the files that could not be read.
    """

    def __init__(
        self,
        images: Images,
        paths: list[Path],
        digests: list[str],
        skipped: list[SkippedFile],
    ) -> None:
        self.images = images
        self.paths = paths
        self.digests = digests
        self.skipped = skipped

    def __len__(self) -> int:
        return len(self.images)


def load_pixels(items: Sequence[Path | NamedPicture], size: int = 32, *, progress: Progress = silent) -> PixelCache:
    """Decode every file once.

    Args:
        items: image files, or pictures in memory.
        size: height and width in pixels.
        progress: called with the number of files done.

    Returns:
        The cache, in the order of `items`.
    """
    images = room_for((len(items), size, size, 3), np.uint8, IN_MEMORY_BYTES)
    kept: list[Path] = []
    digests: list[str] = []
    skipped: list[SkippedFile] = []
    for done, loaded in enumerate(load_images(items, size), start=1):
        if isinstance(loaded, SkippedFile):
            skipped.append(loaded)
        else:
            images[len(kept)] = loaded.pixels
            kept.append(loaded.path)
            digests.append(loaded.digest)
        if done % 64 == 0 or done == len(items):
            progress("reading", done, len(items), "")
    readable = images[: len(kept)]
    readable.flags.writeable = False
    return PixelCache(readable, kept, digests, skipped)
