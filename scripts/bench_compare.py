"""Time and memory of a comparison: draws pictures, compares encoders on them, prints one JSON document.

python scripts/bench_compare.py --images 50000 --queries 2000

Peak resident memory is that of the whole process, including the interpreter and all libraries. The target is under
2 GB for 50,000 images and 2,000 sampled queries with the default encoders; without --model, `learned` is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from autoenc.comparison.run import DEFAULT_ENCODERS, compare


def draw(root: Path, images: int, labels: int) -> None:
    """Write small JPEG files: a rectangle on a background, in colors that depend on the label, with a little noise."""
    generator = np.random.default_rng(0)
    colors = generator.integers(0, 256, (labels, 2, 3))
    for label in range(labels):
        (root / f"label-{label:03}").mkdir()
    for at in range(images):
        label = at % labels
        ground, mark = colors[label] + generator.integers(-40, 41, (2, 3))
        picture = generator.integers(0, 24, (80, 64, 3), dtype=np.int64) + ground
        top, left = generator.integers(2, 30, 2)
        picture[top : top + 20 + label % 20, left : left + 12 + label % 15] = mark
        path = root / f"label-{label:03}" / f"{at:07}.jpg"
        cv2.imwrite(str(path), np.clip(picture, 0, 255).astype(np.uint8))


def peak_megabytes() -> float:
    """Peak resident memory of this process in units of 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000, help="size of the gallery (default: %(default)s)")
    parser.add_argument("--queries", type=int, default=2_000, help="sampled queries (default: %(default)s)")
    parser.add_argument("--labels", type=int, default=20, help="labels drawn (default: %(default)s)")
    parser.add_argument("--model", help="model for the encoder learned: a folder, or clothing-32")
    parser.add_argument("--encoders", help="names, separated by commas (default: those of autoenc compare)")
    options = parser.parse_args()
    names = options.encoders.split(",") if options.encoders else [
        name for name in DEFAULT_ENCODERS if name != "learned" or options.model
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="autoenc-bench-") as folder:
        started = time.perf_counter()
        draw(Path(folder), options.images, options.labels)
        drawn = time.perf_counter() - started
        before = peak_megabytes()
        comparison = compare(folder, model=options.model, encoders=names, max_queries=options.queries)
    document = {
        "images": len(comparison.gallery),
        "queries": len(comparison.queries),
        "cores": os.cpu_count(),
        "draw_seconds": round(drawn, 1),
        "compare_seconds": round(comparison.seconds, 1),
        "peak_mb_before": round(before),
        "peak_mb": round(peak_megabytes()),
        "under_2_gb": peak_megabytes() < 2000,
        "encoders": {
            name: {
                "dim": scores.dim,
                "ms_per_image": round(scores.ms_per_image, 4),
                "map": round(scores.figures["map"].mean, 4),
            }
            for name, scores in comparison.encoders.items()
        },
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
