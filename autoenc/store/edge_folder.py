"""Find, create and open the folders of Qdrant Edge stores, and refuse folders that hold anything else."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import qdrant_edge as qe

from autoenc.errors import StoreError, StoreLockedError, StoreNotFoundError
from autoenc.files import TEMPORARY, remove_folder
from autoenc.store.ann import EXACT_KB, HNSW_EF_CONSTRUCT, HNSW_M, HNSW_PAYLOAD_M
from autoenc.store.edge import EdgeEngine
from autoenc.store.edge_generations import (
    DROPPED,
    EdgeGenerations,
    folder_of,
    is_pointer,
    is_there,
)
from autoenc.store.edge_holding import SHARD
from autoenc.store.edge_values import engine_errors
from autoenc.store.lock import WAIT_SECONDS, lock_folder, unlock
from autoenc.store.manifest import MANIFEST, RECORD, check_manifest
from autoenc.store.naming import split_name
from autoenc.store.probe import try_out
from autoenc.store.records import no_collection
from autoenc.store.recovery import drop_unfinished_vector
from autoenc.store.space import MARGIN, allocated_bytes, check_address_space, check_space, needed_to_open
from autoenc.store.sparse import copy_folder
from autoenc.text import shown

BUILDING = "shard-"  # prefix of a shard that is being created
PLACEHOLDER = "_"

MOST_COPIED = 2**30
"""Bytes of a read-only store that are copied, at most, to search it."""

COPY = "autoenc-store-"
"""Prefix of the temporary folder that a read-only store is copied to."""

OPENING_BYTES = 2**20
"""What the engine may write when it opens a store: some small files."""


def edge_collections(root: Path) -> list[str]:
    """Names of the collections in a store's folder; see `autoenc.list_collections`."""
    with _looking_into(root):
        if not root.is_dir():
            raise StoreNotFoundError(f"There is no store at {root}. Index images into it first, or correct the path.")
        next(root.iterdir(), None)  # raises if the folder cannot be read; glob would find nothing in it
        return sorted({split_name(path.parent.name)[0] for path in root.glob(f"[!.]*/{RECORD}")})


def open_edge(
    root: Path, collection: str, create: bool, wait: float = WAIT_SECONDS, verify: bool = False
) -> EdgeEngine:
    """Open the collection in a folder, or create it; see `autoenc.open_store`."""
    with _looking_into(root):
        folder = folder_of(root, collection)
        there = is_there(folder)
        if not there and not create:
            raise _not_found(root, collection)
        if not there:
            check_unoccupied(root, folder.name)
            _make_folder(root, folder)
        if there and not os.access(folder, os.W_OK):
            return _open_copy(collection, folder, wait, verify)
        try:
            lock = lock_folder(folder, wait)
        except FileNotFoundError:  # another process has dropped the collection meanwhile
            return open_edge(root, collection, create, wait, verify)
    try:
        with _looking_into(folder):
            if there and folder_of(root, collection) != folder:  # another process has switched meanwhile
                if lock is not None:
                    unlock(lock)
                    lock = None
                return open_edge(root, collection, create, wait, verify)
            if lock is not None:
                _tidy(root, folder)
            made = _complete(folder)
            _check_shard(folder)
        return _open_shard(collection, folder, folder / SHARD, lock=lock, verify=verify, made=made)
    except BaseException:
        if lock is not None:
            unlock(lock)
        raise


def _tidy(root: Path, folder: Path) -> None:
    """Remove what killed processes left."""
    for left in (*folder.glob(f"{BUILDING}*"), *root.glob(f"{DROPPED}*")):
        remove_folder(left)
    for left in folder.glob(f"{TEMPORARY}*"):
        left.unlink(missing_ok=True)


def _complete(folder: Path) -> bool:
    """Make the shard of a new collection, or of one whose making was killed; whether there was none."""
    if (folder / SHARD).exists() or any((folder / name).exists() for name in (RECORD, MANIFEST)):
        return False
    _make_shard(folder)
    return True


def _open_shard(
    collection: str,
    folder: Path,
    shard: Path,
    *,
    lock: int | None = None,
    read_only: bool = False,
    verify: bool = False,
    made: bool = False,
) -> EdgeEngine:
    """Check the collection's files, and open the engine in `shard`: its own, perhaps just made, or a copy of it."""
    name = f"collection '{collection}' in {folder.parent}"
    with _looking_into(folder):
        manifest = check_manifest(folder, thorough=verify)
        holes = needed_to_open(shard)
        check_space(shard, holes, "to open the store", margin=MARGIN if holes else OPENING_BYTES)
        check_address_space(shard)
        if manifest is None:  # as after a kill
            drop_unfinished_vector(shard)
            if not made:
                try_out(shard, name)
    with engine_errors(name):
        engine = qe.EdgeShard.load(str(shard))
    try:
        generations = EdgeGenerations(folder.parent, collection, folder, open_edge)
        return EdgeEngine(
            *(collection, folder, engine, generations),
            lock=lock,
            manifest=manifest,
            verified=verify,
            read_only=read_only,
        )
    except BaseException:
        with suppress(Exception):
            engine.close()
        raise


def _check_shard(folder: Path) -> None:
    """Raise StoreError for a folder that is no shard: the engine would treat any folder as one and write into it."""
    if not all((folder / SHARD / name).is_dir() for name in ("segments", "wal")):
        raise StoreError(
            f"{folder} has lost its engine folder '{SHARD}'. Restore it from a backup, or index into a new store."
        )


def _open_copy(collection: str, folder: Path, wait: float, verify: bool) -> EdgeEngine:
    """Open a copy of a store that is read-only, because the engine writes even when it only searches."""
    root = folder.parent
    _check_shard(folder)
    with locked(folder, wait):
        size = allocated_bytes(folder)
        if size > MOST_COPIED:
            raise StoreError(
                f"The store {root} is read-only, and too large to be copied for searching ({size:,} bytes; the limit "
                f"is {MOST_COPIED:,}). Copy it to a folder that you may write to."
            )
        _remove_stale_copies()
        copy = Path(tempfile.mkdtemp(prefix=COPY))
        try:
            with locked(copy, 0):
                check_space(copy, size, "to copy the read-only store")
                try:
                    copy_folder(folder / SHARD, copy / SHARD)
                except OSError as error:
                    raise StoreError(
                        f"The store {root} is read-only, and cannot be copied for searching: {error}. Copy it to a "
                        f"folder that you may write to."
                    ) from error
                return _open_shard(collection, folder, copy / SHARD, read_only=True, verify=verify)
        finally:
            remove_folder(copy)  # at once: the engine has its files open


def _remove_stale_copies() -> None:
    """Remove the copies of processes that were killed while they made them."""
    for copy in Path(tempfile.gettempdir()).glob(f"{COPY}*"):
        with suppress(OSError, StoreLockedError), locked(copy, 0):
            remove_folder(copy)


@contextmanager
def locked(folder: Path, wait: float) -> Iterator[None]:
    """Hold a collection's lock during a `with` block; raises what `lock_folder` does."""
    lock = lock_folder(folder, wait)
    try:
        yield
    finally:
        if lock is not None:
            unlock(lock)


def _make_folder(root: Path, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot create a store in {root}: {error.strerror}. Choose another folder.") from error


def edge_config(vectors: dict[str, qe.EdgeVectorParams]) -> qe.EdgeConfig:
    """The configuration of a new shard with these vectors."""
    return qe.EdgeConfig(
        vectors=vectors,
        hnsw_config=qe.HnswIndexConfig(
            HNSW_M,
            HNSW_EF_CONSTRUCT,
            full_scan_threshold=EXACT_KB,
            max_indexing_threads=os.cpu_count() or 1,  # by default the engine leaves one of two cores idle
            payload_m=HNSW_PAYLOAD_M,
        ),
        optimizers=qe.EdgeOptimizersConfig(indexing_threshold=EXACT_KB, default_segment_number=1),
        # Without the write-ahead log, a kill leaves points with the vector of one write and the payload of another.
        wal_enabled=True,
    )


def _make_shard(folder: Path) -> None:
    """Create an empty shard under a temporary name and rename it, so that a shard is either complete or absent."""
    check_space(folder, 0, "to create the store")
    building = folder / f"{BUILDING}{uuid.uuid4().hex}"
    building.mkdir()  # not mkdtemp: the umask decides who may read the shard, as it does for the record
    with engine_errors(f"new folder {folder}"):
        # The engine creates no shard without a vector. Encoders come later, so this one is removed again below.
        shard = qe.EdgeShard.create(str(building), edge_config({PLACEHOLDER: qe.EdgeVectorParams(1, qe.Distance.Dot)}))
        shard.update(qe.UpdateOperation.delete_vector_name(PLACEHOLDER))
        shard.flush()
        shard.close()
    try:
        building.rename(folder / SHARD)
    except OSError:
        remove_folder(building)
        if not (folder / SHARD).exists():  # otherwise another process has just created it
            raise


@contextmanager
def _looking_into(folder: Path) -> Iterator[None]:
    """Turn an OSError into a StoreError. Up to Python 3.13, even `Path.exists` may raise one."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"Cannot read {folder}: {error.strerror or error}. Correct its permissions, or choose another folder."
        ) from error


def _not_found(root: Path, collection: str) -> StoreNotFoundError:
    if (root / RECORD).is_file():
        return StoreNotFoundError(
            f"{root} is a collection, not a store: name its parent folder {root.parent} as the store and "
            f"'{root.name}' as the collection."
        )
    there = edge_collections(root)
    if not there and (other := next((path for path in root.iterdir() if not _is_of_store(path)), None)):
        return StoreNotFoundError(
            f"{root} holds other files, such as {shown(other.name)}, and is not a store. Name the folder that images "
            f"were indexed into."
        )
    return no_collection(str(root), collection, there)


def check_unoccupied(root: Path, collection: str) -> None:
    """Refuse to create a collection in a folder that holds anything else."""
    if root.exists() and not root.is_dir():
        raise StoreError(f"{root} is a file; a store is a folder. Choose another path.")
    if (root / RECORD).is_file():
        raise _not_found(root, collection)
    inside = list(root.iterdir()) if root.exists() else []
    others = [path for path in inside if path.name != collection]
    if not all(map(_is_of_store, others)) and not edge_collections(root):
        raise StoreError(f"{root} holds other files and is not a store. Choose an empty or a new folder.")
    if (root / collection) in inside and not _is_collection(root / collection):
        raise StoreError(f"{root / collection} holds other files and is not a collection. Choose another name.")


def _is_of_store(path: Path) -> bool:
    """Whether what lies in a folder is what a store holds."""
    return path.name.startswith(TEMPORARY) or is_pointer(path) or _is_collection(path)


def _is_collection(folder: Path) -> bool:
    """Whether a folder holds nothing but a collection, be it whole, being made, or what a kill left of it."""
    names = (path.name for path in folder.iterdir()) if folder.is_dir() else ("",)
    return all(name in (RECORD, MANIFEST, SHARD) or name.startswith((BUILDING, TEMPORARY)) for name in names)
