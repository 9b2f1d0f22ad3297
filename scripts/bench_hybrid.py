"""Benchmark of filtered and hybrid searches in a folder: prints a table in Markdown.

Clustered vectors of two encoders, a keyword, two more attributes and a price. Every search asks for 10 neighbors; its
recall is against all points, compared one by one in NumPy. Only the calls are timed, in turns.

    python scripts/bench_hybrid.py --points 100000
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from autoenc.store import Scale, Store, VectorSpec, open_store, point_id
from autoenc.store.blending import Closeness, Match, Similarity
from autoenc.vectors import Matrix, Vectors, unit_rows

BATCH = 500
DIMS = {"learned": 32, "color": 32}
BRANDS, TYPES, COLORS = 100, 30, 12
K = 10

Search = Callable[[Store, int], list[str]]


class Catalog:
    """Points whose vectors form clusters, as latents do, and whose types follow the clusters; and queries near them."""

    def __init__(self, points: int, queries: int) -> None:
        generator = np.random.default_rng(0)
        total = points + queries
        cluster = generator.integers(0, 200, total)
        self.vectors: dict[str, Vectors] = {}
        for name, dim in DIMS.items():
            centers = generator.normal(size=(200, dim))
            spread = generator.normal(size=(total, dim)) * np.linspace(1, 0.2, dim)
            self.vectors[name] = unit_rows((centers[cluster] + spread).astype(np.float32))
        self.points = points
        self.brand = generator.integers(0, BRANDS, total)
        self.type = np.where(generator.random(total) < 0.8, cluster % TYPES, generator.integers(0, TYPES, total))
        self.color = generator.integers(0, COLORS, total)
        self.price = np.exp(generator.normal(3.5, 0.8, total)).round(2)
        self.cheap = float(np.quantile(self.price[:points], 0.05))
        self.scales = {name: _scale(rows[:points], generator) for name, rows in self.vectors.items()}

    def fill(self, store: Store) -> None:
        store.add_vectors({name: VectorSpec(dim, "bench", 1) for name, dim in DIMS.items()})
        store.add_fields({"brand": "keyword", "type": "keyword", "color": "keyword", "price": "float"})
        for start in range(0, self.points, BATCH):
            rows = range(start, min(start + BATCH, self.points))
            vectors = {name: matrix[rows.start : rows.stop] for name, matrix in self.vectors.items()}
            store.upsert([point_id("bench", str(row)) for row in rows], vectors, [self.payload(row) for row in rows])
        store.optimize()

    def payload(self, row: int) -> dict[str, str | float]:
        named = {"brand": f"brand {self.brand[row]}", "type": f"type {self.type[row]}", "color": f"c{self.color[row]}"}
        return {**named, "price": float(self.price[row])}

    def parts(self, row: int) -> list[Similarity | Match | Closeness]:
        """Two encoders and three attributes of a query."""
        fields = self.payload(row)
        return [
            *(Similarity(name, rows[row], WEIGHTS[name], self.scales[name]) for name, rows in self.vectors.items()),
            Match({"type": str(fields["type"])}, WEIGHTS["type"]),
            Match({"color": str(fields["color"])}, WEIGHTS["hue"]),
            Closeness("price", float(fields["price"]), 0.1 * float(fields["price"]), WEIGHTS["price"]),
        ]

    def sums(self, row: int) -> Matrix:
        """The hybrid score of every point, by its definition."""
        total = np.zeros(self.points)
        for name, rows in self.vectors.items():
            scale = self.scales[name]
            total += WEIGHTS[name] * (1 + (rows[: self.points] @ rows[row] - scale.nearest) / scale.span)
        total += WEIGHTS["type"] * (self.type[: self.points] == self.type[row])
        total += WEIGHTS["hue"] * (self.color[: self.points] == self.color[row])
        away = np.abs(self.price[: self.points] - self.price[row])
        return np.asarray(total + WEIGHTS["price"] * 0.5 ** (away / (0.1 * self.price[row])))


WEIGHTS = {"learned": 1.0, "color": 0.5, "type": 0.3, "hue": 0.2, "price": 0.2}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--points", type=int, default=100_000, help="points in the store (default: %(default)s)")
    parser.add_argument("--queries", type=int, default=200, help="searches of each sort (default: %(default)s)")
    options = parser.parse_args(arguments)
    catalog = Catalog(options.points, options.queries)
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "store", create=True) as store:
        catalog.fill(store)
        print(table(catalog, store))


def table(catalog: Catalog, store: Store) -> str:
    """Median and 99th percentile of each sort of search, its ratio to the plain one, and its recall."""
    rows = range(catalog.points, len(catalog.brand))
    learned = catalog.vectors["learned"]

    def plain(where: str | None, row: int) -> Callable[[], list[str]]:
        return lambda: [hit.id for hit in store.search(learned[row], using="learned", k=K, where=where)]

    def by_cosine(kept: np.ndarray, row: int) -> Matrix:
        return np.where(kept, learned[: catalog.points] @ learned[row], -np.inf)

    everything = np.ones(catalog.points, bool)
    brand, price = catalog.brand[: catalog.points] == 7, catalog.price[: catalog.points] < catalog.cheap
    sorts: dict[str, tuple[Callable[[int], Callable[[], list[str]]], Callable[[int], Matrix]]] = {
        "one encoder": (lambda row: plain(None, row), lambda row: by_cosine(everything, row)),
        f"… a keyword that keeps {brand.mean():.1%}": (
            lambda row: plain("brand = 'brand 7'", row),
            lambda row: by_cosine(brand, row),
        ),
        f"… a price range that keeps {price.mean():.1%}": (
            lambda row: plain(f"price < {catalog.cheap}", row),
            lambda row: by_cosine(price, row),
        ),
        "two encoders": (lambda row: _hybrid(store, catalog.parts(row)[:2]), lambda row: _visual(catalog, row)),
        "two encoders, three attributes": (lambda row: _hybrid(store, catalog.parts(row)), catalog.sums),
    }
    times: dict[str, list[float]] = {name: [] for name in sorts}
    recalls: dict[str, list[float]] = {name: [] for name in sorts}
    for row in rows:
        for name, (search, scores) in sorts.items():
            call = search(row)
            began = time.perf_counter()
            found = call()
            times[name].append((time.perf_counter() - began) * 1e3)
            exact = scores(row)
            best = {point_id("bench", str(each)) for each in np.argpartition(-exact, K)[:K] if exact[each] > -np.inf}
            recalls[name].append(len(best & set(found)) / len(best))
    base = statistics.median(times["one encoder"])
    lines = [
        f"{catalog.points:,} points, {len(rows)} queries, {os.cpu_count()} cores",
        "",
        "| search for 10 | median ms | p99 ms | of the first | recall@10 |",
        "|---|---|---|---|---|",
    ]
    for name, taken in times.items():
        median, late = statistics.median(taken), float(np.percentile(taken, 99))
        recall = statistics.fmean(recalls[name])
        lines.append(f"| {name} | {median:.2f} | {late:.2f} | {median / base:.1f} | {recall:.3f} |")
    return "\n".join(lines)


def _hybrid(store: Store, parts: Sequence[Similarity | Match | Closeness]) -> Callable[[], list[str]]:
    return lambda: [hit.id for hit in store.search_hybrid(parts, k=K)]


def _visual(catalog: Catalog, row: int) -> Matrix:
    scaled = [
        WEIGHTS[name] * (rows[: catalog.points] @ rows[row]) / catalog.scales[name].span
        for name, rows in catalog.vectors.items()
    ]
    return np.asarray(np.sum(scaled, axis=0), np.float64)


def _scale(rows: Vectors, generator: np.random.Generator) -> Scale:
    """As `autoenc.measure_scales`, for a sample."""
    sample = generator.choice(len(rows), 200, replace=False)
    cosines = rows[sample] @ rows.T
    cosines[np.arange(200), sample] = -1
    nearest = np.percentile(cosines.max(axis=1), np.arange(101))
    median = float(np.median(cosines[:, sample]))
    return Scale(median, float(nearest[50]), tuple(nearest.tolist()), len(rows), "bench")


if __name__ == "__main__":
    main()
