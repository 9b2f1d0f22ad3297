"""A record is read with distrust: whatever it holds, it is a `StoreInfo` or one clear error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.errors import StoreError, StoreMismatchError
from autoenc.store import StoreInfo, VectorSpec, open_store

GOOD: dict[str, Any] = {
    "version": 2,
    "vectors": {"paint": {"dim": 2, "fingerprint": "p", "preprocessing": 1, "origin": "/m"}},
    "sources": {"shop": "/photos"},
    "fields": {"price": "float"},
}


def test_a_good_record() -> None:
    info = StoreInfo.from_dict(GOOD, "here")
    assert info.vectors == {"paint": VectorSpec(2, "p", 1, "/m")}
    assert info.sources == {"shop": "/photos"}
    assert info.fields == {"price": "float"}
    assert StoreInfo.from_dict(info.to_dict(), "here") == info


def changed(section: str, name: str, value: Any) -> dict[str, Any]:
    return {**GOOD, section: {name: value}}


SPEC = GOOD["vectors"]["paint"]


@pytest.mark.parametrize(
    "record",
    [
        None, 5, [], "text", {}, {"version": True}, {**GOOD, "vectors": None}, {**GOOD, "sources": []},
        {**GOOD, "fields": "x"},
        changed("vectors", "paint", None), changed("vectors", "paint", []),
        *(changed("vectors", "paint", {**SPEC, "dim": dim}) for dim in (0, -1, True, 1.5, "2", None, 2**40)),
        changed("vectors", "paint", {**SPEC, "fingerprint": 5}), changed("vectors", "paint", {**SPEC, "extra": 1}),
        changed("vectors", "paint", {**SPEC, "preprocessing": "1"}), changed("vectors", "paint", {**SPEC, "origin": 5}),
        changed("vectors", "paint", {**SPEC, "origin": "a\0b"}), changed("vectors", "../paint", SPEC),
        changed("vectors", "\ud800", SPEC), changed("vectors", "", SPEC),
        changed("sources", "shop", 5), changed("sources", "shop", "\udcff"), changed("sources", "a\0", "/photos"),
        changed("fields", "price", "money"), changed("fields", "price", ["float"]), changed("fields", 'a"b', "float"),
        changed("fields", "_autoenc", "keyword"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_record_that_is_wrong_anywhere_is_refused(record: Any) -> None:
    with pytest.raises(StoreMismatchError, match=r"here (is not a store of this version|has a damaged record)") as told:
        StoreInfo.from_dict(record, "here")
    assert str(told.value).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(part=st.sampled_from(["vectors", "sources", "fields"]), value=JSON)
def test_any_document(part: str, value: Any) -> None:
    try:
        StoreInfo.from_dict({**GOOD, part: value}, "here")
    except StoreMismatchError:
        return
    assert isinstance(value, dict)


@pytest.mark.parametrize(
    "data",
    [b"[" * 200_000, b'{"version": 2, "vectors": {"\\ud800": 1}}', b"\xff\xfe", b"\0" * 100,
     json.dumps({**GOOD, "vectors": {}, "sources": {"a\0": "b"}}).encode()],
    ids=["deep", "surrogate", "no UTF-8", "zeros", "NUL"],
)  # fmt: skip
def test_a_damaged_file_is_one_clear_error_even_after_a_kill(tmp_path: Path, data: bytes) -> None:
    open_store(tmp_path, create=True).close()
    (tmp_path / "images" / "autoenc.manifest.json").unlink()
    (tmp_path / "images" / "autoenc.json").write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        open_store(tmp_path)
