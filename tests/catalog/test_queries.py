"""Queries of every form, on a store in memory and on one in a folder, against sums in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoenc import Boost, Near, Query, Searcher, index_images, measure_scales, open_store, search
from autoenc.catalog.products import grouping_field
from autoenc.encoders import create_encoder
from autoenc.errors import ArgumentError, PointNotFoundError, StoreMismatchError, UnknownFieldError, VectorError
from autoenc.images.files import load_image
from autoenc.images.finding import find_images
from autoenc.store import Store, VectorSpec, point_id
from autoenc.vectors import unit_rows

BRANDS = ("Nike", "Puma")


@pytest.fixture(scope="module", params=["memory", "folder"])
def shop(request, drawn: Path, tmp_path_factory) -> Iterator[Store]:
    """The sample catalog by two encoders, with a brand, a title, a price, and photos of 6 products a folder."""
    place = ":memory:" if request.param == "memory" else tmp_path_factory.mktemp("shop") / "store"
    with open_store(place, create=True) as store:
        index_images(drawn, store, encoders=["color", "edges"], source="shop", progress=False)
        store.add_fields(
            {"brand": "keyword", "title": "text", "price": "float", "product": "keyword", "tags": "keyword"}
        )
        for number, (id, _) in enumerate(images(drawn)):
            store.set_payload(id, fields(number))
        measure_scales(store)
        yield store


def images(drawn: Path) -> list[tuple[str, Path]]:
    paths = find_images(drawn).paths
    return [(point_id("shop", path.relative_to(drawn).as_posix()), path) for path in paths]


def fields(number: int) -> dict[str, Any]:
    if number == 5:
        return {}
    titled = {"title": f"{'Red' if number % 3 else 'Blue'} thing, number {number}"}
    return {
        **titled,
        "brand": BRANDS[number % 2],
        "price": float(number),
        "product": f"p{number // 2}",
        "tags": ["a", "b"],
    }


@pytest.fixture(scope="module")
def vectors(drawn: Path) -> dict[str, np.ndarray]:
    pixels = np.stack([load_image(path).pixels for _, path in images(drawn)])
    return {name: unit_rows(create_encoder(name).encode(pixels)) for name in ("color", "edges")}


def scaled(store: Store, vectors: dict[str, np.ndarray], name: str, query: np.ndarray) -> np.ndarray:
    scale = store.info.scales[name]
    cosines = vectors[name] @ unit_rows(np.float32([query]))[0]
    return np.array([scale.scaled(float(cosine)) for cosine in cosines])


def assert_ranked(found: list[Any], drawn: Path, scores: np.ndarray, left_out: tuple[int, ...] = ()) -> None:
    """The neighbors have the highest of these scores, and each says its own."""
    index = {id: number for number, (id, _) in enumerate(images(drawn))}
    kept = np.delete(scores, left_out)
    assert [one.score for one in found] == pytest.approx(np.sort(kept)[::-1][: len(found)], abs=1e-4)
    for one in found:
        assert one.score == pytest.approx(scores[index[one.id]], abs=1e-4)
        assert not one.parts or sum(one.parts.values()) == pytest.approx(one.score, abs=1e-5)
    assert not {index[one.id] for one in found} & set(left_out)


def test_one_encoder_alone_is_the_plain_search(shop, drawn, vectors):
    path = images(drawn)[7][1]
    found = search(shop, path, using="edges", k=10)
    assert_ranked(found, drawn, vectors["edges"] @ vectors["edges"][7])
    assert [one.parts for one in found] == [{}] * 10
    assert found == search(shop, [path], using="edges=1", k=10)
    assert found == Searcher(shop).find(Query(picture=path, using={"edges": 1}, k=10))
    assert [one.rank for one in found] == list(range(1, 11))


def test_several_images_are_averaged(shop, drawn, vectors):
    (a, _), (_, b), (c, _), (_, d) = (images(drawn)[number] for number in (1, 14, 20, 30))
    edges = vectors["edges"]
    mean = (edges[1] + edges[14] + edges[20] + edges[30]) / 4
    found = search(shop, b, id=[a], like=[c, d], using="edges", k=9)  # d is a file of the store: a stored image
    assert_ranked(found, drawn, edges @ unit_rows(mean[None])[0], left_out=(1, 20, 30))
    vector = create_encoder("edges").encode(load_image(b).pixels[None])[0]
    same = search(shop, vector=vector, id=a, like=(c, str(d)), using="edges", k=9)
    assert [one.id for one in same] == [one.id for one in found]


def test_unlike_leads_away(shop, drawn, vectors):
    edges = vectors["edges"]
    toward = 2 * edges[1] - (edges[14] + edges[40]) / 2
    ids = [id for id, _ in images(drawn)]
    found = search(shop, id=ids[1], unlike=[ids[14], ids[40]], using="edges", k=9)
    assert_ranked(found, drawn, edges @ unit_rows(toward[None])[0], left_out=(1, 14, 40))


def test_unlike_can_be_an_array(shop, drawn):
    id, path = images(drawn)[1]
    pixels = load_image(images(drawn)[14][1]).pixels
    found = search(shop, path, unlike=pixels, using="edges", k=9)
    assert found == search(shop, path, unlike=[pixels], using="edges", k=9)
    with pytest.raises(ArgumentError, match="unlike= takes something away from a picture"):
        search(shop, words="red", unlike=pixels)
    with pytest.raises(ArgumentError, match="using=none leaves looks out"):
        search(shop, id=id, unlike=pixels, boost="brand=1", using="none")


def test_a_picture_that_is_not_stored_is_an_example_too(shop, drawn, tmp_path, vectors):
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(images(drawn)[3][1].read_bytes())
    found = search(shop, like=copy, using="edges", k=3)
    assert_ranked(found, drawn, vectors["edges"] @ vectors["edges"][3])
    with pytest.raises(PointNotFoundError, match=r"holds no image none\.jpg.* Nor is there a picture none\.jpg"):
        search(shop, like="none.jpg")


@pytest.mark.parametrize("using", ["edges=1,color=.5", {"color": 0.5, "edges": 1}])
def test_several_encoders_add_up_on_one_scale(shop, drawn, vectors, using):
    expected = scaled(shop, vectors, "edges", vectors["edges"][7])
    expected += 0.5 * scaled(shop, vectors, "color", vectors["color"][7])
    id, path = images(drawn)[7]
    assert_ranked(search(shop, path, using=using, k=20), drawn, expected)
    found = search(shop, id=id, using=using, k=20)
    assert_ranked(found, drawn, expected, left_out=(7,))
    assert set(found[0].parts) == {"color", "edges"}
    assert Searcher(shop, using="edges=1,color=.5").using == "edges=1,color=0.5"
    both = {name: rows[7] for name, rows in vectors.items()}
    assert_ranked(search(shop, vector=both, using=using, k=20), drawn, expected)


def test_boosts_and_closeness_compare_with_the_query_product(shop, drawn, vectors):
    numbers = np.arange(len(images(drawn)))
    there = numbers != 5
    expected = scaled(shop, vectors, "edges", vectors["edges"][8])
    expected += 0.3 * (there & (numbers % 2 == 0)) + 0.2 * (there & (numbers % 3 == 0))
    expected += 0.5 * there * 0.5 ** (np.abs(numbers - 8) / 4.0)
    id = images(drawn)[8][0]
    found = search(shop, id=id, using="edges", boost="brand=.3, title:blue=.2", near="price~4=.5", k=25)
    assert_ranked(found, drawn, expected, left_out=(8,))
    assert list(found[0].parts) == ["edges", "brand=Nike", "title=blue", "price~8"]
    same = search(
        shop, id=id, using="edges", k=25,
        boost=[Boost("brand", 0.3, "Nike"), Boost("title", 0.2, "blue")], near=[Near("price", 0.5, 8, 4)],
    )  # fmt: skip
    assert same == found
    assert found[0].to_dict()["parts"] == found[0].parts


def test_the_values_of_several_products_all_count(shop, drawn):
    ids = [images(drawn)[number][0] for number in (8, 11)]
    found = search(shop, id=ids, using="none", boost={"brand": 0.5, "folder": 0.25}, near="price:0~1=.1", k=99)
    folders = "|".join(dict.fromkeys(str(Path(images(drawn)[n][1]).parent.name) for n in (8, 11)))
    assert set(found[0].parts) == {"brand=Nike|Puma", f"folder={folders}", "price~0"}
    assert len(found) == len(images(drawn)) - 2


def test_words_alone_and_attributes_alone(shop, drawn):
    found = search(shop, words="RED number, 13", k=99)
    assert found[0].parts == pytest.approx({"contains red": 1 / 3, "contains number,": 1 / 3, "contains 13": 1 / 3})
    assert found[0].id == images(drawn)[13][0]
    assert {round(one.score, 5) for one in found[1:]} == {0.33333, 0.66667}
    (only, *_) = search(shop, boost="product:p4=1", where="price > 8", k=1)
    assert only.id == images(drawn)[9][0]
    weighed = search(shop, words="RED number, 13=.3", k=99)
    assert [one.id for one in weighed] == [one.id for one in found]
    assert weighed[0].parts == pytest.approx({"contains red": 0.1, "contains number,": 0.1, "contains 13": 0.1})
    assert search(shop, words="green") == []


# ---- thresholds, pages, groups, diversity ------------------------------------------------------------


def test_a_percentile_means_the_same_for_every_encoder(shop, drawn):
    path = images(drawn)[7][1]
    for name in ("edges", "color"):
        for percentile in (1, 50, 99):
            least = shop.info.scales[name].percentiles[percentile]
            expected = [one for one in search(shop, path, using=name, k=99) if one.score >= least]
            assert search(shop, path, using=name, k=99, min_percentile=percentile) == expected
            both = search(shop, path, using=name, k=99, min_percentile=percentile, min_score=0.9)
            assert both == [one for one in expected if one.score >= 0.9]
    scales = shop.info.scales
    least = sum(scales[name].scaled(scales[name].percentiles[20]) * w for name, w in (("edges", 1), ("color", 0.5)))
    hybrid = search(shop, path, using="edges=1,color=.5", k=99)
    kept = search(shop, path, using="edges=1,color=.5", k=99, min_percentile=20)
    assert [one.id for one in kept] == [one.id for one in hybrid if one.score >= least]
    assert 0 < len(kept) < len(hybrid)


@pytest.mark.parametrize("using", ["edges", "edges=1,color=.5"])
@pytest.mark.parametrize(
    "more", [{}, {"diversity": 0.6}, {"group_by": "product"}, {"group_by": "product", "diversity": 0.6}]
)
def test_pages_fit_together(shop, drawn, using, more):
    query = Query(picture=images(drawn)[7][1], using=using, boost="brand:Nike=.1" if "," in using else (), k=30, **more)
    searcher = Searcher(shop)
    whole = searcher.find(query)
    pages = [searcher.find(replace(query, k=7, offset=offset)) for offset in range(0, 30, 7)]
    assert [one for page in pages for one in page][: len(whole)] == whole
    assert [one.rank for page in pages for one in page][:9] == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.fixture(scope="module")
def many() -> Iterator[Store]:
    """700 points by two encoders that do not agree: far more than the candidates of one page."""
    rng = np.random.default_rng(11)
    rows = {name: rng.standard_normal((700, 6)).astype(np.float32) for name in ("color", "edges")}
    ids = [point_id("s", str(number)) for number in range(700)]
    with open_store(":memory:") as store:
        store.add_vectors({name: VectorSpec(6, name, 1) for name in rows})
        store.add_fields({"brand": "keyword", "price": "float"})
        store.upsert(ids, rows, [{"brand": BRANDS[n % 2], "price": float(n % 3)} for n in range(700)])
        measure_scales(store)
        yield store


@pytest.mark.parametrize("boost", ["", "brand:Nike=.3"])
def test_the_pages_of_a_hybrid_query_rank_the_same_candidates(many, boost):
    toward = {"color": np.ones(6), "edges": np.arange(6.0)}
    query = Query(vector=toward, using="color=1,edges=1", boost=boost, k=60)
    searcher = Searcher(many)
    pages = [searcher.find(replace(query, k=10, offset=offset)) for offset in range(0, 60, 10)]
    found = [(one.rank, one.id) for page in pages for one in page]
    assert found == [(one.rank, one.id) for one in searcher.find(query)]


def test_one_image_a_product(shop, drawn):
    path = images(drawn)[7][1]
    every = search(shop, path, using="edges", k=99)
    found = search(shop, path, using="edges", k=99, group_by="product")
    best: dict[str, str] = {}
    for one in every:
        best.setdefault(one.payload.get("product", one.id), one.id)
    assert [one.id for one in found] == list(best.values())
    assert len(found) == 25  # 24 products, and one image without a product
    folders = search(shop, path, using="edges", k=99, group_by="folder")
    assert sorted(one.path.parent.name for one in folders) == sorted({path.parent.name for _, path in images(drawn)})


@pytest.mark.parametrize("more", [{}, {"where": "price < 2"}, {"using": "color=1,edges=1"}, {"min_score": -0.95}])
@pytest.mark.parametrize("odd", [[], [{}], [{"brand": ["Nike", "Puma"]}], [{"brand": ["Fila"]}, {}]])
def test_fewer_groups_than_asked_for_are_found_without_reading_all(many, monkeypatch, more, odd):
    """Two brands, and images far away without one or with a list: of every group the best, like among all images."""
    ids = [point_id("s", f"odd {number}") for number in range(len(odd))]
    payloads = [{"price": 1.0, **payload} for payload in odd]
    if odd:
        many.upsert(
            ids, {name: [[-1.0, 0.0, -1.0, -0.9, -1.0, -1.0]] * len(odd) for name in ("color", "edges")}, payloads
        )
    toward = {"color": np.ones(6), "edges": np.arange(6.0)} if "using" in more else np.ones(6)
    query = Query(**{"vector": toward, "using": "color", "k": 20, **more})
    best = {repr(one.payload.get("brand", one.id)): one.id for one in Searcher(many).find(replace(query, k=999))[::-1]}
    asked: list[int] = []
    for name in ("search", "search_hybrid"):
        plain = getattr(Store, name)
        monkeypatch.setattr(Store, name, lambda *a, plain=plain, **o: asked.append(o["k"]) or plain(*a, **o))
    found = Searcher(many).find(replace(query, group_by="brand"))
    many.delete(ids)
    assert {one.id for one in found} == set(best.values())
    assert len(found) == 2 + len(odd)
    assert max(asked) == 256 or odd, "nothing hides, so nothing more is asked for"


def test_the_photos_of_a_product_are_averaged_and_not_found_themselves(shop, drawn):
    shop.set_product("product")
    product = search(shop, id=images(drawn)[7][0], using="edges", k=1)[0].payload["product"]
    photos = [record.id for record in shop.scroll({"product": product})]
    found = search(shop, product=product, using="edges", k=99)
    assert found == search(shop, id=photos, using="edges", k=99)
    assert not {one.id for one in found} & set(photos)
    with pytest.raises(PointNotFoundError, match="no image with product 'none such'"):
        search(shop, product="none such")
    shop.set_product(None)
    with pytest.raises(ArgumentError, match="does not know which field names products"):
        search(shop, product=product)


def test_product_stands_for_the_field_that_names_products_unless_a_field_has_that_name():
    with open_store(":memory:", create=True) as store:
        store.add_field("sku", "keyword")
        store.set_product("sku")
        assert grouping_field(store, "product") == "sku"
        with pytest.raises(UnknownFieldError, match=r"it has 'sku'\. Did you mean 'product'\?"):
            grouping_field(store, "prodct")
        store.set_product(None)
        with pytest.raises(UnknownFieldError, match="does not know which field names products; index with product_col"):
            grouping_field(store, "product")
        store.add_field("product", "keyword")
        assert grouping_field(store, "product") == "product"


@pytest.mark.parametrize("using", ["edges", "edges=1,color=.5"])
def test_diversity_shows_what_is_alike_later(shop, drawn, vectors, using):
    id = images(drawn)[7][0]
    every = search(shop, id=id, using=using, k=99)
    found = search(shop, id=id, using=using, k=99, diversity=0.5)
    index = {id: number for number, (id, _) in enumerate(images(drawn))}

    def alike(a: str, b: str) -> float:
        pairs = {name: float(rows[index[a]] @ rows[index[b]]) for name, rows in vectors.items()}
        if using == "edges":
            return pairs["edges"]
        return shop.info.scales["edges"].scaled(pairs["edges"]) + 0.5 * shop.info.scales["color"].scaled(pairs["color"])

    order = [every[0]]
    while len(order) < 6:
        left = [one for one in every if one not in order]
        order.append(max(left, key=lambda one: one.score - max(alike(one.id, before.id) for before in order)))
    assert [one.id for one in found[:6]] == [one.id for one in order]
    assert {one.id for one in found} == {one.id for one in every}
    assert [one.id for one in found] != [one.id for one in every]


# ---- what cannot be -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({}, ArgumentError, "Search by a picture, id=, product=, like=, words=, boost= or near="),
        ({"where": "price < 5"}, ArgumentError, "Search by a picture"),
        ({"unlike": "shoe/001.jpg"}, ArgumentError, "unlike= takes something away from a picture"),
        ({"picture": "PATH", "using": "edges=0,color=0"}, ArgumentError, "using= needs a weight above 0"),
        ({"picture": "PATH", "using": "edges=-1"}, ArgumentError, "A weight is a number, 0 or more; got -1.0"),
        ({"picture": "PATH", "using": "edges=1,sift=2"}, StoreMismatchError, "no vectors of encoder 'sift'; it holds"),
        ({"picture": "PATH", "using": "none"}, ArgumentError, "using=none leaves looks out"),
        ({"words": "red", "using": "edges"}, ArgumentError, "using= compares images; name a picture"),
        (
            {"picture": "PATH", "boost": "brand=.3"},
            ArgumentError,
            "'brand' has no value to compare with: the query is no",
        ),
        (
            {"id": 5, "boost": "brand=.3"},
            ArgumentError,
            "'brand' has no value to compare with: the query product has none",
        ),
        (
            {"id": 5, "near": "price=.3"},
            ArgumentError,
            "near= of field 'price' has no value to compare with: the query p",
        ),
        (
            {"id": 0, "near": "price=.3"},
            ArgumentError,
            "'price' needs a scale where the number is 0: price~SCALE=WEIGHT",
        ),
        ({"id": 8, "near": "brand:3=.3"}, ArgumentError, "'brand' holds keyword values; closeness is that of numbers"),
        ({"id": 8, "near": "price~-1=.3"}, ArgumentError, "a finite number and a scale above 0"),
        ({"id": 8, "boost": "title=.3"}, ArgumentError, "'title', which holds text, needs words: title:WORDS=WEIGHT"),
        ({"id": 8, "boost": "price:cheap=.3"}, ArgumentError, "'price' holds finite numbers; got 'cheap'"),
        ({"id": 8, "boost": "colour=.3"}, UnknownFieldError, "no filterable field 'colour'; it has 'brand'"),
        ({"id": 8, "near": "cost=.3"}, UnknownFieldError, "no filterable field 'cost'"),
        ({"id": 8, "boost": "brand=-.3"}, ArgumentError, "A weight is a number, 0 or more; got -0.3"),
        ({"id": 8, "boost": "brand=0", "using": "none"}, ArgumentError, "needs a part with a weight above 0"),
        ({"id": 8, "boost": "brand=.1,brand=.2"}, ArgumentError, "'brand=Nike' is there twice"),
        ({"words": "--"}, ArgumentError, "words= needs a letter or a digit; got '--'"),
        ({"words": "red=-1"}, ArgumentError, "A weight is a number, 0 or more; got -1"),
        ({"words": "red=0"}, ArgumentError, "needs a part with a weight above 0"),
        ({"id": 8, "group_by": "colour"}, UnknownFieldError, "no filterable field 'colour'"),
        ({"words": "red", "diversity": 0.5}, ArgumentError, "diversity= compares images"),
        ({"words": "red", "min_percentile": 5}, ArgumentError, "min_percentile= compares images"),
        ({"id": 8, "diversity": 2}, ArgumentError, "diversity= must be a number from 0 to 1; got 2"),
        ({"id": 8, "min_percentile": 101}, ArgumentError, "min_percentile= must be a number from 0 to 100; got 101"),
        ({"id": 8, "offset": -1}, ArgumentError, "offset= must be a whole number"),
        ({"id": 8, "k": 0}, ArgumentError, "k= must be a whole number"),
        (
            {"vector": [1, 2], "using": "edges=1,color=1"},
            ArgumentError,
            "vector= maps each of the encoders edges, color",
        ),
        ({"vector": {"edges": [1]}, "using": "edges=1,color=1"}, ArgumentError, "vector= needs a vector for each"),
        ({"vector": [1, 2], "id": 8, "using": "edges"}, VectorError, "Expected one vector of 324 numbers"),
    ],
    ids=repr,
)
def test_a_query_that_cannot_be(shop, drawn, asked, error, message):
    asked = {name: images(drawn)[7][1] if value == "PATH" else value for name, value in asked.items()}
    if isinstance(asked.get("id"), int):
        asked["id"] = images(drawn)[asked["id"]][0]
    with pytest.raises(error, match=message):
        search(shop, **asked)


def test_words_need_a_field_of_text_and_images_an_encoder(tmp_path, drawn):
    with open_store(tmp_path / "store", create=True) as store:
        store.add_field("brand", "keyword")
        with pytest.raises(ArgumentError, match=r"words= searches fields of kind text; .* are 'brand'"):
            search(store, words="red")
        assert search(store, boost="brand:Nike=1") == []
        with pytest.raises(StoreMismatchError, match=r"holds no vectors of encoder 'learned'; it holds none\."):
            search(store, drawn / "shoe" / "001.jpg")
