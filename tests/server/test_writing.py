"""Writes over HTTP: what they change, what they leave, and that reading goes on meanwhile."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import KEY, Client

from autoenc import open_store
from autoenc.store import OWN, Store, point_id


@pytest.fixture
def writable(shop: Path, serving) -> Iterator[Client]:
    with open_store(shop / "store") as store:
        yield serving(store, headers={"x-api-key": KEY}, key=KEY, writable=True)


def id_of(number: int) -> str:
    return point_id("shop", f"shoe/{number:03}.jpg")


def store_of(client: Client) -> Store:
    return client.app.service.catalog.store


def test_tags_are_set_by_ids_or_by_a_filter(writable: Client) -> None:
    by_ids = writable.post(
        "/v1/tag", json={"ids": ["shoe/001.jpg", id_of(2)], "set": {"sale": True}, "unset": ["style"]}
    )
    assert by_ids.json() == {"changed": 2}
    by_filter = writable.post("/v1/tag", json={"where": {"folder": "watch"}, "set": {"price": 5}})
    assert by_filter.json() == {"changed": 12}
    one = writable.get(f"/v1/images/{id_of(1)}").json()
    assert one["fields"]["sale"] is True
    assert "style" not in one["fields"]
    assert writable.get("/v1/facets").json()["fields"][-2]["name"] == "season"
    assert store_of(writable).count("price = 5") == 12


WRONG = [
    ({"set": {"a": 1}}, 422),
    ({"ids": ["shoe/001.jpg"], "where": "folder = shoe", "set": {"a": 1}}, 422),
    ({"where": {}, "set": {"a": 1}}, 422),
    ({"where": "folder = shoe"}, 422),
    ({"where": "nothing = 1", "set": {"a": 1}}, 422),
    ({"where": "folder = shoe", "set": {"_autoenc": 1}}, 422),
    ({"where": "folder = shoe", "set": {"_autoenc.path": "x"}}, 422),
    ({"where": "folder = shoe", "set": {"price": "dear"}}, 422),
    ({"where": "folder = shoe", "set": {"a": {"b": 1}}}, 422),
    ({"ids": ["shoe/001.jpg", "shoe/999.jpg"], "set": {"a": 1}}, 404),
]


def test_a_tag_that_cannot_be_changes_nothing(writable: Client) -> None:
    before = [record.payload for record in store_of(writable)]
    for body, status in WRONG:
        answer = writable.post("/v1/tag", json=body)
        assert answer.status_code == status, (body, answer.text)
    assert [record.payload for record in store_of(writable)] == before


def test_images_are_removed_all_or_none_and_their_files_stay(writable: Client, shop: Path) -> None:
    assert writable.post("/v1/remove", json={"ids": [id_of(1), point_id("shop", "x")]}).status_code == 404
    assert len(store_of(writable)) == 48
    assert writable.post("/v1/remove", json={"ids": [id_of(1), "shoe/001.jpg", id_of(2)]}).json() == {"removed": 2}
    assert len(store_of(writable)) == 46
    assert writable.get(f"/v1/images/{id_of(1)}").status_code == 404
    assert (shop / "photos" / "shoe" / "001.jpg").is_file()


def test_one_copy_is_kept_with_the_fields_of_the_others(writable: Client) -> None:
    """The fields that it lacks go to it; a copy whose values contradict it stays, and its fields are named."""
    store = store_of(writable)
    for number, fields in ((1, {"sku": 7}), (2, {"sku": 7, "note": "new"}), (3, {"sku": 8})):
        (record,) = store.retrieve([id_of(number)])
        store.delete_fields([id_of(number)], [name for name in record.payload if name != OWN])
        store.set_payloads([id_of(number)], [fields])
    body = {"id": "shoe/001.jpg", "others": ["shoe/002.jpg", id_of(3)]}
    planned = {"removed": [id_of(2)], "joined": ["note"], "staying": {id_of(3): ["sku"]}}
    assert writable.post("/v1/duplicates/keep", json={**body, "dry_run": True}).json() == planned
    assert len(store) == 48
    assert writable.post("/v1/duplicates/keep", json=body).json() == planned
    assert writable.get(f"/v1/images/{id_of(1)}").json()["fields"] == {"sku": 7, "note": "new"}
    assert writable.get(f"/v1/images/{id_of(2)}").status_code == 404
    assert writable.get(f"/v1/images/{id_of(3)}").json()["fields"] == {"sku": 8}
    assert writable.post("/v1/duplicates/keep", json=body).status_code == 404
    assert writable.post("/v1/duplicates/keep", json={**body, "others": ["shoe/001.jpg"]}).status_code == 422


def test_a_source_is_indexed_again_while_searches_go_on(writable: Client, shop: Path) -> None:
    shutil.copy(shop / "photos" / "shoe" / "001.jpg", shop / "photos" / "shoe" / "new.jpg")
    begun = writable.post("/v1/index", json={})
    assert begun.status_code == 202
    assert begun.json()["source"] == "shop"
    while (runs := writable.get("/v1/runs").json())["running"] is not None:
        assert len(writable.search(id="watch/001.jpg", k=3)["neighbors"]) == 3
        time.sleep(0.05)
    assert runs["failed"] is None
    assert (runs["runs"][-1]["source"], runs["runs"][-1]["indexed"]) == ("shop", 1)
    assert writable.search(id="shoe/new.jpg", k=1)["neighbors"][0]["image"]["path"] == "shoe/001.jpg"


def test_indexing_fails_in_a_sentence(writable: Client, shop: Path) -> None:
    assert writable.post("/v1/index", json={"source": "other"}).status_code == 422
    shutil.rmtree(shop / "photos")
    answer = writable.post("/v1/index", json={})
    assert answer.status_code == 422
    assert "out of reach" in answer.json()["detail"]


def test_a_run_that_fails_is_told_and_the_next_one_may_begin(writable: Client, monkeypatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("autoenc.server.writing.index_images", broken)
    for _ in range(2):
        assert writable.post("/v1/index", json={}).status_code == 202
        while writable.get("/v1/runs").json()["running"]:
            time.sleep(0.01)
        assert writable.get("/v1/runs").json()["failed"] == "The disk is full."


def test_two_runs_do_not_overlap(writable: Client, monkeypatch) -> None:
    seen = []

    def slow(*_: Any, progress: Any, **__: Any) -> None:
        while not seen:
            progress("indexing", 1, 2, "")
            time.sleep(0.01)

    monkeypatch.setattr("autoenc.server.writing.index_images", slow)
    assert writable.post("/v1/index", json={}).status_code == 202
    assert writable.post("/v1/index", json={}).status_code == 409
    time.sleep(0.05)
    assert writable.get("/v1/runs").json()["running"] == {
        "state": "running", "stage": "indexing", "done": 1, "total": 2,
    }  # fmt: skip
    seen.append(1)


def test_what_was_written_is_there_after_a_stop(shop: Path, serving) -> None:
    with open_store(shop / "store") as store:
        client = serving(store, headers={"x-api-key": KEY}, key=KEY, writable=True)
        client.post("/v1/tag", json={"where": "folder = shoe", "set": {"sale": True}})
        client.app.service.close()
    with open_store(shop / "store") as store:
        assert sum(record.payload.get("sale") is True for record in store) == 12
