"""Benchmark of a query, from a cold start and in a warm process.

python scripts/bench_query.py IMAGE --model DIR --store DIR [--points 100000] [--repeats 7]

Prints one JSON document. Cold: the time of the whole process `python -m autoenc query`, in turn with a process that
only imports the libraries that a query needs (target: at most 1.7 times as long), and the time of a process that only
imports TensorFlow (target: at most a tenth of it). Warm: the time from the bytes of an image file to its neighbors, in
a store of random 32-d vectors. The target is a median of 3 ms at 100,000 points.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from autoenc import Searcher, load_bundle, open_store
from autoenc.catalog.sources import encoder_spec
from autoenc.encoders.learned import LearnedEncoder
from autoenc.store import OWN, point_id

LIBRARIES = ("numpy", "cv2", "PIL", "onnxruntime", "qdrant_edge")


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def cold(image: Path, model: str, store: Path, repeats: int) -> dict[str, object]:
    query = [sys.executable, "-m", "autoenc", "query", str(image), "--model", str(model), "--store", str(store)]
    loads = subprocess.run(
        [sys.executable, "-X", "importtime", *query[1:]], check=True, capture_output=True, text=True
    ).stderr
    libraries = [sys.executable, "-c", f"import {', '.join(LIBRARIES)}"]
    taken: dict[str, list[float]] = {"query": [], "import_libraries": [], "import_tensorflow": []}
    seconds(query)  # the first run compiles the modules
    for _ in range(repeats):
        taken["query"].append(seconds(query))
        taken["import_libraries"].append(seconds(libraries))
    for _ in range(repeats):  # apart: it pushes everything else out of the processor's caches
        taken["import_tensorflow"].append(seconds([sys.executable, "-c", "import tensorflow"]))
    ratios = {
        name: [query / other for query, other in zip(taken["query"], taken[name], strict=True)]
        for name in ("import_libraries", "import_tensorflow")
    }
    return {
        **{f"{name}_seconds": statistics.median(values) for name, values in taken.items()},
        "ratio_to_libraries": statistics.median(ratios["import_libraries"]),
        "ratios_to_libraries": ratios["import_libraries"],
        "target_ratio_to_libraries": 1.7,
        "ratio_to_tensorflow": statistics.median(ratios["import_tensorflow"]),
        "target_ratio_to_tensorflow": 0.1,
        "loads_tensorflow": "tensorflow" in loads,
    }


def warm(image: Path, model: str, points: int, repeats: int) -> dict[str, object]:
    encoder = LearnedEncoder(load_bundle(model))
    rng = np.random.default_rng(0)
    data = image.read_bytes()
    with tempfile.TemporaryDirectory() as root, open_store(Path(root) / "s", create=True) as store:
        store.add_vector("learned", encoder_spec(encoder))
        store.add_source("drawn", root)
        for start in range(0, points, 1000):
            numbers = range(start, min(start + 1000, points))
            ids = [point_id("drawn", str(number)) for number in numbers]
            payloads = [{OWN: {"source": "drawn", "path": str(number), "folder": "x"}} for number in numbers]
            store.upsert(ids, {"learned": rng.normal(size=(len(ids), encoder.dim)).astype(np.float32)}, payloads)
        store.optimize()
        searcher = Searcher(store, model=encoder.bundle)
        times = []
        for _ in range(50 * repeats):
            start_time = time.perf_counter()
            searcher.by_picture(data, k=5)
            times.append(time.perf_counter() - start_time)
    return {
        "points": points,
        "milliseconds_median": 1000 * statistics.median(times),
        "milliseconds_p95": 1000 * float(np.quantile(times, 0.95)),
        "target_milliseconds": 3,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path)
    parser.add_argument("--model", default="clothing-32", help="a trained model (default: clothing-32)")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    print(
        json.dumps(
            {
                "cold": cold(options.image, options.model, options.store, options.repeats),
                "warm": warm(options.image, options.model, options.points, options.repeats),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
