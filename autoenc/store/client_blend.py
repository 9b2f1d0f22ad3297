"""Hybrid searches as qdrant-client takes them: nested prefetches, and a formula over their scores."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from qdrant_client import models

from autoenc.store.blending import Blend, Close, Matching, Nearest, Search
from autoenc.store.client_filters import client_condition, client_filter
from autoenc.store.filters import Conditions, json_path
from autoenc.store.settings import SearchSettings

Params = Callable[[SearchSettings, Conditions], models.SearchParams | None]
"""How to search vectors, given their settings and the filter."""


def candidate_requests(blend: Blend, params: Params) -> list[models.QueryRequest]:
    """The searches for candidates; none where filters alone find them."""
    return [_candidates(search, params) for search in blend.searches]


def _candidates(search: Search, params: Params) -> models.QueryRequest:
    found: dict[str, Any] = {
        "query": search.nearest.vector.tolist(),
        "using": search.nearest.using,
        "filter": client_filter(search.where),
        "params": params(search.nearest.settings, search.where),
        "limit": search.limit,
    }
    if search.keep is None:
        return models.QueryRequest(**found, with_payload=False)
    return models.QueryRequest(
        prefetch=[models.Prefetch(**found)],
        query=_formula((search.nearest, *search.worth)),
        limit=search.keep,
        with_payload=False,
    )


def blend_request(
    blend: Blend, candidates: Collection[models.ExtendedPointId], params: models.SearchParams | None
) -> models.QueryRequest:
    """The request for a hybrid search.

    Every encoder scores the candidates of all: else a point that one search found and another did not would count as
    unlike by that other encoder. `params` keep short copies of vectors out of the scores.
    """
    if blend.nearest:
        only = models.Filter(must=[models.HasIdCondition(has_id=list(candidates))])
        limit = max(1, len(candidates))
        found = [
            models.Prefetch(query=part.vector.tolist(), using=part.using, filter=only, limit=limit, params=params)
            for part in blend.nearest
        ]
    else:
        found = [models.Prefetch(filter=client_filter(blend.some), limit=blend.depth)]
    return models.QueryRequest(prefetch=found, query=_formula(blend.parts), limit=blend.k, with_payload=blend.payload)


def _formula(sum_of: Sequence[Nearest | Matching | Close]) -> models.FormulaQuery:
    """The sum of parts, where the searches for those by encoders are the prefetches, in their order."""
    parts: list[models.Expression] = []
    defaults: dict[str, float] = {}
    scored = 0
    for part in sum_of:
        if isinstance(part, Nearest):
            score = f"$score[{scored}]"
            scored += 1
            defaults[score] = part.zero
            above = models.SumExpression(sum=[score, -part.zero])
            parts.append(models.MultExpression(mult=[part.weight / part.span, above]))
        elif isinstance(part, Matching):
            parts.append(models.MultExpression(mult=[part.weight, client_condition(part.where)]))
        else:
            defaults[json_path(part.field)] = part.far
            parts.append(models.MultExpression(mult=[part.weight, *_closeness(part)]))
    return models.FormulaQuery(formula=models.SumExpression(sum=parts), defaults=defaults)


def _closeness(part: Close) -> list[models.Expression]:
    """The decay; 0 before it where the field does not hold exactly one number, of which the engine makes an error."""
    path = json_path(part.field)
    single = models.FieldCondition(key=path, values_count=models.ValuesCount(lt=2))
    one = models.Filter(must=[client_condition(part.numbers), single])
    decay = models.DecayParamsExpression(x=path, target=part.target, midpoint=0.5, scale=part.scale)
    return [one, models.ExpDecayExpression(exp_decay=decay)]
