"""Checksums of a collection's files, written when a store is closed and checked when it is opened.

The engine notices little of what other programs do to its files: after some damage it finds wrong neighbors, or none,
without an error. So a store that is closed leaves a manifest with the size, the modification time and a checksum of
each file. Opening compares sizes and times, and computes a checksum where a time differs, and of small files. The
first write of points removes the manifest: after a kill there is none, and the engine recovers by its own log. A write
of the record alone takes only the record out of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from autoenc.errors import StoreError
from autoenc.files import replace_file, sync_folder
from autoenc.store.sparse import files_below, filled_blocks, is_unfinished

RECORD = "autoenc.json"
MANIFEST = "autoenc.manifest.json"

_SEGMENTS = "shard/segments/"
_JOURNAL = "_journal.dat"
"""Files that the engine may leave, and removes once it has opened them: a kill before the next manifest is written
leaves others than the manifest lists."""

_FATAL = "id_tracker.mappings"
"""Part of the name of a file that the engine trusts so far that damage in it can end the process."""

_SMALL = 4096
"""Bytes of the files that are always compared, too: those in which the engine keeps sizes and settings."""

Files = dict[str, list[Any]]
"""Path below the collection's folder -> size, modification time in nanoseconds, checksum."""


def write_manifest(folder: Path, known: Files | None = None) -> None:
    """Write the manifest of a collection that is closed.

    Args:
        folder: the collection's folder.
        known: the manifest from the opening, if nothing was written since: its checksums still hold.
    """
    files = {
        path: [size, time, known[path][2] if known and path in known else checksum(folder / path)]
        for path, (size, time) in _listed(folder).items()
    }
    if files != known:
        replace_file(folder / MANIFEST, json.dumps({"files": files}).encode(), durable=known is None)


def replace_manifest(folder: Path, known: Files, *, without: str) -> Files:
    """Take one file out of the manifest durably, before that file alone is changed; the other checksums still hold.

    Returns:
        The manifest as it is now.
    """
    if without in known:
        known = {path: entry for path, entry in known.items() if path != without}
        replace_file(folder / MANIFEST, json.dumps({"files": known}).encode(), durable=True)
    return known


def remove_manifest(folder: Path) -> None:
    """Remove the manifest durably, before the first write."""
    (folder / MANIFEST).unlink(missing_ok=True)
    sync_folder(folder)


def check_manifest(folder: Path, *, thorough: bool = False) -> Files | None:
    """Compare a collection's files with its manifest.

    Args:
        folder: the collection's folder.
        thorough: compute the checksum of every file, and not only of those whose time differs.

    Returns:
        The manifest; None if there is none.

    Raises:
        StoreError: a file is missing or has changed, or a segment has a file more.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        return None
    try:
        files: Files = json.loads(text)["files"]
        listed = _listed(folder)
        stale = 0
        for path, (size, time, expected) in files.items():
            if path not in listed:
                if path.endswith(_JOURNAL) or is_unfinished(path):
                    continue
                raise _damaged(folder, f"{path} is missing")
            if listed[path][0] != size:
                raise _damaged(folder, f"{path} has {listed[path][0]:,} bytes instead of {size:,}")
            stale += listed[path][1] != time
            always = size <= _SMALL or _FATAL in path
            if (thorough or always or listed[path][1] != time) and checksum(folder / path) != expected:
                raise _damaged(folder, f"{path} has changed")
        more = (path for path in listed if path not in files and path.startswith(_SEGMENTS))
        if added := next((path for path in more if not path.endswith(_JOURNAL)), None):
            raise _damaged(folder, f"{added} was added")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(folder, f"it cannot be compared with {MANIFEST}: {type(error).__name__}") from error
    if stale > len(files) / 2:  # a copy, perhaps: the next opening shall not compute them all again
        with suppress(OSError):
            write_manifest(folder, files)
    return files


def recorded(folder: Path) -> dict[str, str] | None:
    """The checksums in a collection's manifest, which tell whether others have written; None if there is none."""
    try:
        files: Files = json.loads((folder / MANIFEST).read_bytes())["files"]
    except FileNotFoundError:
        return None
    return {path: expected for path, (_, _, expected) in files.items() if not path.endswith(_JOURNAL)}


def checksum(file: Path) -> str:
    """SHA-256 of a file's blocks that are not all zeros, with their positions; holes are not read.

    JSON is compared by what it says: the engine writes some documents anew when it opens or closes, with their keys in
    another order.
    """
    if file.suffix == ".json":
        try:
            return hashlib.sha256(json.dumps(json.loads(file.read_bytes()), sort_keys=True).encode()).hexdigest()
        except (ValueError, RecursionError):
            pass  # damaged; as any other file
    digest = hashlib.sha256()
    with file.open("rb", buffering=0) as opened:
        digest.update(os.fstat(opened.fileno()).st_size.to_bytes(8, "little"))
        for at, block in filled_blocks(opened):
            digest.update(at.to_bytes(8, "little"))
            digest.update(block)
    return digest.hexdigest()


def _listed(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and modification time of the collection's record and of the engine's files."""
    found = [(f"shard/{path}", status) for path, status in files_below(folder / "shard")]
    with suppress(FileNotFoundError):
        found.append((RECORD, (folder / RECORD).lstat()))
    return {path: (status.st_size, status.st_mtime_ns) for path, status in found if stat.S_ISREG(status.st_mode)}


def _damaged(folder: Path, what: str) -> StoreError:
    return StoreError(f"The store in {folder} is damaged: {what}. Restore it from a backup, or index into a new store.")
