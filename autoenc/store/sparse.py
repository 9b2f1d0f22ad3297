"""Read and copy files with holes: the engine's files are far larger than what is in them."""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

BLOCK = 64 * 1024
_ZEROS = bytes(BLOCK)


def filled_blocks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The blocks of an unbuffered file that are not all zeros, with their positions; holes are not read."""
    size = os.fstat(file.fileno()).st_size
    at = _next_data(file, 0, size)
    while at < size:
        file.seek(at)
        block = file.read(BLOCK)
        if not block:  # the file has become shorter
            return
        while len(block) < min(BLOCK, size - at) and (more := file.read(BLOCK - len(block))):
            block += more  # a network's file system may give less than it is asked for
        if block != _ZEROS[: len(block)]:
            yield at, block
        at = _next_data(file, at + BLOCK, size)


def files_below(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below a folder: its path relative to the folder, with "/", and its status. Links are not followed.

    What is hidden is left out: a kill leaves folders such as .atomicwriteXXXXXX, in which the engine prepares a file.
    """
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_unfinished(name)]
        below = os.path.relpath(where, folder).replace(os.sep, "/")
        for name in itertools.filterfalse(is_unfinished, names):
            with suppress(FileNotFoundError):  # the engine has just removed it
                yield name if below == "." else f"{below}/{name}", Path(where, name).lstat()


def is_unfinished(path: str) -> bool:
    """Whether a path, with "/", is one of those that `files_below` leaves out."""
    return any(part.startswith(".") for part in path.split("/"))


def allocated(status: os.stat_result) -> int:
    """Bytes of the disk that a file takes; holes take none."""
    return 512 * status.st_blocks if hasattr(status, "st_blocks") else status.st_size


def copy_folder(source: Path, target: Path) -> None:
    """Copy the regular files below a folder to a new one; holes stay holes, empty folders are left out."""
    for path, status in files_below(source):
        if not stat.S_ISREG(status.st_mode):
            continue
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        with (source / path).open("rb", buffering=0) as old, copy.open("xb") as new:
            for at, block in filled_blocks(old):
                new.seek(at)
                new.write(block)
            new.truncate(status.st_size)


def _next_data(file: BinaryIO, at: int, size: int) -> int:
    """The first block from `at` on that is not in a hole; `size` if there is none."""
    if at >= size or not hasattr(os, "SEEK_DATA"):
        return at
    try:
        return os.lseek(file.fileno(), at, os.SEEK_DATA) // BLOCK * BLOCK
    except OSError as error:
        if error.errno == errno.ENXIO:  # only a hole is left
            return size
        if error.errno in (errno.EINVAL, errno.ENOTSUP):  # a file system that does not tell its holes
            return at
        raise
