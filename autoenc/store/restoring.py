"""Restore a store from what `backup` wrote."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from autoenc.errors import ArgumentError, BackupError, DiskFullError, StoreError, StoreMismatchError, StoreNotFoundError
from autoenc.files import sync_folder
from autoenc.progress import ProgressOption, telling
from autoenc.store import WAIT_SECONDS, is_url, list_collections, open_store
from autoenc.store.archive import Archive, Collection, reading
from autoenc.store.backup import BackupReport, folder_in, naming_failures, remove_stale
from autoenc.store.copying import check_whole, fill
from autoenc.store.edge_folder import check_unoccupied, locked
from autoenc.store.edge_generations import place_of
from autoenc.store.manifest import RECORD, check_manifest
from autoenc.store.probe import try_out
from autoenc.store.records import MEMORY
from autoenc.store.space import check_space
from autoenc.text import shown


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
        overwrite: replace collections that are there: in a folder, the generation that answers; on a server, all.
        wait: as for `open_store`.
        progress: as for `index_images`.

    Raises:
        BackupError: the file is no whole backup, or does not hold the collection. Nothing is changed.
        StoreMismatchError: a collection is there, and `overwrite` is False. Nothing is changed.
        StoreError: the store cannot be written to.
        DiskFullError: there is too little room for what the backup holds. Nothing is changed.
        ArgumentError: the store is `:memory:`, which would be lost at once.

    Example:
        >>> report = autoenc.backup_store("store", "store.zip")
        >>> autoenc.restore_store("store.zip", "restored")
        <BackupReport 48 points of images>
    """
    start = time.perf_counter()
    path, location = Path(file), os.fsdecode(store)
    if location == MEMORY:
        raise ArgumentError("A store in memory is lost when it is closed: restore into a folder or onto a server.")
    writing = naming_failures(StoreError, f"Cannot restore into {shown(location)}")
    with ExitStack() as stack, telling(progress) as tell, writing:
        with reading(path) as archive:
            chosen = _chosen(archive, collection)
            _check_replaceable(location, path, chosen, overwrite)
            beside = Path(tempfile.gettempdir() if is_url(location) else location)
            if not beside.exists():
                stack.callback(_remove_empty, beside)  # where nothing is restored, no folder is left
            beside.mkdir(parents=True, exist_ok=True)
            remove_stale(beside)
            room = sum(archive.collections[name].bytes for name in chosen)
            check_space(beside, room, "to restore the backup")
            temporary = stack.enter_context(folder_in(beside))
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
                _put(temporary / name, Path(location), overwrite, wait)
    points = {name: collection.points for name, collection in held.items()}
    return BackupReport(location, path, points, path.stat().st_size, time.perf_counter() - start)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


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
            raise _there_already(location, name)


def _there_already(location: str, name: str) -> StoreMismatchError:
    return StoreMismatchError(
        f"Collection '{name}' of {location} is there already. Restore into another store, or replace it with "
        f"overwrite=True."
    )


def _check_unpacked(file: Path, folder: Path, name: str, promised: Collection) -> None:
    """Raise BackupError unless a collection in a temporary folder is whole: its checksums, and to the engine."""
    try:
        with locked(folder / name, 0):
            check_manifest(folder / name, thorough=True)
            try_out(folder / name / "shard", f"collection '{name}' in the backup")
        with open_store(folder, name) as store:
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


def _put(unpacked: Path, root: Path, overwrite: bool, wait: float) -> None:
    """Let a whole collection take its place in a store in a folder."""
    folder = place_of(root, unpacked.name)
    gone = unpacked.with_name(f".{unpacked.name}")  # removed with the temporary folder
    folder.mkdir(exist_ok=True)  # so that it can be locked
    with locked(folder, wait):
        if place_of(root, unpacked.name) != folder:  # another process has switched meanwhile
            _put(unpacked, root, overwrite, wait)
            return
        if (folder / RECORD).is_file() and not overwrite:  # another process may have made it meanwhile
            raise _there_already(str(root), unpacked.name)
        folder.rename(gone)
        try:
            unpacked.rename(folder)
        except BaseException:
            gone.rename(folder)
            raise
    sync_folder(root)


def _send(folder: Path, location: str, name: str, file: Path, overwrite: bool, progress: ProgressOption) -> None:
    """Copy a whole collection to a server."""
    origin = _origin(file, name)
    with open_store(folder, name) as source, telling(progress) as tell:
        check_whole(source, origin)  # before anything is dropped for it
        if overwrite and not _begun(location, file, name):
            with suppress(StoreNotFoundError):
                open_store(location, name).drop()
        with open_store(location, name, create=True) as target:
            fill(target, source, origin, tell)


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
