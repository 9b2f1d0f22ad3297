"""Requests are cut by bytes and repeated: every bound and pause worked out by hand."""

from __future__ import annotations

import json
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import models
from qdrant_client.http.exceptions import ResponseHandlingException

from autoenc.errors import ArgumentError
from autoenc.store import requests
from autoenc.store.requests import MAX_BYTES, NUMBER_BYTES, check_size, parts, payload_bytes, send_again

MIB = 2**20


def ranges(sizes: list[int]) -> list[tuple[int, int]]:
    return [(part.start, part.stop) for part in parts(sizes)]


def test_items_share_a_request_up_to_30_mib():
    assert ranges([]) == []
    assert ranges([10 * MIB] * 3) == [(0, 3)]
    assert ranges([10 * MIB] * 7) == [(0, 3), (3, 6), (6, 7)]
    assert ranges([MIB, 29 * MIB, 1, 30 * MIB, 1]) == [(0, 2), (2, 3), (3, 4), (4, 5)]


@given(st.lists(st.integers(0, MAX_BYTES)))
def test_parts_hold_every_item_once_and_in_order_and_no_two_could_be_one(sizes):
    cut = list(parts(sizes))
    assert [index for part in cut for index in range(len(sizes))[part]] == list(range(len(sizes)))
    totals = [sum(sizes[part]) for part in cut]
    assert all(total <= MAX_BYTES for total in totals)
    assert all(total + sizes[after.start] > MAX_BYTES for total, after in zip(totals, cut[1:], strict=False))


@given(st.floats(-1, 1, width=32))
def test_no_number_takes_more_bytes_than_are_counted(number):
    sent = models.PointVectors(id=1, vector=[number, number]).model_dump_json()
    assert len(sent) <= len('{"id":1,"vector":[]}') + 2 * NUMBER_BYTES


@pytest.mark.parametrize(
    "payload", [{}, {"a": None, "b": [1, "x"]}, {"Größe": "毛衣 👕"}, {"deep": {"n": 0.1}}], ids=str
)
def test_the_size_of_a_payload_is_that_of_its_json_or_a_little_more(payload):
    sent = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    assert len(sent) <= payload_bytes(payload) <= 1.5 * len(sent)


def test_what_json_cannot_hold_is_left_for_the_client_to_refuse():
    assert payload_bytes({"x": object(), "y": "\udcff"}) > 0


def test_an_item_that_no_request_can_hold():
    check_size(30 * MIB, "Point p", "")
    message = r"^Point p takes 31\.5 MiB; a request to a Qdrant server holds 30 MiB at most\. Shorten its payload\.$"
    with pytest.raises(ArgumentError, match=message):
        check_size(63 * MIB // 2, "Point p", "Shorten its payload.")


# ---- again ----------------------------------------------------------------------------------------


@pytest.fixture
def middle(monkeypatch):
    """The pauses made, each the middle of what chance allows."""
    made: list[float] = []
    monkeypatch.setattr(requests, "sleep", made.append)
    monkeypatch.setattr(requests, "random", SimpleNamespace(uniform=lambda low, high: (low + high) / 2))
    return made


REQUEST = httpx.Request("PUT", "http://host/collections/images/points")


def sender(*answers):
    """A `send` that gives these answers in turn: a status, a response, or an exception of httpx."""
    left = list(answers)

    def send(_):
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise ResponseHandlingException(answer)
        return httpx.Response(answer) if isinstance(answer, int) else answer

    return send, left


def busy(wait: str) -> httpx.Response:
    return httpx.Response(429, headers={"Retry-After": wait})


@pytest.mark.parametrize("status", [200, 400, 401, 404, 408, 409, 413, 500])
def test_an_answer_is_an_answer(middle, status):
    send, _ = sender(status)
    assert send_again(REQUEST, send).status_code == status
    assert middle == []


@pytest.mark.parametrize(
    "trouble",
    [429, 502, 503, 504, httpx.RemoteProtocolError("dropped"), httpx.ReadError("reset"), httpx.WriteError("pipe")],
    ids=repr,
)
def test_pauses_double_until_it_works(middle, trouble):
    send, left = sender(trouble, trouble, trouble, 200)
    assert send_again(REQUEST, send).status_code == 200
    assert middle == [0.25, 0.5, 1.0]
    assert left == []


def test_five_attempts_are_enough(middle):
    send, left = sender(*[503] * 6)
    assert send_again(REQUEST, send).status_code == 503
    assert (middle, left) == ([0.25, 0.5, 1.0, 2.0], [503])


def test_chance_spreads_the_attempts_of_many_clients(middle, monkeypatch):
    monkeypatch.undo()
    made: list[float] = []
    monkeypatch.setattr(requests, "sleep", made.append)
    for _ in range(100):
        send_again(REQUEST, sender(503, 200)[0])
    assert 0.125 <= min(made) < 0.2 < 0.3 < max(made) <= 0.375


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("far"), httpx.ReadTimeout("busy"), ValueError("bug")]
)
def test_a_server_that_is_not_there_or_at_work_is_not_asked_again(middle, error):
    send, _ = sender(error)
    with pytest.raises(ResponseHandlingException) as caught:
        send_again(REQUEST, send)
    assert caught.value.source is error
    assert middle == []


def test_a_busy_server_says_how_long_to_wait(middle):
    send, _ = sender(busy("7"), busy("0"), busy("Fri, 31 Dec 1999 23:59:59 GMT"), 200)
    assert send_again(REQUEST, send).status_code == 200
    assert middle == [7, 0.5, 1.0]  # a date is not obeyed


def test_more_than_a_minute_is_not_waited_for(middle):
    send, _ = sender(busy("61"))
    assert send_again(REQUEST, send).headers["Retry-After"] == "61"
    assert middle == []
