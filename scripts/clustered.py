"""What the benchmarks of whole stores share: points in clusters, their payload, recall, time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autoenc.vectors import Vectors, unit_rows

K = 10
BRANDS = 100
CHEAP = 0.05
"""The share of points that a filter on the price keeps; a brand keeps 1%."""


class Points:
    """Points whose vectors form clusters, as latents do, with a brand and a price; and queries of the same kind.

    Attributes:
        vectors: (N, dim) float32 of length 1.
        queries: (Q, dim) float32 of length 1.
        brand: (N,) int, 0 to 99.
        price: (N,) float64.
        limit: the price below which 5% of the points are.
    """

    def __init__(self, points: int, queries: int, dim: int = 32) -> None:
        generator = np.random.default_rng(0)
        centers = generator.normal(size=(200, dim)).astype(np.float32)
        spread = np.linspace(1, 0.2, dim, dtype=np.float32)
        rows = centers[generator.integers(0, 200, points + queries)]
        rows += generator.standard_normal(rows.shape, np.float32) * spread
        rows = unit_rows(rows)
        self.vectors, self.queries = rows[:points], rows[points:]
        self.brand = generator.integers(0, BRANDS, points)
        self.price = np.exp(generator.normal(3.5, 0.8, points)).round(2)
        self.limit = float(np.quantile(self.price, CHEAP))

    def payload(self, row: int) -> dict[str, str | float]:
        path = f"class{row % 50}/{row:08d}.jpg"
        return {"brand": f"brand {self.brand[row]}", "price": float(self.price[row]), "path": path}

    def nearest(self, kept: np.ndarray | None = None) -> list[set[int]]:
        """The numbers of the ten points nearest to each query, of those that are kept, compared one by one."""
        numbers = np.arange(len(self.vectors)) if kept is None else np.flatnonzero(kept)
        rows = self.vectors if kept is None else self.vectors[numbers]
        found = []
        for start in range(0, len(self.queries), 50):
            cosines = self.queries[start : start + 50] @ rows.T
            count = min(K, len(numbers))
            best = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
            found += [set(numbers[row].tolist()) for row in best]
        return found


def batches(count: int, size: int) -> Iterator[range]:
    return (range(start, min(start + size, count)) for start in range(0, count, size))


def recall(found: Sequence[Sequence[int]], nearest: Sequence[set[int]]) -> float:
    shares = [len(set(some) & best) / len(best) for some, best in zip(found, nearest, strict=True) if best]
    return round(float(np.mean(shares)), 4) if shares else 1.0


@dataclass(frozen=True)
class Searched:
    """Searches one at a time: milliseconds, and what was found."""

    times: list[float]
    found: list[list[int]]

    @classmethod
    def by(cls, search: Callable[[Vectors], list[int]], queries: Vectors) -> Searched:
        """Every query once; the first twenty, once before, are not timed."""
        for query in queries[:20]:
            search(query)
        times, found = [], []
        for query in queries:
            began = time.perf_counter()
            hits = search(query)
            times.append((time.perf_counter() - began) * 1e3)
            found.append(hits)
        return cls(times, found)

    @property
    def median(self) -> float:
        return round(float(np.median(self.times)), 3)

    @property
    def p99(self) -> float:
        return round(float(np.percentile(self.times, 99)), 3)


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def resident(kind: str = "RssAnon") -> int:
    """Bytes of this process' memory that are in RAM: RssAnon, its own; RssFile, of files that it has mapped."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"no {kind} in /proc/self/status: this measurement needs Linux")


@contextmanager
def watching() -> Iterator[list[int]]:
    """A list whose one number is the most anonymous memory that a `with` block has had, sampled every 20 ms."""
    peak = [resident()]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def disk(folder: Path) -> int:
    """Bytes of the disk that the files below a folder take."""
    return sum(512 * path.lstat().st_blocks for path in folder.rglob("*") if path.is_file())


def in_a_process(script: str, *arguments: object) -> Any:
    """Run a script in a process of its own, so that its memory is its own, and read the JSON that it prints last."""
    command = [sys.executable, script, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
