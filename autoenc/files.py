"""Write files completely or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from pathlib import Path

from autoenc.errors import OutputError
from autoenc.text import shown

TEMPORARY = ".autoenc-"
"""Prefix of a file that is being written. One that is left over is from a process that was killed."""


def write_file(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file completely or not at all.

    Raises:
        OutputError: its folder does not exist, or the file cannot be written.
    """
    path = Path(path)
    if not os.path.isdir(path.parent):
        raise OutputError(f"Cannot write {shown(path)}: there is no folder {shown(path.parent)}. Create it first.")
    try:
        replace_file(path, data)
    except OSError as error:
        raise OutputError(f"Cannot write {shown(path)}: {error.strerror or error}.") from error
    return path


def replace_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a temporary file in the same folder, then move it into place: readers see the old bytes or the new ones.

    Args:
        path: the file.
        data: its new bytes.
        durable: return only once they are on disk, so that a power failure cannot undo the write.

    Raises:
        OSError: as the file system raises it; no temporary file is left behind.
    """
    temporary = path.parent / f"{TEMPORARY}{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if durable and os.name == "posix":  # the move is on disk once the folder is
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise OutputError before the work is done, not after it, if `write_file` could not write there."""
    path = Path(path)
    if os.path.isdir(path) or not os.path.isdir(path.parent) or not os.access(path.parent, os.W_OK):
        raise OutputError(
            f"Cannot write {shown(path)}: expected a file in a folder that exists and that you may write to."
        )


def check_makeable(folder: str | os.PathLike[str]) -> None:
    """Raise OutputError before the work is done, not after it, if a folder neither exists nor can be created."""
    folder = Path(os.path.abspath(folder))
    nearest = next(above for above in (folder, *folder.parents) if os.path.exists(above))
    if not os.path.isdir(nearest) or not os.access(nearest, os.W_OK):
        raise OutputError(f"Cannot write {shown(folder)}: {shown(nearest)} is not a folder that you may write to.")


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, as far as that is possible."""
    import shutil  # takes 2 ms, which a query does without

    shutil.rmtree(folder, ignore_errors=True)


def digest_of(data: bytes) -> str:
    """The digest that shows whether a file has changed: BLAKE2b, 16 bytes, hexadecimal."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
