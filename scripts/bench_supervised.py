"""What labels are worth on classes that a model has not seen, as a Markdown table with paired intervals.

python scripts/bench_supervised.py --set NAME TRAIN QUERIES [QUERIES …] [--set …] [--seeds 3] [--epochs 80] [--out DIR]

The classes of TRAIN, its folders, are dealt into two halves, every other one by name. A model is trained with the
labels of one half, on the images of that half alone, and then on those of the other half; beside each, the unlabeled
default is trained on the same images. "unseen" searches the images of the other half's classes in TRAIN by those in
QUERIES, so that every class is unseen once; "seen" does so with the classes trained on. Each run is saved under --out
when it is done, and the same command continues where it was stopped.

"±" is half the 95% bootstrap interval over queries, of each query's mean over seeds. The last columns are the paired
interval of the labeled minus the unlabeled model: they differ if it excludes 0.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench_quality import METRICS, interval_of, kept

from autoenc import compare, find_images, train
from autoenc.encoders.learned import LearnedEncoder

KINDS = {"labels": "folders", "no labels": None}


def files_of(folders: Sequence[Path], classes: Sequence[str]) -> list[Path]:
    """The images of some classes in some folders."""
    return [path for folder in folders for path in find_images(folder).paths if path.parent.name in classes]


def measured(
    gallery: Path, queries: list[Path], halves: list[list[str]], kind: str, seed: int, epochs: int
) -> dict[str, dict[str, list[float]]]:
    """For "seen" and "unseen" classes: metric -> its value of every query, over both halves."""
    found: dict[str, dict[str, list[float]]] = {part: {metric: [] for metric in METRICS} for part in ("seen", "unseen")}
    for own, other in (halves, halves[::-1]):
        with tempfile.TemporaryDirectory() as folder:
            images = files_of([gallery], own)
            bundle = train(
                images, Path(folder) / "m", labels=KINDS[kind], seed=seed, epochs=epochs, progress=True
            ).bundle
            for part, classes in (("seen", own), ("unseen", other)):
                asked = files_of(queries, classes)
                scores = compare(files_of([gallery], classes), queries=asked, encoders=[LearnedEncoder(bundle)])
                for metric in METRICS:
                    found[part][metric] += scores.encoders["learned"].per_query[metric].tolist()
    return found


def table(name: str, halves: list[list[str]], found: dict[str, list[dict[str, Any]]]) -> str:
    names = ("P@5", "mAP", "kNN@10")
    gains = " | ".join(f"labels minus none, {each}" for each in names)
    lines = [
        f"### {name}: {len(halves[0])} classes, then the other {len(halves[1])}",
        "",
        f"| classes | trained with | {' | '.join(names)} | {gains} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for part in ("unseen", "seen"):
        means = {
            kind: {metric: np.mean([run[part][metric] for run in runs], axis=0) for metric in METRICS}
            for kind, runs in found.items()
        }
        for kind in KINDS:
            cells = [part, kind]
            for metric in METRICS:
                interval = interval_of(means[kind][metric])
                cells.append(f"{interval.mean:.3f} ± {(interval.high - interval.low) / 2:.3f}")
            for metric in METRICS:
                interval = interval_of(means["labels"][metric] - means["no labels"][metric])
                cells.append(f"{interval.low:+.3f} to {interval.high:+.3f}" if kind == "labels" else "")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs="+", action="append", required=True, metavar="NAME TRAIN QUERIES")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--out", type=Path, default=Path("bench_supervised"))
    options = parser.parse_args()
    if any(len(parts) < 3 for parts in options.set) or len({parts[0] for parts in options.set}) < len(options.set):
        parser.error("give each --set a unique name, a folder to train on and one or more folders of queries")
    options.out.mkdir(parents=True, exist_ok=True)
    for name, gallery, *queries in options.set:
        classes = sorted({path.parent.name for path in find_images(gallery).paths})
        halves = [classes[::2], classes[1::2]]
        found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        for seed in range(options.seeds):
            for kind in KINDS:
                file = options.out / f"{name}-{kind.replace(' ', '-')}-{options.epochs}-{seed}.json"
                where = Path(gallery), [Path(folder) for folder in queries]
                found[kind].append(kept(file, partial(measured, *where, halves, kind, seed, options.epochs)))
        print(table(name, halves, found), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
