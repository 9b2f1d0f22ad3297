"""Audit the index of a store: how well and how fast it finds neighbors, and by which settings it should."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from autoenc.catalog.measuring import Audit, Measurement
from autoenc.catalog.searching import Searcher
from autoenc.errors import ArgumentError
from autoenc.progress import ProgressOption, telling
from autoenc.store import Store
from autoenc.store.settings import QUANTIZATIONS, USUAL, Quantization

QUERIES = 500
WANTED = 0.99
"""The recall that suggested settings have, unless another is asked for."""

TRIED: tuple[Quantization, ...] = ("int8", "turbo4")

_NOT_WORTH = 1.25
"""Settings that are faster by less than this factor are no reason for a change."""


@dataclass(frozen=True)
class AuditReport:
    """What `audit_store` measured.

    Attributes:
        location, collection: as for `Store`.
        using: the encoder.
        points: how many images have its vector.
        dim: numbers per vector.
        queries: how many searches each way was measured by.
        measured: every way to search; the exact one first.
        present: the one of them that the store was searched by.
        suggested: the one to search by from now on; perhaps the same.
        applied: whether the store is searched by `suggested` now.
        notes: what could not be measured, a sentence each.
        seconds: how long it took.
    """

    location: str
    collection: str
    using: str
    points: int
    dim: int
    queries: int
    measured: list[Measurement]
    present: Measurement
    suggested: Measurement
    applied: bool
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def recall(self) -> float:
        """The recall of the settings that the store is searched by now."""
        return (self.suggested if self.applied else self.present).recall

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "recall": self.recall}


def audit_store(
    store: Store,
    *,
    using: str | None = None,
    min_recall: float | None = None,
    apply: bool = False,
    quantizations: Sequence[Quantization] = TRIED,
    queries: int = QUERIES,
    progress: ProgressOption = None,
) -> AuditReport:
    """Measure exact search, the graph (HNSW) and short copies of vectors against one another, on a store's own vectors.

    Up to 500 stored images are searched for their ten nearest neighbors, themselves left out. Each way is measured in
    this process, without filters and payloads; only the calls are timed. Short copies are tried in a temporary copy of
    the vectors, so that nothing of the store changes; making them takes about as long as building the graph did.

    Settings are suggested that reach the wanted recall and take at most 1.25 times as long as the fastest of these: the
    present ones if they do, else such without short copies, else any; of several, those with the highest recall.

    Args:
        store: an open store.
        using: the encoder, as for `search`.
        min_recall: the recall that is wanted, 0 to 1; by default .99.
        apply: let the store remember the suggested settings. All later searches use them, and the store makes the short
            copies that they ask for. Searches with a filter keep at least as many candidates as by default.
        quantizations: the short copies to try: int8, turbo4, product16, binary. Of a server, only those are measured
            that it has.
        queries: how many images are searched for, at most.
        progress: as for `index_images`.

    Returns:
        the report. In memory, and in a store so small that every search compares all vectors, there is no graph to
        measure: recall is 1, and a note says so.

    Raises:
        StoreMismatchError: the store holds no vectors of this encoder.
        StoreError: the store cannot be written to, with `apply`; or there is no room for the copies.
        ArgumentError: a recall outside of 0 to 1, no query, several encoders, an unknown kind of short copies, or
            not an open store.

    Source: recall as in Aumueller, Bernhardsson and Faithfull, "ANN-Benchmarks", Information Systems 2020: what is as
    near as the tenth neighbor counts as found. Departs from it: queries are points of the store.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     report = autoenc.audit_store(store, using="edges", min_recall=0.95)
        >>> report.recall, report.present.settings.told(), report.notes
        (1.0, 'exact', ['The 48 images are so few that every search compares all of them; there is no graph to audit.'])
    """
    if min_recall is not None and not (type(min_recall) in (int, float) and 0 <= min_recall <= 1):
        raise ArgumentError(f"min_recall= must be a number from 0 to 1; got {min_recall!r}.")
    if type(queries) is not int or queries < 1:
        raise ArgumentError(f"queries= must be a whole number, 1 or more; got {queries!r}.")
    if unknown := [kind for kind in quantizations if kind not in QUANTIZATIONS]:
        raise ArgumentError(f"quantizations= names {', '.join(QUANTIZATIONS)}; got {unknown[0]!r}.")
    searcher = Searcher(store, using=using)
    if len(searcher.weights) != 1:
        raise ArgumentError(f"Settings are those of one encoder; got using={searcher.using!r}.")
    start = time.perf_counter()
    with telling(progress) as tell, ExitStack() as opened:
        audit = Audit(store, searcher.using, queries, tell)
        audit.measure(quantizations, opened)
    suggested = _best(audit.measured, audit.present, WANTED if min_recall is None else min_recall)
    if apply and suggested != audit.present:
        chosen = replace(suggested.settings, points=len(store) if suggested.settings.ef else 0)
        before = store.info.settings.get(searcher.using, USUAL).quantization
        store.set_settings({searcher.using: chosen})
        if chosen.quantization != before:
            store.optimize()
        store.flush()
    return AuditReport(
        store.location,
        store.collection,
        searcher.using,
        audit.points,
        store.info.vectors[searcher.using].dim,
        len(audit.sample),
        audit.measured,
        audit.present,
        suggested,
        apply,
        audit.notes,
        time.perf_counter() - start,
    )


def _best(measured: Sequence[Measurement], present: Measurement, wanted: float) -> Measurement:
    """The settings to suggest, see `audit_store`. Exact search is among those measured, so that one always suits."""
    good = [each for each in measured if each.recall >= wanted]
    limit = _NOT_WORTH * min(each.median_ms for each in good)
    quick = [each for each in good if each.median_ms <= limit]
    if present in quick:
        return present
    return min(quick, key=lambda each: (each.settings.quantization is not None, -each.recall, each.median_ms))
