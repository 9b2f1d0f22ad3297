"""What a contact sheet shows and says of a query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from autoenc import Searcher, index_images, open_store
from autoenc.catalog.queries import Query
from autoenc.report.asked import MOST, also_counted, query_tiles
from autoenc.report.sheets import Tile, name_of


@pytest.fixture
def searcher(tmp_path: Path) -> Iterator[Searcher]:
    """Twelve stored pictures of two products, a/0.png to b/5.png."""
    for number in range(12):
        path = tmp_path / "photos" / "ab"[number // 6] / f"{number % 6}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (20 * number, 0, 0)).save(path)
    index_images(tmp_path / "photos", tmp_path / "store", encoders=["color"], progress=False)
    with open_store(tmp_path / "store") as store:
        store.set_product("_autoenc.folder")
        yield Searcher(store)


def told(tiles: list[Tile]) -> list[tuple[str, str]]:
    return [(tile.caption, tile.note) for tile in tiles]


def test_every_image_of_a_query_is_shown_and_what_it_is(searcher: Searcher, tmp_path: Path) -> None:
    file = tmp_path / "own" / "x.png"
    query = Query(picture=[file, file], id="a/1.png", like=["b/0.png", str(file)], unlike="b/1.png")
    assert told(query_tiles(query, searcher)) == [
        ("query", name_of(file)), ("query", name_of(file)), ("query", "a/1.png"), ("like", "b/0.png"),
        ("like", name_of(file)), ("unlike", "b/1.png"),
    ]  # fmt: skip


def test_a_product_is_all_of_its_images(searcher: Searcher) -> None:
    tiles = told(query_tiles(Query(product="b"), searcher))
    assert sorted(tiles) == [("query", f"b/{number}.png") for number in range(6)]


def test_of_very_many_images_the_last_tile_says_how_many_more(searcher: Searcher) -> None:
    names = [f"{product}/{number}.png" for product in "ab" for number in range(6)]
    tiles = query_tiles(Query(id=names), searcher)
    assert len(tiles) == MOST
    assert told(tiles[:-1]) == [("query", name) for name in names[: MOST - 1]]
    assert tiles[-1].note == "and 3 more"


def test_words_and_attributes_stand_for_a_query_without_images(searcher: Searcher) -> None:
    (tile,) = query_tiles(Query(words="red shoe=0.3", boost="brand:Nike=0.2"), searcher)
    assert tile.caption == "query"


def test_what_counts_beside_the_looks_is_told() -> None:
    query = Query(
        id="a", unlike=["b", "c"], words="red shoe=0.3", boost="brand=0.5,color:red=1", near="price:49~10=0.2",
        diversity=0.25,
    )  # fmt: skip
    assert also_counted(query) == [
        "words red shoe=0.3", "boost brand=0.5", "boost color:red=1", "near price:49=0.2", "unlike 2 images",
        "diversity 0.25",
    ]  # fmt: skip
    assert also_counted(Query(id="a")) == []
