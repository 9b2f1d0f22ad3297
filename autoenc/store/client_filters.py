"""Conditions as qdrant-client takes them."""

from __future__ import annotations

from qdrant_client import models

from autoenc.store.filters import Between, Condition, Conditions, HasId, HasVector, HasWords, IsEmpty, json_path


def client_filter(where: Conditions) -> models.Filter | None:
    """A filter for conditions; None for none."""
    return _filter(where) if where else None


def _filter(where: Conditions) -> models.Filter:
    must, must_not, should = ([client_condition(each) for each in part] or None for part in where)
    return models.Filter(must=must, must_not=must_not, should=should)


def client_condition(condition: Condition) -> models.Condition:
    """One condition of a filter, or of a formula."""
    if isinstance(condition, Conditions):
        return _filter(condition)
    if isinstance(condition, HasVector):
        return models.HasVectorCondition(has_vector=condition.name)
    if isinstance(condition, HasId):
        return models.HasIdCondition(has_id=list(condition.ids))
    if isinstance(condition, Between):
        return _range(condition)
    key = json_path(condition.field)
    if isinstance(condition, IsEmpty):
        return models.IsEmptyCondition(is_empty=models.PayloadField(key=key))
    if isinstance(condition, HasWords):
        words = [models.MatchText(text=word) for word in condition.words]
        return models.Filter(must=[models.FieldCondition(key=key, match=word) for word in words])
    if condition.kind in ("float", "datetime"):
        return models.Filter(should=[_range(each) for each in condition.ranges()])
    if condition.kind == "bool":
        matches = [models.MatchValue(value=value) for value in condition.values]
        return models.Filter(should=[models.FieldCondition(key=key, match=match) for match in matches])
    return models.FieldCondition(key=key, match=models.MatchAny(any=list(condition.values)))


def _range(condition: Between) -> models.FieldCondition:
    bounds = {name: getattr(condition, name) for name in ("gte", "gt", "lte", "lt")}
    kind = models.DatetimeRange if condition.kind == "datetime" else models.Range
    return models.FieldCondition(key=json_path(condition.field), range=kind(**bounds))
