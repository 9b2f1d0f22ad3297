"""How well a model serves a kind of photos that it has not seen, as a Markdown table with intervals.

python scripts/bench_transfer.py --set NAME TRAIN QUERIES [QUERIES …] --set … [--emphasis general] [--out DIR]

Each set is left out in turn: a model is trained on the TRAIN folders of the others, without labels, and compared with
handcrafted encoders on the set left out, as in scripts/bench_quality.py. --emphasis takes what `autoenc train` takes,
or "general", for something of each. Each run is saved under --out when it is done.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench_quality import METRICS, interval_of, kept, scores
from make_ready_model import MOST, photos_of

from autoenc import train
from autoenc.encoders.learned import LearnedEncoder
from autoenc.training.emphasis import EMPHASES
from autoenc.training.settings import AUTO

GENERAL = {"edges": 1.0, "color": 0.7, "texture": 0.7}
"""Photos of another kind may need any of the three."""

RIVALS = ("edges+pca32", "edges", "color", "texture", "handcrafted", "pixels+pca32")


def unseen(others: list[Path], gallery: Path, queries: list[Path], emphasis: str, most: int) -> dict[str, Any]:
    """Scores on a set of a model that was trained on others, and of its rivals."""
    photos = photos_of(others, most)
    with tempfile.TemporaryDirectory() as scratch:
        result = train(
            photos, Path(scratch) / "model", emphasis=GENERAL if emphasis == "general" else emphasis, progress=True
        )
        found = scores(gallery, queries, [LearnedEncoder(result.bundle), *RIVALS])
        said = result.emphasis.sentence if result.emphasis else ""
    return {"scores": found, "photos": len(photos), "seconds": result.seconds, "emphasis": said}


def table(name: str, run: dict[str, Any]) -> str:
    lines = [
        f"### {name}, unseen: trained on {run['photos']} photos of the other sets in {run['seconds']:.0f} s",
        "",
        run["emphasis"],
        "",
        "| | numbers | P@5 | mAP | learned minus it, P@5 | mAP |",
        "|---|---|---|---|---|---|",
    ]
    learned = {metric: np.array(run["scores"]["learned"][metric]) for metric in METRICS}
    for encoder, found in run["scores"].items():
        cells = [f"`{encoder}`", str(found["dim"])]
        for metric in METRICS[:2]:
            interval = interval_of(np.array(found[metric]))
            cells.append(f"{interval.mean:.3f} ± {(interval.high - interval.low) / 2:.3f}")
        for metric in METRICS[:2]:
            interval = interval_of(learned[metric] - np.array(found[metric]))
            cells.append("" if encoder == "learned" else f"{interval.low:+.3f} to {interval.high:+.3f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs="+", action="append", required=True, metavar="NAME TRAIN QUERIES")
    parser.add_argument("--emphasis", choices=(AUTO, *EMPHASES, "general"), default="general")
    parser.add_argument("--most", type=int, default=MOST, help=f"photos of one set (default: {MOST})")
    parser.add_argument("--out", type=Path, default=Path("bench_transfer"))
    options = parser.parse_args()
    if len(options.set) < 2 or any(len(parts) < 3 for parts in options.set):
        parser.error("give two sets or more, each with a name, a folder to train on and folders of queries")
    options.out.mkdir(parents=True, exist_ok=True)
    for name, gallery, *queries in options.set:
        others = [Path(parts[1]) for parts in options.set if parts[0] != name]
        make = partial(
            unseen, others, Path(gallery), [Path(folder) for folder in queries], options.emphasis, options.most
        )
        saved = options.out / f"{name}-{options.emphasis}-{options.most}.json"
        print(table(name, kept(saved, make)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
