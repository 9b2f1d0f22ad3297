"""What every store does, on each engine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from engines import ENGINES, opening

from autoenc.errors import (
    ArgumentError,
    PointNotFoundError,
    StoreError,
    UnknownFieldError,
    VectorError,
)
from autoenc.store import Range, Store, VectorSpec, list_collections, point_id

RED, GREEN, BLUE = (point_id("demo", f"{name}.jpg") for name in ("red", "green", "blue"))
NOWHERE = point_id("demo", "nowhere.jpg")
PAINT = VectorSpec(dim=2, fingerprint="paint-1", preprocessing=1)
SHAPE = VectorSpec(dim=3, fingerprint="shape-1", preprocessing=1)


def fill(store: Store) -> Store:
    store.add_vector("paint", PAINT)
    store.add_field("folder", "keyword")
    store.add_field("year", "integer")
    store.upsert(
        [RED, GREEN, BLUE],
        {"paint": np.array([[1, 0], [3, 4], [0, 2]], np.float32)},
        [{"folder": "warm", "year": 1999}, {"folder": "warm", "year": 2024}, {"folder": "cold", "year": 2024}],
    )
    return store


@pytest.fixture
def store(empty) -> Store:
    """Three points: red (1, 0), green (3, 4), blue (0, 2); red and green lie in folder "warm"."""
    return fill(empty)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request) -> str:
    return request.param


@contextmanager
def unchanged(store: Store) -> Iterator[Store]:
    """A store that many tests share, since they write nothing."""
    before = store.info, list(store)
    yield store
    assert (store.info, list(store)) == before


@pytest.fixture(scope="module")
def shared(engine, tmp_path_factory) -> Iterator[Store]:
    """What `store` holds, for tests that write nothing."""
    with opening(engine, tmp_path_factory.mktemp("shared")) as opener, unchanged(fill(opener())) as store:
        yield store


def ids(hits) -> list[str]:
    return [hit.id for hit in hits]


# ---- searching --------------------------------------------------------------------------------


def test_scores_are_cosine_similarities_best_first(shared):
    hits = shared.search([1, 0], using="paint")
    assert ids(hits) == [RED, GREEN, BLUE]
    assert [hit.score for hit in hits] == pytest.approx([1, 3 / 5, 0], abs=1e-6)
    assert all(type(hit.score) is float for hit in hits)
    assert hits[0].payload == {"folder": "warm", "year": 1999}


def test_the_length_of_a_query_does_not_matter_and_opposites_score_minus_one(shared):
    assert ids(shared.search([1e30, 0], using="paint", k=1)) == [RED]
    assert shared.search([-1e-30, 0], using="paint")[-1].score == pytest.approx(-1)


def test_a_score_is_never_past_one(store):
    vector = np.array([[0.1234567, 0.7654321]], np.float32)
    store.upsert([RED], {"paint": vector}, [{}])
    assert 1 - 1e-6 < store.search(vector[0], using="paint", k=1)[0].score <= 1


def test_a_vector_of_zeros_is_like_nothing(store):
    store.upsert([NOWHERE], {"paint": np.zeros((1, 2), np.float32)}, [{}])
    assert {hit.id: hit.score for hit in store.search([1, 0], using="paint")}[NOWHERE] == 0
    assert [hit.score for hit in store.search([0, 0], using="paint")] == [0, 0, 0, 0]


def test_equal_scores_come_in_the_order_of_ids(store):
    store.upsert([RED, GREEN, BLUE], {"paint": np.ones((3, 2), np.float32)}, [{}, {}, {}])
    assert ids(store.search([1, 1], using="paint")) == sorted([RED, GREEN, BLUE])


def test_k_limits_the_hits_and_may_exceed_the_points(shared):
    assert ids(shared.search([1, 0], using="paint", k=2)) == [RED, GREEN]
    assert len(shared.search([1, 0], using="paint", k=1000)) == 3


def test_min_score_and_exclude_leave_hits_out(shared):
    assert ids(shared.search([1, 0], using="paint", min_score=0.5)) == [RED, GREEN]
    assert ids(shared.search([1, 0], using="paint", exclude=[RED, NOWHERE, "no uuid"])) == [GREEN, BLUE]


def test_a_score_of_min_score_itself_is_enough(shared):
    assert ids(shared.search([1, 0], using="paint", min_score=1)) == [RED]
    assert ids(shared.search([1, 0], using="paint", min_score=0.6)) == [RED, GREEN]
    assert ids(shared.search([1, 0], using="paint", min_score=0.601)) == [RED]


def test_a_batch_answers_each_query_by_itself(shared):
    results = shared.search_batch(np.eye(2), using="paint", k=1)
    assert [ids(hits) for hits in results] == [[RED], [BLUE]]
    assert shared.search_batch(np.empty((0, 2)), using="paint") == []


def test_search_by_id_leaves_the_point_itself_out(shared):
    hits = shared.search_by_id(RED, using="paint")
    assert ids(hits) == [GREEN, BLUE]
    assert hits[0].score == pytest.approx(3 / 5)
    assert ids(shared.search_by_id(RED, using="paint", where={"folder": "cold"})) == [BLUE]
    assert shared.search_by_id(RED, using="paint", min_score=0.7) == []


@pytest.mark.parametrize("id", [NOWHERE, "no uuid"])
def test_search_by_an_id_that_is_not_there(shared, id):
    with pytest.raises(PointNotFoundError, match=f"has no point {id}"):
        shared.search_by_id(id, using="paint")


def test_search_by_the_id_of_a_point_without_that_vector(store):
    store.add_vector("shape", SHAPE)
    with pytest.raises(PointNotFoundError, match="holds no vector 'shape' for point"):
        store.search_by_id(RED, using="shape")


# ---- filters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, {RED, GREEN, BLUE}),
        ({"folder": "warm"}, {RED, GREEN}),
        ({"folder": ["warm", "cold"]}, {RED, GREEN, BLUE}),
        ({"folder": "warm", "year": 2024}, {GREEN}),
        ({"year": "2024"}, {GREEN, BLUE}),
        ({"year": [1999, 2000]}, {RED}),
        ({"folder": "lukewarm"}, set()),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,  # a set prints otherwise in another process
)
def test_fields_must_all_match_and_of_several_values_any(shared, where, expected):
    assert {hit.id for hit in shared.search([1, 0], using="paint", where=where)} == expected
    assert {record.id for record in shared.scroll(where)} == expected
    assert shared.count(where) == len(expected)


def test_an_unknown_field_is_named_with_the_known_ones(shared):
    with pytest.raises(UnknownFieldError, match=r"no filterable field 'color'; it has 'folder', 'year'"):
        shared.search([1, 0], using="paint", where={"color": "red"})
    with pytest.raises(UnknownFieldError):
        shared.facets("color")


@pytest.mark.parametrize("value", ["soon", "1.5", True])
def test_a_filter_value_of_the_wrong_kind(shared, value):
    with pytest.raises(ArgumentError, match="'year' holds signed 64-bit whole numbers"):
        shared.count({"year": value})


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, str(2**70)])
def test_a_filter_value_past_64_bits(shared, value):
    with pytest.raises(ArgumentError, match=f"'year' holds signed 64-bit whole numbers; got '?{value}"):
        shared.count({"year": value})
    assert shared.count({"year": [2**63 - 1, -(2**63)]}) == 0


def test_a_filter_value_that_is_no_unicode(shared):
    with pytest.raises(ArgumentError, match=r"'folder' holds valid Unicode; got 'b.udcff'"):
        shared.count({"folder": "b\udcff"})


def test_a_filter_without_a_value(shared):
    with pytest.raises(ArgumentError, match="at least one value"):
        shared.count({"folder": []})


def test_facets_count_values_most_frequent_first(shared):
    assert list(shared.facets("folder").items()) == [("warm", 2), ("cold", 1)]
    assert list(shared.facets("year", where={"folder": "warm"}).items()) == [(1999, 1), (2024, 1)]
    assert shared.facets("folder", limit=1) == {"warm": 2}


def test_a_field_made_filterable_after_the_points_covers_them(store):
    store.upsert([NOWHERE], {}, [{"shop": "north"}])
    store.add_field("shop", "keyword")
    assert store.facets("shop") == {"north": 1}
    assert store.count({"shop": "north"}) == 1


# ---- writing ----------------------------------------------------------------------------------


def test_an_upsert_replaces_a_point_whole(store):
    store.add_vector("shape", SHAPE)
    store.update_vectors([RED], {"shape": np.ones((1, 3), np.float32)})
    store.upsert([RED], {"paint": np.array([[0, 1]], np.float32)}, [{"new": True}])
    record = store.retrieve([RED], vectors=["paint", "shape"])[0]
    assert record.payload == {"new": True}
    assert set(record.vectors) == {"paint"}
    assert store.count() == 3


def test_update_vectors_keeps_payload_and_other_vectors(store):
    store.add_vector("shape", SHAPE)
    store.update_vectors([RED, BLUE], {"shape": np.array([[0, 0, 2], [0, 5, 0]], np.float32)})
    record = store.retrieve([RED], vectors=["paint", "shape"])[0]
    assert record.vectors["paint"].tolist() == [1, 0]
    assert record.vectors["shape"].tolist() == [0, 0, 1]
    assert record.payload == {"folder": "warm", "year": 1999}
    assert ids(store.search([0, 1, 0], using="shape")) == [BLUE, RED]


def test_update_vectors_of_a_point_that_is_not_there_writes_nothing(shared):
    with pytest.raises(PointNotFoundError, match=f"no point {NOWHERE}. Index"):
        shared.update_vectors([RED, NOWHERE], {"paint": np.array([[0, 1], [0, 1]], np.float32)})
    assert shared.count() == 3
    assert shared.retrieve([RED], vectors=["paint"])[0].vectors["paint"].tolist() == [1, 0]


def test_set_payload_merges(store):
    store.set_payload(RED.upper(), {"year": 2000, "note": "kept"})
    assert store.retrieve([RED])[0].payload == {"folder": "warm", "year": 2000, "note": "kept"}
    with pytest.raises(PointNotFoundError):
        store.set_payload(NOWHERE, {"year": 1})


def test_fields_are_removed_and_match_no_more(store):
    store.add_field("sold out", "bool")
    store.set_payloads([RED, BLUE], [{"sold out": True, "note": "kept"}, {"sold out": True}])
    store.delete_fields([RED.upper(), GREEN], ["sold out", "year"])
    assert store.retrieve([RED])[0].payload == {"folder": "warm", "note": "kept"}
    assert store.retrieve([GREEN])[0].payload == {"folder": "warm"}
    assert [record.id for record in store.scroll({"sold out": True})] == [BLUE]
    assert [record.id for record in store.scroll({"year": Range(gte=0)})] == [BLUE]
    with pytest.raises(PointNotFoundError):
        store.delete_fields([BLUE, NOWHERE], ["year"])
    for name in ("_autoenc", "_autoenc.path", 'a"b', ""):
        with pytest.raises(ArgumentError):
            store.delete_fields([BLUE], [name])
    store.delete_fields([BLUE], [])
    assert store.retrieve([BLUE])[0].payload == {"folder": "cold", "year": 2024, "sold out": True}


def test_delete_takes_points_away_and_ignores_those_not_there(store):
    store.delete([RED, NOWHERE, "no uuid"])
    store.delete([])
    assert [record.id for record in store.scroll()] == sorted([GREEN, BLUE])
    assert RED not in ids(store.search([1, 0], using="paint"))


def test_more_points_than_one_batch_and_an_id_given_twice(empty):
    empty.add_vector("paint", PAINT)
    many = [point_id("many", str(number)) for number in range(1201)]
    angles = np.linspace(0, 1, 1201)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    empty.upsert([*many, many[0]], {"paint": np.vstack([vectors, [[0, -1]]])}, [{"n": n} for n in range(1202)])
    assert empty.count() == 1201
    assert [record.id for record in empty.scroll(batch=100)] == sorted(many)
    assert empty.retrieve([many[0]])[0].payload == {"n": 1201}
    assert empty.search([0, -1], using="paint", k=1)[0].id == many[0]
    empty.optimize()
    empty.flush()
    assert empty.search(vectors[700], using="paint", k=1)[0].payload == {"n": 700}


def test_payloads_keep_every_kind_of_value(store):
    payload = {"text": "Größe 'M'", "int": 1_700_000_000_123_456_789, "float": 0.1, "yes": True, "none": None,
               "list": [1, "two"], "nested": {"a": {"b": -1}}}  # fmt: skip
    store.upsert([RED], {"paint": np.ones((1, 2), np.float32)}, [payload])
    assert store.retrieve([RED])[0].payload == payload


@pytest.mark.parametrize("payload", [{"x": object()}, {1: "x"}], ids=["an object", "a key that is no text"])
def test_a_payload_that_json_cannot_hold(shared, payload):
    with pytest.raises(ArgumentError, match=r"A value cannot be stored in .*Payloads hold only JSON"):
        shared.upsert([NOWHERE], {}, [payload])
    assert shared.count() == 3


def test_a_bug_of_ours_is_not_told_as_an_error_of_the_user(store, monkeypatch):
    class Broken:
        def __getattr__(self, name):
            raise TypeError("a bug")

    monkeypatch.setattr(store._engine, "_open", Broken())
    for attempt in (store.count, lambda: store.retrieve([RED]), lambda: store.delete([RED])):
        with pytest.raises(TypeError, match="a bug"):
            attempt()
    monkeypatch.undo()


# ---- reading ----------------------------------------------------------------------------------


def test_retrieve_gives_what_is_there_in_the_order_asked(shared):
    records = shared.retrieve([BLUE, NOWHERE, "no uuid", RED], vectors=["paint"])
    assert [record.id for record in records] == [BLUE, RED]
    assert records[0].vectors["paint"].tolist() == [0, 1]  # brought to length 1
    assert records[0].vectors["paint"].dtype == np.float32
    assert shared.retrieve([RED])[0].vectors == {}
    assert shared.retrieve([]) == []


def test_having_vectors_names_the_points_that_are_complete(store):
    store.add_vector("shape", SHAPE)
    store.update_vectors([RED], {"shape": np.ones((1, 3), np.float32)})
    everyone = [RED, GREEN, BLUE, NOWHERE]
    assert store.having_vectors(everyone, []) == {RED, GREEN, BLUE}
    assert store.having_vectors(everyone, ["paint"]) == {RED, GREEN, BLUE}
    assert store.having_vectors(everyone, ["paint", "shape"]) == {RED}
    assert store.having_vectors([], ["paint"]) == set()


def test_scroll_is_ordered_by_id_whatever_the_batch(shared):
    expected = sorted([RED, GREEN, BLUE])
    for batch in (1, 2, 3, 4):
        assert [record.id for record in shared.scroll(batch=batch)] == expected
    norms = [float(np.linalg.norm(record.vectors["paint"])) for record in shared.scroll(vectors=["paint"])]
    assert norms == pytest.approx([1, 1, 1])


def test_scroll_goes_on_after_an_id(shared):
    ids = [record.id for record in shared.scroll()]
    for number, id in enumerate(ids):
        assert [record.id for record in shared.scroll(after=id.upper(), batch=2)] == ids[number + 1 :]
    before, behind = f"00000000{ids[0][8:]}", f"ffffffff{ids[0][8:]}"  # ids without a point
    assert [record.id for record in shared.scroll(after=before)] == ids
    assert list(shared.scroll(after=behind)) == []
    with pytest.raises(ArgumentError, match="after= is the id of a point"):
        shared.scroll(after="first")


def test_bounds_are_those_of_what_a_filter_leaves(store):
    store.add_fields({"price": "float", "sizes": "integer", "added": "datetime", "list price": "integer"})
    store.set_payloads([RED, GREEN, BLUE], [
        {"price": 12.5, "sizes": [40, 38], "added": "2026-01-31"},
        {"price": 4, "added": "2025-06-01T12:00:00Z", "list price": 7},
        {"price": 99.0, "sizes": 44},
    ])  # fmt: skip
    assert store.bounds("price") == (4.0, 99.0)
    assert store.bounds("sizes") == (38, 44)
    assert store.bounds("list price") == (7, 7)
    assert store.bounds("added") == ("2025-06-01T12:00:00Z", "2026-01-31")
    assert store.bounds("price", where="sizes >= 44") == (99.0, 99.0)
    assert store.bounds("price", where="price > 1000") is None
    with pytest.raises(ArgumentError, match="numbers and dates"):
        store.bounds("folder")
    with pytest.raises(UnknownFieldError):
        store.bounds("nothing")


def test_scroll_reads_only_the_fields_that_are_asked_for(store):
    own = {"size": 7, "path": "red.jpg"}
    store.set_payloads([RED], [own], key="_autoenc")
    store.set_payload(RED, {"base color": "red", "a.b": 1})

    def red(*fields: str) -> dict[str, object]:
        return next(record.payload for record in store.scroll(fields=fields) if record.id == RED)

    assert red() == {}
    assert red("year") == {"year": 1999}
    assert red("_autoenc.size", "base color") == {"base color": "red", "_autoenc": {"size": 7}}
    assert red("_autoenc", "a.b", "nowhere") == {"_autoenc": own, "a.b": 1}
    with pytest.raises(ArgumentError, match="holds no quotes"):
        store.scroll(fields=['a"b'])


def test_scroll_finds_the_points_that_lack_a_vector(store):
    store.add_vector("shape", SHAPE)
    store.update_vectors([RED], {"shape": np.ones((1, 3), np.float32)})
    assert [record.id for record in store.scroll(lacking="shape")] == sorted([GREEN, BLUE])
    assert [record.id for record in store.scroll({"folder": "warm"}, lacking="shape", fields=[])] == [GREEN]
    assert list(store.scroll(lacking="paint")) == []
    with pytest.raises(VectorError, match="holds no vector 'taste'"):
        store.scroll(lacking="taste")


def test_own_fields_are_removed_by_their_key(store):
    store.set_payloads([RED, BLUE], [{"size": 7, "path": "a"}, {"size": 8, "path": "b"}], key="_autoenc")
    store.delete_fields([RED, BLUE], ["size", "nothing"], key="_autoenc")
    assert [record.payload["_autoenc"] for record in store.retrieve([RED, BLUE])] == [{"path": "a"}, {"path": "b"}]
    assert store.retrieve([RED])[0].payload["year"] == 1999


def test_an_empty_collection_answers_with_nothing(empty):
    empty.add_vector("paint", PAINT)
    assert empty.count() == 0
    assert list(empty.scroll()) == []
    assert empty.search([1, 0], using="paint") == []


def test_a_collection_without_any_vector_holds_points(empty):
    assert empty.count() == 0
    empty.upsert([RED], {}, [{"a": 1}])
    assert [record.payload for record in empty.scroll()] == [{"a": 1}]


# ---- what cannot be -----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [[math.nan, 0], [math.inf, 0], [1e39, 0]])
def test_numbers_that_are_not_finite(shared, bad):
    with pytest.raises(VectorError, match="NaN or infinity"):
        shared.search(bad, using="paint")
    with pytest.raises(VectorError, match="NaN or infinity"):
        shared.upsert([RED], {"paint": np.array([bad])}, [{}])
    with pytest.raises(VectorError, match="NaN or infinity"):
        shared.update_vectors([RED], {"paint": np.array([bad])})
    assert shared.retrieve([RED], vectors=["paint"])[0].vectors["paint"].tolist() == [1, 0]


def test_another_length_or_shape(shared):
    with pytest.raises(VectorError, match=r"'paint' of collection .* has 2 numbers; got an array of shape \(1, 3\)"):
        shared.search([1, 2, 3], using="paint")
    with pytest.raises(VectorError, match=r"one vector, a sequence of numbers; got an array of shape \(1, 2\)"):
        shared.search([[1, 2]], using="paint")
    with pytest.raises(VectorError, match="each of 2 points; got 1"):
        shared.upsert([RED, BLUE], {"paint": np.ones((1, 2), np.float32)}, [{}, {}])
    with pytest.raises(VectorError, match="vectors of numbers, all of one length"):
        shared.search_batch([[1, 2], [3]], using="paint")


def test_an_unknown_vector_is_named_with_the_known_ones(shared):
    for attempt in (
        lambda: shared.search([1, 0], using="taste"),
        lambda: shared.search_by_id(RED, using="taste"),
        lambda: shared.upsert([RED], {"taste": np.ones((1, 2), np.float32)}, [{}]),
        lambda: shared.having_vectors([RED], ["taste"]),
        lambda: shared.retrieve([RED], vectors=["taste"]),
        lambda: shared.scroll(vectors=["taste"]),
    ):
        with pytest.raises(VectorError, match="holds no vector 'taste'; it holds 'paint'"):
            attempt()


@pytest.mark.parametrize("number", [0, -1, 1_000_001, 2**64])
def test_numbers_of_results_out_of_range(shared, number):
    with pytest.raises(ArgumentError, match=f"k= must be a whole number from 1 to 1,000,000; got {number}"):
        shared.search([1, 0], using="paint", k=number)
    with pytest.raises(ArgumentError, match=f"batch= must be a whole number from 1 to 1,000,000; got {number}"):
        shared.scroll(batch=number)
    with pytest.raises(ArgumentError, match=f"limit= must be a whole number from 1 to 1,000,000; got {number}"):
        shared.facets("folder", limit=number)


def test_arguments_out_of_range(shared):
    with pytest.raises(ArgumentError, match="min_score="):
        shared.search([1, 0], using="paint", min_score=math.nan)
    with pytest.raises(ArgumentError, match="1 ids, 2 payloads"):
        shared.upsert([RED], {}, [{}, {}])
    with pytest.raises(ArgumentError, match=r"is a UUID.*got 'red\.jpg'"):
        shared.upsert([RED, "red.jpg"], {}, [{}, {}])


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 101])
def test_a_vector_name_that_engines_do_not_take(shared, name):
    with pytest.raises(ArgumentError, match="vector's name"):
        shared.add_vector(name, PAINT)
    assert set(shared.info.vectors) == {"paint"}


# ---- kinds of fields --------------------------------------------------------------------------


SHOP = [
    {"price": 5, "added": "2026-01-31", "sale": True, "base color": "red", "a.b": "x", "tags": ["new", "hot"]},
    {"price": 7.5, "added": "2026-02-01T12:00:00Z", "sale": False, "base color": "blue", "a.b": "y", "a": {"b": "z"}},
    {"price": 20.0, "added": "2026-02-01T12:00:00+02:00", "base color": "red", "tags": ["hot"], "-": "dash"},
]
KINDS = {
    "price": "float", "added": "datetime", "sale": "bool", "base color": "keyword", "a.b": "keyword",
    "tags": "keyword", "-": "keyword", "été": "integer",
}  # fmt: skip


def fill_shop(store: Store, first: str) -> Store:
    store.add_vector("paint", PAINT)

    def add() -> None:
        store.upsert([RED, GREEN, BLUE], {"paint": np.eye(3, 2, dtype=np.float32) + 0.1}, SHOP)

    def declare() -> None:
        for name, kind in KINDS.items():
            store.add_field(name, kind)

    for step in (declare, add) if first == "fields first" else (add, declare):
        step()
    return store


@pytest.fixture(scope="module", params=["fields first", "points first"])
def shop(request, engine, tmp_path_factory) -> Iterator[Store]:
    """A store with fields of every kind, for tests that write nothing."""
    folder = tmp_path_factory.mktemp("shop")
    with opening(engine, folder) as opener, unchanged(fill_shop(opener(), request.param)) as store:
        yield store


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"price": Range(gte=5, lt=7.5)}, {RED}),
        ({"price": Range(gt=5)}, {GREEN, BLUE}),
        ({"price": Range(lte=7.5)}, {RED, GREEN}),
        ({"price": 7.5}, {GREEN}),
        ({"price": [5, "20"]}, {RED, BLUE}),
        ({"added": Range(lt="2026-02-01")}, {RED}),
        ({"added": Range(gte=datetime(2026, 2, 1, 12, tzinfo=UTC))}, {GREEN}),
        ({"added": Range(gte=date(2026, 2, 1))}, {GREEN, BLUE}),
        ({"added": "2026-02-01T10:00:00+00:00"}, {BLUE}),
        ({"sale": True}, {RED}),
        ({"sale": "false"}, {GREEN}),
        ({"sale": [True, False]}, {RED, GREEN}),
        ({"base color": "red"}, {RED, BLUE}),
        ({"base color": "red", "price": Range(gt=10)}, {BLUE}),
        ({"a.b": ["x", "z"]}, {RED}),
        ({"tags": "hot"}, {RED, BLUE}),
        ({"-": "dash"}, {BLUE}),
        ({"été": 1}, set()),
    ],
)
def test_fields_of_every_kind_and_name_are_filtered(shop, where, found):
    assert {record.id for record in shop.scroll(where)} == found
    assert shop.count(where) == len(found)
    assert {hit.id for hit in shop.search([1, 1], using="paint", where=where)} == found


def test_what_is_stored_is_what_was_given(shop):
    assert {record.id: record.payload for record in shop} == dict(zip([RED, GREEN, BLUE], SHOP, strict=True))
    (hit, *_) = shop.search([1, 0], using="paint")
    assert hit.payload == SHOP[[RED, GREEN, BLUE].index(hit.id)]


@pytest.mark.parametrize("first", ["fields first", "points first"])
def test_a_changed_value_is_matched_as_it_is_now(empty, first):
    shop = fill_shop(empty, first)
    shop.set_payload(RED, {"sale": False, "price": 1})
    assert shop.count({"sale": True}) == 0
    assert shop.count({"sale": False}) == 2
    assert shop.count({"price": Range(lt=2)}) == 1
    assert shop.facets("sale") == {False: 2}


def test_values_are_counted_but_floats_and_dates_are_not(shop):
    assert shop.facets("base color") == {"red": 2, "blue": 1}
    assert shop.facets("tags") == {"hot": 2, "new": 1}
    assert shop.facets("sale") == {False: 1, True: 1}
    assert shop.facets("a.b", where={"sale": True}) == {"x": 1}
    for name in ("price", "added"):
        with pytest.raises(ArgumentError, match=f"'{name}' holds {KINDS[name]} values. Filter it by a range"):
            shop.facets(name)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"price": "cheap"}, "'price' holds finite numbers; got 'cheap'"),
        ({"price": math.nan}, "'price' holds finite numbers"),
        ({"price": Range()}, "needs at least one bound"),
        ({"price": Range(gte="x")}, "'price' holds finite numbers; got 'x'"),
        ({"added": "yesterday"}, "'added' holds dates and times such as 2026-01-31"),
        ({"sale": "perhaps"}, "'sale' is true or false; got 'perhaps'"),
        ({"base color": Range(gte="a")}, "'base color' holds keyword values, which have no range"),
        ({"sale": []}, "'sale' needs at least one value"),
    ],
)
def test_a_filter_of_another_kind(shop, where, message):
    with pytest.raises(ArgumentError, match=message):
        shop.count(where)


@pytest.mark.parametrize("name", ["", 'a"b', "a\\b", "a\nb", "_autoenc"])
def test_names_that_no_path_can_hold(shared, name):
    with pytest.raises(ArgumentError, match="holds no quotes, backslashes or control characters"):
        shared.add_field(name, "keyword")


def test_dates_are_stored_as_text(empty):
    empty.add_vector("paint", PAINT)
    empty.upsert([RED], {"paint": np.ones((1, 2))}, [{"day": date(2026, 1, 31)}])
    empty.set_payload(RED, {"moment": datetime(2026, 1, 31, 12, tzinfo=UTC)})
    assert empty.retrieve([RED])[0].payload == {"day": "2026-01-31", "moment": "2026-01-31T12:00:00+00:00"}


# ---- the collection as a whole ------------------------------------------------------------------


def test_payloads_are_merged_below_a_key_each_its_own(store):
    store.set_payloads([RED, BLUE], [{"size": 1, "width": 2}, {"size": 3}], key="_autoenc")
    before = {record.id: record.payload for record in store.retrieve([RED, BLUE])}
    store.set_payloads([RED, BLUE], [{"size": 5}, {"height": 6}], key="_autoenc")
    after = {record.id: record.payload for record in store.retrieve([RED, BLUE])}
    assert after[RED] == {**before[RED], "_autoenc": {"size": 5, "width": 2}}
    assert after[BLUE] == {**before[BLUE], "_autoenc": {"size": 3, "height": 6}}


def test_points_that_have_a_vector(store):
    store.add_vector("shape", SHAPE)
    store.update_vectors([RED, BLUE], {"shape": np.eye(2, 3)})
    assert {record.id for record in store.scroll(having=["shape"])} == {RED, BLUE}
    assert [record.id for record in store.scroll({"folder": "warm"}, having=["shape", "paint"])] == [RED]
    assert (store.count(having=["shape"]), store.count({"folder": "cold"}, having=["shape"])) == (2, 1)
    for ask in (store.scroll, store.count):
        with pytest.raises(VectorError, match="holds no vector 'none'"):
            ask(having=["none"])


def test_status_tells_which_points_lack_a_vector(store):
    store.add_vector("shape", SHAPE)
    store.update_vectors([RED], {"shape": np.ones((1, 3))})
    store.add_source("demo", "/photos")
    store.add_field("_autoenc.source", "keyword")
    store.set_payloads([RED, GREEN], [{"source": "demo"}] * 2, key="_autoenc")
    status = store.status()
    assert (status.points, status.having, status.points_of) == (3, {"paint": 3, "shape": 1}, {"demo": 2})
    assert status.to_dict()["encoders"]["shape"] == {
        "dim": 3, "fingerprint": "shape-1", "preprocessing": 1, "origin": None, "images": 1, "lacking": 2,
    }  # fmt: skip
    assert status.to_dict()["sources"] == {"demo": {"root": "/photos", "images": 2, "runs": []}}


def test_status_tells_the_most_frequent_values_of_fields(store):
    store.add_fields({"price": "float", "_autoenc.path": "keyword"})
    many = [point_id("demo", str(number)) for number in range(21)]
    store.upsert(many, {}, [{"year": 2000 + number // 3, "price": number / 2} for number in range(21)])
    status = store.status()
    assert status.values == {"folder": {"warm": 2, "cold": 1}, "year": {2000: 3, 2001: 3, 2002: 3, 2003: 3, 2004: 3}}
    assert status.bounds == {"price": (0.0, 10.0), "year": (1999, 2024)}
    assert status.to_dict()["fields"]["price"] == {"kind": "float", "values": [], "bounds": [0.0, 10.0]}
    assert status.to_dict()["fields"]["folder"] == {
        "kind": "keyword",
        "values": [{"value": "warm", "images": 2}, {"value": "cold", "images": 1}],
        "bounds": None,
    }


def test_status_tells_the_disk_that_a_folder_takes(store):
    disk = store.status().disk_bytes
    assert (disk is None) == store.location.startswith("http")
    if disk is not None:
        files = [path for path in Path(store.location).rglob("*") if path.is_file()]
        assert disk == sum(512 * path.stat().st_blocks for path in files)


def test_a_store_has_a_length_and_yields_its_points(shared):
    assert len(shared) == 3
    assert [record.id for record in shared] == sorted([RED, GREEN, BLUE])


def test_a_closed_store_says_so(store):
    store.close()
    store.close()
    with pytest.raises(StoreError, match="has been closed"):
        store.count()


def test_a_dropped_collection_is_gone(store, reopen):
    store.drop()
    with pytest.raises(StoreError, match="closed"):
        store.count()
    if store.location == ":memory:":
        return
    assert store.collection not in list_collections(store.location)
    again = reopen()
    assert len(again) == 0
    assert again.info.vectors == {}


def test_what_is_autoencs_own_is_not_overwritten_by_mistake(shared):
    with pytest.raises(ArgumentError, match="'_autoenc' is autoenc's own"):
        shared.set_payload(RED, {"_autoenc": {"note": "x"}})


def test_one_id_is_deleted_as_a_list_of_one(store):
    store.delete(RED)
    assert len(store) == 2
    with pytest.raises(ArgumentError, match=r"id is text, a UUID; got Record\. Pass its id"):
        store.delete(list(store))


def test_no_vectors_to_update_is_no_error(shared):
    shared.update_vectors([RED], {})


@pytest.mark.parametrize("name", ["_autoenc.", "_autoenc.a b"])
def test_names_below_our_own_key_are_plain(shared, name):
    with pytest.raises(ArgumentError, match="field's name"):
        shared.add_field(name, "keyword")


@pytest.mark.parametrize("k", [2.5, "3", None, True])
def test_numbers_that_are_none(shared, k):
    with pytest.raises(ArgumentError, match="k= must be"):
        shared.search([1, 1], using="paint", k=k)
    with pytest.raises(ArgumentError, match="min_score= must be"):
        shared.search([1, 1], using="paint", min_score="a")


def test_values_out_of_arrays_are_values(shop):
    assert shop.count({"price": np.float32(5)}) == 1
    assert shop.count({"price": np.array([5.0, 7.5])}) == 2
    with pytest.raises(ArgumentError, match="Expected a value, a list of values"):
        shop.count({"price": object()})
