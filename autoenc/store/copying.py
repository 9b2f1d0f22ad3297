"""Copy a collection from any store to any other: its points, and what it remembers."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from autoenc.errors import ArgumentError, StoreError, StoreMismatchError
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import WAIT_SECONDS, Record, Store, is_url, open_store
from autoenc.store.alike import alike
from autoenc.store.naming import split_name
from autoenc.store.records import MEMORY, listed
from autoenc.text import counted

AT_ONCE = 500
"""Points read, compared and written at a time."""

ROUNDS = 4
"""How often the points are gone through until nothing is left to be written: once to write them and once to compare
them, unless others write to the source meanwhile."""

ROUNDING = 1e-6
"""How far the numbers of two copies of a vector may lie apart: some engines scale what they get to length 1 again."""


@dataclass(frozen=True)
class CopyReport:
    """What `copy_store` did.

    Attributes:
        source, target: the location of the store that was copied, and of the copy.
        collection: the copy's collection.
        points: how many points both hold.
        copied: how many of them were written by this call; the others had been copied before.
        checksum: SHA-256 of the source's points in the order of their ids: id, payload and vectors.
        seconds: how long it took.
    """

    source: str
    target: str
    collection: str
    points: int
    copied: int
    checksum: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def __repr__(self) -> str:
        return f"<CopyReport {self.points} points, {self.copied} copied, sha256 {self.checksum[:12]}>"


def copy_store(
    source: Store | str | os.PathLike[str],
    target: Store | str | os.PathLike[str],
    *,
    collection: str = "images",
    wait: float = WAIT_SECONDS,
    progress: ProgressOption = None,
) -> CopyReport:
    """Copy a collection to another store: every point with its vectors and payload, and what the collection remembers.

    Afterward every point of the copy is read again and compared with the source: ids and payloads exactly, but for
    the last digit of floats, which Qdrant does not keep; vectors to within 1e-6, because some engines scale them
    again. If the work is interrupted, at any moment, call this again
    to finish it. Until then nothing else can be written to the copy. A copy that is there already and equals the source
    is left as it is.

    Args:
        source: an open store, or the location of one.
        target: an open store, or the location of one, which is created if it does not exist.
        collection: the collection, for each of the two that is a location. Of its generations, the one that answers
            is copied; another one if it is named, as in `images@1`, and becomes a collection without that number.
        wait: as for `open_store`.
        progress: as for `index_images`.

    Raises:
        StoreNotFoundError: the source does not exist.
        StoreMismatchError: the target has other encoders or fields, or holds points that are not from the source.
            Nothing is written.
        StoreError: a store cannot be read or written; the source is itself an unfinished copy; or others change it
            faster than it can be copied.
        ArgumentError: source and target are the same.

    Example:
        >>> autoenc.copy_store("store", "copy")
        <CopyReport 48 points, 48 copied, sha256 ...>
    """
    start = time.perf_counter()
    with ExitStack() as opened, telling(progress) as tell:
        from_store = _opened(source, collection, False, wait, opened)
        copied_to = target.collection if isinstance(target, Store) else split_name(collection)[0]
        if _named(from_store) == (_place(target), copied_to):
            raise ArgumentError(f"Expected two different collections; got {_told(from_store)} twice.")
        to_store = _opened(target, copied_to, True, wait, opened)
        points, copied, checksum = fill(to_store, from_store, _told(from_store), tell)
        seconds = time.perf_counter() - start
        return CopyReport(
            from_store.location, to_store.location, to_store.collection, points, copied, checksum, seconds
        )


def fill(target: Store, source: Store, origin: str, tell: Progress) -> tuple[int, int, str]:
    """`copy_store` for open stores.

    Args:
        target: the copy.
        source: the store that is copied.
        origin: what the source is called while the copy is unfinished; only the same origin finishes it.
        tell: is told the progress.

    Returns:
        points, how many of them were written, and their checksum.
    """
    check_whole(source, origin)
    _check_shape(source, target, origin)
    if target.info.copy_of != origin:
        if len(target):
            return _compared(source, target, origin, tell)
        target.adopt(source)  # what it refuses leaves no unfinished copy
    with target.being_copied(origin):
        copied, fresh = 0, len(target) == 0
        for _ in range(ROUNDS):
            target.adopt(source)
            _check_shape(source, target, origin)
            known = source.info
            each = _Round(source, target, tell)
            written = sum(_write(target, batch) for batch in each.differing(fresh))
            removed = remove_gone(source, target, each.points)
            copied, fresh = copied + written, False
            if not written and not removed:
                target.adopt(source)  # what others have changed meanwhile
                if (source.info.vectors, source.info.fields) != (known.vectors, known.fields):
                    continue  # points may have new vectors or fields now
                return each.points, copied, each.checksum
            target.optimize()
            target.flush()
        raise StoreError(
            f"{origin} has changed again each time it was compared with its copy. Run the same command again once "
            f"nobody writes to it."
        )


def check_whole(source: Store, origin: str) -> None:
    """Raise StoreError for a source that is an unfinished copy: nobody could tell that its copy lacks points."""
    source.refresh()
    if source.info.copy_of:
        raise StoreError(
            f"{origin} is an unfinished copy of {source.info.copy_of}. Finish that copy first, or copy the original."
        )


def _compared(source: Store, target: Store, origin: str, tell: Progress) -> tuple[int, int, str]:
    """The same for a target that is no unfinished copy of this source: nothing is written, and it must be equal."""
    if target.info.copy_of:
        raise StoreMismatchError(
            f"{_told(target)} is an unfinished copy of {target.info.copy_of}, not of {origin}. Finish that copy "
            f"first, or copy into another store."
        )
    each = _Round(source, target, tell)
    held = len(target)
    if held != len(source) or any(True for _ in each.differing(False)):
        raise StoreMismatchError(
            f"{_told(target)} holds {counted(held, 'point')} that {'is' if held == 1 else 'are'} not a copy of "
            f"{origin}. Copy into a new store, or into one without this collection."
        )
    return each.points, 0, each.checksum


class _Round:
    """One pass over the points of the source.

    Attributes:
        points: how many were read.
        checksum: of all that were read.
    """

    def __init__(self, source: Store, target: Store, tell: Progress) -> None:
        self.points = 0
        self._source, self._target, self._tell = source, target, tell
        self._digest = hashlib.sha256()

    def differing(self, fresh: bool) -> Iterator[list[Record]]:
        """Points of the source, up to `AT_ONCE` a time, that the target does not hold as they are.

        Args:
            fresh: the target holds none.
        """
        names, total = list(self._source.info.vectors), len(self._source)
        for batch in batches(self._source.scroll(vectors=names, batch=AT_ONCE)):
            payloads = [_as_text(record.payload) for record in batch]
            for record, payload in zip(batch, payloads, strict=True):
                self._add(record, payload)
            held = [] if fresh else self._target.retrieve([record.id for record in batch], vectors=names)
            there = {record.id: record for record in held}
            pairs = [(record, there.get(record.id), payload) for record, payload in zip(batch, payloads, strict=True)]
            wrong = [record for record, other, payload in pairs if not is_same(record, other, payload)]
            if wrong:
                yield wrong
            self.points += len(batch)
            self._tell("copying" if fresh else "comparing", self.points, max(total, self.points), "")

    @property
    def checksum(self) -> str:
        return self._digest.hexdigest()

    def _add(self, record: Record, payload: str) -> None:
        names = sorted(record.vectors)
        for part in (record.id, payload, *names):
            data = part.encode()
            self._digest.update(len(data).to_bytes(8, "little") + data)
        for name in names:
            self._digest.update(record.vectors[name].astype("<f4").tobytes())


def _write(target: Store, records: Sequence[Record]) -> int:
    target.upsert_records(records)
    return len(records)


def remove_gone(source: Store, target: Store, points: int) -> int:
    """Remove the copies of points that the source no longer holds; how many."""
    removed = 0
    if len(target) > points:
        for batch in batches(target.scroll(batch=AT_ONCE)):
            ids = [record.id for record in batch]
            gone = sorted(set(ids) - source.having_vectors(ids, []))
            target.delete(gone)
            removed += len(gone)
    return removed


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Points, up to `AT_ONCE` a time."""
    rest = iter(records)
    while batch := list(islice(rest, AT_ONCE)):
        yield batch


def _as_text(payload: dict[str, Any]) -> str:
    return json.dumps(payload, sort_keys=True)


def is_same(record: Record, other: Record | None, payload: str | None = None) -> bool:
    """Whether another store holds a point as this one does; `payload` is that of `record` as text, if it is known."""
    return (
        other is not None
        and (_as_text(other.payload) == (payload or _as_text(record.payload)) or alike(other.payload, record.payload))
        and other.vectors.keys() == record.vectors.keys()
        and all(bool(np.abs(other.vectors[name] - row).max() <= ROUNDING) for name, row in record.vectors.items())
    )


def _check_shape(source: Store, target: Store, origin: str) -> None:
    """Raise StoreMismatchError for a target with encoders that the source does not have exactly so."""
    ours, theirs = source.info.vectors, target.info.vectors
    other = [name for name in theirs if name not in ours or not theirs[name].same_encoder(ours[name])]
    lacking = [name for name in ours if name not in theirs] if len(target) and target.info.copy_of != origin else []
    if other or lacking:
        raise StoreMismatchError(
            f"{_told(target)} has other encoders than {origin} ({listed([*other, *lacking])} not in both, or "
            f"of different models). Copy into a new store, or into one without this collection."
        )


def _opened(
    store: Store | str | os.PathLike[str], collection: str, create: bool, wait: float, opened: ExitStack
) -> Store:
    if isinstance(store, Store):
        return store
    if store == MEMORY:
        raise ArgumentError("A store in memory is lost when it is closed: open it, and pass the open store.")
    return opened.enter_context(open_store(store, collection, create=create, wait=wait))


def _told(store: Store) -> str:
    place, collection = _named(store)
    return f"collection '{collection}' of {place}"


def _named(store: Store) -> tuple[str, str]:
    return _place(store), store.collection


def _place(store: Store | str | os.PathLike[str]) -> str:
    """A store's location, the same from wherever it is named."""
    if isinstance(store, Store) and store.location == MEMORY:
        return f"{MEMORY} (object {id(store)})"  # each is another
    location = store.location if isinstance(store, Store) else os.fsdecode(store)
    return location.rstrip("/") if is_url(location) else os.path.realpath(location)
