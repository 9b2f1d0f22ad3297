"""Several processes at one address: what one of them made, every other knows; one that dies is replaced."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from qdrant_stand_in import Qdrant, serving
from serving import KEY, served

from autoenc import index_images
from autoenc.cli import main
from autoenc.errors import StoreError
from autoenc.server.access import Rate
from autoenc.server.blobs import Blobs
from autoenc.server.metrics import Metrics
from autoenc.server.problems import RequestError
from autoenc.server.settings import Settings
from autoenc.server.siblings import Siblings
from autoenc.store import point_id

shared = pytest.importorskip(
    "autoenc.server.shared", reason="several processes take a POSIX system", exc_type=ImportError
)
processes = pytest.importorskip(
    "autoenc.server.processes", reason="listening needs uvicorn: pip install 'autoenc[serve]'", exc_type=ImportError
)

WORKERS = 2


@pytest.fixture(scope="module")
def qdrant(drawn: Path) -> Iterator[str]:
    """The address of a server that holds 24 drawn products."""
    with pytest.MonkeyPatch.context() as patch, serving(Qdrant()) as location:
        patch.setenv("NO_PROXY", "127.0.0.1")
        for folder in ("shoe", "watch"):
            index_images(drawn / folder, location, encoders=["color"], source=folder, progress=False)
        yield location


def asked(client: httpx.Client, times: int, *request: str, **options: object) -> list[httpx.Response]:
    """The answers of as many processes as there are, or nearly: connections that are open at once spread over them."""
    answers: list[httpx.Response] = []

    def ask() -> None:
        with httpx.Client(base_url=client.base_url, timeout=60, trust_env=False, headers=client.headers) as own:
            answers.extend(own.request(*request, **options) for _ in range(3))  # type: ignore[arg-type]

    threads = [threading.Thread(target=ask) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def workers_of(process: int) -> list[int]:
    """The ids of the processes that answer: those that spawning started, but for the one that tracks resources."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    told = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return [child for child, command in told.items() if b"spawn_main" in command]


@pytest.mark.slow
def test_what_one_process_made_every_other_knows(qdrant: str, drawn: Path, tmp_path: Path) -> None:
    options = ("--workers", str(WORKERS), "--writable", "--private")
    with served(qdrant, *options, key=KEY, cache=tmp_path / "cache") as (process, client):
        signed = client.post("/v1/session", json={"key": KEY})
        client.headers["cookie"] = signed.headers["set-cookie"].partition(";")[0]
        photo = (drawn / "shoe" / "001.jpg").read_bytes()
        token = client.post("/v1/pictures", content=photo, headers={"content-type": "image/jpeg"}).json()["token"]
        body = {"picture": token, "k": 3, "using": "color"}
        found = asked(client, 12, "POST", "/v1/search", json=body)
        assert {answer.status_code for answer in found} == {200}, found[0].text
        assert {answer.json()["neighbors"][0]["image"]["id"] for answer in found} == {point_id("shoe", "001.jpg")}

        client.headers["x-api-key"] = KEY
        begun = asked(client, 4, "POST", "/v1/index", json={"source": "shoe"})
        assert {answer.status_code for answer in begun} <= {202, 409}, "one at a time, whichever process is asked"
        assert begun[0].headers["content-security-policy"]
        while any(answer.json()["running"] for answer in asked(client, 4, "GET", "/v1/runs")):
            time.sleep(0.05)
        tag = {"ids": [point_id("shoe", "001.jpg")], "set": {"a": 1}}
        assert {answer.json()["changed"] for answer in asked(client, 1, "POST", "/v1/tag", json=tag)} == {0, 1}
        assert {answer.status_code for answer in asked(client, 6, "GET", "/v1/map?using=color")} <= {200, 202}

        time.sleep(1.5)  # the processes save their figures each second
        text = client.get("/metrics").text
        searches = re.search(r'requests_total\{method="POST",route="/v1/search",status="200"\} (\d+)', text)
        assert searches, text
        assert int(searches[1]) == 36

        del client.headers["x-api-key"]
        assert client.request("DELETE", "/v1/session").status_code == 204
        assert {answer.status_code for answer in asked(client, 12, "GET", "/v1/store")} == {401}

        client.headers["x-api-key"] = KEY
        before = workers_of(process.pid)
        assert len(before) == WORKERS
        os.kill(before[0], signal.SIGKILL)  # the first one, which writes
        until = time.monotonic() + 30
        while len(after := workers_of(process.pid)) < WORKERS or after == before:
            assert time.monotonic() < until
            time.sleep(0.1)
        while client.get("/v1/runs").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
        assert not any(Path(f"/proc/{worker}").exists() for worker in after)


@pytest.mark.slow
def test_no_worker_outlives_the_process_that_started_it(qdrant: str, tmp_path: Path) -> None:
    with served(qdrant, "--workers", "2", cache=tmp_path / "cache") as (process, client):
        assert client.get("/v1/ready").status_code == 200
        workers = workers_of(process.pid)
        process.kill()
        until = time.monotonic() + 30
        while any(Path(f"/proc/{worker}/exe").exists() for worker in workers):
            assert time.monotonic() < until
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("workers", "code", "told"),
    [
        ("2", 2, "A store in a folder is open in one process; --workers 2 takes a store on a Qdrant server"),
        ("0", 2, "expected 1 or more; got 0"),
    ],
)
def test_what_cannot_be_shared_is_refused(
    built: Path, tmp_path: Path, workers: str, code: int, told: str, capsys
) -> None:
    try:
        found: object = main(
            ["serve", "--store", str(built / "store"), "--cache", str(tmp_path / "cache"), "--workers", workers]
        )
    except SystemExit as stop:
        found = stop.code
    assert found == code
    assert told in capsys.readouterr().err


def test_a_server_that_is_away_is_one_sentence(tmp_path: Path, capsys) -> None:
    given = ["serve", "--store", "http://127.0.0.1:9", "--cache", str(tmp_path), "--workers", "2", "--port", "0"]
    assert main(given) == 1
    told = capsys.readouterr().err
    assert "127.0.0.1:9" in told
    assert "Traceback" not in told


def test_a_worker_that_starts_ignores_the_terminal_and_tells_why_it_ended(tmp_path: Path) -> None:
    plan = processes.Plan("http://127.0.0.1:9", "images", Settings(cache=tmp_path), access_log=False)
    worker = processes._Worker(plan, Siblings(1, tmp_path, 9, "secret"), [])
    handler = signal.getsignal(signal.SIGINT)
    worker.start()
    try:
        status = Path(f"/proc/{worker.process.pid}/status").read_text()
        ignored = re.search(r"^SigIgn:\s*(\w+)$", status, re.MULTILINE)
        assert ignored
        assert int(ignored[1], 16) & 1 << signal.SIGINT - 1, "a traceback of what it imports"
        assert signal.getsignal(signal.SIGINT) is handler
        worker.process.join(60)
        worker.failures = 3
        with pytest.raises(StoreError, match=r"^Worker 1 ended again and again: .*127\.0\.0\.1:9.* The server stops"):
            processes._look_after([worker], list[str]().append)
        assert worker.why() == " (exit code 1).", "where it has said nothing more"
    finally:
        worker.end(0.0)


def test_no_signal_interrupts_the_end() -> None:
    class Hurried:
        ended = 0

        def terminate(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)

        def end(self, _: float) -> None:
            self.ended += 1

    worker = Hurried()
    with processes._signals():
        processes._stop([worker])  # type: ignore[list-item]
    assert worker.ended == 1


def test_buckets_are_those_of_all_processes(tmp_path: Path) -> None:
    """Two maps of one file, as two processes have them."""
    one, other = (Rate(1, shared.Buckets(tmp_path / "buckets")) for _ in range(2))
    for rate in (one, other, one, other):
        rate.check("a", now=1.0)
    for rate in (one, other):
        with pytest.raises(RequestError):
            rate.check("a", now=1.5)
        rate.check("b", now=1.5)
    other.check("a", now=2.0)


def counted(times: int) -> Metrics:
    metrics = Metrics()
    for _ in range(times):
        metrics.add("GET", "/v1/store", 200, 0.02, 100)
    return metrics


def test_figures_are_those_of_all_processes_and_outlive_each(tmp_path: Path) -> None:
    one, other = shared.Figures(tmp_path, 0, counted(2)), shared.Figures(tmp_path, 1, counted(3))
    one.save()
    other.save()
    assert one.all().document() == other.all().document()
    assert one.all().document()["requests"] == [["GET", "/v1/store", 200, 5]]
    again = shared.Figures(tmp_path, 1, counted(1))  # killed and started again
    again.save()
    assert one.all().document()["requests"] == [["GET", "/v1/store", 200, 6]]


def test_files_of_other_processes_count_and_what_they_write_now_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Blobs(tmp_path, 100), Blobs(tmp_path, 100)
    for number in range(4):
        one.put(f"one{number}", bytes(20))
    monkeypatch.setattr("autoenc.server.blobs._LOOK", 0.0)
    for number in range(3):
        other.put(f"other{number}", bytes(20))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 100
    assert [other.get(f"other{number}") is not None for number in range(3)] == [True] * 3
    (tmp_path / ".autoenc-now.tmp").write_bytes(bytes(5))
    Blobs(tmp_path, 100)
    assert (tmp_path / ".autoenc-now.tmp").exists()
