"""Back a store up into one file, and restore it from there."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoenc.errors import (
    AutoencError,
    BackupError,
    DiskFullError,
    OutputError,
    StoreError,
    StoreLockedError,
    StoreMismatchError,
    StoreNotFoundError,
)
from autoenc.files import TEMPORARY, remove_folder, replacing, sync_folder
from autoenc.outputs import check_output
from autoenc.progress import ProgressOption, telling
from autoenc.store import WAIT_SECONDS, Store, is_url, list_collections, open_store
from autoenc.store.archive import Archive, Collection, Writer, reading
from autoenc.store.copying import copy_store, fill
from autoenc.store.edge import DROPPED
from autoenc.store.edge_folder import check_unoccupied, locked, open_edge
from autoenc.store.manifest import check_manifest
from autoenc.store.probe import try_out
from autoenc.store.records import no_collection
from autoenc.store.space import allocated_bytes, check_space
from autoenc.text import shown

UNPACKING = f"{TEMPORARY}unpacking-"
"""Prefix of a folder that a backup is unpacked to, or that a collection is copied to in order to be packed."""


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
        collection: only this collection of a location; by default all of them.
        overwrite: allow another file to be replaced.
        wait: as for `open_store`.
        progress: as for `index_images`.

    Raises:
        StoreNotFoundError: there is no such store or collection.
        StoreError: the store cannot be read, or its files are damaged.
        DiskFullError: the disk that shall hold the backup has too little room.
        OutputError: the file cannot be written.

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
    points = {}
    remove_stale(path.parent)
    writing = _files(OutputError, f"Cannot write {shown(path)}")
    with telling(progress) as tell, writing, replacing(path, durable=True) as out, Writer(out) as writer:
        for done, name in enumerate(names):
            tell("packing", done, len(names), name)
            with _closed(store, name, path.parent, wait, progress) as (folder, points[name]):
                check_space(path.parent, allocated_bytes(folder), "to write the backup")
                writer.add(name, folder, points[name])
        tell("packing", len(names), len(names), "")
    return BackupReport(location, path, points, path.stat().st_size, time.perf_counter() - start)


@contextmanager
def _closed(
    store: Store | str | os.PathLike[str], name: str, beside: Path, wait: float, progress: ProgressOption
) -> Iterator[tuple[Path, int]]:
    """The folder of a collection that nobody has open, and its number of points: its own folder, or that of a copy."""
    if not isinstance(store, Store) and not is_url(store):
        with open_store(store, name, wait=wait, verify=True) as opened:  # which brings it in order after a kill
            points = len(opened)
        folder = Path(store, name)
        with locked(folder, wait):
            if check_manifest(folder) is not None:
                yield folder, points
                return
    with _folder_in(beside) as temporary:  # a server, an open store, or a folder that cannot be brought in order
        report = copy_store(store, temporary / "copy", collection=name, wait=wait, progress=progress)
        yield temporary / "copy" / report.collection, report.points


def restore_store(
    file: str | os.PathLike[str],
    store: str | os.PathLike[str],
    *,
    collection: str | None = None,
    overwrite: bool = False,
    wait: float = WAIT_SECONDS,
    progress: ProgressOption = None,
) -> BackupReport:
    """Restore the collections of a backup into a store in a folder or on a server.

    The backup is unpacked beside the store, every checksum is compared, and the engine has opened it, before anything
    takes the place of what is there. If the work is interrupted, at any moment, call this again to finish it.

    Args:
        file: what `backup_store` wrote. It is not trusted: it can lead nowhere but into the store.
        store: the location of a store, which is made if it does not exist.
        collection: only this collection; by default all of the backup.
        overwrite: replace collections that are there.
        wait: as for `open_store`.
        progress: as for `index_images`.

    Raises:
        BackupError: the file is no whole backup, or does not hold the collection. Nothing is changed.
        StoreMismatchError: a collection is there, and `overwrite` is False. Nothing is changed.
        StoreError: the store cannot be written to.
        DiskFullError: there is too little room for what the backup holds. Nothing is changed.

    Example:
        >>> report = autoenc.backup_store("store", "store.zip")
        >>> autoenc.restore_store("store.zip", "restored")
        <BackupReport 48 points of images>
    """
    start = time.perf_counter()
    path, location = Path(file), os.fsdecode(store)
    writing = _files(StoreError, f"Cannot restore into {shown(location)}")
    with ExitStack() as stack, telling(progress) as tell, writing:
        with reading(path) as archive:
            chosen = _chosen(archive, collection)
            _check_replaceable(location, path, chosen, overwrite)
            beside = Path(tempfile.gettempdir() if is_url(location) else location)
            beside.mkdir(parents=True, exist_ok=True)
            remove_stale(beside)
            room = sum(archive.collections[name].bytes for name in chosen)
            check_space(beside, room, "to restore the backup")
            temporary = stack.enter_context(_folder_in(beside))
            for done, name in enumerate(chosen):
                tell("unpacking", done, len(chosen), name)
                archive.unpack(name, temporary / name)
            tell("unpacking", len(chosen), len(chosen), "")
            held = {name: archive.collections[name] for name in chosen}
        for name in chosen:
            _check_unpacked(path, temporary, name, held[name])
        for name in chosen:
            if is_url(location):
                _send(temporary, location, name, path, overwrite, progress)
            else:
                _put(temporary / name, Path(location), name, wait)
    points = {name: collection.points for name, collection in held.items()}
    return BackupReport(location, path, points, path.stat().st_size, time.perf_counter() - start)


def _chosen(archive: Archive, collection: str | None) -> list[str]:
    there = sorted(archive.collections)
    if collection is not None and collection not in there:
        raise BackupError(
            f"The backup {shown(archive.path)} has no collection '{collection}'; it has {', '.join(there) or 'none'}. "
            f"Name one of them with collection=."
        )
    return there if collection is None else [collection]


def _check_replaceable(location: str, file: Path, names: Sequence[str], overwrite: bool) -> None:
    for name in names:
        if not is_url(location):
            check_unoccupied(Path(location), name)
        if overwrite:
            continue
        try:
            there = list_collections(location)
        except StoreNotFoundError:
            return
        if name in there and not _begun(location, file, name):
            raise StoreMismatchError(
                f"Collection '{name}' of {location} is there already. Restore into another store, or replace it with "
                f"overwrite=True."
            )


def _check_unpacked(file: Path, folder: Path, name: str, promised: Collection) -> None:
    """Raise BackupError unless a collection in a temporary folder is whole: its checksums, and to the engine."""
    try:
        with locked(folder / name, 0):
            check_manifest(folder / name, thorough=True)
            try_out(folder / name / "shard", f"collection '{name}' in the backup")
        with Store(open_edge(folder, name, False)) as store:
            points = len(store)
    except DiskFullError:
        raise
    except StoreError as error:
        raise BackupError(
            f"The backup {shown(file)} is damaged: the engine cannot use collection '{name}' of it. Use another backup."
        ) from error
    if points != promised.points:
        raise BackupError(
            f"The backup {shown(file)} is damaged: collection '{name}' has {points:,} points instead of "
            f"{promised.points:,}. Use another backup."
        )


def _put(unpacked: Path, root: Path, name: str, wait: float) -> None:
    """Let a whole collection take its place in a store in a folder."""
    folder = root / name
    gone = root / f"{DROPPED}{uuid.uuid4().hex}"
    if folder.exists():
        with locked(folder, wait):
            folder.rename(gone)
            unpacked.rename(folder)
    else:
        unpacked.rename(folder)
    sync_folder(root)
    remove_folder(gone)


def _send(folder: Path, location: str, name: str, file: Path, overwrite: bool, progress: ProgressOption) -> None:
    """Copy a whole collection to a server."""
    if overwrite and not _begun(location, file, name):
        with suppress(StoreNotFoundError):
            open_store(location, name).drop()
    with (
        open_store(folder, name) as source,
        open_store(location, name, create=True) as target,
        telling(progress) as tell,
    ):
        fill(target, source, _origin(file, name), tell)


def _begun(location: str, file: Path, name: str) -> bool:
    """Whether a collection on a server is what an interrupted restoring has left."""
    if not is_url(location):
        return False
    try:
        with open_store(location, name) as store:
            return store.info.copy_of == _origin(file, name)
    except StoreNotFoundError:
        return False


def _origin(file: Path, name: str) -> str:
    return f"collection '{name}' of the backup {shown(os.path.realpath(file))}"


@contextmanager
def _files(error: type[AutoencError], what: str) -> Iterator[None]:
    """Turn what the file system refuses into an error of ours."""
    try:
        yield
    except OSError as refused:
        raise error(f"{what}: {refused.strerror or refused}.") from refused


@contextmanager
def _folder_in(beside: Path) -> Iterator[Path]:
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
