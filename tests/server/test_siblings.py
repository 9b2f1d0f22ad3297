"""What a process hands on to the first one, and what it says when that one does not answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="serving needs FastAPI: pip install 'autoenc[serve]'")

from autoenc.server.problems import RequestError
from autoenc.server.siblings import HandingOn, Siblings

SECONDS = 0.1


async def handed_on(port: int) -> int:
    """The status of a request that writes, handed on to a port."""
    sent: list[dict[str, Any]] = []

    async def own(*_: object) -> None:
        raise AssertionError("it is to be handed on")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    app = HandingOn(own, Siblings(1, Path(), port, "secret"), frozenset({"/v1/tag"}), SECONDS)
    scope = {"type": "http", "method": "POST", "path": "/v1/tag", "query_string": b"", "headers": []}
    await app(scope, receive, send)
    status: int = sent[0]["status"]
    return status


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_one_that_does_not_answer_in_time_may_still_be_writing(silent: socket.socket, monkeypatch) -> None:
    monkeypatch.setattr("autoenc.server.siblings._LONGER", 0.1)
    with pytest.raises(RequestError, match="may still be done") as problem:
        asyncio.run(handed_on(silent.getsockname()[1]))
    assert (problem.value.status, problem.value.name) == (504, "too-slow")
    assert "Retry-After" not in problem.value.headers, "or a client would do it twice"


def test_one_that_is_away_is_to_be_asked_again(silent: socket.socket) -> None:
    port = silent.getsockname()[1]
    silent.close()
    with pytest.raises(RequestError, match="started again") as problem:
        asyncio.run(handed_on(port))
    assert (problem.value.status, problem.value.headers) == (503, {"Retry-After": "2"})


def test_its_own_word_that_an_answer_takes_too_long_is_waited_for() -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        await asyncio.sleep(2 * SECONDS)
        writer.write(b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def answered() -> int:
        async with await asyncio.start_server(late, "127.0.0.1", 0) as server:
            return await handed_on(server.sockets[0].getsockname()[1])

    assert asyncio.run(answered()) == 504
