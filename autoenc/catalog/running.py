"""Run a query: candidates and scores by the store, then a threshold, groups and diversity, then one page."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from autoenc.catalog.arranging import POOL, arrange
from autoenc.catalog.examples import examples_of
from autoenc.catalog.fields import field_value
from autoenc.catalog.products import grouping_field
from autoenc.catalog.queries import Query, several
from autoenc.catalog.weights import shared_weights
from autoenc.encoders import Encoder
from autoenc.errors import ArgumentError
from autoenc.store import OWN, And, Filter, Hit, Not, Scale, Store
from autoenc.store.blending import Part, grown
from autoenc.store.checks import MAX_K
from autoenc.vectors import Matrix

ROUNDING = 1e-6
"""A score this far below the threshold is at it."""

PAGES = 64
"""How many of the best hits of a hybrid search lie on pages that fit together, see `_arranged`."""

Search = Callable[[int, Filter | None], list[Hit]]
"""How many hits at most, and a filter -> hits, best first."""


class Encoders(Protocol):
    """What a query needs of a searcher."""

    store: Store
    weights: dict[str, float]

    def encoder_of(self, name: str) -> Encoder: ...
    def scale_of(self, name: str) -> Scale: ...


def run_query(searcher: Encoders, query: Query, *, chosen: bool) -> list[tuple[Hit, dict[str, float]]]:
    """One page of what a query finds, each with the parts of its score, which are none for one encoder alone.

    Args:
        searcher: the store, and the encoders that the query weighs.
        query: what is asked.
        chosen: whether the encoders were named, so that a query without images must not pass over them.

    Raises:
        as for `search`.
    """
    weights = searcher.weights if query.looks else {}
    if chosen and searcher.weights and not query.looks:
        raise ArgumentError("using= compares images; name a picture, id= or like=, or leave it out.")
    if not weights and (query.pictures or query.vector is not None or several(query.unlike)):
        raise ArgumentError("using=none leaves looks out; name an encoder to compare with the picture.")
    store = searcher.store
    examples = examples_of(store, query, list(weights), searcher.encoder_of)
    simple = list(weights.values()) == [1.0] and not (query.boosts or query.nears or query.words is not None)
    if weights:
        weights = shared_weights(weights, examples.vectors)
    least = _least(searcher, query, weights, simple)
    parts: dict[str, Part] = {}
    if simple:
        ((name, vector),) = examples.vectors.items()

        def search(k: int, where: Filter | None) -> list[Hit]:
            return store.search(vector, using=name, k=k, where=where, min_score=least, exclude=examples.stored)

    else:
        from autoenc.catalog.hybrid import parts_of  # most queries can do without

        scales = {name: searcher.scale_of(name) for name in weights}
        parts = parts_of(store, query, examples.product, examples.vectors, weights, scales)

        def search(k: int, where: Filter | None) -> list[Hit]:
            hits = store.search_hybrid(list(parts.values()), k=k, where=where, exclude=examples.stored)
            return [hit for hit in hits if least is None or hit.score >= least - ROUNDING]

    def alike(hits: Sequence[Hit]) -> Matrix:
        return _alike(searcher, weights, hits, simple)

    pool = POOL if query.diversity else PAGES if weights and not simple else 0
    found = _arranged(store, query, search, alike if weights else None, pool)
    page = found[query.offset : query.offset + query.k]
    told = store.contributions(parts, [hit.id for hit in page]) if parts else {}
    return [(hit, told.get(hit.id, {})) for hit in page]


def _arranged(
    store: Store,
    query: Query,
    search: Search,
    alike: Callable[[Sequence[Hit]], Matrix] | None,
    pool: int,
) -> list[Hit]:
    """At least as many hits as the page needs, in their final order.

    Where the order depends on how many hits are asked for, every page within the best `pool` asks for as many, so that
    these pages fit together. Diversity rearranges no more than these. A hybrid search for a later page ranks more
    candidates, so an image can be on two pages, or on none.
    """
    if query.diversity and alike is None:
        raise ArgumentError("diversity= compares images; name a picture, id= or like=.")
    group: Callable[[Hit], Hashable] | None = None
    if query.group_by is not None:
        field = grouping_field(store, query.group_by)

        def group(hit: Hit) -> Hashable:
            value = field_value(store, hit.payload, field)
            return hit.id if value is None else repr(value)  # what has no value is a group of its own

    needed = max(query.offset + query.k, pool)
    asked = needed if group is None else max(needed, POOL)
    while True:
        hits = search(asked, query.where)
        found = arrange(hits, group=group, diversity=query.diversity, alike=alike)
        if len(found) >= needed or len(hits) < asked or asked >= MAX_K or _all_groups(store, query, search, found):
            return found
        asked = min(4 * asked, MAX_K)


def _all_groups(store: Store, query: Query, search: Search, found: Sequence[Hit]) -> bool:
    """Whether it is certain that there are no hits of other groups than those that were found."""
    field = grouping_field(store, query.group_by or "")
    kind = {"keyword": str, "integer": int, "bool": bool}.get(store.kind_of(field))
    there = [field_value(store, hit.payload, field) for hit in found]
    values: list[Any] = [value for value in there if type(value) is kind]
    if not values:
        return False
    given = () if query.where is None else (query.where,)
    ids = {hit.id for hit in found}
    rest = search(len(found) - len(values) + 1, And(*given, Not({field: values})))
    if not all(hit.id in ids for hit in rest):
        return False
    # A list of several values is a group too, and the filter took it for one of any of them. Own fields hold no lists.
    known = And(*given, {field: values})
    counted = field in store.info.fields and not field.startswith(f"{OWN}.")
    return not counted or sum(store.facets(field, where=known, limit=MAX_K).values()) == store.count(known)


def _least(searcher: Encoders, query: Query, weights: Mapping[str, float], simple: bool) -> float | None:
    """The least score, from a score, a percentile, or the higher of both."""
    if query.min_percentile is None:
        return query.min_score
    if not weights:
        raise ArgumentError("min_percentile= compares images; name a picture, id= or like=.")
    least = 0.0
    for name, weight in weights.items():
        scale = searcher.scale_of(name)
        cosine = float(np.interp(query.min_percentile, np.arange(101), scale.percentiles))
        least += cosine if simple else weight * scale.scaled(cosine)
    return least if query.min_score is None else max(least, query.min_score)


def _alike(searcher: Encoders, weights: Mapping[str, float], hits: Sequence[Hit], simple: bool) -> Matrix:
    """How similar hits are to one another, on the scale of their scores; as those, by the vectors that both have."""
    total: Matrix = np.zeros((len(hits), len(hits)))
    compared: Matrix = np.zeros((len(hits), len(hits)))
    records = {r.id: r.vectors for r in searcher.store.retrieve([hit.id for hit in hits], vectors=list(weights))}
    for name, weight in weights.items():
        there = [index for index, hit in enumerate(hits) if name in records.get(hit.id, {})]
        if not there:
            continue
        rows = np.stack([records[hits[index].id][name] for index in there])
        cosines = (rows @ rows.T).astype(np.float64)
        if not simple:
            scale = searcher.scale_of(name)
            cosines = weight * (1 + (cosines - scale.nearest) / scale.span)
        total[np.ix_(there, there)] += cosines
        compared[np.ix_(there, there)] += weight
    both = compared > 0
    total[both] *= grown(sum(weights.values()), compared[both])
    return total
