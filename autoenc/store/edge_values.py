"""What passes between Python and Qdrant Edge: vectors, payloads, filters and errors, in the engine's terms."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import qdrant_edge as qe

from autoenc.errors import AutoencError, StoreError, StoreLockedError
from autoenc.store.filters import (
    OWN,
    Between,
    Condition,
    Conditions,
    HasId,
    HasVector,
    HasWords,
    IsEmpty,
    json_path,
    only,
)
from autoenc.store.kinds import FieldKind
from autoenc.store.points import Record, record_of
from autoenc.vectors import Vectors

SCHEMA_TYPES: dict[FieldKind, qe.PayloadSchemaType | qe.TextIndexParams] = {
    "keyword": qe.PayloadSchemaType.Keyword,
    "integer": qe.PayloadSchemaType.Integer,
    "float": qe.PayloadSchemaType.Float,
    "datetime": qe.PayloadSchemaType.Datetime,
    "bool": qe.PayloadSchemaType.Bool,
    "text": qe.TextIndexParams(tokenizer=qe.TokenizerType.Word, lowercase=True),
}
BOOLS = "bools"
"""Key below `_autoenc` for keyword copies of the filterable bools. Filters match the copies, because Edge 0.9 can count
bools but not match them."""


def bools_of(record: Any) -> set[str]:
    """The filterable fields of a record that hold bools."""
    fields = record.get("fields") if isinstance(record, dict) else None
    return {name for name, kind in fields.items() if kind == "bool"} if isinstance(fields, dict) else set()


def copy_path(field: str) -> str:
    """Where the copies of a field's bools lie, as a JSON path."""
    return f"{OWN}.{BOOLS}.{json_path(field)}"


def _as_keyword(value: Any) -> Any:
    """A bool as the word that filters match; None for any other value, which a filter on bools never matches."""
    if isinstance(value, list):
        return [_as_keyword(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else None


def copies_of(payload: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """The copies of the bools in some fields of a payload."""
    return {field: _as_keyword(payload[field]) for field in fields if field in payload}


def with_copies(payload: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """A payload as it is stored: with the copies of its bools."""
    copies = copies_of(payload, fields) if fields else None
    return {**payload, OWN: {**payload.get(OWN, {}), BOOLS: copies}} if copies else dict(payload)


def without_copies(payload: dict[str, Any] | None) -> dict[str, Any] | None:
    """A payload as the user knows it."""
    own = (payload or {}).get(OWN)
    if isinstance(own, dict) and own.pop(BOOLS, None) is not None and not own and payload is not None:
        del payload[OWN]
    return payload


def rows_of(vectors: Mapping[str, Vectors], count: int) -> list[dict[str, qe.NamedVector]]:
    """One dictionary of vectors per point."""
    if not vectors:
        return [{} for _ in range(count)]
    columns: Any = zip(*map(_arrays, vectors.values()), strict=True)
    return [dict(zip(vectors, row, strict=True)) for row in columns]


def _arrays(matrix: Vectors) -> list[array[float]]:
    """The rows of a matrix in the form that the engine reads fastest: a third of what lists of numbers cost."""
    data = np.ascontiguousarray(matrix, np.float32).tobytes()
    width = 4 * matrix.shape[1]
    return [array("f", data[start : start + width]) for start in range(0, len(data), width)]


def record_from(point: qe.Record) -> Record:
    """A stored point."""
    return record_of(point.id, without_copies(point.payload), point.vector)


def filter_for(where: Conditions) -> qe.Filter | None:
    """The engine's filter; None if everything matches."""
    return _filter(where) if where else None


def _filter(where: Conditions) -> qe.Filter:
    must, must_not, should = ([condition_for(each) for each in part] or None for part in where)
    return qe.Filter(must=must, must_not=must_not, should=should)


def condition_for(condition: Condition) -> qe.ConditionType:
    """One condition of a filter, or of a formula."""
    if isinstance(condition, Conditions):
        single = only(condition)  # the engine takes longer to read, and to search by, filters in one another
        return _filter(condition) if single is condition else condition_for(single)
    if isinstance(condition, HasVector):
        return qe.HasVectorCondition(condition.name)
    if isinstance(condition, HasId):
        return qe.HasIdCondition(set(condition.ids))
    if isinstance(condition, Between):
        return _range(condition)
    if isinstance(condition, IsEmpty):
        return qe.IsEmptyCondition(json_path(condition.field))
    if isinstance(condition, HasWords):
        key = json_path(condition.field)
        return qe.Filter(must=[qe.FieldCondition(key, match=qe.MatchText(word)) for word in condition.words])
    if condition.kind in ("float", "datetime"):
        return qe.Filter(should=[_range(each) for each in condition.ranges()])
    if condition.kind == "bool":
        return _match(copy_path(condition.field), [str(value).lower() for value in condition.values])
    return _match(json_path(condition.field), list(condition.values))


def _match(path: str, values: list[Any]) -> qe.FieldCondition:
    """One of these values; a single one is compared in less time."""
    return qe.FieldCondition(path, match=qe.MatchAny(values) if len(values) > 1 else qe.MatchValue(values[0]))


def _range(condition: Between) -> qe.FieldCondition:
    bounds = {name: getattr(condition, name) for name in ("gte", "gt", "lte", "lt")}
    if condition.kind == "datetime":
        texts = {name: None if value is None else value.isoformat() for name, value in bounds.items()}
        return qe.FieldCondition(json_path(condition.field), range=qe.RangeDateTime(**texts))
    return qe.FieldCondition(json_path(condition.field), range=qe.RangeFloat(**bounds))


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turn what the engine raises into a StoreError. A panic in its Rust code is a bare BaseException.

    A TypeError or ValueError comes from the Python binding and is about an argument. After the checks of `Store`, that
    is either a bug in autoenc or a bad payload, which `storing` handles.
    """
    try:
        yield
    except (AutoencError, TypeError, ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        if "WouldBlock" in str(error):
            raise StoreLockedError(
                f"The {what} is open already, here or in another process, and can be open only once. Close it there, "
                f"or use a Qdrant server to share it."
            ) from None
        raise StoreError(
            f"The engine failed on {what}: {error}. If it can no longer be opened, index into a new store."
        ) from error
