"""Back a store up into one file; `restoring` restores it from there."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoenc.errors import AutoencError, OutputError, StoreLockedError
from autoenc.files import TEMPORARY, remove_folder, replacing
from autoenc.outputs import check_apart, check_output
from autoenc.progress import ProgressOption, telling
from autoenc.store import WAIT_SECONDS, Store, is_url, list_collections, open_store
from autoenc.store.archive import Writer
from autoenc.store.copying import copy_store
from autoenc.store.edge_folder import locked
from autoenc.store.edge_generations import folder_of
from autoenc.store.manifest import check_manifest, recorded
from autoenc.store.naming import split_name
from autoenc.store.records import no_collection
from autoenc.store.space import allocated_bytes, check_space
from autoenc.text import shown

UNPACKING = f"{TEMPORARY}unpacking-"
"""Prefix of a folder that a backup is unpacked to, or that a collection is copied to in order to be packed."""

COUNTS = 3
"""How often the points of a folder are counted, at most, while other processes write to it; then it is copied."""


@dataclass(frozen=True)
class BackupReport:
    """What `backup_store` or `restore_store` did.

    Attributes:
        store: the store's location.
        file: the backup.
        points: collection -> how many points.
        bytes: size of the backup.
        seconds: how long it took.
    """

    store: str
    file: Path
    points: dict[str, int]
    bytes: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "file": shown(self.file)}

    def __repr__(self) -> str:
        return f"<BackupReport {', '.join(f'{count} points of {name}' for name, count in self.points.items())}>"


def backup_store(
    store: Store | str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    collection: str | None = None,
    overwrite: bool = False,
    wait: float = WAIT_SECONDS,
    progress: ProgressOption = None,
) -> BackupReport:
    """Back a store up into one file, which is written completely or not at all.

    A store in a folder is closed to others while its files are packed. An open store, and one on a server, are copied
    to a temporary folder beside the backup first, point by point. Images and models are not part of the backup.

    Args:
        store: the location of a store, or an open one.
        file: the backup: a ZIP without compression, in which every file has a checksum. A backup that is there is
            replaced.
        collection: only this collection of a location; by default all of them. Of its generations, the one that
            answers is packed; another one if it is named, as in `images@1`, and becomes a collection without that
            number.
        overwrite: allow another file to be replaced.
        wait: as for `open_store`.
        progress: as for `index_images`.

    Raises:
        StoreNotFoundError: there is no such store or collection.
        StoreError: the store cannot be read, or its files are damaged.
        DiskFullError: the disk that shall hold the backup has too little room.
        OutputError: the file cannot be written, or lies in a folder of indexed images.

    Example:
        >>> autoenc.backup_store("store", "store.zip")
        <BackupReport 48 points of images>
    """
    start = time.perf_counter()
    location = store.location if isinstance(store, Store) else os.fsdecode(store)
    inside = [] if is_url(location) else [location]
    path = check_output(file, overwrite=overwrite, reading=inside)
    if isinstance(store, Store):
        names = [store.collection]
    else:
        names = [collection] if collection else list_collections(store)
        if not names:
            raise no_collection(location, "images", [])
    for name in names:
        check_apart(path, _sources(store, name, wait))
    points = {}
    remove_stale(path.parent)
    writing = naming_failures(OutputError, f"Cannot write {shown(path)}")
    with telling(progress) as tell, writing, replacing(path, durable=True) as out, Writer(out) as writer:
        for done, name in enumerate(names):
            tell("packing", done, len(names), name)
            packed = split_name(name)[0]
            with _closed(store, name, path.parent, wait, progress) as (folder, points[packed]):
                check_space(path.parent, allocated_bytes(folder), "to write the backup")
                writer.add(packed, folder, points[packed])
        tell("packing", len(names), len(names), "")
    return BackupReport(location, path, points, path.stat().st_size, time.perf_counter() - start)


def _sources(store: Store | str | os.PathLike[str], name: str, wait: float) -> list[str]:
    """The folders of the images of a collection, where no backup belongs."""
    if not isinstance(store, Store):
        with open_store(store, name, wait=wait) as opened:
            return _sources(opened, name, wait)
    return [root for root in store.info.sources.values() if root]


@contextmanager
def _closed(
    store: Store | str | os.PathLike[str], name: str, beside: Path, wait: float, progress: ProgressOption
) -> Iterator[tuple[Path, int]]:
    """The folder of a collection that nobody has open, and its number of points: its own folder, or that of a copy."""
    if not isinstance(store, Store) and not is_url(store):
        for _ in range(COUNTS):
            with open_store(store, name, wait=wait, verify=True) as opened:  # which brings it in order after a kill
                folder = folder_of(Path(store), name)  # nobody switches to another generation while it is open
                points, counted = len(opened), recorded(folder)
            with locked(folder, wait):
                if check_manifest(folder) is None:
                    break
                if recorded(folder) == counted:  # else another process came in between, and the number may be another
                    yield folder, points
                    return
    with folder_in(beside) as temporary:  # a server, an open store, or a folder that cannot be brought in order
        report = copy_store(store, temporary / "copy", collection=name, wait=wait, progress=progress)
        yield temporary / "copy" / report.collection, report.points


@contextmanager
def naming_failures(error: type[AutoencError], what: str) -> Iterator[None]:
    """Turn what the file system refuses into an error of ours."""
    try:
        yield
    except OSError as refused:
        raise error(f"{what}: {refused.strerror or refused}.") from refused


@contextmanager
def folder_in(beside: Path) -> Iterator[Path]:
    """A temporary folder in another one; one that a kill leaves is removed by the next `remove_stale`."""
    folder = beside / f"{UNPACKING}{uuid.uuid4().hex}"
    folder.mkdir()
    try:
        with locked(folder, 0):
            yield folder
    finally:
        remove_folder(folder)


def remove_stale(beside: Path) -> None:
    """Remove the temporary folders of processes that were killed."""
    for folder in beside.glob(f"{UNPACKING}*"):
        with suppress(OSError, StoreLockedError), locked(folder, 0):
            remove_folder(folder)
