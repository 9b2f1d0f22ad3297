"""Searches over HTTP find what the library finds, and say how they were understood."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from serving import Client

from autoenc import Query, Searcher, search
from autoenc.server.bodies import cropped
from autoenc.store import Store, point_id

JPEG = {"content-type": "image/jpeg"}


def ids(answer: dict) -> list[str]:
    return [each["image"]["id"] for each in answer["neighbors"]]


def uploaded(client: Client, data: bytes) -> str:
    answer = client.post("/v1/pictures", content=data, headers=JPEG)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


@pytest.fixture(scope="module")
def photo(built: Path) -> bytes:
    return (built / "photos" / "shoe" / "003.jpg").read_bytes()


@pytest.mark.parametrize(
    "asked",
    [
        {"id": "shoe/001.jpg"},
        {"id": ["shoe/001.jpg", "watch/001.jpg"], "using": "color", "offset": 3},
        {"id": "shoe/001.jpg", "using": "learned=1,color=.5", "boost": "season=.3", "near": "price=.2"},
        {"id": "shoe/001.jpg", "like": ["shoe/002.jpg"], "unlike": ["watch/002.jpg"], "using": "edges"},
        {"words": "red shoe", "k": 3},
        {"product": "shoe", "group_by": "product"},
        {"id": "shoe/001.jpg", "where": "price < 100 and not folder = shoe", "min_score": 0.1, "diversity": 0.5},
        {"id": "shoe/001.jpg", "min_percentile": 30},
    ],
)
def test_a_search_finds_what_the_library_finds(client: Client, store: Store, asked: dict) -> None:
    answer = client.search(**{"k": 5, **asked})
    expected = Searcher(store).find(Query(**{"k": 5, **asked}))
    assert ids(answer) == [neighbor.id for neighbor in expected]
    assert [each["score"] for each in answer["neighbors"]] == [neighbor.score for neighbor in expected]
    assert [each["parts"] for each in answer["neighbors"]] == [neighbor.parts for neighbor in expected]
    assert [each["rank"] for each in answer["neighbors"]] == [neighbor.rank for neighbor in expected]


def test_a_filter_can_be_an_object(client: Client, store: Store) -> None:
    where = {"price": {"gte": 20, "lt": 60}, "season": ["summer", "winter"], "title": {"contains": "shirt"}}
    found = client.search(id="t-shirt/001.jpg", where=where, k=20)
    text = "price >= 20 and price < 60 and season in (summer, winter) and title contains shirt"
    assert ids(found) == [each.id for each in search(store, id="t-shirt/001.jpg", where=text, k=20)] != []
    assert all(20 <= each["image"]["fields"]["price"] < 60 for each in found["neighbors"])
    assert client.search(id="t-shirt/001.jpg", where={"price": None}, k=20)["neighbors"] == []  # every product has one


def test_a_search_says_how_it_was_understood(client: Client) -> None:
    told = client.search(id="shoe/001.jpg", using={"learned": 1, "color": 0.5}, boost="season=.3", k=2)["query"]
    assert told["id"] == "shoe/001.jpg"
    assert (told["using"], told["weights"]) == ("learned=1,color=0.5", {"learned": 1.0, "color": 0.5})
    assert told["boosts"] == [{"field": "season", "weight": 0.3, "value": None}]


def test_the_parts_of_a_hybrid_score_add_up(client: Client) -> None:
    for each in client.search(id="shoe/001.jpg", using="learned=1,color=.5", boost="season=.3")["neighbors"]:
        assert sum(each["parts"].values()) == pytest.approx(each["score"], abs=1e-5)


def test_an_image_carries_what_a_page_shows(client: Client) -> None:
    image = client.search(id="shoe/001.jpg", where="path = shoe/002.jpg", k=1)["neighbors"][0]["image"]
    assert image["id"] == point_id("shop", "shoe/002.jpg")
    assert (image["path"], image["source"], image["width"], image["height"]) == ("shoe/002.jpg", "shop", 160, 160)
    assert image["product"] == "shoe"
    assert image["fields"].keys() >= {"title", "price", "season"}
    assert "_autoenc" not in image["fields"]


def test_pages_fit_together(client: Client) -> None:
    whole = client.search(id="shoe/001.jpg", k=10)
    first = client.search(id="shoe/001.jpg", k=5)
    second = client.search(id="shoe/001.jpg", k=5, offset=first["next_offset"])
    assert ids(first) + ids(second) == ids(whole)
    assert client.search(id="shoe/001.jpg", k=100)["next_offset"] is None


def test_an_uploaded_picture_is_searched_by_its_token(client: Client, store: Store, photo: bytes) -> None:
    answer = client.search(picture=uploaded(client, photo), k=3)
    assert ids(answer) == [neighbor.id for neighbor in search(store, photo, k=3)]
    assert answer["neighbors"][0]["score"] == pytest.approx(1, abs=1e-5)
    assert answer["novelty"]["unlike"] is False


def test_a_picture_can_be_the_body_itself(client: Client, store: Store, photo: bytes) -> None:
    answer = client.post("/v1/search?k=3&using=color&where=folder%3Dwatch", content=photo, headers=JPEG)
    assert ids(answer.json()) == [each.id for each in search(store, photo, k=3, using="color", where="folder=watch")]


def test_a_picture_unlike_the_catalog_is_told(client: Client) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    answer = client.post("/v1/search", content=file.getvalue(), headers={"content-type": "image/png"}).json()
    assert answer["novelty"]["unlike"] is True
    assert answer["novelty"]["told"].startswith("Unlike anything in this catalog")


def test_a_crop_is_the_same_as_the_cropped_picture(client: Client, photo: bytes) -> None:
    token = uploaded(client, photo)
    part = cropped(photo, (0.25, 0.5, 0.75, 1.0))
    assert part.shape == (80, 80, 3)
    assert np.array_equal(part, np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"))[80:160, 40:120])
    file = io.BytesIO()
    Image.fromarray(part).save(file, "PNG")
    whole = client.post("/v1/search?k=4", content=file.getvalue(), headers={"content-type": "image/png"}).json()
    assert ids(client.search(picture=token, crop=[0.25, 0.5, 0.75, 1], k=4)) == ids(whole)


def test_a_large_picture_is_decoded_as_large_as_its_crop_needs() -> None:
    file = io.BytesIO()
    Image.new("RGB", (4000, 3000), "red").save(file, "JPEG")
    assert cropped(file.getvalue(), (0, 0, 1, 1)).shape == (375, 500, 3)
    assert cropped(file.getvalue(), (0, 0, 0.1, 0.1)).shape == (150, 200, 3)  # of 1500 x 2000


@pytest.mark.parametrize("crop", [[0.5, 0, 0.5, 1], [0.6, 0, 0.5, 1], [-0.1, 0, 1, 1], [0, 0, 1, 1.1]])
def test_a_crop_that_is_none_is_refused(client: Client, photo: bytes, crop: list[float]) -> None:
    answer = client.post("/v1/search", json={"picture": uploaded(client, photo), "crop": crop})
    assert answer.status_code == 422
    assert "crop= is left, top, right and bottom" in answer.json()["detail"]


def test_an_address_searches_the_same_and_can_be_shared(client: Client, photo: bytes) -> None:
    token = uploaded(client, photo)
    given = {"picture": token, "crop": "0.1,0.1,0.9,0.9", "k": 4, "where": "price < 500", "using": "learned=1,color=.3"}
    body = {**given, "crop": [0.1, 0.1, 0.9, 0.9]}
    shared = client.get("/v1/search", params=given).json()
    assert ids(shared) == ids(client.search(**body))
    several = client.get("/v1/search?id=shoe/001.jpg&id=shoe/002.jpg&k=2").json()
    assert ids(several) == ids(client.search(id=["shoe/001.jpg", "shoe/002.jpg"], k=2))


def test_results_as_csv(client: Client) -> None:
    answer = client.get("/v1/search?id=shoe/001.jpg&k=3&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == ids(client.search(id="shoe/001.jpg", k=3))
    assert rows[0].keys() >= {"rank", "score", "path", "title", "price"}


def test_results_as_a_contact_sheet(client: Client, photo: bytes) -> None:
    for query in ("id=shoe/001.jpg", f"picture={uploaded(client, photo)}"):
        answer = client.get(f"/v1/search?{query}&k=3&format=png")
        assert answer.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(answer.content)).size == (632, 268)
    answer = client.get("/v1/search?words=red&k=3&format=png")
    assert answer.headers["content-type"] == "image/png", "the words stand in the place of the query"
    answer = client.get("/v1/search?like=shoe/001.jpg&unlike=shoe/002.jpg&k=3&format=png")
    assert Image.open(io.BytesIO(answer.content)).size == (632, 268 + 208), "the examples stand one below the other"


def test_what_finds_nothing_says_what_there_is(client: Client) -> None:
    answer = client.search(id="shoe/001.jpg", where="brand = Alderbi")
    assert answer["neighbors"] == []
    assert "No image has brand 'Alderbi'." in answer["notes"][0]
    assert "Alderby" in answer["notes"][0]


def test_the_neighbors_of_many_images_at_once(client: Client, store: Store) -> None:
    wanted = [point_id("shop", f"shoe/{number:03}.jpg") for number in range(3)]
    answer = client.post("/v1/neighbors", json={"ids": [*wanted, point_id("shop", "none")], "k": 4}).json()
    assert list(answer["neighbors"]) == wanted
    for id, found in answer["neighbors"].items():
        assert [each["id"] for each in found] == [each.id for each in search(store, id=id, k=4)]


def test_recommendations_are_one_of_each_product_and_none_of_its_own(client: Client) -> None:
    id = point_id("shop", "shoe/001.jpg")
    found = client.get(f"/v1/images/{id}/recommendations?k=5").json()["neighbors"]
    assert sorted(each["image"]["product"] for each in found) == ["bicycle", "t-shirt", "watch"]
