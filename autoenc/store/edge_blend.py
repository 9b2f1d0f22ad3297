"""Hybrid searches in Qdrant Edge's terms: nested prefetches, and a formula over their scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import qdrant_edge as qe
from qdrant_edge import Expression

from autoenc.store.blending import Blend, Close, Matching, Nearest
from autoenc.store.edge_values import condition_for, filter_for
from autoenc.store.filters import Conditions, json_path

Params = Callable[[int, Conditions], qe.SearchParams]
"""How to search vectors, given their length and the filter."""


def blend_request(blend: Blend, params: Params) -> qe.QueryRequest:
    """The request for a hybrid search.

    Every encoder scores the candidates of all: else a point that one search found and another did not would count as
    unlike by that other encoder.
    """
    found = [_prefetch(nearest, where, blend.depth, params) for nearest, where in blend.candidates]
    if blend.nearest:
        found = [qe.Prefetch(blend.reach, query=_query(part), prefetches=found) for part in blend.nearest]
    parts: list[Expression] = []
    defaults: dict[str, float] = {}
    scored = 0
    for part in blend.parts:
        if isinstance(part, Nearest):
            score = f"$score[{scored}]"
            scored += 1
            defaults[score] = part.zero
            above = Expression.Sum([Expression.Variable(score), Expression.Constant(-part.zero)])
            parts.append(_times(part.weight / part.span, [above]))
        elif isinstance(part, Matching):
            parts.append(_times(part.weight, [Expression.Condition(condition_for(part.where))]))
        else:
            defaults[json_path(part.field)] = part.far
            parts.append(_times(part.weight, _closeness(part)))
    return qe.QueryRequest(
        limit=blend.k,
        query=qe.Formula(Expression.Sum(parts), defaults),
        prefetches=found,
        with_payload=blend.payload,
    )


def _prefetch(nearest: Nearest | None, where: Conditions, limit: int, params: Params) -> qe.Prefetch:
    if nearest is None:
        return qe.Prefetch(limit, filter=filter_for(where))
    how = params(len(nearest.vector), where)
    return qe.Prefetch(limit, query=_query(nearest), filter=filter_for(where), params=how)


def _query(part: Nearest) -> qe.Query:
    return qe.Query.Nearest(part.vector.tolist(), part.using)


def _times(weight: float, factors: Sequence[Expression]) -> Expression:
    return Expression.Mult([Expression.Constant(weight), *factors])


def _closeness(part: Close) -> list[Expression]:
    """The decay; 0 before it where the field does not hold exactly one number, of which the engine makes an error."""
    path = json_path(part.field)
    one = qe.Filter(must=[condition_for(part.numbers), qe.FieldCondition(path, values_count=qe.ValuesCount(lt=2))])
    target = Expression.Constant(part.target)
    decay = Expression.Decay(qe.DecayKind.Exp, Expression.Variable(path), target, midpoint=0.5, scale=part.scale)
    return [Expression.Condition(one), decay]
