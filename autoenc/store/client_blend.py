"""Hybrid searches as qdrant-client takes them: nested prefetches, and a formula over their scores."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from qdrant_client import models

from autoenc.store.blending import SHARED, Blend, Close, Matching, Nearest, Search
from autoenc.store.client_filters import client_condition, client_filter
from autoenc.store.filters import Conditions, HasVector, json_path
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
    similar: list[models.Expression] = []
    defaults: dict[str, float] = {}
    for part in sum_of:
        if isinstance(part, Nearest):
            score = f"$score[{len(similar)}]"
            defaults[score] = part.zero
            above = models.SumExpression(sum=[score, -part.zero])
            similar.append(models.MultExpression(mult=[part.weight / part.span, above]))
        elif isinstance(part, Matching):
            parts.append(models.MultExpression(mult=[part.weight, client_condition(part.where)]))
        else:
            defaults[json_path(part.field)] = part.far
            parts.append(models.MultExpression(mult=[part.weight, *_closeness(part)]))
    if len(similar) > 1:
        similar = [_shared([part for part in sum_of if isinstance(part, Nearest)], similar)]
    return models.FormulaQuery(formula=models.SumExpression(sum=[*similar, *parts]), defaults=defaults)


def _shared(nearest: Sequence[Nearest], similar: list[models.Expression]) -> models.Expression:
    """The sum of similarities, which grows where a point lacks some of the vectors: see `blending.grown`."""
    there: list[models.Expression] = [
        models.MultExpression(mult=[part.weight, client_condition(HasVector(part.using))]) for part in nearest
    ]
    every = SHARED * sum(part.weight for part in nearest)
    share = models.DivParams(left=every, right=models.SumExpression(sum=there), by_zero_default=0.0)
    growth = models.SumExpression(sum=[1 - SHARED, models.DivExpression(div=share)])
    return models.MultExpression(mult=[models.SumExpression(sum=similar), growth])


def _closeness(part: Close) -> list[models.Expression]:
    """The decay; 0 before it where the field does not hold exactly one number, of which the engine makes an error."""
    path = json_path(part.field)
    single = models.FieldCondition(key=path, values_count=models.ValuesCount(lt=2))
    one = models.Filter(must=[client_condition(part.numbers), single])
    decay = models.DecayParamsExpression(x=path, target=part.target, midpoint=0.5, scale=part.scale)
    return [one, models.ExpDecayExpression(exp_decay=decay)]
