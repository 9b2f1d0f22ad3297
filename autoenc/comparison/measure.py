"""One encoder on one split: encode, rank, score. This part of a comparison knows nothing of files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autoenc.comparison.records import TOP, Difference, EncoderScores, reference_of
from autoenc.encoders import Encoder
from autoenc.errors import EncoderError
from autoenc.images.alterations import altered_copies
from autoenc.images.decoding import resized_batch
from autoenc.metrics.bootstrap import bootstrap_intervals
from autoenc.metrics.ranking import Added, rankings, ranks
from autoenc.metrics.registry import METRICS, SELF_RECALL, score_ranking
from autoenc.metrics.scores import self_recall_at_k
from autoenc.progress import Progress, silent
from autoenc.vectors import Images, Indices, Vectors, unit_rows

Keep = Callable[[str, Vectors, Vectors], None]

_BATCH = 256


@dataclass(frozen=True)
class Split:
    """What every encoder is measured on: pixels, and integers for labels.

    Attributes:
        gallery: (G, S, S, 3) uint8, the images to search.
        queries: (Q, S, S, 3) uint8, the images to search for; None where they are the gallery images `own`.
        own: (Q,) index of each query in the gallery, left out of the query's results; -1 for a query that is not in
            the gallery.
        gallery_codes: (G,) label of each gallery image, -1 for none.
        query_codes: (Q,) likewise.
        labeled: (L,) indices of the queries that are scored.
        altered: (S,) indices of the gallery images whose altered copies are searched for.
        seed: of the alterations.
    """

    gallery: Images
    queries: Images | None
    own: Indices
    gallery_codes: Indices
    query_codes: Indices
    labeled: Indices
    altered: Indices
    seed: int

    @cached_property
    def copies(self) -> Images:
        """One altered copy of each of the images `altered`, uint8; made once for all encoders."""
        return altered_copies(self.gallery[self.altered], seed=self.seed, indices=self.altered)


def measure(encoder: Encoder, split: Split, progress: Progress, keep: Keep | None = None) -> EncoderScores:
    """Encode, rank and score; an encoder that has to be fitted is fitted on the gallery first.

    Args:
        encoder: what to measure.
        split: what to measure it on.
        progress: told how far it is.
        keep: given the encoder's name and the unit vectors of gallery and queries.

    Raises:
        EncoderError: an encoder that cannot be fitted, or a vector that is not finite.
    """
    if not encoder.fitted:
        encoder.fit(_batches(split.gallery, encoder.input_size))
    gallery, seconds = _encode(encoder, split.gallery, progress)
    if split.queries is not None:
        queries, _ = _encode(encoder, split.queries)
    elif len(split.own) == len(gallery):
        queries = gallery  # every image is a query: no second copy
    else:
        queries = gallery[split.own]
    top, per_query = ranked(encoder.name, queries, gallery, split, progress)
    if keep is not None:
        keep(encoder.name, gallery, queries)
    copies, _ = _encode(encoder, split.copies)
    found = ranks(copies, gallery, split.altered)
    return EncoderScores(
        name=encoder.name,
        dim=encoder.dim,
        ms_per_image=seconds / len(gallery) * 1000,
        per_query=per_query,
        selfrecall={k: self_recall_at_k(found, k) for k in SELF_RECALL},
        top=top,
        origin=encoder.origin,
        emphasis=encoder.emphasis,
        fingerprint=encoder.fingerprint,
    )


def differences(scores: dict[str, EncoderScores]) -> list[Difference]:
    """Paired differences of the reference to every other encoder, in every metric."""
    a = reference_of(scores)
    found = []
    for b in scores:
        if b == a:
            continue
        for group in (list(scores[a].per_query), ["selfrecall@1"]):
            if group:
                rows = [scores[a].scores(metric) - scores[b].scores(metric) for metric in group]
                pairs = zip(group, bootstrap_intervals(rows), strict=True)
                found += [Difference(a, b, metric, *interval) for metric, interval in pairs]
    return found


def ranked(
    name: str, queries: Vectors, gallery: Vectors, split: Split, progress: Progress, added: Added | None = None
) -> tuple[Indices, dict[str, npt.NDArray[np.float64]]]:
    """The nearest neighbors of every query, and the scores of the labeled ones.

    Args:
        name: what `progress` calls it.
        queries: (Q, D) float32; their dot products with the gallery are cosines, or means of several.
        gallery: (G, D) float32.
        split: what they are vectors of.
        progress: told how far it is.
        added: what counts beside the dot products, as for `rankings`.

    Returns:
        (Q, 10) gallery indices, nearest first, with fewer columns for a smaller gallery; and metric -> (L,) float64.
    """
    itself = bool((split.own >= 0).any())
    top = np.empty((len(queries), min(TOP, len(gallery) - itself)), np.int64)
    per_query = {metric: np.empty(len(split.labeled)) for metric in METRICS} if len(split.labeled) else {}
    row_of = {int(query): row for row, query in enumerate(split.labeled)}
    for start, orders in rankings(queries, gallery, split.own, added):
        top[start : start + len(orders)] = orders[:, : top.shape[1]]
        for query, order in enumerate(orders, start):
            if query in row_of:
                codes = split.gallery_codes[order if split.own[query] < 0 else order[:-1]]
                scores = score_ranking(codes[codes >= 0], int(split.query_codes[query]))
                for metric, score in scores.items():
                    per_query[metric][row_of[query]] = score
        progress(f"{name}: ranking", start + len(orders), len(queries), "")
    return top, per_query


def _encode(encoder: Encoder, images: Images, progress: Progress = silent) -> tuple[Vectors, float]:
    """The unit vectors of all images, and the seconds spent in the encoder itself."""
    vectors = np.empty((len(images), encoder.dim), np.float32)
    encoder.encode(next(_batches(images, encoder.input_size)))  # the first call pays for one-time setup
    seconds, done = 0.0, 0
    for batch in _batches(images, encoder.input_size):
        started = time.perf_counter()
        encoded = encoder.encode(batch)
        seconds += time.perf_counter() - started
        vectors[done : done + len(batch)] = unit_rows(_finite(encoder, encoded))
        done += len(batch)
        progress(f"{encoder.name}: encoding", done, len(images), "")
    return vectors, seconds


def _finite(encoder: Encoder, vectors: Vectors) -> Vectors:
    if not np.isfinite(vectors).all():
        raise EncoderError(
            f"Encoder '{encoder.name}' returned a vector with NaN or infinity; only finite vectors can be compared. "
            "Train its model again, or leave the encoder out."
        )
    return vectors


def _batches(images: Images, size: int) -> Iterator[Images]:
    """Batches in memory, (n, size, size, 3): reading a memory-mapped file is not part of an encoder's time."""
    for start in range(0, len(images), _BATCH):
        yield resized_batch(np.array(images[start : start + _BATCH]), size)
