"""Benchmark of this store beside LanceDB, Chroma and FAISS: prints a table in Markdown.

All get the same points of 32 numbers in clusters, as latents are, with a brand, a price and a path, and answer the same
queries for ten neighbors: of all points, of one brand (1%), and below a price (5%). Each has a graph (HNSW) with M = 24
and efConstruction = 160, on all cores, and indexes of brand and price where it has such. Each is searched, with each
filter, at the smallest ef that reaches the wanted recall on the first half of the queries, else at 1024, one query at a
time; recall and times are those of the other half. Answers hold the payload, but for FAISS, which keeps none: its
filters are bitmaps of the points that match, made beforehand. Only the calls are timed. Each runs in processes of its
own, one that loads and one that opens and searches, so memory is its own; "own" memory is anonymous, "mapped" that of
files.

The others are optional, and left out with a word where they are not installed: pip install 'autoenc[bench]'.

    python scripts/bench_peers.py --points 200000
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from clustered import K, Points, Searched, batches, cpus, disk, in_a_process, recall, resident, seconds, watching

from autoenc.store.ann import HNSW_EF_CONSTRUCT, HNSW_M
from autoenc.vectors import Vectors

EFS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024)
BRAND = 7

Where = Literal["everything", "brand", "price"]
WHERES: tuple[Where, ...] = ("everything", "brand", "price")


class OurStore:
    """Up to 80,000 points it has no graph, and searches are exact. With a filter, it keeps its usual ef at least."""

    name, package = "autoenc", "autoenc"

    def __init__(self, folder: Path, points: Points) -> None:
        import autoenc.store.edge_folder  # noqa: F401 (else it is loaded when the store is opened)
        from autoenc.store import SearchSettings, open_store, point_id

        self._opened, self._settings, self._point_id = open_store, SearchSettings, point_id
        self._folder, self._points = folder, points
        self._filters: dict[Where, Any] = {
            "everything": None,
            "brand": {"brand": f"brand {BRAND}"},
            "price": f"price < {points.limit}",
        }

    def load(self) -> None:
        from autoenc.store import VectorSpec

        with self._opened(self._folder, create=True) as store:
            store.add_vector("learned", VectorSpec(self._points.vectors.shape[1], "bench", 1))
            store.add_fields({"brand": "keyword", "price": "float"})
            for rows in batches(len(self._points.vectors), 500):
                ids = [self._point_id("bench", str(row)) for row in rows]
                vectors = {"learned": self._points.vectors[rows.start : rows.stop]}
                store.upsert(ids, vectors, [self._points.payload(row) for row in rows])
            store.optimize()

    def open(self) -> None:
        self._store = self._opened(self._folder)

    def search(self, query: Vectors, ef: int, where: Where) -> list[Any]:
        kept, settings = self._filters[where], self._settings(ef=ef)
        (hits,) = self._store.search_batch(query[None], using="learned", k=K, where=kept, settings=settings)
        return hits

    def rows(self, found: list[Any]) -> list[int]:
        return [int(hit.payload["path"][-12:-4]) for hit in found]


class LanceDB:
    """One partition, so that the graph holds all vectors, which are not quantized."""

    name, package = "LanceDB", "lancedb"

    def __init__(self, folder: Path, points: Points) -> None:
        import lancedb

        self._connect, self._folder, self._points = lancedb.connect, folder, points
        self._filters: dict[Where, str | None] = {
            "everything": None,
            "brand": f"brand = 'brand {BRAND}'",
            "price": f"price < {points.limit}",
        }

    def load(self) -> None:
        import pyarrow as pa
        from lancedb.index import Bitmap, BTree, HnswFlat

        rows = range(len(self._points.vectors))
        payloads = [self._points.payload(row) for row in rows]
        numbers = pa.array(self._points.vectors.ravel())
        columns = {name: [payload[name] for payload in payloads] for name in payloads[0]}
        vectors = pa.FixedSizeListArray.from_arrays(numbers, self._points.vectors.shape[1])
        table = self._connect(self._folder).create_table("points", pa.table({"id": rows, "vector": vectors, **columns}))
        graph = HnswFlat(distance_type="cosine", num_partitions=1, m=HNSW_M, ef_construction=HNSW_EF_CONSTRUCT)
        for column, index in (("vector", graph), ("brand", Bitmap()), ("price", BTree())):
            table.create_index(column, config=index)

    def open(self) -> None:
        self._table = self._connect(self._folder).open_table("points")

    def search(self, query: Vectors, ef: int, where: Where) -> list[Any]:
        asked = self._table.search(query).distance_type("cosine").nprobes(1).ef(max(ef, K)).limit(K)
        if (kept := self._filters[where]) is not None:
            asked = asked.where(kept, prefilter=True)
        return asked.select(["id", "brand", "price", "path", "_distance"]).to_list()

    def rows(self, found: list[Any]) -> list[int]:
        return [row["id"] for row in found]


class Chroma:
    """A persistent client. Its index of metadata cannot be chosen. To change its ef is no part of what is timed."""

    name, package = "Chroma", "chromadb"

    def __init__(self, folder: Path, points: Points) -> None:
        import chromadb

        settings = chromadb.config.Settings(anonymized_telemetry=False)
        self._client = partial(chromadb.PersistentClient, str(folder), settings=settings)
        self._points, self._ef = points, 0
        self._filters: dict[Where, Any] = {
            "everything": None,
            "brand": {"brand": f"brand {BRAND}"},
            "price": {"price": {"$lt": points.limit}},
        }

    def load(self) -> None:
        graph = {
            "space": "cosine",
            "max_neighbors": HNSW_M,
            "ef_construction": HNSW_EF_CONSTRUCT,
            "num_threads": cpus(),
        }
        client = self._client()
        collection = client.create_collection("points", configuration={"hnsw": graph}, embedding_function=None)
        for rows in batches(len(self._points.vectors), client.get_max_batch_size()):
            payloads = [self._points.payload(row) for row in rows]
            vectors = self._points.vectors[rows.start : rows.stop]
            collection.add(ids=[str(row) for row in rows], embeddings=vectors, metadatas=payloads)

    def open(self) -> None:
        self._collection = self._client().get_collection("points", embedding_function=None)

    def search(self, query: Vectors, ef: int, where: Where) -> Any:
        if ef != self._ef:
            self._ef = ef
            self._collection.modify(configuration={"hnsw": {"ef_search": ef}})
        return self._collection.query(
            query_embeddings=query[None], n_results=K, where=self._filters[where], include=["metadatas", "distances"]
        )

    def rows(self, found: Any) -> list[int]:
        return [int(id) for id in found["ids"][0]]


class Faiss:
    """A graph of the vectors alone, written to one file."""

    name, package = "FAISS", "faiss"

    def __init__(self, folder: Path, points: Points) -> None:
        import faiss

        faiss.omp_set_num_threads(cpus())
        self._faiss, self._file, self._points = faiss, folder / "index", points
        folder.mkdir(exist_ok=True)
        masks = {"brand": points.brand == BRAND, "price": points.price < points.limit}
        self._bits = {where: np.packbits(mask, bitorder="little") for where, mask in masks.items()}
        self._selectors = {
            where: faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits)) for where, bits in self._bits.items()
        }

    def load(self) -> None:
        index = self._faiss.IndexHNSWFlat(self._points.vectors.shape[1], HNSW_M, self._faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = HNSW_EF_CONSTRUCT
        index.add(self._points.vectors)
        self._faiss.write_index(index, str(self._file))

    def open(self) -> None:
        self._index = self._faiss.read_index(str(self._file))

    def search(self, query: Vectors, ef: int, where: Where) -> Any:
        kept = self._selectors.get(where)
        params = self._faiss.SearchParametersHNSW(efSearch=ef, **({} if kept is None else {"sel": kept}))
        return self._index.search(query[None], K, params=params)[1]

    def rows(self, found: Any) -> list[int]:
        return [row for row in found[0].tolist() if row >= 0]


PEERS: tuple[type[Any], ...] = (OurStore, LanceDB, Chroma, Faiss)

COLUMNS: dict[str, str] = {
    "load": "load s",
    "peak": "load, own MB",
    "disk": "disk MB",
    "first": "open and first answer s",
    **{f"{where}.{what}": f"{where} {name}" for where in WHERES
       for what, name in (("ef", "ef"), ("recall", "recall@10"), ("median", "median ms"), ("p99", "p99 ms"))},
    "own": "own MB",
    "mapped": "mapped MB",
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--points", type=int, default=200_000, help="points in each store (default: %(default)s)")
    parser.add_argument("--queries", type=int, default=1000, help="number of queries (default: %(default)s)")
    parser.add_argument("--recall", type=float, default=0.98, help="recall@10 to reach (default: %(default)s)")
    parser.add_argument("--phase", nargs=3, metavar=("PHASE", "PEER", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.phase:
        phase, name, folder = options.phase
        warnings.filterwarnings("ignore")  # of other packages, about themselves
        (peer,) = [each for each in PEERS if each.name == name]
        points = Points(options.points, options.queries)
        print(json.dumps(loaded(peer, Path(folder), points) if phase == "load" else used(
            peer, Path(folder), points, options.recall
        )))  # fmt: skip
        return
    given = ("--points", options.points, "--queries", options.queries, "--recall", options.recall)
    measured: dict[str, dict[str, Any]] = {}
    missing = []
    for peer in PEERS:
        if importlib.util.find_spec(peer.package) is None:
            missing.append(f"{peer.name}: not installed (pip install 'autoenc[bench]')")
            continue
        print(f"{peer.name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "store"
            measured[peer.name] = {
                key: value
                for phase in ("load", "use")
                for key, value in in_a_process(__file__, *given, "--phase", phase, peer.name, place).items()
            }
    print(table(measured, options.points, options.queries))
    for sentence in missing:
        print(f"\n{sentence}")


def loaded(peer: type[Any], folder: Path, points: Points) -> dict[str, Any]:
    """Load and index everything."""
    before = resident()
    with watching() as peak:
        opened = peer(folder, points)
        taken = seconds(opened.load)
    return {"load": round(taken, 1), "peak": round((peak[0] - before) / 1e6), "disk": round(disk(folder) / 1e6, 1)}


def used(peer: type[Any], folder: Path, points: Points, wanted: float) -> dict[str, Any]:
    """Open and search."""
    kept = {"everything": None, "brand": points.brand == BRAND, "price": points.price < points.limit}
    nearest = {where: points.nearest(mask) for where, mask in kept.items()}
    half = len(points.queries) // 2
    before = {kind: resident(kind) for kind in ("RssAnon", "RssFile")}
    opened = peer(folder, points)
    start = time.perf_counter()
    opened.open()
    opened.search(points.queries[0], EFS[0], "everything")
    report: dict[str, Any] = {"first": round(time.perf_counter() - start, 3)}
    for where in WHERES:
        for ef in EFS:
            found = [opened.rows(opened.search(query, ef, where)) for query in points.queries[:half]]
            if recall(found, nearest[where][:half]) >= wanted:
                break
        report[f"{where}.ef"] = ef
        searched = Searched.by(search_of(opened, ef, where), points.queries[half:])
        rows = [opened.rows(found) for found in searched.found]
        report[f"{where}.recall"] = recall(rows, nearest[where][half:])
        report[f"{where}.median"], report[f"{where}.p99"] = searched.median, searched.p99
    for name, kind in (("own", "RssAnon"), ("mapped", "RssFile")):
        report[name] = round((resident(kind) - before[kind]) / 1e6)
    return report


def search_of(opened: Any, ef: int, where: Where) -> Callable[[Vectors], Any]:
    return lambda query: opened.search(query, ef, where)


def table(measured: dict[str, dict[str, Any]], points: int, queries: int) -> str:
    """A row for each figure, a column for each store."""
    names = list(measured)
    lines = [
        f"{points:,} points, {queries:,} queries, {cpus()} cores; M = {HNSW_M}, efConstruction = {HNSW_EF_CONSTRUCT}",
        "",
        f"| | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    lines += [f"| {said} | {' | '.join(str(measured[name][key]) for name in names)} |" for key, said in COLUMNS.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
