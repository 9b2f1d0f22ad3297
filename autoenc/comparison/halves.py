"""Search by several things at once: weights found on one half of the queries, and scored on the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from autoenc.comparison.attributes import Attribute, Column
from autoenc.comparison.fields import Attributes
from autoenc.comparison.fusion import Fusion, fusion_name
from autoenc.comparison.kept import IN_MEMORY_BYTES, Kept, gallery_scale
from autoenc.comparison.measure import ranked
from autoenc.comparison.records import Difference, EncoderScores
from autoenc.comparison.weights import Part, Trial, Weights, find_hybrid, find_weights, shares
from autoenc.metrics.bootstrap import bootstrap_intervals
from autoenc.metrics.ranking import Added
from autoenc.metrics.registry import METRICS
from autoenc.progress import Progress
from autoenc.vectors import Indices, Vectors, room_for

QUERIES = 300
"""How many queries of each half weights are tried on, at most."""

GALLERY = 600
"""How many images those queries are searched in, at most."""

LEAST = 20
"""How many queries each half needs, at least."""

PerQuery = Mapping[str, npt.NDArray[np.float64]]
Find = Callable[[Sequence[Trial]], Weights]


@dataclass(frozen=True)
class Halves:
    """The labeled queries in two halves, and a trial of each.

    Images that are queries of one half are no part of the trial of the other, not even as results.

    Attributes:
        kept: the vectors of encoders.
        attributes: the fields that may count beside them.
        half: (L,) int64, 0 or 1 for each labeled query.
        spans: encoder or attribute -> what one step on its scale is; of an attribute, 1.
        trials: of half 0 and of half 1.
    """

    kept: Kept
    attributes: Attributes | None
    half: Indices
    spans: dict[Part, float]
    trials: tuple[Trial, Trial]


def split_halves(kept: Kept, attributes: Attributes | None = None) -> Halves | None:
    """The halves; None if one has fewer than LEAST queries that share a label with another of its images."""
    split = kept.split
    half = np.random.default_rng(split.seed).permutation(len(split.labeled)) % 2
    spans: dict[Part, float] = {name: gallery_scale(kept.gallery(name), split.seed).span for name in kept.names}
    spans |= dict.fromkeys(() if attributes is None else attributes.tried, 1.0)
    first, second = (trial_of(kept, half, side, spans, attributes) for side in (0, 1))
    if min(len(first), len(second)) < LEAST:
        return None
    return Halves(kept, attributes, half, spans, (first, second))


def fuse(halves: Halves, scores: Mapping[str, EncoderScores], progress: Progress) -> Fusion:
    """Find weights for several encoders, and score them.

    Args:
        halves: of two encoders or more.
        scores: those of all encoders, for the differences.
        progress: told how far it is.
    """
    rivals = {name: each.per_query for name, each in scores.items()}
    return _scored("fusion", halves, find_weights, scores, rivals, progress)


def hybrid(
    halves: Halves, scores: Mapping[str, EncoderScores], fusion: Fusion | None, progress: Progress
) -> Fusion | None:
    """Find weights for encoders and attributes together, and score them.

    Args:
        halves: with attributes.
        scores: those of all encoders, for the differences.
        fusion: that of encoders alone, for the differences.
        progress: told how far it is.

    Returns:
        the hybrid search; None if no attribute helps.
    """
    rivals = {name: each.per_query for name, each in scores.items()}
    if fusion is not None:
        rivals[fusion.name] = fusion.per_query
    found = _scored("hybrid", halves, find_hybrid, scores, rivals, progress)
    return found if found.attributes else None


def _scored(
    what: str,
    halves: Halves,
    find: Find,
    scores: Mapping[str, EncoderScores],
    rivals: Mapping[str, PerQuery],
    progress: Progress,
) -> Fusion:
    """Find weights on each half and on both, and score each half by those of the other."""
    split, half = halves.kept.split, halves.half
    found = []
    for done, some in enumerate((halves.trials[:1], halves.trials[1:], halves.trials), start=1):
        found.append(find(some))
        progress(f"{what}: finding weights", done, 3, "")
    first, second, weights = found
    per_query = {metric: np.empty(len(split.labeled)) for metric in METRICS}
    for side, other in ((0, second), (1, first)):
        rows = np.flatnonzero(half == side)
        asked = split.labeled[rows]
        part = replace(split, own=split.own[asked], query_codes=split.query_codes[asked], labeled=np.arange(len(asked)))
        counts = shares(other, halves.spans)
        queries, gallery = _joined(halves.kept, asked, counts)
        added = _adder(halves.attributes, asked, counts)
        _, scored = ranked(f"{what}, half {side + 1}", queries, gallery, part, progress, added)
        for metric, values in scored.items():
            per_query[metric][rows] = values
    names = [name for name in weights if isinstance(name, str)]
    return Fusion(
        weights=dict(weights),
        halves=(dict(first), dict(second)),
        half=half,
        dim=sum(scores[name].dim for name in names),
        ms_per_image=sum(scores[name].ms_per_image for name in names),
        per_query=per_query,
        differences=_differences(fusion_name(weights), per_query, rivals),
        model_bytes=sum(scores[name].model_bytes for name in names),
    )


def trial_of(
    kept: Kept, half: Indices, side: int, spans: Mapping[Part, float], attributes: Attributes | None = None
) -> Trial:
    """Some queries of one half, and some images that are no queries of the other.

    Args:
        kept: the vectors.
        half: (L,) 0 or 1 for each labeled query.
        side: 0 or 1, the half to take.
        spans: encoder -> `Scale.span`; attribute -> 1.
        attributes: what counts beside encoders.
    """
    split = kept.split
    generator = np.random.default_rng([split.seed, side])
    queries = split.labeled[half == side]
    queries = generator.permutation(queries)[:QUERIES]
    open_to_all = split.gallery_codes >= 0
    others = split.own[split.labeled[half != side]]
    open_to_all[others[others >= 0]] = False
    images = generator.permutation(np.flatnonzero(open_to_all))
    # Half of the room is for images that are relevant to some query: labels may have few images each.
    near = np.isin(split.gallery_codes[images], split.query_codes[queries])
    chosen = images[near][: GALLERY // 2]
    images = np.concatenate([chosen, images[~np.isin(images, chosen)]])[:GALLERY]
    relevant = split.query_codes[queries][:, None] == split.gallery_codes[images]
    itself = split.own[queries][:, None] == images
    relevant &= ~itself
    queries, relevant, itself = (part[relevant.any(axis=1)] for part in (queries, relevant, itself))
    own = np.where(itself.any(axis=1), itself.argmax(axis=1), -1) if images.size else np.empty(0, np.int64)
    parts: dict[Part, Vectors] = {
        name: kept.queries(name, queries) @ kept.gallery(name)[images].T for name in kept.names
    }
    if attributes is not None:
        for attribute in attributes.tried:
            parts[attribute] = attributes.columns[attribute.field].part(attribute.scale, queries, images)
    return Trial(parts, relevant, own, dict(spans))


def _differences(name: str, per_query: PerQuery, rivals: Mapping[str, PerQuery]) -> list[Difference]:
    pairs = [(rival, metric) for rival in rivals for metric in per_query]
    leads = bootstrap_intervals([per_query[metric] - rivals[rival][metric] for rival, metric in pairs])
    return [Difference(name, rival, metric, *lead) for (rival, metric), lead in zip(pairs, leads, strict=True)]


def _joined(kept: Kept, rows: Indices, counts: Weights) -> tuple[Vectors, Vectors]:
    """Vectors whose dot products are the sums of an encoder's cosine times what it counts, over some encoders."""
    shares_of = {name: share for name, share in counts.items() if isinstance(name, str)}
    queries = np.concatenate([kept.queries(name, rows) * np.float32(share) for name, share in shares_of.items()], 1)
    whole = [kept.gallery(name) for name in shares_of]
    gallery = room_for((len(whole[0]), queries.shape[1]), np.float32, IN_MEMORY_BYTES)
    np.concatenate(whole, axis=1, out=gallery)
    return queries, gallery


def _adder(attributes: Attributes | None, rows: Indices, counts: Weights) -> Added | None:
    """What attributes add to the sums of cosines of some of the queries `rows`; None if nothing does."""
    if attributes is None:
        return None
    counted: list[tuple[Column, Attribute, np.float32]] = [
        (attributes.columns[part.field], part, np.float32(share))
        for part, share in counts.items()
        if isinstance(part, Attribute)
    ]
    if not counted:
        return None

    def added(start: int, stop: int) -> Vectors:
        parts = [column.part(part.scale, rows[start:stop], None) * share for column, part, share in counted]
        return np.asarray(sum(parts), np.float32)

    return added
