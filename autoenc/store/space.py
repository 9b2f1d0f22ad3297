"""Is there room on the disk?

The engine writes through memory maps of files that are larger than what is in them. Where the disk is full, such a
write ends the process by a signal (SIGBUS), without a word. So the room is checked before the engine needs it.
"""

from __future__ import annotations

import os
from pathlib import Path

from autoenc.errors import DiskFullError
from autoenc.files import mounted
from autoenc.store.sparse import allocated, files_below

MARGIN = 16 * 2**20
"""Bytes kept free for what the engine writes beside vectors and payloads: bitmaps, ids, its log."""

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
