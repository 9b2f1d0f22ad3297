"""Hybrid searches in Qdrant Edge's terms: nested prefetches, and a formula over their scores."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import qdrant_edge as qe
from qdrant_edge import Expression

from autoenc.store.blending import SHARED, Blend, Close, Matching, Nearest, Search
from autoenc.store.edge_values import condition_for, filter_for
from autoenc.store.filters import Conditions, HasVector, json_path
from autoenc.store.settings import SearchSettings

Params = Callable[[SearchSettings, int, Conditions], qe.SearchParams]
"""How to search vectors, given their settings, their length and the filter."""

_UNQUANTIZED = qe.SearchParams(quantization=qe.QuantizationSearchParams(ignore=True))


def candidate_requests(blend: Blend, params: Params) -> list[qe.QueryRequest]:
    """The searches for candidates; none where filters alone find them."""
    return [_candidates(search, params) for search in blend.searches]


def _candidates(search: Search, params: Params) -> qe.QueryRequest:
    query, where = _query(search.nearest), filter_for(search.where)
    how = params(search.nearest.settings, len(search.nearest.vector), search.where)
    if search.keep is None:
        return qe.QueryRequest(limit=search.limit, query=query, filter=where, params=how)
    found = qe.Prefetch(search.limit, query=query, filter=where, params=how)
    return qe.QueryRequest(limit=search.keep, query=_formula((search.nearest, *search.worth)), prefetches=[found])


def blend_request(blend: Blend, candidates: Collection[qe.PointId]) -> qe.QueryRequest:
    """The request for a hybrid search.

    Every encoder scores the candidates of all: else a point that one search found and another did not would count as
    unlike by that other encoder.
    """
    if blend.nearest:
        only = qe.Filter(must=[qe.HasIdCondition(set(candidates))])
        limit = max(1, len(candidates))
        found = [qe.Prefetch(limit, query=_query(part), filter=only, params=_UNQUANTIZED) for part in blend.nearest]
    else:
        found = [qe.Prefetch(blend.depth, filter=filter_for(blend.some))]
    return qe.QueryRequest(
        limit=blend.k,
        query=_formula(blend.parts),
        prefetches=found,
        with_payload=blend.payload,
    )


def _formula(sum_of: Sequence[Nearest | Matching | Close]) -> qe.Formula:
    """The sum of parts, where the searches for those by encoders are the prefetches, in their order."""
    parts: list[Expression] = []
    similar: list[Expression] = []
    defaults: dict[str, float] = {}
    for part in sum_of:
        if isinstance(part, Nearest):
            score = f"$score[{len(similar)}]"
            defaults[score] = part.zero
            above = Expression.Sum([Expression.Variable(score), Expression.Constant(-part.zero)])
            similar.append(_times(part.weight / part.span, [above]))
        elif isinstance(part, Matching):
            parts.append(_times(part.weight, [Expression.Condition(condition_for(part.where))]))
        else:
            defaults[json_path(part.field)] = part.far
            parts.append(_times(part.weight, _closeness(part)))
    if len(similar) > 1:
        similar = [_shared([part for part in sum_of if isinstance(part, Nearest)], similar)]
    return qe.Formula(Expression.Sum([*similar, *parts]), defaults)


def _shared(nearest: Sequence[Nearest], similar: list[Expression]) -> Expression:
    """The sum of similarities, which grows where a point lacks some of the vectors: see `blending.grown`."""
    there = [_times(part.weight, [Expression.Condition(condition_for(HasVector(part.using)))]) for part in nearest]
    every = Expression.Constant(SHARED * sum(part.weight for part in nearest))
    share = Expression.Div(every, Expression.Sum(there), 0.0)
    return Expression.Mult([Expression.Sum(similar), Expression.Sum([Expression.Constant(1 - SHARED), share])])


def _query(part: Nearest) -> qe.Query:
    return qe.Query.Nearest(part.vector.tolist(), part.using)


def _times(weight: float, factors: Sequence[Expression]) -> Expression:
    return Expression.Mult([Expression.Constant(weight), *factors])


def _closeness(part: Close) -> list[Expression]:
    """The decay; 0 before it where the field does not hold exactly one number.

    Of several values the engine makes an error. In place of none, or of something else, it takes the default, which all
    closenesses of a field share: it can lie near the target of one of them.
    """
    path = json_path(part.field)
    single = qe.FieldCondition(path, values_count=qe.ValuesCount(lt=2))
    one = qe.Filter(must=[condition_for(part.numbers), single])
    target = Expression.Constant(part.target)
    decay = Expression.Decay(qe.DecayKind.Exp, Expression.Variable(path), target, midpoint=0.5, scale=part.scale)
    return [Expression.Condition(one), decay]
