"""Benchmark of a server: load from a second process, over loopback.

python scripts/bench_serve.py [--points 100000] [--seconds 20] [--requests 10000]

Prints one JSON document. A store of random unit vectors, with as many points as asked for, is served by `autoenc serve`
in a process of its own. This process sends requests at a fixed rate, whatever the answers take (open loop: what a slow
answer delays counts as delayed), over connections that are kept open. It speaks HTTP in a few lines of its own, for it
shares the cores with the server, and a client such as httpx takes as long for a request as the server does. Targets, on
2 cores: searches by id at 100 a second, p99 under 10 ms; searches by an uploaded JPEG of 400x534 at 50 a second, p99
under 40 ms; memory flat over 10,000 requests, of which each fifth uploads a picture. The saturation point is the
highest rate that is still answered in time: p99 under 100 ms, nothing refused.

Source of the open loop: Schroeder, Wierman and Harchol-Balter, "Open versus closed: a cautionary tale", NSDI 2006.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from autoenc import open_store
from autoenc.catalog.sources import encoder_spec
from autoenc.encoders.learned import LearnedEncoder
from autoenc.store import OWN, point_id

MODEL = "clothing-32-2"

Ask = Callable[[int], Awaitable[int]]


def build(store: Path, points: int) -> list[str]:
    """A store of random vectors with payloads like those of an indexed folder; its ids."""
    rng = np.random.default_rng(0)
    ids = [point_id("bench", f"{number}.jpg") for number in range(points)]
    with open_store(store, create=True) as opened:
        opened.add_vector("learned", encoder_spec(LearnedEncoder(MODEL)))
        opened.add_source("bench", str(store.parent / "photos"))
        for start in range(0, points, 5000):
            part = ids[start : start + 5000]
            rows = rng.standard_normal((len(part), 32)).astype(np.float32)
            payloads = [
                {"price": number % 500, OWN: {"source": "bench", "path": f"{number}.jpg", "digest": "0" * 32}}
                for number in range(start, start + len(part))
            ]
            opened.upsert(part, {"learned": rows}, payloads)
        opened.optimize()
    return ids


def photo() -> bytes:
    """A JPEG of 400x534 with the detail of a photo."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 255, (67, 50, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize((400, 534), Image.Resampling.BICUBIC).save(file, "JPEG", quality=85)
    return file.getvalue()


def memory(process: int) -> float:
    """Resident memory in MB (Linux)."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Connections:
    """Connections to a server that are kept open, and opened as more are needed at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, path: str, kind: str, body: bytes) -> int:
        """POST a body; the status of the answer, once all of it is there."""
        reader, writer = await self._one()
        head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        told = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", told)
        assert length is not None, told
        await reader.readexactly(int(length[1]))
        self._free.append((reader, writer))
        return int(told.split(b" ", 2)[1])

    async def _one(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._free:
            reader, writer = self._free.pop()
            if not reader.at_eof():  # the server closes those that rest
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()


async def load(ask: Ask, rate: float, count: int) -> dict[str, Any]:
    """Send `count` requests, `rate` a second; times in ms, from when each was due."""
    times: list[float] = []
    refused = 0
    started = time.perf_counter()

    async def one(number: int) -> None:
        nonlocal refused
        due = started + number / rate
        status = await ask(number)
        times.append(1000 * (time.perf_counter() - due))
        refused += status >= 400

    tasks = []
    for number in range(count):
        await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number)))
    await asyncio.gather(*tasks)
    percentiles = np.percentile(times, [50, 95, 99, 100]).round(2).tolist()
    return {
        "rate": rate,
        "requests": count,
        "refused": refused,
        **dict(zip(("p50_ms", "p95_ms", "p99_ms", "max_ms"), percentiles, strict=True)),
    }


async def measure(port: int, process: int, ids: list[str], seconds: float, requests: int) -> dict[str, Any]:
    """All figures of a server that runs."""
    picture = photo()
    connections = Connections(port)

    async def by_id(number: int) -> int:
        body = json.dumps({"id": ids[number * 7919 % len(ids)], "k": 10}).encode()
        return await connections.ask("/v1/search", "application/json", body)

    async def by_picture(number: int) -> int:
        return await connections.ask("/v1/search?k=10", "image/jpeg", picture)

    async def mixed(number: int) -> int:
        return await (by_id if number % 5 else by_picture)(number)

    await load(by_id, 20, 40)
    await load(by_picture, 20, 40)
    found: dict[str, Any] = {
        "by_id": await load(by_id, 100, int(100 * seconds)) | {"target_p99_ms": 10},
        "by_picture": await load(by_picture, 50, int(50 * seconds)) | {"target_p99_ms": 40},
    }
    before = memory(process)
    half = requests // 2
    first = await load(mixed, 100, half)
    middle = memory(process)
    second = await load(mixed, 100, requests - half)
    refused = first["refused"] + second["refused"]
    found["memory_mb"] = {"before": before, "after_half": middle, "after_all": memory(process), "refused": refused}
    found["saturation"] = {}
    for name, ask in (("by_id", by_id), ("by_picture", by_picture)):
        steps = []
        for rate in (50, 100, 200, 300, 400, 600, 800, 1200):
            steps.append(await load(ask, rate, int(rate * min(seconds, 5))))
            if steps[-1]["refused"] or steps[-1]["p99_ms"] > 100:
                break
        fine = [step["rate"] for step in steps if not step["refused"] and step["p99_ms"] <= 100]
        found["saturation"][name] = {"requests_per_second": max(fine, default=0), "steps": steps}
    connections.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autoenc-bench-") as folder:
        store = Path(folder, "store")
        ids = build(store, options.points)
        command = [sys.executable, "-m", "autoenc", "serve", "--store", str(store), "--model", MODEL, "--port", "0"]
        command += ["--cache", str(Path(folder, "cache")), "--rate", "1000000", "--no-access-log"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            started = re.search(r"http://\S+:(\d+)", process.stdout.readline())
            if started is None:
                sys.exit("The server did not start.")
            found = asyncio.run(measure(int(started[1]), process.pid, ids, options.seconds, options.requests))
        finally:
            process.terminate()
            process.wait()
    print(json.dumps({"points": options.points, "cores": os.cpu_count(), **found}, indent=2))


if __name__ == "__main__":
    main()
