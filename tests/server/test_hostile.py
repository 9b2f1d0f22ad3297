"""What a request should not hold: always the right status and a problem document, and the server answers on."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import threading
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from serving import Client

from autoenc import errors
from autoenc.server import problems
from autoenc.store import Store, open_store, point_id

JPEG = {"content-type": "image/jpeg"}
SHOE = point_id("shop", "shoe/001.jpg")


@pytest.fixture(scope="module")
def photo(built: Path) -> bytes:
    return (built / "photos" / "shoe" / "003.jpg").read_bytes()


@pytest.fixture(autouse=True)
def answers_on(client: Client) -> Iterator[None]:
    """Whatever a test has done, the server still answers."""
    yield
    assert len(client.search(id="shoe/001.jpg", k=2)["neighbors"]) == 2


def problem(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:autoenc:problem:")
    assert document["title"]
    assert "Traceback" not in document["detail"]
    return str(document["detail"])


def png_of(width: int, height: int) -> bytes:
    """A PNG file that promises many pixels and holds one line."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def test_what_is_no_picture_is_refused(client: Client, photo: bytes) -> None:
    for path in ("/v1/pictures", "/v1/search"):
        problem(client.post(path, content=b"not a picture", headers=JPEG), 422)
        problem(client.post(path, content=b"", headers=JPEG), 422)
        problem(client.post(path, content=photo[: len(photo) // 2], headers=JPEG), 422)
        problem(client.post(path, content=b"<svg onload='alert(1)'/>", headers={"content-type": "image/svg+xml"}), 422)
        problem(client.post(path, content=png_of(100_000, 100_000), headers=JPEG), 413)
        problem(client.post(path, content=png_of(8_000, 8_000), headers=JPEG), 422)


def test_a_wrong_content_type_is_refused(client: Client, photo: bytes) -> None:
    for kind in ("text/html", "multipart/form-data; boundary=x", "application/xml", "", "image"):
        problem(client.post("/v1/pictures", content=photo, headers={"content-type": kind}), 415)
    problem(client.post("/v1/search", content=photo, headers={"content-type": "text/plain"}), 415)
    problem(client.post("/v1/neighbors", content=b"<x/>", headers={"content-type": "application/xml"}), 422)


def test_a_body_that_is_too_large_is_not_read(client: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 2**20

    problem(client.post("/v1/pictures", content=endless(), headers=JPEG), 413)
    problem(client.post("/v1/pictures", content=b"", headers={**JPEG, "content-length": "209715200"}), 413)
    problem(client.post("/v1/pictures", content=b"", headers={**JPEG, "content-length": "9" * 5000}), 413)
    problem(client.post("/v1/neighbors", content=endless()), 413)


def test_a_body_that_comes_too_slowly_is_given_up(store: Store, serving, photo: bytes) -> None:
    client = serving(store, seconds=0.2)

    async def slow() -> AsyncIterator[bytes]:
        yield photo[:100]
        await asyncio.sleep(30)

    problem(client.post("/v1/pictures", content=slow(), headers=JPEG), 408)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"1", b"\xff\xfe", b'{"id": 5}', b'{"id": "a", "k": "many"}', b"{}",
        b'{"id": "shoe/001.jpg", "k": 1000000000}', b'{"id": "shoe/001.jpg", "k": 0}', b'{"id": "a", "k": 1e400}',
        b'{"id": "shoe/001.jpg", "offset": -1}', b'{"id": "shoe/001.jpg", "unknown": 1}',
        b'{"id": "shoe/001.jpg", "min_score": NaN}', b'{"id": "shoe/001.jpg", "min_score": Infinity}',
        b'{"id": "shoe/001.jpg", "diversity": 7}', b'{"id": "shoe/001.jpg", "where": {"price": {}}}',
        b'{"id": "shoe/001.jpg", "where": {"price": {"lt": "cheap"}}}', b'{"id": "shoe/001.jpg", "where": "price <"}',
        b'{"id": "shoe/001.jpg", "where": "nothing = 1"}', b'{"id": "shoe/001.jpg", "where": {"price": [null]}}',
        b'{"id": "shoe/001.jpg", "where": {"nothing": 1}}', b'{"id": "shoe/001.jpg", "using": "nothing"}',
        b'{"id": "shoe/001.jpg", "using": {"learned": -1}}', b'{"id": "shoe/001.jpg", "boost": "price"}',
        b'{"id": "shoe/001.jpg", "near": "title=1"}', b'{"id": "shoe/001.jpg", "group_by": "nothing"}',
        b'{"unlike": ["shoe/001.jpg"]}',
        b'{"id": "shoe/001.jpg", "where": {"price": {"lt": ' + b"9" * 5000 + b"}}}",
        b'{"id": "shoe/001.jpg", "where": "' + b"(" * 3000 + b'"}', b"[" * 100_000,
        b'{"product": ' + b"9" * 400 + b"}", b'{"id": "shoe/001.jpg", "crop": [0, 0, 1, 1]}',
        b'{"id": "\\ud800"}', b'{"words": "\\u0000"}', b'{"words": ""}', b'{"words": "."}',
    ],
)  # fmt: skip
def test_a_search_of_the_wrong_shape_is_refused(client: Client, body: bytes) -> None:
    assert problem(client.post("/v1/search", content=body, headers={"content-type": "application/json"}), 422)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "..", "%2e%2e", "a\0b", "shoe/../shoe/001.jpg", "x" * 900, "é\u202e",
     "file:///etc/passwd", "http://localhost:1/", "C:\\windows", "\\\\a\\b", "tAAAAAAAAAAAAAAAAAAAAAA",
     "00000000-0000-0000-0000-000000000000"],
)  # fmt: skip
def test_a_name_that_is_no_image_opens_nothing(client: Client, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: Any, *_: Any, **__: Any) -> None:
        raise AssertionError(f"opened {path}")

    monkeypatch.setattr("autoenc.images.files.read_regular", opened)
    for body in ({"id": name}, {"id": [name]}, {"id": "shoe/001.jpg", "like": [name]},
                 {"id": "shoe/001.jpg", "unlike": [name]}, {"picture": name}):  # fmt: skip
        problem(client.post("/v1/search", json=body), 404)
    problem(client.get("/v1/between", params={"a": name, "b": "shoe/001.jpg"}), 404)


def test_addresses_with_tricks_lead_nowhere(client: Client) -> None:
    tricks = ("..%2f..%2fetc%2fpasswd", "%2e%2e%2f", "%00", f"{SHOE}%00", f"{SHOE}%2fx", "a" * 90, "%ff%fe", "%")
    for trick in tricks:
        for path in (f"/v1/images/{trick}", f"/v1/images/{trick}/original", f"/v1/pictures/{trick}", f"/{trick}"):
            answer = client.get(path)
            assert answer.status_code in (404, 422), path
            problem(answer, answer.status_code)
    problem(client.get(f"/v1/images/{'a' * 200}"), 422)
    problem(client.get(f"/v1/images/{SHOE}/thumbnail?size=100000"), 422)
    problem(client.get(f"/v1/images/{SHOE}/thumbnail?size=-1"), 422)
    problem(client.get("/v1/images?limit=1000000000"), 422)
    problem(client.get("/v1/images?after=x"), 422)
    problem(client.get("/v1/search?k=x&id=a"), 422)
    problem(client.get("/v1/search?nothing=1"), 422)
    problem(client.get("/v1/search?picture=a&crop=1,2,3"), 422)
    problem(client.get("/v1/facets?where=price%20%3C"), 422)
    problem(client.request("PUT", "/v1/store"), 405)
    problem(client.request("DELETE", f"/v1/images/{SHOE}"), 405)


def test_html_in_metadata_stays_text(shop: Path, serving) -> None:
    evil = "<img src=x onerror=alert(1)></script>"
    with open_store(shop / "store") as store:
        store.set_payloads([SHOE], [{"title": evil, "formula": "=cmd|'/c calc'!A1"}])
        client = serving(store)
        answer = client.get(f"/v1/images/{SHOE}")
        assert answer.json()["fields"]["title"] == evil
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        table = client.get("/v1/search?id=shoe/002.jpg&where=path%3Dshoe%2F001.jpg&format=csv").text
        assert "'=cmd" in table


def test_too_much_work_is_told_to_come_back(store: Store, serving) -> None:
    client = serving(store, threads=1, waiting=1)
    held = threading.Event()

    async def crowd() -> list[httpx.Response]:
        blocking = asyncio.gather(*(client.app.service.workers.run(held.wait, 5) for _ in range(2)))
        await asyncio.sleep(0.05)
        refused = await client.session.post("/v1/search", json={"id": "shoe/001.jpg"})
        alive = await client.session.get("/v1/health")
        held.set()
        await blocking
        return [refused, alive]

    refused, alive = client.run(crowd())
    problem(refused, 503)
    assert refused.headers["retry-after"] == "1"
    assert alive.status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(store: Store, serving, monkeypatch: pytest.MonkeyPatch) -> None:
    client = serving(store, seconds=0.2)
    monkeypatch.setattr("autoenc.server.browsing._store", lambda _: time.sleep(0.5))
    problem(client.get("/v1/store"), 504)


def test_a_client_that_does_not_read_its_answer_loses_its_place(store: Store, serving) -> None:
    client = serving(store, seconds=0.1)

    async def deaf(_: Any) -> None:
        await asyncio.sleep(30)

    async def ask() -> None:
        messages = [{"type": "http.request", "body": b"", "more_body": False}]
        scope = {"type": "http", "method": "GET", "path": "/v1/health", "query_string": b"", "headers": []}
        await asyncio.wait_for(client.app(scope, lambda: asyncio.sleep(0, messages.pop()), deaf), 10)

    client.run(ask())


def test_decoding_never_blocks_the_event_loop(store: Store, serving) -> None:
    """While a picture of 20 million pixels is decoded, the loop goes on answering."""
    client = serving(store)
    file = io.BytesIO()
    Image.new("RGB", (5000, 4000), "red").save(file, "PNG")

    async def both() -> tuple[float, int]:
        upload = asyncio.create_task(client.session.post("/v1/pictures", content=file.getvalue(), headers=JPEG))
        worst, count = 0.0, 0
        while not upload.done():
            await asyncio.sleep(0.002)
            started = time.perf_counter()
            await client.session.get("/v1/health")
            await asyncio.sleep(0)
            worst, count = max(worst, time.perf_counter() - started), count + 1
        assert (await upload).status_code == 201
        return worst, count

    worst, count = client.run(both())
    assert count > 5
    assert worst < 0.5  # generous: other programs may be running


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.StoreError("gone"), 503), (errors.StoreLockedError("locked"), 503), (errors.DiskFullError("full"), 507),
        (errors.StoreUnreachableError("no"), 503), (OSError(28, "No space left on device"), 507),
        (OSError(5, "Input/output error"), 503), (MemoryError(), 503), (errors.BundleError("no"), 409),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), 422), (RuntimeError("secret of the server"), 500),
    ],
)  # fmt: skip
def test_whatever_fails_is_a_problem_document(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("autoenc.server.browsing._page", fail)
    detail = problem(client.get("/v1/images"), status)
    assert "secret" not in detail


def test_every_kind_of_error_has_a_status() -> None:
    def kinds(kind: type) -> Iterator[type]:
        yield kind
        for each in kind.__subclasses__():
            yield from kinds(each)

    for kind in kinds(errors.AutoencError):
        found = problems.problem_of(kind("It went wrong."))
        assert 400 <= found.status < 600, kind
        assert found.status != 500, kind
        assert json.loads(problems.answer_to(kind("It went\nwrong.")).body)["detail"] == "It went\\nwrong."


def test_the_folder_of_the_store_gone_while_running(shop: Path, serving) -> None:
    import shutil

    with open_store(shop / "store") as store:
        client = serving(store)
        shutil.rmtree(shop / "store")
        shutil.rmtree(shop / "photos")
        for path in ("/v1/store", "/v1/images", f"/v1/images/{SHOE}/original", "/v1/search?id=shoe/001.jpg"):
            answer = client.get(path)
            assert answer.status_code in (200, 404, 503), path
        assert client.get("/v1/health").status_code == 200
