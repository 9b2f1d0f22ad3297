"""Clients of a served store: one without a socket, and a server in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpx

from autoenc.server.app import App

KEY = "a-key-of-32-characters-for-tests"


class Client:
    """Talks to an app without a socket.

    Attributes:
        app: the app.
        session: what to send requests together with, in a coroutine for `run`.
    """

    def __init__(self, app: App, headers: dict[str, str] | None = None) -> None:
        self.app = app
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app)  # an error that the app lets by fails the test
        self.session = httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer: httpx.Response = self.run(self.session.request(method, path, **options))
        return answer

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def search(self, **body: Any) -> Any:
        """What a search answers, once it is known to have worked."""
        answer = self.post("/v1/search", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def waited(self, path: str) -> Any:
        """What is answered once the work for it is done."""
        while (answer := self.get(path)).status_code == 202:
            assert answer.json()["state"] == "running"
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self) -> None:
        self.run(self.session.aclose())
        self._runner.close()
        self.app.service.close()
