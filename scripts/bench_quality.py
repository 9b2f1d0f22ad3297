"""Objectives against handcrafted encoders on folders of class folders, as a Markdown table with intervals.

python scripts/bench_quality.py --set NAME TRAIN QUERIES [QUERIES …] [--set …] [--out DIR] [--seeds 3]

TRAIN is trained on without its labels and is the gallery; the images of all QUERIES together are the queries. The
default objective is trained with several seeds; with --ablations, reconstruction alone as well, and other sums of terms
with one seed. "handcrafted, weighted" has the weights that the training chose. Each run is saved under --out when it is
done, and the same command continues where it was stopped; with other images or code, name another --out.

The table gives means over seeds. "±" is half the 95% bootstrap interval over queries, of each query's mean over seeds.
The last columns say whether the paired interval of the default minus that encoder excludes zero.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from autoenc import compare, load_bundle, train
from autoenc.comparison.run import DEFAULT_ENCODERS
from autoenc.encoders.handcrafted import Handcrafted
from autoenc.encoders.learned import LearnedEncoder
from autoenc.metrics.bootstrap import Interval, bootstrap_intervals
from autoenc.training.objectives import DEFAULT_OBJECTIVE

METRICS = ("p@5", "map", "knn@10")
ABLATIONS = ("structure+neighbors", "reconstruction+neighbors", "reconstruction+structure")
BASELINES = (*(name for name in DEFAULT_ENCODERS if name != "learned"), "pixels")


def scores(gallery: Path, queries: list[Path], encoders: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Encoder -> its scores of every query, so that any two encoders can be compared later."""
    parts = [compare(gallery, queries=folder, encoders=encoders, fusion=False).encoders for folder in queries]
    return {
        name: {
            "dim": found.dim,
            **{metric: np.concatenate([part[name].per_query[metric] for part in parts]).tolist() for metric in METRICS},
        }
        for name, found in parts[0].items()
    }


def kept(file: Path, make: Callable[[], Any]) -> Any:
    """What `make` returns, read from the file if an earlier run has saved it there."""
    if not file.is_file():
        value = make()
        unfinished = file.with_suffix(".partial")
        unfinished.write_text(json.dumps(value))
        unfinished.replace(file)
        print(f"done: {file.name}", file=sys.stderr, flush=True)
    return json.loads(file.read_text())


def learned(gallery: Path, queries: list[Path], objective: str, seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        result = train(gallery, Path(folder) / "model", objective=objective, seed=seed)
        bundle = load_bundle(Path(folder) / "model")
        found = scores(gallery, queries, [LearnedEncoder(bundle), Handcrafted(bundle)])
        info = {name: bundle.info[name] for name in ("cluster_map", "whitening", "head")}
        said = result.emphasis.to_dict() if result.emphasis else None
    times = {"seconds": result.seconds, "epochs": result.epochs}
    return {**found["learned"], **info, **times, "emphasis": said, "handcrafted": found["handcrafted"]}


def measured(
    sets: dict[str, tuple[Path, list[Path]]], out: Path, seeds: int, ablations: bool
) -> dict[str, dict[str, list[Any]]]:
    """Name of a set -> encoder or objective -> its scores, one entry per seed; the ablations are done last."""
    runs = [(DEFAULT_OBJECTIVE, seed) for seed in range(seeds)]
    if ablations:
        runs += [*(("reconstruction", seed) for seed in range(seeds)), *((objective, 0) for objective in ABLATIONS)]
    found: dict[str, dict[str, list[Any]]] = {name: {} for name in sets}
    for objective, seed in runs:
        for name, (gallery, queries) in sets.items():
            make = partial(learned, gallery, queries, objective, seed)
            found[name].setdefault(objective, []).append(kept(out / f"{name}-{objective}-{seed}.json", make))
    for name, (gallery, queries) in sets.items():
        handcrafted = kept(out / f"{name}-handcrafted.json", partial(scores, gallery, queries, BASELINES))
        found[name]["handcrafted, weighted"] = [run["handcrafted"] for run in found[name][DEFAULT_OBJECTIVE]]
        found[name] |= {encoder: [values] for encoder, values in handcrafted.items()}
    return found


def interval_of(values: np.ndarray) -> Interval:
    """The interval of the queries that have a score; one whose class the gallery lacks has none."""
    (interval,) = bootstrap_intervals([values[~np.isnan(values)]])
    return interval


def table(name: str, found: dict[str, list[dict[str, Any]]]) -> str:
    queries = len(found[DEFAULT_OBJECTIVE][0][METRICS[0]])
    lines = [
        f"### {name}: {queries} queries",
        "",
        "| | numbers | seeds | P@5 | mAP | kNN@10 | default better in P@5 | in mAP |",
        "|---|---|---|---|---|---|---|---|",
    ]
    # A query's mean over the seeds, so that an interval over queries is one of the mean in the table.
    means = {
        encoder: {metric: np.mean([run[metric] for run in runs], axis=0) for metric in METRICS}
        for encoder, runs in found.items()
    }
    for encoder, runs in found.items():
        cells = [f"`{encoder}`", str(runs[0]["dim"]), str(len(runs)) if "seconds" in runs[0] else ""]
        for metric in METRICS:
            interval = interval_of(means[encoder][metric])
            cells.append(f"{interval.mean:.3f} ± {(interval.high - interval.low) / 2:.3f}")
        for metric in METRICS[:2]:
            # One seed is compared with one seed: what a mean over several gains must not count as evidence.
            default = found[DEFAULT_OBJECTIVE][: len(runs) if "seconds" in runs[0] else None]
            interval = interval_of(np.mean([run[metric] for run in default], axis=0) - means[encoder][metric])
            verdict = "yes" if interval.low > 0 else "no, worse" if interval.high < 0 else "not shown"
            cells.append("" if encoder == DEFAULT_OBJECTIVE else f"{verdict} ({interval.mean:+.3f})")
        lines.append(f"| {' | '.join(cells)} |")
    default = found[DEFAULT_OBJECTIVE]
    seconds = [run["seconds"] for run in default]
    mixes = [", ".join(f"{part} {weight:g}" for part, weight in run["emphasis"]["weights"].items()) for run in default]
    per_seed = [", ".join(f"{np.nanmean(run[metric]):.3f}" for run in default) for metric in METRICS[:2]]
    notes = [
        f"Training with the default took {min(seconds):.0f} to {max(seconds):.0f} s.",
        f"P@5 of each seed: {per_seed[0]}; mAP: {per_seed[1]}.",
        f"Weights chosen: {'; '.join(mixes)}.",
    ]
    return "\n".join([*lines, "", *notes])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs="+", action="append", required=True, metavar="NAME TRAIN QUERIES")
    parser.add_argument("--out", type=Path, default=Path("bench_quality"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ablations", action="store_true", help="train with other objectives, too")
    options = parser.parse_args()
    if any(len(parts) < 3 for parts in options.set) or len({parts[0] for parts in options.set}) < len(options.set):
        parser.error("give each --set a unique name, a folder to train on and one or more folders of queries")
    options.out.mkdir(parents=True, exist_ok=True)
    sets = {name: (Path(gallery), [Path(folder) for folder in queries]) for name, gallery, *queries in options.set}
    for name, found in measured(sets, options.out, options.seeds, options.ablations).items():
        print(table(name, found), end="\n\n")


if __name__ == "__main__":
    main()
