"""One process at a time: an advisory lock on a collection's folder, which leaves nothing behind, not even at a kill."""

from __future__ import annotations

import os
import time
from pathlib import Path

from autoenc.errors import StoreLockedError

try:
    import fcntl
except ImportError:  # not POSIX: there the engine's own lock refuses the second process at once
    fcntl = None  # type: ignore[assignment]

WAIT_SECONDS = 10
"""How long opening a store waits, by default, for another process to close it."""

_PAUSE = 0.02

_OURS: dict[int, tuple[int, int]] = {}
"""The locks that this process holds: descriptor -> device and inode of the folder."""


def lock_folder(folder: Path, wait: float) -> int | None:
    """Lock a folder for this process, until `unlock`.

    Args:
        folder: an existing folder.
        wait: seconds to wait for another process. A lock that this process holds itself is not waited for.

    Returns:
        A file descriptor; None where the system has no such locks.

    Raises:
        StoreLockedError: still locked after that time.
        OSError: the folder cannot be opened.
    """
    if fcntl is None:
        return None
    deadline = time.monotonic() + wait
    while (descriptor := _try_to_lock(folder)) is None:
        if _identity(folder.stat()) in _OURS.values():
            raise StoreLockedError(
                f"{folder} is open already in this process, and can be open only once. Close it first, or pass the "
                f"open store."
            )
        if time.monotonic() >= deadline:
            holder = _holder(folder)
            where = f"in process {holder}" if holder else "in another process"
            raise StoreLockedError(
                f"{folder} is open {where}, and can be open in only one; waited {wait:g} s. Close it there, wait "
                f"longer with wait=SECONDS, or use a Qdrant server to share it."
            )
        time.sleep(_PAUSE)
    _OURS[descriptor] = _identity(os.fstat(descriptor))
    return descriptor


def unlock(descriptor: int) -> None:
    """Unlock a folder, also for the processes that were forked from this one."""
    del _OURS[descriptor]
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _try_to_lock(folder: Path) -> int | None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), folder.stat()):  # else it was moved away meanwhile
            return descriptor
    except BlockingIOError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _holder(folder: Path) -> int | None:
    """The process that has locked the folder, where the system tells (Linux)."""
    status = folder.stat()
    inode = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    try:
        lines = Path("/proc/locks").read_text("ascii").splitlines()
    except (OSError, ValueError):
        return None
    for line in lines:  # 1: FLOCK  ADVISORY  WRITE 4711 fe:00:9978130 0 EOF
        words = line.split()
        if len(words) > 5 and words[1] == "FLOCK" and words[5] == inode:
            return int(words[4])
    return None
