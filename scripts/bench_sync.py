"""Benchmark of indexing a folder again in which nothing, or little, has changed.

python scripts/bench_sync.py [--files 100000] [--repeats 5] [--encoders color]

Makes a folder of tiny images in subfolders of 1,000, indexes it once, and prints one JSON document. `ratio` is the CPU
time of a second `index_images` into the open store over that of a plain `os.scandir` of the same folders with a `stat`
of each file, in the same process, the median of interleaved repeats. Target: 8. `first` is the ratio of the first
repeat, which loads modules and finds nothing in the caches. `wall` is the same ratio in elapsed time.

`renamed` is a run after one subfolder was renamed, whose images get their points moved, and `pruned` one after that
folder was removed, with prune=True.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from autoenc import index_images, open_store

IN_FOLDER = 1000


def draw(folder: Path, count: int) -> None:
    """One picture of 8 x 8 pixels as many files, which differ in what follows the picture."""
    picture = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)).save(picture, "png")
    for number in range(count):
        path = folder / f"{number // IN_FOLDER:03}" / f"{number:06}.png"
        if number % IN_FOLDER == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(picture.getvalue() + number.to_bytes(8, "little"))


def list_plainly(folder: str) -> int:
    """List a folder and look at every file in it: what no program that finds out what has changed can do without."""
    files, left = 0, [folder]
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    left.append(entry.path)
                else:
                    entry.stat()
                    files += 1
    return files


def taken(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and elapsed seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--encoders", default="color")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        folder, store = Path(root) / "images", Path(root) / "store"
        draw(folder, options.files)
        index_images(folder, store, encoders=options.encoders.split(","), progress=False)
        with open_store(store) as opened:
            plain, again = [], []
            for _ in range(options.repeats):
                plain.append(taken(lambda: list_plainly(str(folder))))
                again.append(taken(lambda: index_images(folder, opened, progress=False)))
            (folder / "000").rename(folder / "renamed")
            moved = index_images(folder, opened, progress=False)
            shutil.rmtree(folder / "renamed")
            pruned = index_images(folder, opened, progress=False, prune=True)
    ratios = [[one[kind] / other[kind] for one, other in zip(again, plain, strict=True)] for kind in (0, 1)]
    report = {
        "files": options.files,
        "ratio": statistics.median(ratios[0]),
        "ratios": ratios[0],
        "first": ratios[0][0],
        "wall": statistics.median(ratios[1]),
        "target_ratio": 8,
        "microseconds_per_file": {
            "plain": 1e6 * statistics.median(cpu for cpu, _ in plain) / options.files,
            "index": 1e6 * statistics.median(cpu for cpu, _ in again) / options.files,
        },
        "renamed": {"images": moved.moved, "seconds": moved.seconds},
        "pruned": {"images": len(pruned.pruned), "seconds": pruned.seconds},
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
