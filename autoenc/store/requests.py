"""What goes to a Qdrant server: in parts that it takes, and again where it was busy or hung up."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import sleep
from typing import Any

import httpx
from qdrant_client.http.exceptions import ResponseHandlingException

from autoenc.errors import ArgumentError

# ---- how large ------------------------------------------------------------------------------------

MAX_BYTES = 30 * 2**20
"""Of a request. A server takes 32 MiB (its max_request_size_mb); the rest is room for what surrounds the items."""

NUMBER_BYTES = 25
"""A number of a vector as JSON, at most: sign, 17 digits, point, five zeros or an exponent, comma."""

ITEM_BYTES = 500
"""Room for what else there is to a point or a query: ids, keys, names of vectors."""


def parts(sizes: Sequence[int]) -> Iterator[slice]:
    """Cut items into runs that fit into one request each, given their sizes in bytes."""
    start = total = 0
    for index, size in enumerate(sizes):
        if index > start and total + size > MAX_BYTES:
            yield slice(start, index)
            start, total = index, 0
        total += size
    if sizes:
        yield slice(start, len(sizes))


def payload_bytes(payload: Mapping[str, Any]) -> int:
    """The size of a payload as JSON; a value that JSON cannot hold is left for the client to refuse."""
    return len(json.dumps(payload, ensure_ascii=False, default=str).encode(errors="replace"))


def check_size(size: int, what: str, remedy: str) -> None:
    """Raise ArgumentError for an item that no request can hold."""
    if size > MAX_BYTES:
        raise ArgumentError(
            f"{what} takes {size / 2**20:.1f} MiB; a request to a Qdrant server holds {MAX_BYTES / 2**20:.0f} MiB at "
            f"most. {remedy}"
        )


# ---- how often ------------------------------------------------------------------------------------

ATTEMPTS = 5
FIRST_PAUSE = 0.25
"""Seconds before the second attempt, give or take half of it; doubled before each further one."""

LONGEST_PAUSE = 60
"""Seconds that a server's Retry-After is obeyed for: Qdrant counts requests by the minute."""

BUSY = (429, 502, 503, 504)
DROPPED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.CloseError)
"""The connection broke: both sides close one that was idle for 5 seconds, and a request may come just then."""


def send_again(request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
    """Send a request, and again where the connection broke or the server is busy: middleware of the client.

    A broken connection may have brought the request to the server, but every one of ours can be repeated: points,
    vectors, fields and metadata are set or removed, never added to. Only the making of a collection answers otherwise
    the second time, and `connection` knows that answer. A server that took the request and gives no answer in time is
    not asked again: it is at work, or lost.
    """
    for attempt in range(1, ATTEMPTS):
        pause = FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
        try:
            response = send(request)
        except ResponseHandlingException as error:
            if not isinstance(error.source, DROPPED):
                raise
        else:
            asked = response.headers.get("Retry-After", "")
            wanted = int(asked) if asked.isascii() and asked.isdigit() else 0  # a date, of a proxy, is not obeyed
            if response.status_code not in BUSY or wanted > LONGEST_PAUSE:
                return response
            pause = max(pause, wanted)
        sleep(pause)
    return send(request)
