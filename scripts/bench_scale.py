"""Benchmark of the store in a folder at a million points: prints one JSON document.

Points of 32 numbers in clusters, as latents are, with a payload like that of indexing, a brand and a price, and an
index on four fields. Each phase runs in a process of its own, in this order:

write: upserts in turns with the bare engine's, which gets the same payload, indexes and settings.
build: load and optimize the store alone, with the peak of its anonymous memory; then build FAISS' HNSW of the same
    vectors with equal M and efConstruction, on the same cores.
open: from opening the store to its first answer, and the anonymous memory after all queries.
search: recall@10 and time, in turns with FAISS at the smallest efSearch that reaches the same recall.
neighbors: with --neighbors, the 20 neighbors of every point as a file of CSV, and the share of NumPy's exact ones
    among them.

FAISS is optional: pip install 'autoenc[bench]'. Only the calls are timed.

    python scripts/bench_scale.py --points 1000000
    python scripts/bench_scale.py --points 100000 --neighbors
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from clustered import K, Points, Searched, batches, cpus, disk, in_a_process, recall, resident, seconds, watching

from autoenc import write_neighbors
from autoenc.store import OWN, Store, VectorSpec, open_store, point_id
from autoenc.store.ann import HNSW_EF_CONSTRUCT, HNSW_M, is_exact, search_ef
from autoenc.vectors import Vectors

DIM = 32
BATCH = 500
FIELDS = {f"{OWN}.source": "keyword", f"{OWN}.folder": "keyword", "brand": "keyword", "price": "float"}
EFS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024)
TARGETS = {
    "upsert_of_bare_engine": (">=", 0.7),
    "build_of_faiss": (">=", 0.4),
    "recall@10": (">=", 0.98),
    "median_in_faiss_medians": ("<=", 4),
    "anonymous_mb": ("<", 1500),
    "open_and_first_answer_seconds": ("<", 3),
    "neighbors_per_second": (">=", 5000),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--points", type=int, default=1_000_000, help="points in the store (default: %(default)s)")
    parser.add_argument("--queries", type=int, default=1000, help="number of searches to time (default: %(default)s)")
    parser.add_argument("--neighbors", action="store_true", help="time `autoenc neighbors` of all points, too")
    parser.add_argument("--phase", choices=PHASES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.phase:
        print(json.dumps(PHASES[options.phase](options.folder, Points(options.points, options.queries))))
        return
    measured: dict[str, Any] = {
        "points": options.points,
        "dim": DIM,
        "cpus": cpus(),
        "m": HNSW_M,
        "ef_construct": HNSW_EF_CONSTRUCT,
        "ef": None if is_exact(options.points, DIM) else search_ef(options.points),
    }
    with tempfile.TemporaryDirectory() as folder:
        for phase in PHASES:
            if phase == "neighbors" and not options.neighbors:
                continue
            print(f"{phase} …", file=sys.stderr, flush=True)
            given = ("--points", options.points, "--queries", options.queries, "--phase", phase, "--folder", folder)
            measured |= in_a_process(__file__, *given)
    if "faiss_build_seconds" in measured:
        measured["build_of_faiss"] = round(measured["faiss_build_seconds"] / measured["build_seconds"], 2)
    measured["targets"] = {
        name: {"target": f"{sign} {limit}", "met": _met(measured[name], sign, limit)}
        for name, (sign, limit) in TARGETS.items()
        if name in measured
    }
    print(json.dumps(measured, indent=2))


def _met(value: float, sign: str, limit: float) -> bool:
    return value >= limit if sign == ">=" else value <= limit if sign == "<=" else value < limit


# ---- phases ---------------------------------------------------------------------------------------


def write(folder: Path, points: Points) -> dict[str, Any]:
    """Upserts of the store and of the bare engine, batch by batch in turns."""
    taken = {"store": 0.0, "bare": 0.0}
    with tempfile.TemporaryDirectory(dir=folder) as place, made(Path(place) / "store") as store:
        engine = bare_engine(Path(place) / "bare")
        for turn, rows in enumerate(batches(len(points.vectors), BATCH)):
            ids, payloads = ids_of(rows), [payload(points, row) for row in rows]
            matrix = points.vectors[rows.start : rows.stop]
            writes: list[tuple[str, Callable[[], object]]] = [
                ("store", lambda: store.upsert(ids, {"learned": matrix}, payloads)),  # noqa: B023 (called at once)
                ("bare", lambda: upsert_bare(engine, ids, matrix, payloads)),  # noqa: B023
            ]
            for name, call in writes if turn % 2 else writes[::-1]:
                taken[name] += seconds(call)
        for name, flush in (("store", store.flush), ("bare", engine.flush)):
            taken[name] += seconds(flush)
        engine.close()
    count = len(points.vectors)
    return {
        "upserts_per_second": round(count / taken["store"]),
        "upserts_per_second_of_bare_engine": round(count / taken["bare"]),
        "upsert_of_bare_engine": round(taken["bare"] / taken["store"], 3),
    }


def build(folder: Path, points: Points) -> dict[str, Any]:
    """Load and optimize, watching the memory."""
    before = resident()
    with watching() as peak, made(folder / "store") as store:
        loading = 0.0
        for rows in batches(len(points.vectors), BATCH):
            ids, payloads = ids_of(rows), [payload(points, row) for row in rows]
            matrix = points.vectors[rows.start : rows.stop]
            loading += seconds(lambda: store.upsert(ids, {"learned": matrix}, payloads))  # noqa: B023 (called at once)
        loading += seconds(store.flush)
        optimizing = seconds(store.optimize)
    return {
        "load_seconds": round(loading, 1),
        "optimize_seconds": round(optimizing, 1),
        "build_seconds": round(loading + optimizing, 1),
        "build_peak_anonymous_mb": round((peak[0] - before) / 1e6),  # without the benchmark's own vectors
        "disk_mb": round(disk(folder / "store") / 1e6),
    }


def faiss_build(folder: Path, points: Points) -> dict[str, Any]:
    """The graph of FAISS, of the vectors alone."""
    faiss = faiss_or_none()
    if faiss is None:
        return {"faiss": "not installed: pip install 'autoenc[bench]'"}
    faiss.omp_set_num_threads(cpus())
    index = faiss.IndexHNSWFlat(DIM, HNSW_M, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = HNSW_EF_CONSTRUCT
    taken = seconds(lambda: index.add(points.vectors))
    faiss.write_index(index, str(folder / "faiss"))
    return {"faiss": faiss.__version__, "faiss_build_seconds": round(taken, 1)}


def opened(folder: Path, points: Points) -> dict[str, Any]:
    """The first answer, and the memory of a process that searches."""
    before = resident()
    start = time.perf_counter()
    with open_store(folder / "store") as store:
        opening = time.perf_counter() - start
        store.search(points.queries[0], using="learned", k=K)
        answered = time.perf_counter() - start
        for query in points.queries:
            store.search(query, using="learned", k=K)
        mb = round((resident() - before) / 1e6)
    return {
        "open_seconds": round(opening, 3),
        "open_and_first_answer_seconds": round(answered, 3),
        "anonymous_mb": mb,
    }


def search(folder: Path, points: Points) -> dict[str, Any]:
    """Recall and time; FAISS at equal recall, in turns of 100 queries."""
    nearest = points.nearest()
    numbers = {id: row for row, id in enumerate(ids_of(range(len(points.vectors))))}
    faiss = faiss_or_none()
    with open_store(folder / "store") as store:

        def by_store(query: Vectors) -> list[int]:
            return [numbers[hit.id] for hit in store.search(query, using="learned", k=K)]

        def with_payload_left_out(query: Vectors) -> list[int]:
            (hits,) = store.search_batch(query[None], using="learned", k=K, payload=False)
            return [numbers[hit.id] for hit in hits]

        ways = {"store": by_store, "without_payload": with_payload_left_out}
        if faiss is not None:
            faiss.omp_set_num_threads(cpus())
            index = faiss.read_index(str(folder / "faiss"))

            def by_faiss(query: Vectors) -> list[int]:
                return index.search(query[None], K)[1][0].tolist()

            wanted = recall([by_store(query) for query in points.queries], nearest)
            for ef in EFS:
                index.hnsw.efSearch = ef
                if recall(index.search(points.queries, K)[1].tolist(), nearest) >= wanted:
                    break
            ways["faiss"] = by_faiss
        parts: dict[str, list[Searched]] = {name: [] for name in ways}
        for rows in batches(len(points.queries), 100):
            for name, way in ways.items():
                parts[name].append(Searched.by(way, points.queries[rows.start : rows.stop]))
    every = {
        name: Searched([t for each in some for t in each.times], [f for each in some for f in each.found])
        for name, some in parts.items()
    }
    report: dict[str, Any] = {
        "recall@10": recall(every["store"].found, nearest),
        "median_ms": every["store"].median,
        "p99_ms": every["store"].p99,
        "median_ms_without_payload": every["without_payload"].median,
        "p99_ms_without_payload": every["without_payload"].p99,
    }
    if faiss is not None:
        report |= {
            "faiss_ef": index.hnsw.efSearch,
            "faiss_recall@10": recall(every["faiss"].found, nearest),
            "faiss_median_ms": every["faiss"].median,
            "faiss_p99_ms": every["faiss"].p99,
            "median_in_faiss_medians": round(every["store"].median / every["faiss"].median, 2),
        }
    return report


def neighbors(folder: Path, points: Points) -> dict[str, Any]:
    """Those of every point, by elapsed time and by CPU time; recall@20 is that of 1,000 points."""
    file = folder / "neighbors.csv"
    with open_store(folder / "store") as store:
        began = time.process_time()
        elapsed = seconds(lambda: write_neighbors(store, file, k=20, using="learned"))
        spent = time.process_time() - began
    count = len(points.vectors)
    rows = {id: row for row, id in enumerate(ids_of(range(min(count, 1000))))}
    found: dict[int, set[str]] = {row: set() for row in rows.values()}
    with file.open(newline="") as opened:
        for line in csv.DictReader(opened):
            if (row := rows.get(line["id"])) is not None:
                found[row].add(line["neighbor_id"])
    ids = np.array(ids_of(range(count)))
    shares = []
    for row, near in found.items():
        cosines = points.vectors @ points.vectors[row]
        cosines[row] = -np.inf
        shares.append(len(near & set(ids[np.argpartition(-cosines, 20)[:20]].tolist())) / 20)
    return {
        "neighbors_per_second": round(count / elapsed),
        "neighbors_per_cpu_second": round(count / spent),
        "neighbors_recall@20": round(float(np.mean(shares)), 4),
    }


PHASES: dict[str, Callable[[Path, Points], dict[str, Any]]] = {
    "write": write,
    "build": build,
    "faiss": faiss_build,
    "open": opened,
    "search": search,
    "neighbors": neighbors,
}

# ---- what is measured -------------------------------------------------------------------------------


def made(place: Path) -> Store:
    store = open_store(place, create=True)
    store.add_vector("learned", VectorSpec(dim=DIM, fingerprint="bench", preprocessing=1))
    store.add_source("/data/photos", "/data/photos")
    store.add_fields(FIELDS)  # type: ignore[arg-type]
    return store


def ids_of(rows: range) -> list[str]:
    return [point_id("bench", str(row)) for row in rows]


def payload(points: Points, row: int) -> dict[str, Any]:
    folder = f"class{row % 50}"
    own: dict[str, str | int] = {
        "source": "/data/photos",
        "path": f"{folder}/{row:08d}.jpg",
        "folder": folder,
        "digest": f"{row:032x}",
        "size": 20_000 + row,
        "mtime_ns": 1_700_000_000_000_000_000 + row,
        "width": 400,
        "height": 534,
    }
    return {**points.payload(row), OWN: own}


def bare_engine(place: Path) -> Any:
    """Qdrant Edge without autoenc, with the vectors, indexes and settings that the store gives it."""
    import qdrant_edge as qe

    from autoenc.store.edge_folder import edge_config
    from autoenc.store.edge_values import SCHEMA_TYPES

    place.mkdir()
    engine = qe.EdgeShard.create(str(place), edge_config({"learned": qe.EdgeVectorParams(DIM, qe.Distance.Cosine)}))
    for name, kind in FIELDS.items():
        engine.update(qe.UpdateOperation.create_field_index(name, SCHEMA_TYPES[kind]))  # type: ignore[index]
    return engine


def upsert_bare(engine: Any, ids: Sequence[str], matrix: Vectors, payloads: Sequence[dict[str, Any]]) -> None:
    import qdrant_edge as qe

    data, width = np.ascontiguousarray(matrix).tobytes(), 4 * DIM
    points = [
        qe.Point(id, {"learned": array("f", data[width * at : width * (at + 1)])}, payload)
        for at, (id, payload) in enumerate(zip(ids, payloads, strict=True))
    ]
    engine.update(qe.UpdateOperation.upsert_points(points))


def faiss_or_none() -> Any:
    try:
        import faiss
    except ModuleNotFoundError:
        return None
    return faiss


if __name__ == "__main__":
    main()
