"""Clients of a served store: one without a socket, and a server in a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("fastapi", reason="serving needs FastAPI: pip install 'autoenc[serve]'")

from autoenc.server.app import App

KEY = "a-key-of-32-characters-for-tests"

_STARTED = re.compile(r"Serving (\d+) images at (http://127\.0\.0\.1:\d+)")


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


@contextmanager
def served(
    store: Path | str, *options: str, key: str | None = None, cache: Path | None = None
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A server in a process of its own, at a port that is free, and a client of it."""
    pytest.importorskip("uvicorn", reason="listening needs uvicorn: pip install 'autoenc[serve]'")
    command = [sys.executable, "-m", "autoenc", "serve", "--store", str(store), "--port", "0", *options]
    command += ["--cache", str(cache or Path(store).parent / "cache"), "--rate", "100000"]
    environment = {**os.environ, **({} if key is None else {"AUTOENC_API_KEY": key})}
    environment.pop("PYTHONUNBUFFERED", None)  # as users run it
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        started = _STARTED.match(line)
        assert started, line + process.stdout.read()
        with httpx.Client(base_url=started[2], timeout=60, trust_env=False) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
