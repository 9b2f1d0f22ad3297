"""Hybrid searches on each engine, against sums in NumPy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from engines import ENGINES, opening
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoenc.errors import ArgumentError, UnknownFieldError, VectorError
from autoenc.store import Scale, Store, VectorSpec, point_id
from autoenc.store.blending import Blend, Closeness, Match, Similarity
from autoenc.store.filters import AnyOf, Between, Conditions
from autoenc.store.hybrid import DEPTH
from autoenc.vectors import unit_rows

COUNT = 700  # more than the candidates of one search
BRANDS = ("Nike", "Puma", "Fila")
IDS = [point_id("shop", str(number)) for number in range(COUNT)]
_RNG = np.random.default_rng(5)
SHAPE = unit_rows(_RNG.standard_normal((COUNT, 8)).astype(np.float32))
PAINT = unit_rows(_RNG.standard_normal((COUNT, 5)).astype(np.float32))
PAINTED = np.arange(COUNT) % 10 != 0
ODD_PRICES: list[Any] = [None, [3, 4], [], "cheap", True, [7]]


def payload(number: int) -> dict[str, Any]:
    fields = {"base color": BRANDS[number % 3], "title": "red shoe" if number % 4 else "blue shoe", "sale": number < 9}
    if number % 7 == 0:
        return fields
    return {**fields, "price": ODD_PRICES[number % 6] if number % 7 == 1 else float(number % 37)}


GOODS = [payload(number) for number in range(COUNT)]
SCALES = {
    "shape": Scale(0.1, 0.9, (0.5,) * 50 + (0.9,) * 51, COUNT, "shape-1"),
    "paint": Scale(-0.25, 0.75, (0.5,) * 50 + (0.75,) * 51, COUNT, "paint-1"),
}


def fill(store: Store) -> Store:
    store.add_vectors({"shape": VectorSpec(8, "shape-1", 1), "paint": VectorSpec(5, "paint-1", 1)})
    store.add_fields({"base color": "keyword", "title": "text", "sale": "bool", "price": "float"})
    both, one = np.flatnonzero(PAINTED), np.flatnonzero(~PAINTED)
    for rows, names in ((both, ("shape", "paint")), (one, ("shape",))):
        vectors = {name: {"shape": SHAPE, "paint": PAINT}[name][rows] for name in names}
        store.upsert([IDS[row] for row in rows], vectors, [GOODS[row] for row in rows])
    return store


@pytest.fixture(scope="module", params=ENGINES)
def shop(request, tmp_path_factory) -> Iterator[Store]:
    with opening(request.param, tmp_path_factory.mktemp("shop")) as opener:
        yield fill(opener())


# ---- the slow reference -------------------------------------------------------------------------------


def matching(where: dict[str, Any]) -> np.ndarray:
    return np.array([all(goods.get(field) == value for field, value in where.items()) for goods in GOODS], float)


def summand(part: Similarity | Match | Closeness) -> np.ndarray:
    """What a part adds to the score of every point, by its definition."""
    if isinstance(part, Match):
        return part.weight * matching(part.where)
    if isinstance(part, Closeness):
        prices = [goods.get(part.field) for goods in GOODS]
        prices = [price[0] if isinstance(price, list) and len(price) == 1 else price for price in prices]
        there = [type(price) in (int, float) for price in prices]
        away = [abs(price - part.target) if ok else math.inf for price, ok in zip(prices, there, strict=True)]
        return part.weight * 0.5 ** (np.array(away) / part.scale)
    cosines = {"shape": SHAPE, "paint": PAINT}[part.using] @ unit_rows(np.float32([part.vector]))[0]
    scaled = cosines if part.scale is None else np.array([part.scale.scaled(float(cosine)) for cosine in cosines])
    return part.weight * np.where(PAINTED | (part.using == "shape"), scaled, 0)


def summands(parts: Sequence[Any]) -> list[np.ndarray]:
    """What each part adds, where the vectors that a point has share 3/4 of the weight of those that it lacks."""
    similar = [part for part in parts if isinstance(part, Similarity)]
    own = np.sum([part.weight * (PAINTED | (part.using == "shape")) for part in similar], axis=0)
    every = sum(part.weight for part in similar)
    share = np.divide(every, own, out=np.zeros(COUNT), where=np.asarray(own) > 0) if len(similar) > 1 else 1.0
    return [summand(part) * (0.25 + 0.75 * share if part in similar else 1.0) for part in parts]


def suits(part: Match | Closeness) -> np.ndarray:
    """Whether each point has what a part asks for; of a number, half the weight, and of several numbers, any."""
    if isinstance(part, Match):
        return matching(part.where) > 0
    held = [goods.get(part.field) for goods in GOODS]
    numbers = [[one for one in (of if isinstance(of, list) else [of]) if type(one) in (int, float)] for of in held]
    return np.array([any(abs(one - part.target) <= part.scale for one in some) for some in numbers])


def best(scores: np.ndarray, among: np.ndarray, limit: int) -> np.ndarray:
    rows = np.flatnonzero(among)
    return rows[np.argsort(-scores[rows], kind="stable")[:limit]]


def candidates(parts: list[Any], kept: np.ndarray, depth: int) -> np.ndarray:
    """The points that are compared: the nearest of each encoder, and the nearest of those that all else suits.

    Of the nearest, only the best by one encoder and all else, where closeness counts 3/4 or nothing.
    """
    near = [part for part in parts if isinstance(part, Similarity)]
    rest = [part for part in parts if not isinstance(part, Similarity)]
    if not near:
        return kept & (np.sum([summand(part) > 0 for part in rest], axis=0) > 0)
    suited = np.all([kept, *map(suits, rest)], axis=0)
    found = np.zeros(COUNT, bool)
    most = max(part.weight for part in near)
    steps = np.sum([each.weight * suits(each) * (1 if isinstance(each, Match) else 0.75) for each in rest], axis=0)
    for part in near:
        scores = summand(part)
        has = kept & (PAINTED | (part.using == "shape"))
        if not rest:
            found[best(scores, has, depth)] = True
            continue
        nearest = best(scores, has, depth + round(256 * (part.weight / (most or 1)) ** 2))
        found[nearest[np.argsort(-(scores + steps)[nearest], kind="stable")[:depth]]] = True
        if part.weight == most:
            found[best(scores, has & suited, depth)] = True
    return found


def expected(parts: list[Any], k: int, kept: np.ndarray | None = None) -> list[tuple[str, float]]:
    kept = np.ones(COUNT, bool) if kept is None else kept
    total = np.sum(summands(parts), axis=0)
    rows = np.flatnonzero(candidates(parts, kept, max(DEPTH, 2 * k)))
    return sorted(((IDS[row], float(total[row])) for row in rows), key=lambda one: (-one[1], one[0]))[:k]


def assert_same(found: list[Any], wanted: list[tuple[str, float]]) -> None:
    assert [hit.score for hit in found] == pytest.approx([score for _, score in wanted], abs=1e-5)
    for hit, (_, score) in zip(found, wanted, strict=True):
        assert hit.score == pytest.approx(score, abs=1e-5)
    close = {round(score, 4) for _, score in wanted}
    if len(close) == len(wanted):  # no two so near that rounding orders them
        assert [hit.id for hit in found] == [id for id, _ in wanted]


# ---- what counts --------------------------------------------------------------------------------------

BY_SHAPE = Similarity("shape", SHAPE[7].tolist(), 1.0, SCALES["shape"])
BY_PAINT = Similarity("paint", PAINT[7].tolist(), 0.5, SCALES["paint"])
NIKE = Match({"base color": "Nike"}, 0.3)
NEAR = Closeness("price", 20.0, 5.0, 0.2)


@pytest.mark.parametrize(
    "parts",
    [
        [BY_SHAPE],
        [BY_SHAPE, BY_PAINT],
        [BY_SHAPE, BY_PAINT, NIKE],
        [BY_SHAPE, NIKE, NEAR],
        [NEAR, BY_PAINT, Match({"sale": True}, 2.0), BY_SHAPE, NIKE],
        [Similarity("paint", PAINT[3], 1.0), BY_SHAPE],
        [BY_SHAPE, Match({"base color": "Nike"}, 0.0)],
    ],
    ids=["one", "two", "boosted", "close", "all", "cosine", "weight 0"],
)
def test_the_best_sums_come_first(shop, parts):
    for k in (1, 5, 40):
        found = shop.search_hybrid(parts, k=k)
        assert_same(found, expected(parts, k))
        assert all(hit.payload == GOODS[IDS.index(hit.id)] for hit in found)


def test_a_point_without_one_of_the_vectors_is_judged_by_the_others(shop):
    parts = [Similarity("shape", SHAPE[10], 1.0), Similarity("paint", PAINT[11], 0.5, SCALES["paint"]), NIKE]
    found = {hit.id: hit.score for hit in shop.search_hybrid(parts, k=COUNT)}
    assert len(found) == COUNT
    assert found[IDS[10]] == pytest.approx(1.375, abs=1e-5)  # it has no paint, and is no Nike
    told = shop.contributions(dict(zip("abc", parts, strict=True)), [IDS[10]])
    assert told[IDS[10]] == pytest.approx({"a": 1.375, "b": 0.0, "c": 0.0}, abs=1e-5)


def test_vectors_without_weight_leave_a_point_without_the_others_at_nothing(shop):
    parts = [Similarity("shape", SHAPE[10], 0.0), Similarity("paint", PAINT[11], 1.0, SCALES["paint"])]
    found = {hit.id: hit.score for hit in shop.search_hybrid(parts, k=COUNT)}
    assert found[IDS[10]] == 0
    assert found[IDS[11]] == pytest.approx(SCALES["paint"].scaled(1.0), abs=1e-5)
    assert shop.contributions({"shape": parts[0], "paint": parts[1]}, [IDS[10]]) == {
        IDS[10]: {"shape": 0.0, "paint": 0.0}
    }


def test_a_lighter_encoder_finds_fewer_candidates_and_what_all_else_suits_is_one_flat_filter(shop):
    """An engine takes longer to search by filters inside one another."""
    parts = shop._checked_parts([BY_SHAPE, BY_PAINT, NIKE, NEAR])
    searches = Blend(parts, 5, shop._conditions({"sale": True}), 48).searches
    assert [search.limit for search in searches] == [48 + 256, 48 + 256 // 4, 48]
    assert searches[2].where == Conditions(
        (
            AnyOf("sale", "bool", (True,)),
            AnyOf("base color", "keyword", ("Nike",)),
            Between("price", "float", gte=15.0, lte=25.0),
        )
    )


def test_filters_and_excluded_points_narrow_the_candidates(shop):
    kept = (matching({"sale": True}) > 0) & (np.arange(COUNT) != 3)
    found = shop.search_hybrid([BY_SHAPE, NIKE], k=20, where="sale = true and title contains shoe", exclude=[IDS[3]])
    assert_same(found, expected([BY_SHAPE, NIKE], 20, kept))
    assert len(found) == 8


def test_nothing_that_matches_is_nothing_found(shop):
    assert shop.search_hybrid([BY_SHAPE, BY_PAINT, NIKE], where="'base color' = Kappa") == []
    assert shop.search_hybrid([NIKE], where="'base color' = Kappa") == []
    assert shop.contributions({"paint": BY_PAINT}, [IDS[0]]) == {IDS[0]: {"paint": 0.0}}  # it has no paint


def test_attributes_alone_find_every_point_that_has_one_of_them(shop):
    parts = [NIKE, Match({"sale": True}, 0.2)]
    wanted = expected(parts, COUNT)
    found = shop.search_hybrid(parts, k=COUNT)
    assert [(hit.id, round(hit.score, 5)) for hit in found] == [(id, round(score, 5)) for id, score in wanted]
    assert [hit.id for hit in shop.search_hybrid(parts, k=10)] == [hit.id for hit in found[:10]]
    assert found[0].payload["base color"] == "Nike"
    assert found[0].payload["sale"] is True


def test_words_and_numbers_alone(shop):
    words = [Match("title contains blue", 0.5), Match("title contains shoe", 0.5)]
    found = shop.search_hybrid(words, k=COUNT)
    assert [round(hit.score, 5) for hit in found] == [1.0] * 175 + [0.5] * 525
    assert_same(shop.search_hybrid([NEAR], k=30), expected([NEAR], 30))
    assert shop.search_hybrid([Match("title contains green")]) == []


SHAPED = Match("title contains shoe", 0.125)


@pytest.mark.parametrize(
    ("parts", "read"),
    [
        ([Match("title contains shoe", 1.0)], 10),
        ([SHAPED, Match({"base color": "Nike"}, 0.125), Match({"sale": True}, 0.0)], 10),
        ([Closeness("price", 20.0, 5.0, 0.25), SHAPED], 40 + 10),  # 16 of them at most have the best price
        ([Match({"base color": brand}, w) for brand in BRANDS for w in (0.25, 0.5)], 40 + 160 + 640 + 700 + 10),
    ],
    ids=["one", "equal weights", "close", "many"],
)
def test_where_points_share_a_score_no_more_are_read_than_can_be_the_first_by_id(shop, monkeypatch, parts, read):
    every = shop.search_hybrid(parts, k=COUNT)
    assert [hit.id for hit in every] == [hit.id for hit in sorted(every, key=lambda hit: (-hit.score, hit.id))]
    scroll, blend, retrieve = shop._engine.scroll, shop._engine.blend, shop._engine.retrieve
    counted: list[Any] = []

    def scrolled(*args):
        for record in scroll(*args):
            counted.append(record)
            yield record

    def listed(found):
        counted.extend(found)
        return found

    monkeypatch.setattr(shop._engine, "scroll", scrolled)
    monkeypatch.setattr(shop._engine, "blend", lambda blends: [listed(hits) for hits in blend(blends)])
    monkeypatch.setattr(shop._engine, "retrieve", lambda ids, vectors: listed(retrieve(ids, vectors)))
    assert shop.search_hybrid(parts, k=10) == every[:10]
    assert len(counted) == read


def test_each_part_tells_what_it_adds(shop):
    parts = {"shape": BY_SHAPE, "paint": BY_PAINT, "color": NIKE, "price": NEAR}
    found = shop.search_hybrid(list(parts.values()), k=COUNT)
    told = shop.contributions(parts, [hit.id for hit in found])
    assert list(told) == [hit.id for hit in found]
    added = summands(list(parts.values()))
    for hit in found:
        row = IDS.index(hit.id)
        wanted = dict(zip(parts, [adds[row] for adds in added], strict=True))
        assert told[hit.id] == pytest.approx(wanted, abs=1e-5)
        assert sum(told[hit.id].values()) == pytest.approx(hit.score, abs=1e-5)
    assert shop.contributions(parts, []) == {}


def test_two_closenesses_of_one_field_give_a_point_without_a_number_nothing(shop):
    """Where the engine gets 30.0 for the price of a point without one, which is far from the one and at the other."""
    parts = {"30": Closeness("price", 30.0, 5.0, 1.0), "20": Closeness("price", 20.0, 0.001, 0.1), "shape": BY_SHAPE}
    found = shop.search_hybrid(list(parts.values()), k=COUNT)
    assert_same(found, expected(list(parts.values()), COUNT))
    told = shop.contributions(parts, [hit.id for hit in found])
    assert all(sum(told[hit.id].values()) == pytest.approx(hit.score, abs=1e-5) for hit in found)


_WEIGHTS = st.sampled_from([0.1, 0.5, 1.0, 3.0])
_PARTS = {
    "shape": st.builds(
        lambda row, w: Similarity("shape", SHAPE[row], w, SCALES["shape"]), st.integers(0, 99), _WEIGHTS
    ),
    "paint": st.builds(
        lambda row, w: Similarity("paint", PAINT[row], w, SCALES["paint"]), st.integers(0, 99), _WEIGHTS
    ),
    "color": st.builds(lambda brand, w: Match({"base color": brand}, w), st.sampled_from(BRANDS), _WEIGHTS),
    "sale": st.builds(lambda sale, w: Match({"sale": sale}, w), st.booleans(), _WEIGHTS),
    "price": st.builds(
        lambda target, scale, w: Closeness("price", target, scale, w),
        st.sampled_from([0, 20.5, -5]),
        st.sampled_from([0.5, 10]),
        _WEIGHTS,
    ),
}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(sorted(_PARTS)), min_size=1, unique=True).flatmap(lambda n: st.tuples(*map(_PARTS.get, n)))
)
def test_every_mixture_of_parts_is_what_its_sum_says(shop, parts):
    assert_same(shop.search_hybrid(list(parts), k=12), expected(list(parts), 12))


# ---- what cannot be -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ([], ArgumentError, "needs a part with a weight above 0"),
        ([Match({"sale": True}, 0)], ArgumentError, "needs a part with a weight above 0"),
        ([Match({"sale": True}, -1)], ArgumentError, "A weight is a number, 0 or more; got -1"),
        ([Match({"sale": True}, math.inf)], ArgumentError, "A weight is a number, 0 or more; got inf"),
        ([Match({"sale": True}, True)], ArgumentError, "A weight is a number, 0 or more; got True"),
        ([BY_SHAPE, BY_SHAPE], ArgumentError, "compares by each encoder once"),
        ([Similarity("taste", [1], 1)], VectorError, "holds no vector 'taste'"),
        ([Similarity("shape", [1, 2], 1)], VectorError, "has 8 numbers"),
        ([Match({"brand": "Nike"}, 1)], UnknownFieldError, "no filterable field 'brand'; it has 'base color'"),
        ([Closeness("title", 1, 1)], ArgumentError, "'title' holds text values; closeness is that of numbers"),
        ([Closeness("price", math.nan, 1)], ArgumentError, "needs a finite number and a scale above 0"),
        ([Closeness("price", 1, 0)], ArgumentError, "needs a finite number and a scale above 0; got 1 and 0"),
    ],
    ids=repr,
)
def test_parts_that_cannot_be(shop, parts, error, message):
    with pytest.raises(error, match=message):
        shop.search_hybrid(parts)
