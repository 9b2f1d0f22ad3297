"""What `neighbors` is asked for, and the images of the store, read once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from autoenc.catalog.fields import field_value
from autoenc.catalog.products import grouping_field
from autoenc.catalog.searching import Searcher
from autoenc.catalog.sources import point_file
from autoenc.catalog.weights import Using
from autoenc.errors import ArgumentError
from autoenc.metrics.nearest import Gallery
from autoenc.progress import Progress
from autoenc.store import OWN, Filter, Store
from autoenc.store.checks import check_number
from autoenc.text import exact
from autoenc.vectors import Indices, Vectors

COMPARED = 400_000 * 32
"""Up to this many numbers (images x dimension), the vectors of all images are compared with each other here, not by the
engine. The engine in this process holds Python's lock while it searches, so that one core works, and makes an object of
every id that it finds; blocks of products use all cores. With 100,000 vectors of 32 numbers, an image takes .15 ms of a
core in place of .3 in the engine's graph, of 125 numbers .4 in place of .47. Where a store is too small for a graph,
the engine compares every vector as well, but one image at a time, which takes ten times as long. The time of a
comparison grows with the images, that of a graph hardly does: with 400,000 vectors of 32 numbers, two cores take as
long as the graph."""


def comparable(store: Store, using: str) -> bool:
    """Whether a store has so few vectors of that name that all are compared; short ones take as long as those of 32."""
    return store.count(having=[using]) * max(32, store.info.vectors[using].dim) <= COMPARED


@dataclass(frozen=True)
class Asked:
    """Which neighbors are asked for, once all arguments are known to be right.

    Attributes:
        searcher: the store, and the encoders with their weights.
        k: how many neighbors at most.
        where: only neighbors that match.
        field: one neighbor of each value of this field.
    """

    searcher: Searcher
    k: int
    where: Filter | None
    field: str | None

    @classmethod
    def of(
        cls, store: Store, k: int, using: Using | None = None, where: Filter | None = None, group_by: str | None = None
    ) -> Self:
        check_number("k", k)
        searcher = Searcher(store, using=using)
        if not searcher.weights:
            raise ArgumentError("Neighbors are found by their looks; name an encoder with using=.")
        field = None if group_by is None else grouping_field(store, group_by)
        if where is not None:
            store.count(where)  # raises for what cannot be
        return cls(searcher, k, where, field)

    @property
    def store(self) -> Store:
        return self.searcher.store

    @property
    def names(self) -> list[str]:
        return list(self.searcher.weights)

    @property
    def needed(self) -> list[str]:
        """The vectors without which an image has no neighbors."""
        return [name for name in self.names if name in self.store.info.of_images] or self.names

    @property
    def simple(self) -> bool:
        """Whether scores are cosines, by one encoder."""
        return list(self.searcher.weights.values()) == [1.0]

    def settings(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {"using": self.searcher.using, "k": self.k, "where": repr(self.where), "group_by": self.field}


@dataclass(frozen=True)
class Compared:
    """What is compared without the store.

    Attributes:
        rows: (N, D) the vectors of the images, in the order of their ids.
        gallery: those that can be neighbors.
        numbers: (G,) int64: which of `rows` the gallery holds.
    """

    rows: Vectors
    gallery: Gallery
    numbers: Indices


@dataclass(frozen=True)
class Listing:
    """The images of a store that can have neighbors, and those that can be neighbors.

    Attributes:
        ids: of the images that have a vector of every encoder, in order; see `Asked.needed`.
        paths: id -> path; None where there is none.
        groups: id -> the group, where one neighbor of each is asked for.
        others: the groups that neighbors can belong to.
        compared: the vectors of `ids`, and those that they are compared with; None if the store searches for them.
        lacking: how many other images there are.
        digest: of all that a file of neighbors depends on, so that a change shows.
    """

    ids: list[str]
    paths: dict[str, str | None]
    groups: dict[str, str]
    others: frozenset[str]
    compared: Compared | None
    lacking: int
    digest: str

    @classmethod
    def of(cls, asked: Asked, tell: Progress) -> Self:
        """Read it from a store, once."""
        store, names, field = asked.store, asked.names, asked.field
        digest = hashlib.blake2b(digest_size=16)
        if not asked.simple:
            digest.update(repr([asked.searcher.scale_of(name) for name in names]).encode())
        ids: list[str] = []
        paths: dict[str, str | None] = {}
        groups: dict[str, str] = {}
        needed = set(asked.needed)
        having = names if len(names) == 1 else []
        everything, total = len(store), store.count(having=having)
        rows: list[Vectors] = []
        comparing = asked.simple and comparable(store, names[0])
        read = [OWN] if field is None or field.startswith(f"{OWN}.") else [OWN, field]
        for record in store.scroll(vectors=names, having=having, fields=read):
            file = point_file(store, record.payload)
            paths[record.id] = None if file is None else exact(file)
            digest.update(f"{record.id}{paths[record.id]!r}".encode())
            for name, vector in sorted(record.vectors.items()):
                digest.update(name.encode() + vector.tobytes())
            if field is not None:
                value = field_value(store, record.payload, field)
                groups[record.id] = record.id if value is None else repr(value)
                digest.update(groups[record.id].encode())
            if needed <= record.vectors.keys():
                ids.append(record.id)
                if comparing:
                    rows.append(record.vectors[names[0]])
            if len(paths) % 10_000 == 0:
                tell("reading", len(paths), total, "")
        there: Iterable[str] = paths
        if asked.where is not None:
            there = [record.id for record in store.scroll(asked.where, having=having, fields=[])]
            digest.update("".join(there).encode())
        compared = gathered(ids, rows, there) if comparing and ids else None
        others = frozenset(groups[id] for id in there if id in groups)
        return cls(ids, paths, groups, others, compared, max(0, everything - len(ids)), digest.hexdigest())


def gathered(ids: Sequence[str], rows: Sequence[Vectors], there: Iterable[str]) -> Compared:
    """Vectors, one for each id, and a gallery of those that are there."""
    kept = set(there)
    numbers = np.array([number for number, id in enumerate(ids) if id in kept], np.int64)
    matrix = np.stack(rows)
    return Compared(matrix, Gallery(matrix[numbers]), numbers)
