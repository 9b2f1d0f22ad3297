"""Measure ways to search the vectors of one encoder, on a sample of these vectors."""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from autoenc.progress import Progress
from autoenc.store import Record, SearchSettings, Store, VectorBytes, is_url, open_store
from autoenc.store.ann import is_exact
from autoenc.store.records import MEMORY
from autoenc.store.settings import USUAL, Quantization
from autoenc.store.space import check_space
from autoenc.text import counted

K = 10

_EFS = (16, 32, 64, 128, 256, 512)
_SHORT_EFS = (32, 64, 128, 256)
_OVERSAMPLINGS = (2.0, 4.0)
_ROUNDING = 1e-5
"""How far two cosines of one pair may lie apart."""

_TURN, _WARM = 50, 10
"""Queries that one way to search is given in a row, and how many of them come before that, to be forgotten."""

_BATCH = 500
_COPY = "autoenc-audit-"
_COPIED = 4
"""How many times its own size a copy of vectors takes while its graph is built: log, vectors twice, graph."""


@dataclass(frozen=True)
class Measurement:
    """One way to search, measured.

    Attributes:
        settings: how was searched.
        recall: the share of the ten nearest neighbors that is found, 0 to 1; equally near ones count as the same.
        median_ms, p99_ms: milliseconds of a search, one at a time.
        memory_bytes: what searches read: the vectors, or the graph with the vectors or with their short copies. The
            system keeps in memory as much of it as there is room for. None where it cannot be told.
        disk_bytes: what the whole collection takes on the disk with these settings; None where it cannot be told.
    """

    settings: SearchSettings
    recall: float
    median_ms: float
    p99_ms: float
    memory_bytes: int | None
    disk_bytes: int | None


class Audit:
    """The measurements of one encoder's vectors.

    Attributes:
        points: how many there are.
        sample: some of them, which are searched for.
        measured, present, notes: as for `AuditReport`.
    """

    measured: list[Measurement]
    present: Measurement

    def __init__(self, store: Store, using: str, queries: int, tell: Progress) -> None:
        self._store, self._using, self._tell = store, using, tell
        self.points = store.count(having=[using])
        # The ids that autoenc gives are hashes, so these are a random sample.
        self.sample = list(itertools.islice(self._vectors(min(queries, _BATCH)), queries))
        self.notes: list[str] = []
        self._disk = store.disk_bytes()
        self._bytes = store.vector_bytes(using)

    def _vectors(self, batch: int) -> Iterator[Record]:
        return self._store.scroll(vectors=[self._using], having=[self._using], batch=batch, fields=[])

    def measure(self, quantizations: Sequence[Quantization], opened: ExitStack) -> None:
        """Measure everything; copies of vectors are closed and removed with `opened`."""
        known = self._store.info.settings.get(self._using, USUAL)
        exact = SearchSettings(exact=True)
        if no_graph := self._no_graph():
            self.notes.append(no_graph)
            self._run([(self._store, exact, self._bytes)])
            self.present = self.measured[0]
            return
        size = len(self._store)
        present = exact if known.exact else replace(known, ef=known.ef_at(size), points=0, fingerprint="")
        graph = [SearchSettings(ef=ef) for ef in _EFS]
        if present not in graph and present != exact:
            graph.append(present)
        searches = [(self._store, settings, self._bytes) for settings in (exact, *graph)]
        for kind in quantizations:
            pairs = itertools.product(_OVERSAMPLINGS, _SHORT_EFS)
            short = [SearchSettings(ef=ef, quantization=kind, oversampling=more) for more, ef in pairs]
            if kind == known.quantization:
                searches += [(self._store, settings, self._bytes) for settings in short if settings != present]
            elif is_url(self._store.location):
                self.notes.append(
                    f"Short copies of kind {kind} were not tried: of a server, only those are measured that it has."
                )
            else:
                copy = self._copied(kind, opened)
                searches += [(copy, settings, copy.vector_bytes(self._using)) for settings in short]
        self._run(searches)
        self.present = next(each for each in self.measured if each.settings == present)

    def _no_graph(self) -> str | None:
        if self._store.location == MEMORY:
            return "Every search of a store in memory compares all images; there is no graph to audit."
        if is_exact(len(self._store), self._store.info.vectors[self._using].dim):
            return (
                f"The {counted(self.points, 'image')} {'is' if self.points == 1 else 'are'} so few that every search "
                f"compares all of them; there is no graph to audit."
            )
        return None

    def _copied(self, kind: Quantization, opened: ExitStack) -> Store:
        """A store of these vectors alone, with short copies."""
        spec = self._store.info.vectors[self._using]
        root = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix=_COPY)))
        check_space(root, _COPIED * 4 * spec.dim * self.points, "to try short copies of the vectors")
        with open_store(root / kind, create=True) as copy:
            copy.add_vector(self._using, spec)
            copy.set_settings({self._using: SearchSettings(quantization=kind)})
            stage = f"copying for {kind}"
            records = self._vectors(_BATCH)
            done = 0
            while part := list(itertools.islice(records, _BATCH)):
                rows = np.stack([record.vectors[self._using] for record in part])
                copy.upsert([record.id for record in part], {self._using: rows}, [{}] * len(part))
                done += len(part)
                self._tell(stage, done, self.points, "")
            self._tell(f"building the graph for {kind}", 0, 1, "")
            copy.optimize()
        return opened.enter_context(open_store(root / kind))

    def _run(self, searches: Sequence[tuple[Store, SearchSettings, VectorBytes | None]]) -> None:
        """Measure some ways to search, the exact one first; in turns, so that what else the computer does hits all."""
        times: list[list[float]] = [[] for _ in searches]
        scores: list[list[list[float]]] = [[] for _ in searches]
        for start in range(0, len(self.sample), _TURN):
            turn = self.sample[start : start + _TURN]
            self._tell("searching", start, len(self.sample), "")
            for way, (store, settings, _) in enumerate(searches):
                search = partial(store.search_batch, using=self._using, k=K + 1, payload=False, settings=settings)
                search([record.vectors[self._using] for record in turn[:_WARM]])  # not timed
                for record in turn:
                    row = record.vectors[self._using][None]
                    began = time.perf_counter()
                    (hits,) = search(row)
                    times[way].append((time.perf_counter() - began) * 1e3)
                    scores[way].append([hit.score for hit in hits if hit.id != record.id][:K])
        self._tell("searching", len(self.sample), len(self.sample), "")
        self.measured = [
            Measurement(
                settings,
                recall_of(found, scores[0]),
                statistics.median(taken or [0.0]),
                float(np.percentile(taken or [0.0], 99)),
                _memory(settings, sizes),
                self._disk_with(settings, sizes),
            )
            for (_, settings, sizes), taken, found in zip(searches, times, scores, strict=True)
        ]

    def _disk_with(self, settings: SearchSettings, sizes: VectorBytes | None) -> int | None:
        """What the collection would take with these short copies in place of those that it has."""
        if self._disk is None or self._bytes is None or sizes is None:
            return self._disk
        return self._disk - self._bytes.quantized + (sizes.quantized if settings.quantization else 0)


def recall_of(found: Sequence[Sequence[float]], exact: Sequence[Sequence[float]]) -> float:
    """The share of neighbors found: what is as near as the last of the exact ones counts, whichever it is.

    Args:
        found: the cosines of the neighbors found, for each query, best first.
        exact: those of the nearest neighbors; as many or more of each.

    Returns:
        the mean of the queries' shares; 1 if there are no neighbors to find.

    Example:
        >>> recall_of([[0.9, 0.7], [0.8, 0.8]], [[0.9, 0.8], [0.8, 0.8]])
        0.75
    """
    shares = [
        sum(score >= nearest[-1] - _ROUNDING for score in scores) / len(nearest)
        for scores, nearest in zip(found, exact, strict=True)
        if nearest
    ]
    return statistics.fmean(shares) if shares else 1.0


def _memory(settings: SearchSettings, sizes: VectorBytes | None) -> int | None:
    if sizes is None:
        return None
    if settings.exact:
        return sizes.vectors
    return sizes.graph + (sizes.quantized if settings.quantization else sizes.vectors)
