"""What only a server can do to requests: refuse them, break off, be slow, take no long ones."""

from __future__ import annotations

import threading
from uuid import UUID

import numpy as np
import pytest
from qdrant_stand_in import DONE, GO_ON, Answer, Qdrant, refused

from autoenc.errors import ArgumentError, StoreError, StoreUnreachableError
from autoenc.store import Store, VectorSpec, open_store, point_id

RED, GREEN, BLUE = IDS = [point_id("demo", f"{name}.jpg") for name in ("red", "green", "blue")]
PAINT = VectorSpec(dim=2, fingerprint="paint-1", preprocessing=1)
SHAPE = VectorSpec(dim=3, fingerprint="shape-1", preprocessing=1)
POINTS, VECTORS = "PUT /collections/images%401/points", "PUT /collections/images%401/points/vectors"
MIB = 2**20


@pytest.fixture
def store(qdrant) -> Store:
    """Three points with the vector `paint`, and nothing seen yet."""
    with open_store(qdrant.url, create=True) as opened:
        opened.add_vector("paint", PAINT)
        opened.upsert(IDS, {"paint": np.eye(3, 2, dtype=np.float32)}, [{}] * 3)
        qdrant.seen.clear()
        yield opened
        qdrant.fail = lambda _: GO_ON


def failing(line: str, *answers: Answer | None):
    """Give these answers to requests of that line, one after the other; then go on."""
    left = list(answers)
    return lambda request: left.pop(0) if left and request.line == line else GO_ON


# ---- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer({}, 404), r"refused a request \(HTTP 404\)\. Is it a Qdrant server, 1\.18\.1 or later\?$"),
        (Answer("tea", 418), r"refused a request \(HTTP 418\)\. Is it a Qdrant server"),
        (refused(500, "disk on fire."), r"refused a request \(HTTP 500: disk on fire\)\.$"),
        (refused(507, "No space left"), r"refused a request \(HTTP 507: No space left\)\.$"),
    ],
)
def test_a_refusal_is_passed_on(qdrant, store, answer, message):
    qdrant.fail = lambda _: answer
    with pytest.raises(StoreError, match=message):
        store.count()
    assert len(qdrant.seen) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_server_that_is_starting(qdrant, store, pauses, status):
    qdrant.fail = lambda _: Answer({}, status)
    with pytest.raises(StoreUnreachableError, match=rf"is not ready \(HTTP {status}\)\. Try again in a moment"):
        store.count()
    assert len(qdrant.seen) == 5
    qdrant.fail = failing("POST /collections/images%401/points/count", Answer({}, status), Answer({}, status))
    assert store.count() == 3
    assert len(pauses) == 4 + 2


def test_a_request_that_is_too_large_for_the_server(store, qdrant):
    size = "Payload error: JSON payload (2000 bytes) is larger than allowed (limit: 1000 bytes)."
    for answer in (refused(400, size), Answer("<html>", 413)):
        qdrant.fail = failing(POINTS, answer)
        message = r"refuses a request of this size \(HTTP 4.*QDRANT__SERVICE__MAX_REQUEST_SIZE_MB to 32"
        with pytest.raises(StoreError, match=message):
            store.upsert([RED], {}, [{}])


# ---- too often ------------------------------------------------------------------------------------


def too_many(wait: str | None) -> Answer:
    answer = refused(429, "Rate limiting exceeded: Read rate limit exceeded.")
    return Answer(answer.body, 429, {} if wait is None else {"Retry-After": wait})


def test_a_rate_limit_is_waited_for(qdrant, store, pauses):
    qdrant.fail = failing("POST /collections/images%401/points/count", too_many("30"))
    assert store.count() == 3
    assert pauses == [30]


@pytest.mark.parametrize(
    ("wait", "reason", "attempts"),
    [
        ("3600", r"Read rate limit exceeded\.?; it asks to wait 3600 seconds", 1),
        ("1", "Read rate limit exceeded", 5),
        (None, "Read rate limit exceeded", 5),
        ("Fri, 31 Dec 1999 23:59:59 GMT", "Retry-After header value is not a valid integer", 5),
    ],
)
def test_a_rate_limit_that_does_not_end(qdrant, store, wait, reason, attempts):
    qdrant.fail = lambda _: too_many(wait)
    with pytest.raises(StoreUnreachableError, match=rf"limits the rate of requests \(.*{reason}.*Try again later"):
        store.count()
    assert len(qdrant.seen) == attempts


# ---- silence --------------------------------------------------------------------------------------


def test_a_connection_that_breaks_is_made_again(qdrant, store):
    qdrant.fail = failing(POINTS, None, None, None)
    store.upsert([RED], {"paint": np.ones((1, 2))}, [{"n": 1}])
    assert qdrant.lines() == [POINTS] * 4
    assert store.retrieve([RED])[0].payload == {"n": 1}


@pytest.mark.parametrize("writing", [True, False])
def test_a_connection_that_keeps_breaking(qdrant, store, writing):
    qdrant.fail = lambda _: None
    remedy = (
        "may or may not be stored. Run the same command again"
        if writing
        else "Try again, or look into the server's log"
    )
    with pytest.raises(StoreUnreachableError, match=f"keeps closing the connection .*{remedy}"):
        store.delete([RED]) if writing else store.count()
    assert len(qdrant.seen) == 5


@pytest.mark.parametrize("writing", [True, False])
def test_an_answer_that_does_not_come_in_time_leaves_open_what_was_written(qdrant, key, monkeypatch, writing):
    monkeypatch.setattr("autoenc.store.connection.TIMEOUT_SECONDS", 1)
    told = threading.Event()
    with open_store(qdrant.url, create=True) as store:
        qdrant.seen.clear()
        qdrant.fail = lambda _: None if told.wait(10) else GO_ON
        remedy = (
            "may or may not be stored. Run the same command again: nothing is stored twice"
            if writing
            else "It may be busy"
        )
        with pytest.raises(StoreUnreachableError, match=rf"no answer in time \(ReadTimeout\)\. .*{remedy}") as caught:
            store.upsert([RED], {}, [{}]) if writing else store.count()
        told.set()
        assert len(qdrant.seen) == 1  # it is not asked again
        assert key not in str(caught.value)


def test_a_server_that_gives_up_itself(qdrant, store):
    qdrant.fail = lambda _: refused(408, "Timeout error: Operation 'upsert' timed out after 60 seconds")
    with pytest.raises(
        StoreUnreachableError, match=r"no answer in time \(HTTP 408: Timeout .* may or may not be stored"
    ):
        store.upsert([RED], {}, [{}])


# ---- the size of requests -------------------------------------------------------------------------


@pytest.fixture
def sink(qdrant, store) -> Qdrant:
    """A server that takes every point within its limit without a look at it."""
    writes = (POINTS, "POST /collections/images%401/points/delete")
    qdrant.fail = lambda request: DONE if request.line.startswith(writes) and len(request.body) <= 32 * MIB else GO_ON
    return qdrant


def many(count: int) -> list[str]:
    return [str(UUID(int=number)) for number in range(count)]


def test_long_vectors_are_written_in_requests_that_a_server_takes(sink, store):
    store.add_vector("long", VectorSpec(dim=4096, fingerprint="long", preprocessing=1))
    vectors = np.random.default_rng(0).normal(size=(500, 4096)).astype(np.float32)
    sink.seen.clear()
    store.upsert(many(500), {"long": vectors}, [{"n": n} for n in range(500)])
    sizes = [len(request.body) for request in sink.seen]
    assert sum(sizes) > 32 * MIB  # one request could not hold them
    assert len(sizes) == 2


def test_long_vectors_are_updated_in_requests_that_a_server_takes(qdrant, store, monkeypatch):
    monkeypatch.setattr("autoenc.store.requests.MAX_BYTES", 10_000)
    store.add_vector("long", VectorSpec(dim=100, fingerprint="long", preprocessing=1))
    store.upsert(many(7), {}, [{}] * 7)
    qdrant.seen.clear()
    store.update_vectors(many(7), {"long": np.ones((7, 100))})  # 3,000 bytes each, three to a request
    assert qdrant.lines().count(VECTORS) == 3


def test_the_parts_of_a_write_are_all_there(store, monkeypatch):
    monkeypatch.setattr("autoenc.store.requests.MAX_BYTES", 2_000)
    vectors = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    store.upsert(many(20), {"paint": vectors}, [{"n": n} for n in range(20)])
    store.update_vectors(many(20), {"paint": -vectors})
    store.set_payloads(many(20), [{"text": "x" * 300, "m": n} for n in range(20)])
    records = store.retrieve(many(20), vectors=["paint"])
    assert [(record.payload["n"], record.payload["m"]) for record in records] == [(n, n) for n in range(20)]
    expected = -vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose([record.vectors["paint"] for record in records], expected, atol=1e-6)
    results = store.search_batch(-vectors, using="paint", k=1)
    assert [hits[0].id for hits in results] == many(20)


def test_large_payloads_go_in_several_requests(sink, store):
    text = "é" * (5 * MIB)  # 10 MiB in UTF-8
    store.upsert(IDS, {}, [{"text": text}] * 3)
    assert [len(request.body) // MIB for request in sink.seen] == [20, 10]


def test_a_point_that_no_request_can_hold(sink, store):
    message = rf"Point {GREEN} takes 31\.0 MiB; .* holds 30 MiB at most\. Shorten its payload"
    large = [{}, {"text": "x" * (31 * MIB)}, {}]
    for write in (lambda: store.upsert(IDS, {}, large), lambda: store.set_payloads(IDS, large)):
        with pytest.raises(ArgumentError, match=message):
            write()
    assert not [line for line in sink.lines() if line.startswith("PUT") or "batch" in line]


def test_a_hundred_thousand_ids(sink, store):
    ids = many(100_000)
    store.delete(ids)
    assert all(len(request.body) <= 32 * MIB for request in sink.seen)
    assert sum(request.body.count(b"-0000-") for request in sink.seen) >= 100_000
    (hit, *_) = store.search([0, 1], using="paint", exclude=[*ids, GREEN])
    assert hit.id != GREEN


def test_searches_that_exclude_much_go_in_several_requests(qdrant, store, monkeypatch):
    monkeypatch.setattr("autoenc.store.requests.MAX_BYTES", 100_000)
    results = store.search_batch(np.eye(2), using="paint", k=1, exclude=many(1500))  # 60,000 bytes each
    assert [hits[0].id for hits in results] == [RED, GREEN]
    assert qdrant.lines() == ["POST /collections/images%401/points/query/batch"] * 2
    with pytest.raises(ArgumentError, match=r"A search with these conditions takes .* fewer ids to exclude="):
        store.search([1, 0], using="paint", exclude=many(3000))
