"""Small files that are kept in a folder for a while, the least used go first. Several processes may share the folder.

Each looks at the folder again from time to time, so that together they keep hardly more bytes than allowed.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from autoenc.errors import ArgumentError, DiskFullError, OutputError
from autoenc.files import TEMPORARY, replace_file
from autoenc.text import shown

_LOOK = 60.0  # seconds
_LEFT = 3600.0  # seconds: a file that has been written for so long was left by a process that was killed
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}(\.[a-z0-9]{1,8})?")


class _Kept(NamedTuple):
    bytes: int
    written: float  # seconds since 1970


class Blobs:
    """Files by name in a folder, which is made.

    Args:
        folder: where; only such objects write there.
        most_bytes: of all files.
        seconds: after which a file is gone; None to keep it as long as there is room.

    Raises:
        OutputError: the folder cannot be made or written to.
    """

    def __init__(self, folder: Path, most_bytes: int, seconds: float | None = None) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()  # the least used first
        self._bytes = 0
        self._looked = -_LOOK
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = self._found()
        except OSError as error:
            raise OutputError(
                f"Cannot keep files in {shown(folder)}: {error.strerror or error}. Name a folder that you may write to "
                f"with cache=."
            ) from error
        if not os.access(folder, os.W_OK):
            raise OutputError(f"Cannot write to {shown(folder)}. Name a folder that you may write to with cache=.")
        with self._lock:
            self._take(found)
            self._make_room(0)

    def _found(self) -> list[tuple[str, _Kept]]:
        """What the folder holds, the oldest first."""
        self._looked = time.monotonic()
        found = []
        for entry in os.scandir(self._folder):
            with contextlib.suppress(FileNotFoundError):  # removed by another process
                stat = entry.stat()
                found.append((entry.name, _Kept(stat.st_size, stat.st_mtime)))
        return sorted(found, key=lambda item: item[1].written)

    def _take(self, found: list[tuple[str, _Kept]]) -> None:
        """Know of the files that others have written, as less used than those of this process."""
        now = time.time()
        known, self._kept, self._bytes = self._kept, OrderedDict(), 0
        there = {name: kept for name, kept in found if _NAME.fullmatch(name)}
        for name in (*(name for name in there if name not in known), *(name for name in known if name in there)):
            self._kept[name] = there[name]
            self._bytes += there[name].bytes
        for name, kept in found:
            if name.startswith(TEMPORARY) and now - kept.written > _LEFT:
                self._unlink(name)

    def put(self, name: str, data: bytes) -> float:
        """Keep a file; return when it was written, in seconds since 1970.

        Raises:
            ArgumentError: more bytes than may be kept in all, or a name that is none.
            DiskFullError: it cannot be written.
        """
        if not _NAME.fullmatch(name) or len(data) > self._most_bytes:
            raise ArgumentError(f"Cannot keep {name!r} of {len(data):,} bytes; the limit is {self._most_bytes:,}.")
        now = time.time()
        if time.monotonic() - self._looked > _LOOK:
            with contextlib.suppress(OSError):  # then writing fails as well, and says why
                found = self._found()
                with self._lock:
                    self._take(found)
        with self._lock:
            self._make_room(len(data))
        try:
            replace_file(self._folder / name, data)
        except OSError as error:
            raise DiskFullError(f"The server cannot keep a file: {error.strerror or error}.") from error
        with self._lock:
            self._forget(name)
            self._kept[name] = _Kept(len(data), now)
            self._bytes += len(data)
        return now

    def get(self, name: str) -> bytes | None:
        """The bytes of a file; None if it is not kept, or no longer. Files of other processes are found too."""
        if not _NAME.fullmatch(name):
            return None
        path = self._folder / name
        try:
            data = path.read_bytes()
            written = path.stat().st_mtime
        except OSError:
            with self._lock:
                self._forget(name)
            return None
        if self._seconds is not None and time.time() - written > self._seconds:
            with self._lock:
                self._remove(name)
            return None
        with self._lock:
            self._forget(name)
            self._kept[name] = _Kept(len(data), written)
            self._bytes += len(data)
        return data

    def _make_room(self, needed: int) -> None:
        now = time.time()
        if self._seconds is not None:
            for name in [name for name, kept in self._kept.items() if now - kept.written > self._seconds]:
                self._remove(name)
        while self._kept and self._bytes + needed > self._most_bytes:
            self._remove(next(iter(self._kept)))

    def _remove(self, name: str) -> None:
        self._unlink(name)
        self._forget(name)

    def _forget(self, name: str) -> None:
        if name in self._kept:
            self._bytes -= self._kept.pop(name).bytes

    def _unlink(self, name: str) -> None:
        with contextlib.suppress(OSError):
            (self._folder / name).unlink()
