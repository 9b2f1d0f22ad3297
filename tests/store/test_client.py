"""What only a server can do to a store: be absent, refuse, answer strangely. A few lines of HTTP stand in for it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from autoenc.errors import (
    ArgumentError,
    StoreError,
    StoreMismatchError,
    StoreNotFoundError,
    StoreUnreachableError,
)
from autoenc.store import list_collections, open_store

KEY = "a-very-secret-key"
Answer = Callable[[str, str], tuple[int, object]]


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("QDRANT_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@contextmanager
def server(answer: Answer, seen: list[tuple[str, str]] | None = None) -> Iterator[str]:
    """A server on a free port whose every answer `answer(method, path)` gives, as (status, JSON)."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if seen is not None:
                seen.append((f"{self.command} {self.path}", self.headers.get("api-key", "")))
            status, body = answer(self.command, self.path)
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = respond  # noqa: N815

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def result(value: object) -> tuple[int, object]:
    return 200, {"result": value, "status": "ok", "time": 0.0}


def qdrant(collections: dict[str, object], version: str = "1.20.0") -> Answer:
    """Just enough of Qdrant: which collections there are, with what metadata."""

    def answer(method: str, path: str) -> tuple[int, object]:
        parts = path.partition("?")[0].strip("/").split("/")
        if parts == [""]:
            return 200, {"title": "qdrant", "version": version}
        if parts == ["collections"]:
            return result({"collections": [{"name": name} for name in collections]})
        if len(parts) == 3 and parts[2] == "exists":
            return result({"exists": parts[1] in collections})
        return result(
            {
                "status": "green",
                "optimizer_status": "ok",
                "segments_count": 1,
                "points_count": 0,
                "config": {
                    "params": {"vectors": {}},
                    "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
                    "optimizer_config": {
                        "deleted_threshold": 0.2,
                        "vacuum_min_vector_number": 1000,
                        "default_segment_number": 0,
                        "flush_interval_sec": 5,
                    },
                    "metadata": collections[parts[1]],
                },
                "payload_schema": {},
            }
        )

    return answer


OURS = {"autoenc": {"version": 2}, "autoenc.sources.s": "/photos"}


def test_no_server_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        for attempt in (open_store, list_collections):
            with pytest.raises(StoreUnreachableError, match=f"No Qdrant server answers at {url}") as caught:
                attempt(url)
            assert KEY not in str(caught.value)


def test_a_server_that_never_answers(monkeypatch):
    monkeypatch.setattr("autoenc.store.connection.TIMEOUT_SECONDS", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(StoreUnreachableError, match=r"No Qdrant server answers at .*\(ReadTimeout\)"):
            open_store(f"http://127.0.0.1:{silent.getsockname()[1]}")


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused(status):
    message = rf"127\.0\.0\.1:\d+ refuses the key \(HTTP {status}\)\. Set QDRANT_API_KEY"
    answer = server(lambda *_: (status, "Must provide an API key"))
    with answer as url, pytest.raises(StoreUnreachableError, match=message) as caught:
        open_store(url)
    assert KEY not in str(caught.value)


def test_the_key_of_the_environment_is_sent():
    seen: list[tuple[str, str]] = []
    with server(qdrant({"images": OURS}), seen) as url, open_store(url) as store:
        assert store.info.sources == {"s": "/photos"}
    assert {key for _, key in seen} == {KEY}


def test_a_server_that_is_starting():
    with server(lambda *_: (503, {})) as url, pytest.raises(StoreUnreachableError, match=r"not ready \(HTTP 503"):
        open_store(url)


@pytest.mark.parametrize(("status", "body"), [(404, {}), (500, {"status": {"error": "disk on fire"}}), (418, "tea")])
def test_a_refusal_is_passed_on(status, body):
    with server(lambda *_: (status, body)) as url, pytest.raises(StoreError, match=f"HTTP {status}") as caught:
        open_store(url)
    assert ("disk on fire" in str(caught.value)) == (status == 500)


def test_a_server_of_something_else():
    with server(lambda *_: (200, "<html>Hello</html>")) as url, pytest.raises(StoreError, match="No Qdrant server"):
        open_store(url)


def test_a_collection_that_is_not_there_is_told_with_those_that_autoenc_made():
    with server(qdrant({"theirs": None, "shoes": OURS})) as url:
        assert list_collections(url) == ["shoes"]
        with pytest.raises(StoreNotFoundError, match="no collection 'images'; the collections there are: 'shoes'"):
            open_store(url)


@pytest.mark.parametrize("metadata", [None, {"team": "search"}, {"autoenc": {"version": 3}}])
def test_a_collection_that_another_program_made(metadata):
    message = r"'images' of .* is not a store .*expected a record of format 2"
    with server(qdrant({"images": metadata})) as url, pytest.raises(StoreMismatchError, match=message):
        open_store(url, create=True)


def test_a_server_too_old_is_left_alone():
    seen: list[tuple[str, str]] = []
    message = r"is version 1\.15\.4; autoenc needs 1\.18 or later"
    with server(qdrant({}, version="1.15.4"), seen) as url, pytest.raises(StoreMismatchError, match=message):
        open_store(url, create=True)
    assert all(request.startswith("GET") for request, _ in seen)


@pytest.mark.parametrize(
    "url", ["http://:6333", "http://k3y@host:6333", "https://host:6333?api_key=k3y", "http://[bad"]
)
def test_a_url_without_host_or_with_a_key_in_it(url):
    with pytest.raises(ArgumentError, match="its key goes into QDRANT_API_KEY") as caught:
        open_store(url)
    assert "k3y" not in str(caught.value)


def test_memory_is_new_each_time():
    with open_store(":memory:") as one:
        one.add_source("s", "/photos")
        with open_store(":memory:") as other:
            assert other.info.sources == {}
    assert list_collections(":memory:") == []
