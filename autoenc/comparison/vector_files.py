"""Vectors of pictures on disk, so that another comparison does not compute them again.

FOLDER/
└── KEY-DIGEST.vectors  the vectors of some pictures by one encoder: a line that says what it is, a line of JSON (the
                        encoder's fingerprint, the number of rows, how long they took), the pictures' digests (16 bytes
                        each), the vectors (float32, little-endian), and a checksum over all of it

A vector is found by the encoder's fingerprint and by the digest of the very pixels that the encoder was given. A file
is written whole or not at all, and never changed; one that is damaged is removed, and what it held is computed anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from autoenc.encoders import Encoder
from autoenc.files import TEMPORARY, digest_of, replace_file
from autoenc.outputs import check_makeable
from autoenc.text import counted, shown
from autoenc.vectors import Images, Indices, Vectors

MOST_BYTES = 4 * 2**30
"""What the files of a folder take at most, together; beyond that, those that were used longest ago are removed."""

PART_BYTES = 16 * 2**20
"""Vectors in one file: what is lost at most when a run is killed."""

_MAGIC = b"autoenc vectors 1\n"
_NAME = re.compile(r"[0-9a-f]{32}-[0-9a-f]{32}\.vectors")
_DIGEST = 16
_DAY = 86_400


class Spent(NamedTuple):
    """How long it took to encode some images, in seconds."""

    seconds: float = 0.0
    images: int = 0

    def plus(self, seconds: float, images: int) -> Spent:
        return Spent(self.seconds + seconds, self.images + images)


def typical(batches: Sequence[Spent]) -> Spent:
    """What some batches take together if each image takes what one takes in the median batch.

    So a batch during which an encoder was set up, or something else had the machine, counts no more than others.

    Example:
        >>> typical([Spent(9.0, 1), Spent(2.0, 2), Spent(4.0, 4)])
        Spent(seconds=7.0, images=7)
    """
    images = sum(batch.images for batch in batches)
    rate = statistics.median(batch.seconds / batch.images for batch in batches) if batches else 0.0
    return Spent(rate * images, images)


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

    def parts(self, identity: dict[str, Any]) -> Iterator[_Part]:
        """What the whole files of an encoder hold; those that are damaged are removed."""
        for entry in self._entries():
            if not entry.name.startswith(_key(identity)):
                continue
            path = self.folder / entry.name
            try:
                part = _parsed(path.read_bytes(), identity)
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
        header = json.dumps({**identity, "rows": len(digests), "seconds": seconds}).encode()
        body = b"".join([_MAGIC, header, b"\n", *digests, vectors.astype("<f4").tobytes()])
        check = digest_of(body)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_file(self.folder / f"{_key(identity)}-{check}.vectors", body + bytes.fromhex(check))
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
        self._identity = {
            "fingerprint": encoder.fingerprint,
            "input_size": encoder.input_size,
            "dim": encoder.dim,
        }
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


class _Part(NamedTuple):
    """What one file holds: n digests, (n, D) vectors, and how long these took."""

    digests: list[bytes]
    vectors: Vectors
    spent: Spent


def is_compact(encoder: Encoder) -> bool:
    """Whether its vectors take less room than the pixels that they are made of, so that they are worth keeping."""
    return 4 * encoder.dim < 3 * encoder.input_size**2


def picture_digests(images: Images) -> list[bytes]:
    """A digest of the pixels of each image: (N, S, S, 3) uint8 -> N times 16 bytes.

    Example:
        >>> one, other, same = picture_digests(np.array([7, 8, 7], np.uint8).repeat(48).reshape(3, 4, 4, 3))
        >>> one == same, one == other
        (True, False)
    """
    return [hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=_DIGEST).digest() for image in images]


def _key(identity: dict[str, Any]) -> str:
    return digest_of(json.dumps(identity, sort_keys=True).encode())


def _parsed(data: bytes, identity: dict[str, Any]) -> _Part:
    """Raises ValueError for anything but a whole file of this encoder."""
    body, check = data[:-_DIGEST], data[-_DIGEST:]
    if not body.startswith(_MAGIC) or bytes.fromhex(digest_of(body)) != check:
        raise ValueError("it is damaged")
    start = body.index(b"\n", len(_MAGIC))
    header = json.loads(body[len(_MAGIC) : start])
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    rows, seconds = header.pop("rows", None), header.pop("seconds", None)
    dim = identity["dim"]
    if header != identity or not isinstance(rows, int) or len(body) - start - 1 != rows * (_DIGEST + 4 * dim):
        raise ValueError("it holds something else")
    if not isinstance(seconds, (int, float)) or not 0 <= seconds < math.inf:
        raise ValueError("it does not say how long its vectors took")
    first = start + 1
    digests = [body[at : at + _DIGEST] for at in range(first, first + rows * _DIGEST, _DIGEST)]
    vectors = np.frombuffer(body, "<f4", rows * dim, first + rows * _DIGEST).reshape(rows, dim)
    return _Part(digests, vectors.astype(np.float32, copy=False), Spent(float(seconds), rows))
