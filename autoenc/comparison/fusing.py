"""Search with several encoders together: weights found on one half of the queries, and scored on the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from autoenc.comparison.fusion import Fusion, fusion_name
from autoenc.comparison.measure import Split, ranked
from autoenc.comparison.records import Difference, EncoderScores
from autoenc.comparison.weights import Trial, find_weights, shares
from autoenc.metrics.bootstrap import bootstrap_intervals
from autoenc.metrics.registry import METRICS
from autoenc.progress import Progress
from autoenc.store.scale import COPY, NEIGHBORS, SAMPLE, Scale, scale_from
from autoenc.vectors import Indices, Vectors, room_for

PerQuery = Mapping[str, npt.NDArray[np.float64]]

QUERIES = 300
"""How many queries of each half weights are tried on, at most."""

GALLERY = 600
"""How many images those queries are searched in, at most."""

LEAST = 20
"""How many queries each half needs, at least."""

_IN_MEMORY_BYTES = 128 * 2**20
_CELLS = 2**22  # of the block of images x gallery that is held at a time


class Kept:
    """The vectors of the encoders that a fusion may have, in memory or, if they are many, in temporary files.

    Args:
        split: what they are measured on.
    """

    def __init__(self, split: Split) -> None:
        self.split = split
        self._sides: dict[str, tuple[Vectors, Vectors | None]] = {}
        self._held = 0

    @property
    def names(self) -> list[str]:
        return list(self._sides)

    def add(self, name: str, gallery: Vectors, queries: Vectors) -> None:
        """Keep the (G, D) and (Q, D) float32 unit vectors of an encoder."""
        apart = None if self.split.queries is None else self._kept(queries)  # else they are rows of the gallery
        self._sides[name] = self._kept(gallery), apart

    def gallery(self, name: str) -> Vectors:
        return self._sides[name][0]

    def queries(self, name: str, rows: Indices) -> Vectors:
        """The (len(rows), D) vectors of some queries."""
        gallery, apart = self._sides[name]
        return gallery[self.split.own[rows]] if apart is None else apart[rows]

    def _kept(self, vectors: Vectors) -> Vectors:
        self._held += vectors.nbytes
        if self._held <= _IN_MEMORY_BYTES:
            return vectors
        room = room_for(vectors.shape, np.float32, 0)
        room[:] = vectors
        return room


def fuse(kept: Kept, scores: Mapping[str, EncoderScores], progress: Progress) -> Fusion | None:
    """Find a fusion of encoders, and score it.

    Images that are queries of one half are no part of the search for the weights of the other, not even as results.
    Boosts of matching fields are not tried.

    Args:
        kept: the vectors of two encoders or more.
        scores: those of all encoders, for the differences.
        progress: told how far it is.

    Returns:
        the fusion; None if a half has fewer than LEAST queries that share a label with another of its images.
    """
    split, seed = kept.split, kept.split.seed
    half = np.random.default_rng(seed).permutation(len(split.labeled)) % 2
    spans = {name: gallery_scale(kept.gallery(name), seed).span for name in kept.names}
    trials = [trial_of(kept, half, side, spans) for side in (0, 1)]
    if min(map(len, trials)) < LEAST:
        return None
    found = []
    for done, some in enumerate((trials[:1], trials[1:], trials), start=1):
        found.append(find_weights(some))
        progress("fusion: finding weights", done, 3, "")
    first, second, weights = found
    per_query = {metric: np.empty(len(split.labeled)) for metric in METRICS}
    for side, other in ((0, second), (1, first)):
        rows = np.flatnonzero(half == side)
        asked = split.labeled[rows]
        part = replace(split, own=split.own[asked], query_codes=split.query_codes[asked], labeled=np.arange(len(asked)))
        queries, gallery = _joined(kept, asked, shares(other, spans))
        _, scored = ranked(f"fusion, half {side + 1}", queries, gallery, part, progress)
        for metric, values in scored.items():
            per_query[metric][rows] = values
    return Fusion(
        weights=weights,
        halves=(first, second),
        half=half,
        dim=sum(scores[name].dim for name in weights),
        ms_per_image=sum(scores[name].ms_per_image for name in weights),
        per_query=per_query,
        differences=_differences(fusion_name(weights), per_query, scores),
    )


def gallery_scale(gallery: Vectors, seed: int) -> Scale:
    """The scale that a store of these images would measure for an encoder, from SAMPLE of them.

    Args:
        gallery: (G, D) float32, the unit vectors of all images.
        seed: of the sample.
    """
    rows = np.random.default_rng(seed).permutation(len(gallery))[:SAMPLE]
    nearest = np.empty(len(rows))
    step = max(1, _CELLS // len(gallery))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        cosines = gallery[some] @ gallery.T
        cosines[np.arange(len(some)), some] = 2  # above all cosines: the image itself is among its neighbors
        cosines.partition(max(0, len(gallery) - NEIGHBORS), axis=1)
        nearby = cosines[:, -NEIGHBORS:]
        nearest[start : start + step] = np.where(nearby < COPY, nearby, -np.inf).max(axis=1)
    nearest[nearest == -np.inf] = np.nan
    return scale_from(gallery[rows], nearest, len(gallery), "")


def trial_of(kept: Kept, half: Indices, side: int, spans: dict[str, float]) -> Trial:
    """Some queries of one half, and some images that are no queries of the other.

    Args:
        kept: the vectors.
        half: (L,) 0 or 1 for each labeled query.
        side: 0 or 1, the half to take.
        spans: encoder -> `Scale.span`.
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
    cosines = {name: kept.queries(name, queries) @ kept.gallery(name)[images].T for name in kept.names}
    return Trial(cosines, relevant, own, spans)


def _differences(fusion: str, per_query: PerQuery, scores: Mapping[str, EncoderScores]) -> list[Difference]:
    pairs = [(name, metric) for name in scores for metric in per_query]
    leads = bootstrap_intervals([per_query[metric] - scores[name].per_query[metric] for name, metric in pairs])
    return [Difference(fusion, name, metric, *lead) for (name, metric), lead in zip(pairs, leads, strict=True)]


def _joined(kept: Kept, rows: Indices, counts: Mapping[str, float]) -> tuple[Vectors, Vectors]:
    """Vectors whose dot products are the sums of an encoder's cosine times what it counts, over some encoders."""
    queries = np.concatenate([kept.queries(name, rows) * np.float32(share) for name, share in counts.items()], axis=1)
    whole = [kept.gallery(name) for name in counts]
    gallery = room_for((len(whole[0]), queries.shape[1]), np.float32, _IN_MEMORY_BYTES)
    np.concatenate(whole, axis=1, out=gallery)
    return queries, gallery
