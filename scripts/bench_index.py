"""Indexing end to end against its parts alone: JPEG files on disk to learned vectors in the embedded store.

python scripts/bench_index.py IMAGES --model DIR [--copies 4] [--repeats 5]

Prints one JSON document. The parts, each alone and in the same run: read + digest + decode on all cores; encode;
points with the real payload + upsert + flush. Together they allow 1 / (1/decode + 1/encode + 1/upsert) images a
second; `share` is what end to end reaches of it, by the median of interleaved repeats. Target: 0.75.

With --memory N it instead indexes 1,000 and then N images, each in a process of its own, and prints the peak of
anonymous resident memory of both. Target: within 300 MB of each other at N = 100,000.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autoenc import index_images, load_bundle, open_store
from autoenc.catalog.indexing import FILTERABLE, payload_of
from autoenc.catalog.searching import encoder_spec
from autoenc.encoders.learned import LearnedEncoder
from autoenc.images.files import LoadedImage, load_images
from autoenc.images.finding import find_images
from autoenc.store import point_id

BATCH = 256


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def copies(images: Path, folder: Path, count: int) -> Path:
    """`count` files: copies of the images, each under a name of its own."""
    files = find_images(images).paths
    for number in range(count):
        target = folder / f"{number % 100:02}" / f"{number:06}{files[number % len(files)].suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files[number % len(files)], target)
    return folder


def parts(folder: Path, model: Path, repeats: int) -> dict[str, object]:
    bundle = load_bundle(model)
    encoder = LearnedEncoder(bundle)
    paths = find_images(folder).paths
    loaded = [image for image in load_images(paths) if isinstance(image, LoadedImage)]
    pixels = np.stack([image.pixels for image in loaded])
    batches = range(0, len(loaded), BATCH)
    vectors = np.concatenate([encoder.encode(pixels[i : i + BATCH]) for i in batches])

    def decode() -> None:
        for _ in load_images(paths):
            pass

    def encode() -> None:
        for i in batches:
            encoder.encode(pixels[i : i + BATCH])

    def upsert() -> None:
        with tempfile.TemporaryDirectory() as root, open_store(Path(root) / "s", create=True) as store:
            store.add_vector("learned", encoder_spec(encoder))
            for name, kind in FILTERABLE.items():
                store.add_field(name, kind)
            start = time.perf_counter()
            for i in batches:
                group = loaded[i : i + BATCH]
                names = [image.path.relative_to(folder).as_posix() for image in group]
                payloads = [payload_of(str(folder), *pair) for pair in zip(names, group, strict=True)]
                ids = [point_id(str(folder), name) for name in names]
                store.upsert(ids, {"learned": vectors[i : i + BATCH]}, payloads)
            store.flush()
            seconds["upsert"].append(time.perf_counter() - start)

    def whole() -> None:
        with tempfile.TemporaryDirectory() as root:
            report = index_images(folder, Path(root) / "s", model=bundle, encoders=["learned"])
            seconds["end_to_end"].append(report.seconds)

    seconds: dict[str, list[float]] = {"decode": [], "encode": [], "upsert": [], "end_to_end": []}
    for _ in range(repeats):
        seconds["decode"].append(timed(decode))
        seconds["encode"].append(timed(encode))
        upsert()
        whole()
    allowed = [sum(seconds[part][i] for part in ("decode", "encode", "upsert")) for i in range(repeats)]
    shares = [limit / taken for limit, taken in zip(allowed, seconds["end_to_end"], strict=True)]
    return {
        "images": len(loaded),
        "images_per_second": {part: len(loaded) / statistics.median(taken) for part, taken in seconds.items()},
        "allowed_images_per_second": len(loaded) / statistics.median(allowed),
        "share": statistics.median(shares),
        "shares": shares,
        "target_share": 0.75,
    }


def anonymous_bytes() -> int:
    """Resident anonymous memory of this process (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("no RssAnon in /proc/self/status: this measurement needs Linux")


def index_and_watch(folder: Path, model: Path) -> None:
    """Index in this process; print the peak of anonymous memory, looked at every 20 ms."""
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, anonymous_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    with tempfile.TemporaryDirectory() as root:
        report = index_images(folder, Path(root) / "s", model=model, encoders=["learned"])
    done.set()
    watcher.join()
    print(json.dumps({"indexed": report.indexed, "seconds": report.seconds, "peak_anonymous_bytes": peak}))


def memory(images: Path, model: Path, count: int) -> dict[str, object]:
    runs = {}
    for number in (1000, count):
        with tempfile.TemporaryDirectory() as root:
            folder = copies(images, Path(root), number)
            command = [sys.executable, __file__, str(folder), "--model", str(model), "--watch"]
            runs[number] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    growth = runs[count]["peak_anonymous_bytes"] - runs[1000]["peak_anonymous_bytes"]
    return {"runs": runs, "growth_megabytes": growth / 1e6, "target_megabytes": 300}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=2, help="index each image this often (default: 2)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", type=int, metavar="N", help="measure memory at N images instead")
    parser.add_argument("--watch", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.watch:
        index_and_watch(options.images, options.model)
        return
    if options.memory:
        print(json.dumps(memory(options.images, options.model, options.memory), indent=2))
        return
    with tempfile.TemporaryDirectory() as root:
        count = options.copies * len(find_images(options.images).paths)
        print(json.dumps(parts(copies(options.images, Path(root), count), options.model, options.repeats), indent=2))


if __name__ == "__main__":
    main()
