"""A record is read with distrust: whatever it holds, it is a `StoreInfo` or one clear error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.errors import StoreError, StoreMismatchError
from autoenc.store import Better, Scale, StoreInfo, VectorSpec, open_store
from autoenc.store.runs import Run

GOOD: dict[str, Any] = {
    "version": 2,
    "vectors": {"paint": {"dim": 2, "fingerprint": "p", "preprocessing": 1, "origin": "/m"}},
    "sources": {"shop": "/photos"},
    "fields": {"price": "float"},
}
BETTER: dict[str, Any] = {
    "using": "ink", "than": "paint", "map": 0.5, "than_map": 0.25, "ci_low": 0.125, "ci_high": 0.375, "queries": 700,
    "date": "2026-01-31", "fingerprints": {"ink": "i", "paint": "p"}, "boost": "price=1", "near": "",
    "fields": ["price"],
}  # fmt: skip
TOLD: dict[str, Any] = {
    **GOOD,
    "vectors": {**GOOD["vectors"], "ink": {**GOOD["vectors"]["paint"], "fingerprint": "i"}},
    "better": {"picture": BETTER},
}
"""A record with two encoders, one of which retrieves better."""


SCALE: dict[str, Any] = {
    "median": 0.25, "nearest": 0.5, "percentiles": [number / 100 for number in range(101)], "points": 48,
    "fingerprint": "p",
}  # fmt: skip


def test_a_good_record() -> None:
    info = StoreInfo.from_dict(GOOD, "here")
    assert info.vectors == {"paint": VectorSpec(2, "p", 1, "/m")}
    assert info.sources == {"shop": "/photos"}
    assert info.fields == {"price": "float"}
    assert info.better == {}, "records of earlier versions tell nothing of comparisons"
    assert info.scales == {}, "nor do they tell of scales"
    assert StoreInfo.from_dict(info.to_dict(), "here") == info


def test_a_record_of_a_scale() -> None:
    info = StoreInfo.from_dict({**GOOD, "scales": {"paint": SCALE}}, "here")
    assert info.scales == {"paint": Scale(0.25, 0.5, tuple(SCALE["percentiles"]), 48, "p")}
    assert StoreInfo.from_dict(json.loads(json.dumps(info.to_dict())), "here") == info


def test_a_scale_of_another_encoder_is_left_out() -> None:
    other = {**SCALE, "fingerprint": "another model"}
    assert StoreInfo.from_dict({**GOOD, "scales": {"paint": other, "gone": SCALE}}, "here").scales == {}


def test_a_record_of_a_comparison() -> None:
    info = StoreInfo.from_dict(TOLD, "here")
    assert info.better == {"picture": Better(**BETTER)}
    assert StoreInfo.from_dict(json.loads(json.dumps(info.to_dict())), "here") == info


RUN: dict[str, Any] = {"finished": "2026-01-31T12:00:00Z", "seconds": 1.5, "indexed": 3}


def test_a_record_of_runs() -> None:
    info = StoreInfo.from_dict({**GOOD, "runs": {"shop": [RUN], "gone": [RUN]}}, "here")
    assert info.runs == {"shop": (Run("2026-01-31T12:00:00Z", 1.5, indexed=3),)}
    assert StoreInfo.from_dict(json.loads(json.dumps(info.to_dict())), "here") == info


@pytest.mark.parametrize(
    "runs",
    [
        {"finished": "yesterday"}, {"finished": "2026-01-31T12:00:00+02:00"}, {"seconds": -1},
        {"seconds": float("nan")}, {"indexed": -1}, {"indexed": True}, {"lost": 3},
    ],
    ids=repr,
)  # fmt: skip
def test_a_record_of_runs_that_were_none(runs: dict[str, Any]) -> None:
    with pytest.raises(StoreMismatchError, match="damaged record"):
        StoreInfo.from_dict({**GOOD, "runs": {"shop": [{**RUN, **runs}]}}, "here")


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprints": {"gone": "i", "paint": "p"}}, {"fingerprints": {"ink": "another model", "paint": "p"}},
        {"fingerprints": {"ink": "i", "paint": "another model"}}, {"fields": ["brand"]},
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_told_of_other_encoders_and_fields_is_left_out(changes: dict[str, Any]) -> None:
    assert StoreInfo.from_dict({**TOLD, "better": {"picture": {**BETTER, **changes}}}, "here").better == {}
    earlier = {"encoder": "ink", "map": 0.5, "than_map": 0.25, "fingerprint": "i", "than_fingerprint": "p"}
    assert StoreInfo.from_dict({**TOLD, "better": {"paint": earlier}}, "here").better == {}, "of an earlier version"


def changed(section: str, name: str, value: Any) -> dict[str, Any]:
    return {**GOOD, section: {name: value}}


SPEC = GOOD["vectors"]["paint"]
NAN = float("nan")


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
        {**GOOD, "product": "sku"}, {**GOOD, "product": ["price"]}, {**GOOD, "product": 5},
        {**GOOD, "better": None}, {**GOOD, "better": []}, changed("better", "picture", None),
        changed("better", "picture", {}), changed("better", "picture", {**BETTER, "extra": 1}),
        changed("better", "picture", {**BETTER, "fingerprints": {"ink": "i"}}),
        *(changed("better", "picture", {**BETTER, name: None}) for name in BETTER),
        *(changed("better", "picture", {**BETTER, "map": value}) for value in ("0.5", True, 1.5, -1, 10**400, NAN)),
        *(changed("better", "picture", {**BETTER, "ci_low": value}) for value in (0, -0.25, 0.5)),
        *(changed("better", "picture", {**BETTER, "queries": value}) for value in (0, 1.5, True, "7")),
        *(changed("better", "picture", {**BETTER, "date": value}) for value in ("yesterday", "20260131", "\ud800", 5)),
        {**GOOD, "scales": None}, changed("scales", "paint", None), changed("scales", "paint", {**SCALE, "extra": 1}),
        *(changed("scales", "paint", {**SCALE, name: None}) for name in SCALE),
        *(changed("scales", "paint", {**SCALE, "median": value}) for value in ("0.2", True, 0.75, -2, 10**400, NAN)),
        *(changed("scales", "paint", {**SCALE, "points": value}) for value in (-1, 1.5, True, "7")),
        changed("scales", "paint", {**SCALE, "nearest": 0.75}), changed("scales", "paint", {**SCALE, "fingerprint": 5}),
        *(changed("scales", "paint", {**SCALE, "percentiles": value})
          for value in ("", [], [0.5] * 100, SCALE["percentiles"][::-1], ["a"] * 101, [0.0] * 100 + [NAN], {"a": 1})),
        changed("better", "picture", {**BETTER, "using": ["ink"]}),
        changed("better", "picture", {**BETTER, "\ud800": 1}),
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


@given(part=st.sampled_from(["vectors", "sources", "fields", "better", "scales"]), value=JSON)
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
