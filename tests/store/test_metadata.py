"""The record of a collection as keys of its metadata, one for each entry."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from autoenc.store.metadata import as_metadata, record_in


def there(metadata):
    return SimpleNamespace(config=SimpleNamespace(metadata=metadata))


def test_each_entry_is_a_key_of_its_own():
    changes = {
        "version": 2, "vectors": {"edges+pca32": {"dim": 32}}, "sources": {"a.b": "/photos"}, "fields": {},
        "better": {"edges": {"encoder": "color"}}, "scales": {"edges": {"points": 48}},
        "settings": {"edges": {"ef": 64}}, "runs": {},
    }  # fmt: skip
    metadata = as_metadata(changes, {})
    assert metadata == {
        "autoenc": {"version": 2},
        "autoenc.vectors.edges+pca32": {"dim": 32},
        "autoenc.sources.a.b": "/photos",
        "autoenc.better.edges": {"encoder": "color"},
        "autoenc.scales.edges": {"points": 48},
        "autoenc.settings.edges": {"ef": 64},
    }
    assert record_in(there(metadata)) == changes


def test_a_change_names_only_what_changes():
    known = {"version": 2, "vectors": {}, "sources": {"a": "/a"}, "fields": {}}
    assert as_metadata({"sources": {"b": "/b"}}, known) == {"autoenc.sources.b": "/b"}
    assert as_metadata({"migrating": False}, known) == {"autoenc": {"version": 2, "migrating": False}}


def test_an_entry_removed_is_null_for_the_server_and_gone_from_the_record():
    assert as_metadata({"fields": {"year": None}}, {}) == {"autoenc.fields.year": None}
    assert record_in(there({"autoenc": {"version": 2}, "autoenc.fields.year": None}))["fields"] == {}


@pytest.mark.parametrize("metadata", [None, {}, {"team": "search"}])
def test_a_collection_of_others_has_no_record(metadata):
    assert record_in(there(metadata)) == {}


def test_format_1_lay_under_one_key():
    record = {"version": 1, "vectors": {}, "sources": {"s": "/s"}, "fields": {}}
    assert record_in(there({"autoenc": record})) == record
