"""Is there room on the disk, and for the files that the engine maps into memory?

The engine writes through memory maps of files that are larger than what is in them. Where the disk is full, such a
write ends the process by a signal (SIGBUS), without a word, and so does a map that the process may not have (SIGABRT).
So the room is checked before the engine needs it.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from autoenc.errors import DiskFullError, StoreError
from autoenc.files import mounted
from autoenc.store.sparse import allocated, files_below

MARGIN = 16 * 2**20
"""Bytes kept free for what the engine writes beside vectors and payloads: bitmaps, ids, its log."""

_VECTOR_FILE = 34 * 2**20
"""Size, with holes, of the files of a vector that has few points."""

_MAPS = 2
"""How often the engine maps a file while it opens it."""

_RUNTIME, _PER_CORE = 384 * 2**20, 128 * 2**20
"""Address space for the engine's threads and their heaps."""

_UNREAD = ("wal/", "/payload_storage/")
"""Files that the engine does not read as a whole when it opens them."""


def check_space(folder: Path, needed: int, doing: str, *, margin: int = MARGIN) -> None:
    """Raise DiskFullError unless the folder's disk has room for `needed` bytes and a margin.

    Args:
        folder: a folder on the disk.
        needed: bytes about to be written.
        doing: what they are needed for, for the message: "to open the store".
        margin: bytes to be left over.
    """
    free = free_bytes(folder)
    if free < needed + margin:
        raise DiskFullError(
            f"The disk that holds {folder} has {free / 2**20:,.1f} MiB left; {(needed + margin) / 2**20:,.1f} MiB are "
            f"needed {doing}. "
            f"Free some space and try again; what is stored already is safe."
        )


def check_address_space(shard: Path) -> None:
    """Raise StoreError unless this process may map what opening an engine's folder takes (`ulimit -v`)."""
    limit = _address_limit()
    if limit is None:
        return
    size = sum(status.st_size for _, status in files_below(shard))
    needed = _MAPS * size + _RUNTIME + _PER_CORE * (os.cpu_count() or 1)
    try:
        mmap.mmap(-1, needed).close()
    except (OSError, ValueError):
        raise StoreError(
            f"Opening the store takes {needed / 2**20:,.0f} MiB of address space beside what is in use, and the limit "
            f"of this process is {limit / 2**20:,.0f} MiB in all. Raise it (ulimit -v)."
        ) from None


def _address_limit() -> int | None:
    """Bytes of address space that this process may have; None for no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def free_bytes(folder: Path) -> int:
    """Bytes that this user may still write to the folder's disk."""
    if hasattr(os, "statvfs"):
        status = os.statvfs(folder)
        return status.f_bavail * status.f_frsize
    import shutil

    return shutil.disk_usage(folder).free


def allocated_bytes(folder: Path) -> int:
    """Bytes of the disk that the files below a folder take."""
    return sum(allocated(status) for _, status in files_below(folder))


def needed_to_open(shard: Path) -> int:
    """Bytes that opening an engine's folder can take: on a disk in memory, a hole that is read is filled."""
    if mounted().get(shard.stat().st_dev) not in ("tmpfs", "ramfs"):
        return 0
    files = [(path, status.st_size - allocated(status)) for path, status in files_below(shard)]
    return sum(max(0, holes) for path, holes in files if not any(part in path for part in _UNREAD))


def needed_for_vector(shard: Path) -> int:
    """Bytes that opening will take once there is one more vector."""
    needed = needed_to_open(shard)
    return needed + _VECTOR_FILE if needed else 0
