"""Migrate a store of an older format in place, once, in steps that are safe to interrupt at any moment.

Format 1 kept autoenc's own fields at the top level of the payload, which now belongs to the user's fields.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from autoenc.errors import StoreMismatchError
from autoenc.store.engine import Engine
from autoenc.store.filters import EVERYTHING, OWN
from autoenc.store.records import FORMAT_VERSION, StoreInfo, merged

FIELDS_1 = ("source", "path", "folder", "digest", "size", "mtime_ns", "width", "height")
"""The fields that format 1 kept at the top level."""

_BATCH = 500


def migrate(engine: Engine) -> Any:
    """Migrate a collection to the current format, unless it has that format already, and return its record.

    A record that is damaged, or that autoenc did not write, is left for the reader of the record to refuse. The record
    says "migrating" from the first change to the last. An interrupted migration continues when the store is opened
    again; until then, an older version of autoenc refuses the store.
    """
    record = engine.read_record()
    if record is None:  # a new collection
        engine.merge_record(StoreInfo().to_dict())
        return engine.read_record()
    if not isinstance(record, dict):
        return record
    if record.get("version") == 1:
        try:
            changes = _record_2(record)
            StoreInfo.from_dict(merged(record, changes), "")
        except (KeyError, TypeError, AttributeError, StoreMismatchError):
            return record
        engine.merge_record(changes)
        record = engine.read_record()
    if record.get("migrating"):
        _move_fields(engine)
        for field in FIELDS_1:
            engine.drop_field(field)
        engine.flush()
        engine.merge_record({"migrating": False})
    return record


def _record_2(record: dict[str, Any]) -> dict[str, Any]:
    """The changes that turn a record of format 1 into one of format 2."""
    vectors = {
        name: {**{key: value for key, value in spec.items() if key != "bundle"}, "origin": spec.get("bundle")}
        for name, spec in record["vectors"].items()
    }
    fields: dict[str, Any] = {}
    for name, kind in record["fields"].items():
        if name in FIELDS_1:
            fields |= {name: None, f"{OWN}.{name}": kind}
        else:
            fields[name] = kind
    return {
        "version": FORMAT_VERSION,
        "migrating": True,
        "vectors": vectors,
        "sources": record["sources"],
        "fields": fields,
    }


def _move_fields(engine: Engine) -> None:
    old = (record for record in engine.scroll(EVERYTHING, [], _BATCH) if record.payload.keys() & set(FIELDS_1))
    while batch := list(islice(old, _BATCH)):
        # A point that has the key was moved before an interruption: only its old fields remain to be removed.
        unmoved = [record for record in batch if OWN not in record.payload]
        own = [{OWN: {key: record.payload[key] for key in FIELDS_1 if key in record.payload}} for record in unmoved]
        if unmoved:
            engine.set_payloads([record.id for record in unmoved], own, None)
        engine.delete_fields([record.id for record in batch], FIELDS_1)
