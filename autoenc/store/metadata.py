"""The record of a collection on a Qdrant server: kept in the collection's metadata, one key for each entry.

A server merges metadata key by key and compares nothing, so two indexers that wrote one document would overwrite each
other's sources. With a key for each entry, both remain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qdrant_client import models

from autoenc.store.records import SECTIONS

KEY = "autoenc"
"""Of a collection's metadata: the record's version; with `.SECTION.NAME` behind it, one entry of the record."""


def record_in(there: models.CollectionInfo) -> Any:
    """The record in a collection's metadata, as `records.merged` makes it; {} in a collection that is not ours."""
    metadata = there.config.metadata or {}
    head = metadata.get(KEY)
    if not isinstance(head, dict) or head.get("version") == 1:  # format 1 lay under one key
        return head or {}
    record: dict[str, Any] = {**{section: {} for section in SECTIONS}, **head}
    for section in SECTIONS:
        prefix = f"{KEY}.{section}."
        entries = {key.removeprefix(prefix): value for key, value in metadata.items() if key.startswith(prefix)}
        record[section] = {name: entry for name, entry in entries.items() if entry is not None}
    return record


def as_metadata(changes: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What to merge into a collection's metadata to change a record; `known` is the record as it is."""
    metadata = {
        f"{KEY}.{section}.{name}": entry for section in SECTIONS for name, entry in changes.get(section, {}).items()
    }
    head = {key: value for key, value in changes.items() if key not in SECTIONS}
    if head:
        kept = {key: value for key, value in known.items() if key not in SECTIONS}
        metadata[KEY] = {**kept, **head}
    return metadata
