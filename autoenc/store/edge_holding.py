"""A shard of Qdrant Edge from its opening to its end: its record, its manifest, its lock, what precedes each write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import Any

import qdrant_edge as qe

from autoenc.errors import StoreError
from autoenc.files import replace_file
from autoenc.store.edge_ann import bytes_of_vector
from autoenc.store.edge_generations import drop_folder, forget_pointer
from autoenc.store.edge_reading import EdgeReading
from autoenc.store.edge_values import bools_of
from autoenc.store.engine import Generations
from autoenc.store.filters import EVERYTHING
from autoenc.store.lock import unlock
from autoenc.store.manifest import RECORD, Files, check_manifest, remove_manifest, replace_manifest, write_manifest
from autoenc.store.naming import split_name
from autoenc.store.records import merged
from autoenc.store.space import allocated_bytes, check_space
from autoenc.store.status import VectorBytes

SHARD = "shard"
SEGMENTS = f"{SHARD}/segments"
"""Below the collection's folder: the points, as they are searched."""

OPTIMIZED = "*/id_tracker.versions"
"""Below that: a file of each segment that the engine has optimized, and changes by marking points as deleted in it."""

WRITTEN_TWICE = 2
"""To the engine's log, and to the files that are searched."""

BUSY = "Already borrowed"
"""What the engine says when it is to be closed while another thread reads, as one does after Ctrl-C."""

PAYLOAD_BYTES = 4096
"""Room reserved for the payload of a point and its ids."""


class EdgeHolding(EdgeReading):
    """A shard that this process holds until it closes it; the threads of the process may share it."""

    def __init__(
        self,
        collection: str,
        folder: Path,
        shard: qe.EdgeShard,
        generations: Generations,
        *,
        lock: int | None = None,
        manifest: Files | None = None,
        verified: bool = False,
        read_only: bool = False,
    ) -> None:
        """Take over an open shard.

        Args:
            collection: the collection's name.
            folder: of the collection, or of its generation that is open; it lies in the store's folder.
            shard: the engine.
            generations: of the collection.
            lock: the descriptor that holds the lock; closing the engine closes it.
            manifest: the manifest as it was at the opening; None if there is none.
            verified: every checksum in it was computed again at the opening.
            read_only: the folder cannot be written to, and the shard is a copy of the one in it.
        """
        super().__init__(collection, folder, shard)
        self.generations = generations
        self._lock = lock
        self._manifest = manifest
        self._verified = verified
        self._read_only = read_only
        self._changed = False  # since it was opened
        self._whole = True  # no write has failed: else the engine may finish it when it is opened again
        self._written = False  # since the last flush
        record = self.read_record()
        self._bools = bools_of(record)
        self._optimized = self._any_optimized()
        # The engine corrects the versions of deleted points when it opens their segment the next time. So it does after
        # a kill, with what it took from its log.
        self._to_correct = manifest is None and record is not None

    def _any_optimized(self) -> bool:
        return next((self._folder / SEGMENTS).glob(OPTIMIZED), None) is not None

    def _begin_writing(self, needed: int, doing: str) -> None:
        """To be called before anything is written: `needed` is an estimate of the bytes that it takes."""
        self._check_writable(needed, doing)
        if self._manifest is not None:
            self.verify()  # the next manifest must not vouch for what is damaged now
            with self._writing_files():
                remove_manifest(self._folder)
            self._manifest = None
        self._changed = self._written = True

    def _check_writable(self, needed: int, doing: str) -> None:
        _ = self._shard  # raises if the store is closed
        if self._read_only:
            raise self._refusal()
        check_space(self._folder, needed, doing)

    def _update(self, operation: qe.UpdateOperation, *, points: int = 1, numbers: int = 0) -> None:
        """Write; `points` of them, with this many `numbers` in their vectors."""
        self._begin_writing(WRITTEN_TWICE * (points * PAYLOAD_BYTES + 4 * numbers), "to write to the store")
        self._to_correct |= self._optimized
        try:
            self._shard.update(operation)
        except BaseException:
            self._whole = False
            raise
        self._written = True  # again: another thread may have flushed meanwhile

    def optimize(self) -> None:
        with self._engine():  # a segment is copied as it is optimized
            self._begin_writing(allocated_bytes(self._folder / SEGMENTS), "to optimize the store")
            try:
                self._shard.optimize()
            except BaseException:
                self._whole = False
                raise
            finally:
                self._optimized = self._any_optimized()
        self._written = True

    def flush(self) -> None:
        if self._written:
            self._written = False  # reset first, so that what another thread writes meanwhile is flushed next time
            try:
                with self._engine():
                    self._shard.flush()
            except BaseException:
                self._written = True
                raise

    def close(self) -> None:
        try:
            if self._open is None:  # closed already, or it failed to open again (see `quantize`)
                return
            self._close_shard()
            if (self._changed and self._whole) or (self._manifest is not None and not self._read_only):
                with suppress(OSError, StoreError):  # a store without a manifest is opened as after a kill
                    if self._changed and self._to_correct:
                        self._correct()
                    write_manifest(self._folder, self._manifest)
        finally:
            self._unlock()

    def _correct(self) -> None:
        """Let the engine correct its files now: if it did so at the next opening, the checksums would not hold."""
        with self._engine():
            qe.EdgeShard.load(str(self._folder / SHARD)).close()

    def verify(self) -> bool:
        if self._changed or self._manifest is None:
            return False
        if not self._verified:
            check_manifest(self._folder, thorough=True)
        return True

    def disk_bytes(self) -> int | None:
        return allocated_bytes(self._folder)

    def vector_bytes(self, name: str) -> VectorBytes | None:
        return bytes_of_vector(self._folder / SEGMENTS, name)

    def _close_shard(self) -> None:
        try:
            self.flush()
        finally:
            shard, self._open = self._shard, None
            with self._engine():
                while True:
                    try:
                        shard.close()
                        break
                    except RuntimeError as error:
                        if str(error) != BUSY:
                            raise
                        sleep(0.01)  # what another thread reads is soon done, and it can begin nothing new

    def _refusal(self) -> StoreError:
        return StoreError(f"The store {self.location} is read-only. Copy it to a folder that you may write to.")

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            unlock(lock)

    def drop(self) -> None:
        if self._read_only:
            raise self._refusal()
        try:
            self._close_shard()
            drop_folder(self._folder)
            forget_pointer(self._folder.parent, split_name(self.collection)[0], self.generations.number)
        finally:
            self._unlock()

    # ---- the record ---------------------------------------------------------------------------

    def read_record(self) -> Any:
        path = self._folder / RECORD
        if not path.exists() and self.count(EVERYTHING) == 0:
            return None  # a new shard, or one whose creation was interrupted before the record was written
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise StoreError(
                f"The record {path} of this collection is missing or damaged ({error}). Restore it from a backup, or "
                f"index into a new collection."
            ) from error

    def merge_record(self, changes: Mapping[str, Any]) -> None:
        record = merged(self.read_record() or {}, changes)
        self._check_writable(PAYLOAD_BYTES, "to write to the store")
        with self._writing_files():
            if self._manifest is None:
                self._changed = True  # a new one is written at the end
            else:
                self._manifest = replace_manifest(self._folder, self._manifest, without=RECORD)
            replace_file(self._folder / RECORD, (json.dumps(record, indent=2) + "\n").encode(), durable=True)
        self._bools = bools_of(record)

    @contextmanager
    def _writing_files(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"Cannot write to {self._folder}: {error}. Nothing was changed.") from error
