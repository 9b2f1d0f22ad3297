"""Objectives against handcrafted encoders on folders of class folders, as a Markdown table with intervals.

python scripts/bench_quality.py TRAIN [TRAIN …] --queries DIR [DIR …] [--name NAME …] [--out DIR] [--seeds 3]

Each TRAIN is trained on without its labels and is the gallery; the folder of the same place in --queries holds the
queries. The default objective and reconstruction alone are trained with several seeds, structure alone with one.
Every run is kept under --out as soon as it is done, and the same command goes on where it was stopped. The table
gives means over seeds; "±" is half the 95% bootstrap interval over queries, of the first seed; the last columns say
whether the paired interval of default minus that encoder excludes zero.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from autoenc import compare, load_bundle, train
from autoenc.comparing import DEFAULT_ENCODERS
from autoenc.encoders import LearnedEncoder
from autoenc.metrics import bootstrap_intervals
from autoenc.objectives import DEFAULT_OBJECTIVE

METRICS = ("p@5", "map", "knn@10")
BASELINES = (*(name for name in DEFAULT_ENCODERS if name != "learned"), "pixels")


def scores(result: Any, encoder: str) -> dict[str, Any]:
    """What is kept of one encoder: its score for every query, so that any two can be compared later."""
    found = result.encoders[encoder]
    return {"dim": found.dim, **{metric: found.per_query[metric].tolist() for metric in METRICS}}


def kept(file: Path, make: Any) -> Any:
    """What `make` returns, read from a file if an earlier run has left it there."""
    if not file.is_file():
        value = make()
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(value))
        partial.replace(file)
        print(f"done: {file.name}", file=sys.stderr, flush=True)
    return json.loads(file.read_text())


def learned(gallery: Path, queries: Path, objective: str, seed: int, epochs: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        result = train(gallery, Path(folder) / "model", objective=objective, seed=seed, epochs=epochs)
        encoder = LearnedEncoder(load_bundle(Path(folder) / "model"))
        found = compare(gallery, queries=queries, encoders=[encoder])
    return {**scores(found, "learned"), "seconds": result.seconds, "images_per_second": result.images_per_second}


def measured(gallery: Path, queries: Path, name: str, options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Encoder or objective -> its scores, one entry a seed."""
    found = {}
    for objective, seeds in ((DEFAULT_OBJECTIVE, options.seeds), ("reconstruction", options.seeds), ("structure", 1)):
        found[objective] = [
            kept(
                options.out / f"{name}-{objective}-{options.epochs}-{seed}.json",
                lambda objective=objective, seed=seed: learned(gallery, queries, objective, seed, options.epochs),
            )
            for seed in range(seeds)
        ]

    def handcrafted() -> dict[str, Any]:
        result = compare(gallery, queries=queries, encoders=BASELINES)
        return {encoder: scores(result, encoder) for encoder in BASELINES}

    return found | {
        encoder: [values] for encoder, values in kept(options.out / f"{name}-handcrafted.json", handcrafted).items()
    }


def table(name: str, found: dict[str, list[dict[str, Any]]]) -> str:
    lines = [
        f"### {name}",
        "",
        "| | dim | P@5 | mAP | kNN@10 | default better in P@5 | in mAP |",
        "|---|---|---|---|---|---|---|",
    ]
    default = found[DEFAULT_OBJECTIVE][0]
    for encoder, runs in found.items():
        cells = [f"`{encoder}`", str(runs[0]["dim"])]
        for metric in METRICS:
            mean = statistics.mean(float(np.mean(run[metric])) for run in runs)
            (interval,) = bootstrap_intervals([np.array(runs[0][metric])])
            seeds = f" ({len(runs)} seeds)" if len(runs) > 1 else ""
            cells.append(f"{mean:.3f} ± {(interval.high - interval.low) / 2:.3f}{seeds}")
        for metric in METRICS[:2]:
            (interval,) = bootstrap_intervals([np.array(default[metric]) - np.array(runs[0][metric])])
            verdict = "yes" if interval.low > 0 else "no, worse" if interval.high < 0 else "not shown"
            cells.append("" if encoder == DEFAULT_OBJECTIVE else f"{verdict} ({interval.mean:+.3f})")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", nargs="+", type=Path)
    parser.add_argument("--queries", nargs="+", type=Path, required=True)
    parser.add_argument("--name", nargs="+")
    parser.add_argument("--out", type=Path, default=Path("bench_quality"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=120)
    options = parser.parse_args()
    names = options.name or [folder.resolve().parent.name for folder in options.train]
    if not len(options.train) == len(options.queries) == len(names) == len(set(names)):
        parser.error("name as many folders of queries, and names that differ, as folders to train on")
    options.out.mkdir(parents=True, exist_ok=True)
    for gallery, queries, name in zip(options.train, options.queries, names, strict=True):
        print(table(name, measured(gallery, queries, name, options)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
