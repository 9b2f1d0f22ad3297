"""Benchmark of the store in a folder: prints one JSON document.

The vectors are Gaussian, the hardest kind to index, and the payloads are like those that indexing writes. Only the
calls are timed.

    python scripts/bench_store.py --points 100000
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from autoenc.store import OWN, Store, VectorSpec, open_store, point_id
from autoenc.store.ann import is_exact, search_ef

BATCH = 256
FOLDERS = 50


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--points", type=int, default=60_000, help="points in the store (default: %(default)s)")
    parser.add_argument("--dim", type=int, default=32, help="numbers per vector (default: %(default)s)")
    parser.add_argument("--queries", type=int, default=200, help="number of searches to time (default: %(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder) / "store", options.points, options.dim, options.queries), indent=2))


def measure(folder: Path, points: int, dim: int, queries: int) -> dict[str, object]:
    """Measurements of one store: it is filled, searched exactly, optimized and searched again."""
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(points, dim)).astype(np.float32)
    asked = generator.normal(size=(queries, dim)).astype(np.float32)
    with open_store(folder, create=True) as store:
        store.add_vector("learned", VectorSpec(dim=dim, fingerprint="bench", preprocessing=1))
        for field in ("source", "folder"):
            store.add_field(f"{OWN}.{field}", "keyword")
        upsert_seconds = fill(store, vectors)
        flush_seconds = seconds(store.flush)
        plain_ms, plain = search(store, asked)
        optimize_seconds = seconds(store.optimize)
        indexed_ms, indexed = search(store, asked)
        filtered_ms, _ = search(store, asked, {"folder": "class7"})
        batch_seconds = seconds(lambda: store.search_batch(asked, using="learned", k=10))
    reopen_seconds = seconds(lambda: open_store(folder).close())
    nearest = exact_neighbors(vectors, asked)
    return {
        "points": points,
        "dim": dim,
        "cpus": os.cpu_count(),
        "upsert_points_per_second": round(points / upsert_seconds),
        "flush_seconds": round(flush_seconds, 3),
        "optimize_seconds": round(optimize_seconds, 1),
        "reopen_seconds": round(reopen_seconds, 3),
        "search_ms_before_index": round(plain_ms, 3),
        "recall@10_before_index": recall(plain, nearest),
        "search_ms": round(indexed_ms, 3),
        "recall@10": recall(indexed, nearest),
        "exact": is_exact(points, dim),
        "hnsw_ef": None if is_exact(points, dim) else search_ef(points),
        "filtered_search_ms": round(filtered_ms, 3),
        "batch_search_ms_per_query": round(batch_seconds * 1e3 / queries, 3),
    }


def fill(store: Store, vectors: np.ndarray) -> float:
    """Upsert everything in batches, and return the seconds spent in `upsert` alone."""
    spent = 0.0
    for start in range(0, len(vectors), BATCH):
        numbers = range(start, min(start + BATCH, len(vectors)))
        ids = [point_id("bench", str(n)) for n in numbers]
        payloads = [payload(n) for n in numbers]
        began = time.perf_counter()
        store.upsert(ids, {"learned": vectors[start : start + BATCH]}, payloads)
        spent += time.perf_counter() - began
    return spent


def payload(number: int) -> dict[str, dict[str, str | int]]:
    folder = f"class{number % FOLDERS}"
    own: dict[str, str | int] = {
        "source": "/data/photos",
        "path": f"{folder}/{number:08d}.jpg",
        "folder": folder,
        "digest": f"{number:032x}",
        "size": 20_000 + number,
        "mtime_ns": 1_700_000_000_000_000_000 + number,
        "width": 400,
        "height": 534,
    }
    return {OWN: own}


def search(store: Store, asked: np.ndarray, where: dict[str, str] | None = None) -> tuple[float, list[list[str]]]:
    """The median milliseconds of a search for 10 neighbors, and the ids found."""
    times, found = [], []
    for vector in asked:
        began = time.perf_counter()
        hits = store.search(vector, using="learned", k=10, where=where)
        times.append(time.perf_counter() - began)
        found.append([hit.id for hit in hits])
    return statistics.median(times) * 1e3, found


def exact_neighbors(vectors: np.ndarray, asked: np.ndarray) -> list[set[str]]:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    best = [np.argpartition(-(unit @ query), 10)[:10] for query in asked]
    return [{point_id("bench", str(n)) for n in row} for row in best]


def recall(found: list[list[str]], nearest: list[set[str]]) -> float:
    shares = [len(set(ids) & expected) / 10 for ids, expected in zip(found, nearest, strict=True)]
    return round(statistics.fmean(shares), 4)


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
