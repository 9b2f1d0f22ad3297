"""A collection on a server that is at work, too old or shared: its encoders, and the record that several write."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest
from qdrant_stand_in import DONE, GO_ON, Qdrant

from autoenc.errors import StoreError, StoreMismatchError
from autoenc.store import Store, VectorSpec, open_store, point_id

RED, GREEN, BLUE = IDS = [point_id("demo", f"{name}.jpg") for name in ("red", "green", "blue")]
PAINT = VectorSpec(dim=2, fingerprint="paint-1", preprocessing=1)
SHAPE = VectorSpec(dim=3, fingerprint="shape-1", preprocessing=1)
SHAPES = "PUT /collections/images%401/vectors/shape"


@pytest.fixture
def store(qdrant) -> Store:
    """Three points with the vector `paint`, and nothing seen yet."""
    with open_store(qdrant.url, create=True) as opened:
        opened.add_vector("paint", PAINT)
        opened.upsert(IDS, {"paint": np.eye(3, 2, dtype=np.float32)}, [{}] * 3)
        qdrant.seen.clear()
        yield opened
        qdrant.fail = lambda _: GO_ON


def many(count: int) -> list[str]:
    return [str(UUID(int=number)) for number in range(count)]


# ---- adding and removing an encoder ---------------------------------------------------------------


def test_the_version_is_asked_for_once(qdrant):
    with open_store(qdrant.url, create=True) as store:
        store.add_vector("paint", PAINT)
        store.add_vector("shape", SHAPE)
        store.drop_vector("shape")
        assert len(store) == 0
    assert qdrant.lines().count("GET /") == 1


def test_a_server_too_old_to_add_an_encoder(qdrant, store):
    qdrant.version = "1.18.0"
    with open_store(qdrant.url) as opened:
        with pytest.raises(StoreMismatchError, match=r"version 1\.18\.0; adding an encoder needs 1\.18\.1 or later"):
            opened.add_vector("shape", SHAPE)
        assert list(opened.info.vectors) == ["paint"]
    with open_store(qdrant.url) as opened:  # what failed is no burden to who opens it next
        assert len(opened.search([1, 0], using="paint")) == 3


def test_a_server_too_old_to_remove_an_encoder(qdrant, store):
    qdrant.version = "1.18.3"
    with open_store(qdrant.url) as opened:
        with pytest.raises(StoreMismatchError, match=r"version 1\.18\.3; removing an encoder needs 1\.19\.0 or later"):
            opened.drop_vector("paint")
        assert len(opened.search([1, 0], using="paint")) == 3


@pytest.mark.parametrize("quiet", ["green", "grey"])
def test_an_encoder_is_added_once_the_server_is_quiet(qdrant, store, pauses, quiet):
    waits: list[int] = []

    def status() -> str:
        return "yellow" if len(pauses) < 3 else quiet

    def watch(request):
        if request.line == SHAPES:
            waits.append(len(pauses))
        return GO_ON

    qdrant.status, qdrant.fail = status, watch
    store.add_vector("shape", SHAPE)
    assert waits == [3]
    assert pauses == [0.1, 0.2, 0.4]


def test_an_encoder_is_added_at_once_where_no_points_are(qdrant, pauses):
    qdrant.status = "yellow"
    with open_store(qdrant.url, create=True) as store:
        store.add_vector("paint", PAINT)
    assert pauses == []


def test_a_server_that_goes_on_optimizing(qdrant, store, pauses):
    qdrant.status = "yellow"
    with pytest.raises(StoreError, match=r"still optimizing collection 'images' after 600 seconds.*status is green"):
        store.add_vector("shape", SHAPE)
    assert 600 <= sum(pauses) <= 605
    assert SHAPES not in qdrant.lines()
    assert list(store.info.vectors) == ["paint"]
    with open_store(qdrant.url) as opened:
        assert list(opened.info.vectors) == ["paint"]


def test_a_server_that_cannot_optimize(qdrant, store):
    qdrant.status = "red"
    with pytest.raises(
        StoreError, match=r"cannot optimize collection 'images' \(no space left on device\)\. Repair it"
    ):
        store.add_vector("shape", SHAPE)
    assert SHAPES not in qdrant.lines()


def test_a_vector_that_is_not_there_though_the_server_said_so(qdrant, store):
    qdrant.fail = lambda request: DONE if request.line == SHAPES else GO_ON
    with pytest.raises(StoreError, match=r"said that it added vector 'shape' to collection 'images', but has not"):
        store.add_vector("shape", SHAPE)


def lose(qdrant: Qdrant, *ids: str) -> None:
    qdrant.memory.delete_vectors("images", ["shape"], points=list(ids))


def test_vectors_that_a_merge_of_segments_lost_are_told(qdrant, store):
    store.add_vector("shape", SHAPE)
    store.update_vectors(IDS, {"shape": np.ones((3, 3))})
    lose(qdrant, RED, BLUE)
    message = r"has lost vector 'shape' of 2 points: .*Index again with encoders=shape; only these"
    for _ in range(2):
        with pytest.raises(StoreError, match=message):
            store.optimize()
    store.update_vectors([RED, BLUE], {"shape": np.ones((2, 3))})
    store.optimize()
    lose(qdrant, GREEN)
    store.optimize()  # what was checked once is the server's


def test_it_is_checked_once_the_server_is_quiet(qdrant, store, pauses):
    store.add_vector("shape", SHAPE)
    store.upsert(many(1), {"shape": np.ones((1, 3))}, [{}])

    def status() -> str:
        if len(pauses) < 2:
            return "yellow"
        lose(qdrant, *many(1))
        return "green"

    qdrant.status = status
    with pytest.raises(StoreError, match="vector 'shape' of 1 point: "):
        store.optimize()
    assert pauses == [0.1, 0.2]


def test_it_is_checked_again_where_the_server_does_not_come_to_rest(qdrant, store):
    store.add_vector("shape", SHAPE)
    store.update_vectors(IDS, {"shape": np.ones((3, 3))})
    qdrant.status = "yellow"
    store.optimize()
    lose(qdrant, RED)
    with pytest.raises(StoreError, match="lost vector 'shape' of 1 point"):
        store.optimize()


def test_points_that_were_never_given_the_vector_lack_nothing(qdrant, store):
    store.add_vector("shape", SHAPE)
    store.update_vectors([RED, GREEN], {"shape": np.ones((2, 3))})
    store.delete([RED])
    store.upsert([GREEN], {"paint": np.ones((1, 2))}, [{}])  # replaced whole
    store.optimize()


def test_vectors_that_were_there_before_the_points_are_not_checked(qdrant, store):
    store.update_vectors(IDS, {"paint": np.ones((3, 2))})
    qdrant.seen.clear()
    store.optimize()
    assert qdrant.seen == []


def test_a_large_load_is_checked_part_by_part(qdrant, store, monkeypatch):
    monkeypatch.setattr("autoenc.store.client_collection.CHECKED_AT_ONCE", 2)
    store.add_vector("shape", SHAPE)
    store.upsert(many(5), {"shape": np.ones((5, 3))}, [{}] * 5)
    qdrant.seen.clear()
    lose(qdrant, many(5)[4])
    with pytest.raises(StoreError, match="lost vector 'shape' of 1 point"):
        store.optimize()
    assert qdrant.lines().count("POST /collections/images%401/points/count") == 3


# ---- several indexers -----------------------------------------------------------------------------


def test_two_indexers_at_once_both_remain_in_the_record(qdrant, store):
    with open_store(qdrant.url) as other:  # neither knows what the other does from here on
        store.add_source("north", "/north")
        other.add_source("south", "/south")
        other.add_vector("shape", SHAPE)
        store.add_vector("edges+pca32", PAINT)
        store.add_vector("shape", SHAPE)  # the same again
        store.add_field("price", "float")
        other.add_field("added", "datetime")
        other.add_source("north", "/moved")
    with open_store(qdrant.url) as opened:
        assert opened.info.sources == {"north": "/moved", "south": "/south"}
        assert opened.info.vectors == {"paint": PAINT, "shape": SHAPE, "edges+pca32": PAINT}
        assert opened.info.fields == {"price": "float", "added": "datetime"}


def test_indexers_whose_requests_fall_between_each_other(qdrant, store):
    """Each reads the record before the other has written: what a document written whole would lose."""
    with open_store(qdrant.url) as other:
        nested = []

        def in_between(request):
            if request.line == "PATCH /collections/images%401" and not nested:
                nested.append(True)
                qdrant.memory.update_collection("images", metadata={"autoenc.sources.south": "/south"})
            return GO_ON

        qdrant.fail = in_between
        store.add_source("north", "/north")
        other.add_source("east", "/east")
        assert other.info.sources == {"north": "/north", "south": "/south", "east": "/east"}
