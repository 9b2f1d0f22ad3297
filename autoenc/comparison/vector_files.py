"""Vectors of pictures on disk, so that another comparison does not compute them again.

FOLDER/
└── KEY-DIGEST.vectors  the vectors of some pictures by the encoder with that key (see `vector_format`)

A vector is found by the encoder's fingerprint and by the digest of the very pixels that the encoder was given. A file
is written whole or not at all, and never changed; one that is damaged is removed, and what it held is computed anew.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from autoenc.comparison.spent import Spent, typical
from autoenc.comparison.vector_format import Part, content_of, identity_of, key_of, parsed
from autoenc.encoders import Encoder
from autoenc.files import TEMPORARY, digest_of, replace_file
from autoenc.outputs import check_makeable
from autoenc.text import counted, shown
from autoenc.vectors import Indices, Vectors

MOST_BYTES = 4 * 2**30
"""What the files of a folder take at most, together; beyond that, those that were used longest ago are removed."""

PART_BYTES = 16 * 2**20
"""Vectors in one file: what is lost at most when a run is killed."""

_NAME = re.compile(r"[0-9a-f]{32}-[0-9a-f]{32}\.vectors")
_DAY = 86_400


class VectorFolder:
    """A folder of vectors. It is made when the first ones are written.

    Several processes may use one folder at the same time.

    Args:
        folder: its path.

    Attributes:
        folder: likewise.

    Raises:
        OutputError: it is no folder that can be written to.

    Example:
        >>> from autoenc.comparison.vector_format import picture_digests
        >>> encoder, folder = autoenc.create_encoder("edges"), VectorFolder("vectors")
        >>> images, vectors = np.zeros((2, 32, 32, 3), np.uint8), np.zeros((2, 324), np.float32)
        >>> with folder.shelf(encoder) as shelf:
        ...     shelf.add(picture_digests(images), encoder.encode(images), seconds=0.01)
        >>> folder.shelf(encoder).fill(picture_digests(images), vectors)  # the rows that are not known
        array([], dtype=int64)
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        check_makeable(folder)
        self.folder = Path(folder)
        self._damaged: set[str] = set()
        self._dropped = 0
        self._failure = ""

    def shelf(self, encoder: Encoder) -> Shelf | None:
        """Where the vectors of an encoder are; None for one whose vectors are longer than the pixels it is given."""
        return Shelf(self, encoder) if is_compact(encoder) else None

    def notes(self) -> Iterator[str]:
        """What went wrong, in sentences."""
        if self._damaged:
            files = counted(len(self._damaged), "file")
            yield f"{files} of vectors in {shown(self.folder)} could not be used; what they held was computed anew."
        if self._failure:
            yield f"Vectors could not be kept in {shown(self.folder)}: {self._failure}."
        if self._dropped:
            yield (
                f"{shown(self.folder)} holds {MOST_BYTES / 2**30:g} GiB at most: {counted(self._dropped, 'file')} of "
                "vectors, used longest ago, removed from it."
            )

    def parts(self, identity: dict[str, Any]) -> Iterator[Part]:
        """What the whole files of an encoder hold; those that are damaged are removed."""
        for entry in self._entries():
            if not entry.name.startswith(key_of(identity)):
                continue
            path = self.folder / entry.name
            try:
                part = parsed(path.read_bytes(), identity)
                os.utime(path)  # it was used
            except FileNotFoundError:  # another process removed it
                continue
            except OSError:
                self._damaged.add(entry.name)
            except (ValueError, RecursionError):
                self._damaged.add(entry.name)
                with contextlib.suppress(OSError):
                    path.unlink()
            else:
                yield part

    def write(self, identity: dict[str, Any], digests: Sequence[bytes], vectors: Vectors, seconds: float) -> None:
        """Write one file. If that fails, nothing more is written: a comparison can do without."""
        if self._failure:
            return
        content = content_of(identity, digests, vectors, seconds)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_file(self.folder / f"{key_of(identity)}-{digest_of(content)}.vectors", content)
        except OSError as error:
            self._failure = error.strerror or str(error)

    def make_room(self) -> None:
        """Remove the files that were used longest ago beyond MOST_BYTES, and what a killed process has left."""
        found = []
        for entry in self._entries(temporary=True):
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if not entry.name.startswith(TEMPORARY):
                    found.append((status.st_mtime_ns, status.st_size, entry.name))
                elif status.st_mtime < time.time() - _DAY:
                    (self.folder / entry.name).unlink()
        total = sum(size for _, size, _ in found)
        for _, size, name in sorted(found):
            if total <= MOST_BYTES:
                break
            with contextlib.suppress(OSError):
                (self.folder / name).unlink()
                self._dropped += 1
            total -= size

    def _entries(self, *, temporary: bool = False) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.folder) as entries:
                return [
                    entry
                    for entry in entries
                    if (_NAME.fullmatch(entry.name) or (temporary and entry.name.startswith(TEMPORARY)))
                    and entry.is_file(follow_symlinks=False)
                ]
        except FileNotFoundError:
            return []
        except OSError as error:
            self._failure = error.strerror or str(error)
            return []


class Shelf:
    """The vectors of one encoder in a folder. Used in a `with` block, it writes what was added at the end of it, too.

    Attributes:
        spent: how long it took to encode what `fill` has found, and the rest of the same files.
    """

    def __init__(self, folder: VectorFolder, encoder: Encoder) -> None:
        self.spent = Spent()
        self._folder = folder
        self._identity = identity_of(encoder)
        self._digests: list[bytes] = []
        self._vectors: list[Vectors] = []
        self._batches: list[Spent] = []

    def fill(self, digests: Sequence[bytes], vectors: Vectors) -> Indices:
        """Set the rows whose vectors are known.

        Args:
            digests: N digests, as `picture_digests` makes them.
            vectors: (N, D) float32; the rows that are known are set.

        Returns:
            The rows that are not known, in order.
        """
        wanted: dict[bytes, list[int]] = {}
        for row, digest in enumerate(digests):
            wanted.setdefault(digest, []).append(row)
        for part in self._folder.parts(self._identity):
            found = [(at, wanted.pop(digest)) for at, digest in enumerate(part.digests) if digest in wanted]
            for at, rows in found:
                vectors[rows] = part.vectors[at]
            if found:
                self.spent = self.spent.plus(*part.spent)
        return np.array(sorted(row for rows in wanted.values() for row in rows), np.int64)

    def add(self, digests: Sequence[bytes], vectors: Vectors, seconds: float) -> None:
        """Keep the vectors of a batch of pictures.

        Args:
            digests: N digests.
            vectors: (N, D) float32, finite.
            seconds: how long it took to encode them.
        """
        self._digests += digests
        self._vectors.append(np.array(vectors, np.float32))
        self._batches.append(Spent(seconds, len(digests)))
        if sum(part.nbytes for part in self._vectors) >= PART_BYTES:
            self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What was encoded is kept even where the rest could not be, or was interrupted."""
        if self._digests:
            self._write()
        self._folder.make_room()

    def _write(self) -> None:
        seconds = typical(self._batches).seconds
        self._folder.write(self._identity, self._digests, np.concatenate(self._vectors), seconds)
        self._digests, self._vectors, self._batches = [], [], []


def is_compact(encoder: Encoder) -> bool:
    """Whether its vectors take less room than the pixels that they are made of, so that they are worth keeping."""
    return 4 * encoder.dim < 3 * encoder.input_size**2
