"""One encoder on one split: encode, rank, score. This part of a comparison knows nothing of files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from autoenc.comparison.forward import Forward, unit_vectors
from autoenc.comparison.records import TOP, Difference, EncoderScores, reference_of
from autoenc.comparison.split import Split
from autoenc.encoders import Encoder
from autoenc.metrics.bootstrap import bootstrap_intervals
from autoenc.metrics.ranking import Added, rankings, ranks
from autoenc.metrics.registry import METRICS, SELF_RECALL, score_ranking
from autoenc.metrics.scores import self_recall_at_k
from autoenc.progress import Progress
from autoenc.vectors import Indices, Vectors

Keep = Callable[[str, Vectors, Vectors], None]


def measure(encoder: Encoder, forward: Forward, progress: Progress, keep: Keep | None = None) -> EncoderScores:
    """Encode, rank and score; an encoder that has to be fitted is fitted on the gallery first.

    Args:
        encoder: what to measure.
        forward: the pictures to measure it on, and what is known of their vectors.
        progress: told how far it is.
        keep: given the encoder's name and the unit vectors of gallery and queries.

    Raises:
        EncoderError: an encoder that cannot be fitted, or a vector that is not finite.
    """
    split, encoded = forward.split, forward.vectors(encoder, progress)
    gallery = unit_vectors(encoded.gallery)
    if encoded.queries is not None:
        queries = unit_vectors(encoded.queries)
    elif len(split.own) == len(gallery):
        queries = gallery  # every image is a query: no second copy
    else:
        queries = gallery[split.own]
    top, per_query = ranked(encoder.name, queries, gallery, split, progress)
    if keep is not None:
        keep(encoder.name, gallery, queries)
    found = ranks(unit_vectors(encoded.copies), gallery, split.altered)
    return EncoderScores(
        name=encoder.name,
        dim=encoder.dim,
        ms_per_image=encoded.ms_per_image,
        per_query=per_query,
        selfrecall={k: self_recall_at_k(found, k) for k in SELF_RECALL},
        top=top,
        origin=encoder.origin,
        emphasis=encoder.emphasis,
        fingerprint=encoder.fingerprint,
        model_bytes=encoder.model_bytes,
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
