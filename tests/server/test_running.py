"""`autoenc serve` as a process: it starts, answers, stops cleanly, and loses nothing when it is killed."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from serving import KEY, served

from autoenc import open_store
from autoenc.cli import main
from autoenc.store import point_id


def test_a_server_answers_stops_and_leaves_a_whole_store(shop: Path) -> None:
    with served(shop / "store", "--writable", "--private", key=KEY) as (process, client):
        assert client.get("/v1/store").status_code == 401
        client.headers["x-api-key"] = KEY
        assert client.get("/v1/ready").json() == {"status": "ready"}
        id = point_id("shop", "shoe/001.jpg")
        assert client.get(f"/v1/images/{id}/thumbnail").status_code == 200
        told = client.post("/v1/search", json={"id": "shoe/001.jpg", "k": 2}).json()
        assert len(told["neighbors"]) == 2
        assert client.post("/v1/tag", json={"where": "folder = shoe", "set": {"sale": True}}).json()["changed"] == 12
        _slow_and_silent(client)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        log = process.stdout.read().splitlines()
        assert process.wait(30) == 0
    lines = [json.loads(line) for line in log]
    assert {"method": "POST", "route": "/v1/search", "status": 200}.items() <= lines[3].items()
    assert not any(id in line or KEY in line or "127.0.0.1" in line for line in log)
    with open_store(shop / "store") as store:
        assert store.verify()  # closed cleanly: every file has its checksum
        assert sum(record.payload.get("sale") is True for record in store) == 12


def _slow_and_silent(client: httpx.Client) -> None:
    """Hundreds of connections that say nothing, or half of a head: others are answered meanwhile."""
    address = client.base_url.host, client.base_url.port
    opened = [socket.create_connection(address, timeout=30) for _ in range(300)]
    for number, connection in enumerate(opened):
        connection.sendall([b"", b"GET /v1/store HTTP/1.1\r\nHost:", b"POST /v1/pictures HTTP/1.1\r\n"][number % 3])
    assert client.get("/v1/health").status_code == 200
    opened[0].sendall(b"\x00\x01 nonsense\r\n\r\n")
    assert opened[0].recv(100).startswith(b"HTTP/1.1 400")
    for connection in opened:
        connection.close()


def test_no_answer_waits_for_an_acknowledgment(shop: Path) -> None:
    """Head and body go out at once; else most answers on an open connection would take 40 ms or more."""
    with served(shop / "store") as (_, client):
        with socket.create_connection((client.base_url.host, client.base_url.port), timeout=30) as connection:
            times = []
            for _ in range(40):
                began = time.perf_counter()
                connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = b""
                while b'"status"' not in answer:
                    answer += connection.recv(4096)
                times.append(time.perf_counter() - began)
        assert sorted(times)[10] < 0.03


def test_a_kill_under_load_loses_nothing_that_was_answered(shop: Path) -> None:
    with served(shop / "store", "--writable", key=KEY) as (process, client):
        client.headers["x-api-key"] = KEY
        answered: list[int] = []

        def write() -> None:
            for number in range(1000):
                body = {"ids": [f"shoe/{number % 12:03}.jpg"], "set": {f"field{number % 5}": number}}
                try:
                    if client.post("/v1/tag", json=body).status_code == 200:
                        answered.append(number)
                except httpx.HTTPError:
                    return

        threads = [threading.Thread(target=write)]
        threads[0].start()
        while len(answered) < 8:
            time.sleep(0.005)
        process.kill()
        threads[0].join()
    last = {(number % 12, number % 5): number for number in answered}
    with served(shop / "store") as (_, client):
        for (image, field), number in last.items():
            fields = client.get(f"/v1/images/{point_id('shop', f'shoe/{image:03}.jpg')}").json()["fields"]
            assert fields[f"field{field}"] >= number  # one more may have been written than was answered
        assert client.get("/v1/store").json()["images"] == 48


def test_the_process_never_loads_tensorflow(shop: Path) -> None:
    """Searches by picture, indexing, the map and the duplicates: none needs what training needs."""
    code = f"""
import asyncio, sys, httpx
from pathlib import Path
import autoenc
from autoenc.server.app import App
from autoenc.server.running import serve
from autoenc.server.settings import Settings
async def ask(app):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://a", headers={{"x-api-key": {KEY!r}}}) as client:
        photo = Path({str(shop)!r}, "photos/shoe/001.jpg").read_bytes()
        jpeg = {{"content-type": "image/jpeg"}}
        assert (await client.post("/v1/search?format=png", content=photo, headers=jpeg)).status_code == 200
        assert (await client.post("/v1/index", json={{}})).status_code == 202
        for path in ("/v1/map", "/v1/duplicates", "/v1/between?a=shoe/001.jpg&b=shoe/002.jpg", "/v1/runs"):
            while (answer := await client.get(path)).status_code == 202 or answer.json().get("running"):
                await asyncio.sleep(0.05)
            assert answer.status_code == 200, answer.text
with autoenc.open_store({str(shop / "store")!r}) as store:
    app = App(store, Settings(cache=Path({str(shop / "cache")!r}), key={KEY!r}, writable=True))
    asyncio.run(ask(app))
    app.service.close()
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "onnxruntime" in loaded
    assert not {"tensorflow", "keras", "scipy", "onnx", "tf2onnx", "matplotlib"} & loaded


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--writable"], 2, "autoenc: --writable takes a key: set the environment variable AUTOENC_API_KEY"),
        (["--private"], 2, "autoenc: --private takes a key"),
        (["--port", "70000"], 2, "from 0 to 65535"),
        (["--report", "nowhere"], 2, "no report.html in nowhere"),
        (["--host", "203.0.113.1"], 2, "Cannot listen at http://203.0.113.1:8000"),
        (["--rate", "0"], 2, "--rate must be a number of requests a second, above 0"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    built: Path, tmp_path: Path, options: list[str], code: int, told: str, capsys, monkeypatch
) -> None:
    monkeypatch.delenv("AUTOENC_API_KEY", raising=False)
    given = ["serve", "--store", str(built / "store"), "--cache", str(tmp_path), *options]
    try:
        found = main(given)
    except SystemExit as error:
        found = error.code  # type: ignore[assignment]
    assert found == code
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_folder_without_a_store_is_one_sentence(tmp_path: Path, capsys) -> None:
    assert main(["serve", "--store", str(tmp_path / "none"), "--cache", str(tmp_path)]) == 1
    assert "autoenc: " in capsys.readouterr().err
