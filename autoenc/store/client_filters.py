"""Conditions as qdrant-client takes them."""

from __future__ import annotations

from qdrant_client import models

from autoenc.store.filters import AnyOf, Between, Condition, Conditions, HasId, json_path


def client_filter(where: Conditions) -> models.Filter | None:
    """A filter for conditions; None for none."""
    if not where:
        return None
    return models.Filter(
        must=[_condition(each) for each in where.must] or None,
        must_not=[_condition(each) for each in where.must_not] or None,
    )


def _condition(condition: Condition) -> models.Condition:
    if isinstance(condition, HasId):
        return models.HasIdCondition(has_id=list(condition.ids))
    if isinstance(condition, Between):
        return _range(condition)
    if isinstance(condition, AnyOf):
        key = json_path(condition.field)
        if condition.kind in ("float", "datetime"):
            return models.Filter(should=[_range(each) for each in condition.ranges()])
        if condition.kind == "bool":
            matches = [models.MatchValue(value=value) for value in condition.values]
            return models.Filter(should=[models.FieldCondition(key=key, match=match) for match in matches])
        return models.FieldCondition(key=key, match=models.MatchAny(any=list(condition.values)))
    return models.HasVectorCondition(has_vector=condition.name)


def _range(condition: Between) -> models.FieldCondition:
    bounds = {name: getattr(condition, name) for name in ("gte", "gt", "lte", "lt")}
    kind = models.DatetimeRange if condition.kind == "datetime" else models.Range
    return models.FieldCondition(key=json_path(condition.field), range=kind(**bounds))
