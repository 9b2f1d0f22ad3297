"""Check a whole store: its files, its points, and a sample of its vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autoenc.catalog.sources import make_encoders, point_path
from autoenc.encoders import Encoder
from autoenc.errors import ArgumentError, AutoencError, ImageError, StoreError
from autoenc.images.files import decode_file, read_file
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import OWN, Record, Store
from autoenc.text import counted
from autoenc.vectors import evenly

SAMPLE = 1000
"""Points whose vectors are read again, for each encoder."""

ENCODED = 20
"""Of these, how many images are encoded again."""

SAME = 0.999
"""The least cosine similarity of a vector with itself, computed again."""

_BATCH = 1000


@dataclass(frozen=True)
class CheckReport:
    """What `check_store` found.

    Attributes:
        location, collection: as for `Store`.
        points: how many points were read.
        vectors: encoder -> how many of its vectors were read again.
        encoded: encoder -> how many images were encoded again and compared.
        problems: what is wrong and what to do, a sentence each; empty if the store is whole.
        notes: what could not be checked, a sentence each.
    """

    location: str
    collection: str
    points: int
    vectors: dict[str, int]
    encoded: dict[str, int]
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "whole": self.whole}


def check_store(store: Store, *, progress: ProgressOption = None) -> CheckReport:
    """Check a store: the checksums of its files, every point, and a sample of the vectors.

    Every point is read and counted. Of each encoder, up to 1,000 vectors are read: they have the right length and only
    finite numbers, and a search by one finds it. Up to 20 unchanged images are encoded again and compared.

    Args:
        store: an open store.
        progress: as for `index_images`.

    Raises:
        StoreError: the store cannot be read at all.
        ArgumentError: not an open store.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     report = autoenc.check_store(store)
        >>> report.whole, report.points, report.vectors["learned"]
        (True, 48, 48)
    """
    if not isinstance(store, Store):
        raise ArgumentError(f"Expected an open store (autoenc.open_store); got {store!r}.")
    problems: list[str] = []
    notes: list[str] = []
    vectors: dict[str, int] = {}
    encoded: dict[str, int] = {}
    with telling(progress) as tell:
        try:
            if not store.verify():
                notes.append("There are no checksums of the files: the store is on a server, or was not closed.")
        except StoreError as error:
            problems.append(str(error))
        ids = _points(store, problems, notes, tell)
        for done, name in enumerate(store.info.vectors):
            tell("vectors", done, len(store.info.vectors), name)
            records = _sampled(store, ids, name)
            vectors[name] = len(records)
            encoded[name] = 0
            if wrong := list(_vector_problems(store, name, records)):
                problems += wrong
                continue
            try:
                encoded[name] = _encode_again(store, name, records, problems)
            except AutoencError as error:
                notes.append(f"No image was encoded again by '{name}': {error}")
        tell("vectors", len(store.info.vectors), len(store.info.vectors), "")
    return CheckReport(store.location, store.collection, len(ids), vectors, encoded, problems, notes)


def _points(store: Store, problems: list[str], notes: list[str], tell: Progress) -> list[str]:
    """The id of every point."""
    before = len(store)
    ids: list[str] = []
    foreign = 0
    for record in store.scroll(batch=_BATCH):
        ids.append(record.id)
        foreign += point_path(store, record.payload) is None
        if len(ids) % _BATCH == 0:
            tell("points", len(ids), max(before, len(ids)), "")
    tell("points", len(ids), len(ids), "")
    after = len(store)  # on a server, others may write meanwhile
    if before == after and not len(ids) == len(set(ids)) == after:
        problems.append(
            f"The store counts {counted(after, 'point')}, but {len(ids):,} can be read, {len(set(ids)):,} of them "
            f"different. Restore it from a backup, or index into a new store."
        )
    if foreign:
        notes.append(f"{counted(foreign, 'point')} {'was' if foreign == 1 else 'were'} not written by index_images.")
    for name, having in store.status().having.items():
        if lacking := after - having:
            notes.append(f"{counted(lacking, 'point')} without vector '{name}'; index with encoders={name} to add it.")
    return ids


def _sampled(store: Store, ids: Sequence[str], name: str) -> list[Record]:
    """An even sample of the points that have a vector."""
    having = np.array(sorted(store.having_vectors(ids, [name])))
    return store.retrieve(evenly(having, SAMPLE).tolist(), vectors=[name])


def _few(records: Sequence[Record]) -> list[Record]:
    """An even sample of those whose vectors are computed or searched again."""
    return [records[place] for place in evenly(np.arange(len(records)), ENCODED)]


def _vector_problems(store: Store, name: str, records: Sequence[Record]) -> Iterator[str]:
    dim = store.info.vectors[name].dim
    rows = [record.vectors.get(name) for record in records]
    wrong = sum(row is None or row.shape != (dim,) or not np.isfinite(row).all() for row in rows)
    if wrong:
        yield (
            f"{counted(wrong, 'vector')} '{name}' of {len(rows):,} read {'is' if wrong == 1 else 'are'} missing, of "
            f"another length than {dim}, or not finite. Index into a new store."
        )
        return
    tried = [record for record in _few(records) if np.any(record.vectors[name])]
    best = [store.search(record.vectors[name], using=name, k=1) for record in tried]
    found = sum(bool(hits) and hits[0].score >= SAME for hits in best)
    if found < len(tried) / 2:  # the search of a large store is approximate
        yield (
            f"Of {counted(len(tried), 'search', 'searches')} by vectors '{name}' of the store itself, "
            f"{len(tried) - found} found nothing equal. Index into a new store."
        )


def _encode_again(store: Store, name: str, records: Sequence[Record], problems: list[str]) -> int:
    """How many images were encoded again."""
    encoder = make_encoders([name], None, store)[name]
    similar = list(_similarities(store, encoder, _few(records)))
    if wrong := sum(cosine < SAME for cosine in similar):
        problems.append(
            f"Of {counted(len(similar), 'image')} encoded again by '{name}', {wrong} got another vector than the one "
            f"that is stored. Index into a new store."
        )
    return len(similar)


def _similarities(store: Store, encoder: Encoder, records: Sequence[Record]) -> Iterator[float]:
    """The cosine similarity of some stored vectors with those of the same files now; of unchanged files only."""
    for record in records:
        path = point_path(store, record.payload)
        if path is None or not path.is_absolute():
            continue
        try:
            file = read_file(path)
            if file.digest != record.payload[OWN].get("digest"):
                continue
            pixels = decode_file(file, encoder.input_size).pixels
        except ImageError:
            continue
        now, then = encoder.encode(pixels[None])[0], record.vectors[encoder.name]
        lengths = float(np.linalg.norm(now)) * float(np.linalg.norm(then))
        yield float(now @ then) / lengths if lengths else float(np.array_equal(now, then))
