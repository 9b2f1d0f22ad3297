"""Replace files completely or not at all, and remove folders. `autoenc.outputs` says what may be replaced."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".autoenc-"
"""Prefix of a file that is being written. One that is left over is from a process that was killed."""


def replace_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a temporary file in the same folder, then move it into place: readers see the old bytes or the new ones.

    Args:
        path: the file.
        data: its new bytes.
        durable: return only once they are on disk, so that a power failure cannot undo the write.

    Raises:
        OSError: as the file system raises it; no temporary file is left behind.
    """
    with replacing(path, durable=durable) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """`replace_file` for what is written bit by bit: a file that is moved into place once it is complete."""
    temporary = path.parent / f"{TEMPORARY}{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if durable:  # the move is on disk once the folder is
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Return once the names of a folder's files are on disk, where the system can tell."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, as far as that is possible."""
    import shutil  # takes 2 ms, which a query does without

    shutil.rmtree(folder, ignore_errors=True)


def mounted() -> dict[int, str]:
    """The `st_dev` and the type of every mounted file system, where the system tells (Linux)."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            lines = [line.split() for line in file]  # 36 35 98:0 /root /mount options - type source options
    except OSError:
        return {}
    devices = [(line[2].split(":"), line[line.index("-") + 1]) for line in lines]
    return {os.makedev(int(major), int(minor)): kind for (major, minor), kind in devices}


def digest_of(data: bytes) -> str:
    """The digest that shows whether a file has changed: BLAKE2b, 16 bytes, hexadecimal."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
