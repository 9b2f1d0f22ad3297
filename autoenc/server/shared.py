"""What the processes of one server count together: requests by address, and figures. Kept in files of their folder."""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from autoenc.files import replace_file
from autoenc.server.metrics import Metrics

_SLOTS = 2**14
_BUCKET = struct.Struct("dd")  # requests left, and when, by a clock that all processes of a computer share

Bucket = tuple[float, float]


class Buckets:
    """Token buckets by address, in a file that all processes map.

    An address has its slot by a checksum, so two addresses of thousands may share a bucket. The file stays as large.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, _SLOTS * _BUCKET.size)
        self._map = mmap.mmap(self._file, _SLOTS * _BUCKET.size)

    def update(self, address: str, change: Callable[[Bucket | None], Bucket]) -> None:
        """Replace the bucket of an address by what `change` makes of it; no other process does so meanwhile."""
        at = zlib.crc32(address.encode("utf-8", "surrogatepass")) % _SLOTS * _BUCKET.size
        fcntl.lockf(self._file, fcntl.LOCK_EX, _BUCKET.size, at)
        try:
            kept = _BUCKET.unpack_from(self._map, at)
            _BUCKET.pack_into(self._map, at, *change(kept if kept[1] else None))
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, _BUCKET.size, at)


class Figures:
    """The metrics of all processes: this one's as they are, the others' as they saved them last.

    Args:
        folder: of the processes.
        number: of this one; one that is started again goes on with the figures of the one before it.
        own: the metrics of this one.
    """

    def __init__(self, folder: Path, number: int, own: Metrics) -> None:
        self._folder = folder
        self._path = folder / f"{number}.figures"
        self._own = own
        self._saved = ""
        _add(own, self._path)

    def save(self) -> None:
        """Let the others know, if anything has changed. Where the disk is full, they learn of it later."""
        document = json.dumps(self._own.document())
        if document != self._saved:
            with suppress(OSError):
                replace_file(self._path, document.encode())
                self._saved = document

    def all(self) -> Metrics:
        """The figures of all."""
        together = Metrics()
        together.merge(self._own.document())
        for path in self._folder.glob("*.figures"):
            if path != self._path:
                _add(together, path)
        return together


def _add(metrics: Metrics, path: Path) -> None:
    with suppress(FileNotFoundError):
        metrics.merge(json.loads(path.read_bytes()))
