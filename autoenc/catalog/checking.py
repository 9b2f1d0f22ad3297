"""Check a whole store: its files, its points, and a sample of its vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autoenc.catalog.fields import own_of
from autoenc.catalog.sources import make_encoders, point_path
from autoenc.encoders import Encoder
from autoenc.errors import ArgumentError, BundleError, EncoderError, ImageError, StoreError
from autoenc.images.files import decode_file, read_file
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import OWN, Record, Store
from autoenc.store.checks import MAX_K
from autoenc.store.naming import split_name
from autoenc.text import counted
from autoenc.vectors import evenly, unit_rows

SAMPLE = 1000
"""Points whose vectors are read again, for each encoder."""

ENCODED = 20
"""Of these, how many images are encoded again."""

SAME = 0.999
"""The least cosine similarity of a vector with itself, computed again."""

_BATCH = 1000
_INDEXED = ("source", "folder")
_RESTORE = "Restore it from a backup, or index into a new store."


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
    if store.info.copy_of:
        problems.append(
            f"This is an unfinished copy of {store.info.copy_of}. Run the same copy, restore or reindex again."
        )
    if split_name(store.collection)[1] is None:
        notes += [
            f"Generation {each.number} of this collection is unfinished. Reindex with the same encoders again to "
            f"finish it, or drop the old generations."
            for each in store.generations()
            if each.unfinished
        ]
    with telling(progress) as tell:
        try:
            if not store.verify():
                notes.append("There are no checksums of the files: the store is on a server, or was not closed.")
        except StoreError as error:
            problems.append(str(error))
        try:
            ids = _points(store, problems, notes, tell)
        except StoreError as error:
            problems.append(str(error))
            ids = []
        for done, name in enumerate(store.info.vectors):
            tell("vectors", done, len(store.info.vectors), name)
            try:
                vectors[name], encoded[name] = _check_vectors(store, name, ids, problems, notes)
            except (StoreError, BundleError) as error:
                problems.append(str(error))
        tell("vectors", len(store.info.vectors), len(store.info.vectors), "")
    return CheckReport(store.location, store.collection, len(ids), vectors, encoded, problems, notes)


def _points(store: Store, problems: list[str], notes: list[str], tell: Progress) -> list[str]:
    """The id of every point."""
    before = len(store)
    ids: list[str] = []
    foreign = 0
    values: dict[str, Counter[str]] = {name: Counter() for name in _INDEXED if f"{OWN}.{name}" in store.info.fields}
    for record in store.scroll(batch=_BATCH):
        ids.append(record.id)
        foreign += point_path(store, record.payload) is None
        for name, counts in values.items():
            if isinstance(value := own_of(record.payload).get(name), str):
                counts[value] += 1
        if len(ids) % _BATCH == 0:
            tell("points", len(ids), max(before, len(ids)), "")
    tell("points", len(ids), len(ids), "")
    status = store.status()
    if before == status.points:  # else others write meanwhile, on a server
        if not len(ids) == len(set(ids)) == status.points:
            problems.append(
                f"The store counts {counted(status.points, 'point')}, but {len(ids):,} can be read, {len(set(ids)):,} "
                f"of them different. {_RESTORE}"
            )
        for name, counts in values.items():
            if dict(counts) != store.facets(f"{OWN}.{name}", limit=MAX_K):
                problems.append(f"The index of the field '{name}' does not hold what the points hold. {_RESTORE}")
    if foreign:
        notes.append(f"{counted(foreign, 'point')} {'was' if foreign == 1 else 'were'} not indexed by autoenc.")
    for name, having in status.having.items():
        if status.encoders[name].of_images and (lacking := status.points - having):
            notes.append(f"{counted(lacking, 'point')} without vector '{name}'; index with encoders={name} to add it.")
    return ids


def _check_vectors(
    store: Store, name: str, ids: Sequence[str], problems: list[str], notes: list[str]
) -> tuple[int, int]:
    """How many vectors of one encoder were read again, and how many images were encoded again."""
    records = _sampled(store, ids, name)
    if wrong := list(_vector_problems(store, name, records)):
        problems += wrong
        return len(records), 0
    if not store.info.vectors[name].of_images:
        return len(records), 0
    try:
        encoded = _encode_again(store, name, records, problems)
    except EncoderError as error:
        notes.append(f"No image was encoded again by '{name}': {error}")
        return len(records), 0
    if records and not encoded:
        notes.append(f"No image was encoded again by '{name}': none of a sample is the file that was indexed.")
    return len(records), encoded


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
        (now, then) = unit_rows(np.stack([now, then]))
        yield float(now @ then) if np.any(then) else float(np.array_equal(now, then))
