"""Benchmark of indexing end to end: from JPEG files on disk to vectors in the embedded store.

python scripts/bench_index.py IMAGES [--model MODEL] [--copies 1] [--repeats 5]
python scripts/bench_index.py IMAGES --against CHECKOUT
python scripts/bench_index.py IMAGES --memory 100000

Prints one JSON document. By default, it compares indexing with the `learned` encoder to its bare parts, each timed
alone in the same run: OpenCV decodes every file at the reduction that indexing chooses, on all cores; ONNX Runtime
encodes batches of 256; points with the same payload go straight into Qdrant Edge. Together the parts allow
1 / (1/decode + 1/encode + 1/upsert) images per second. `share` is the share of that rate that indexing reaches, the
median of interleaved repeats. Target: 0.70.

With --against, it compares this checkout of the repository with another one, in alternating runs, each in its own
process: images per second with the default four encoders and with `learned` alone, new over old, with a bootstrap
interval.

With --memory N, it indexes 1,000 and then N images, each in its own process, and prints the peak anonymous resident
memory of both. Target: within 300 MB of each other at N = 100,000.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import qdrant_edge as qe

from autoenc import index_images, load_bundle
from autoenc.catalog.fields import FILTERABLE, own_fields
from autoenc.catalog.indexing import DEFAULT_ENCODERS
from autoenc.images.decoding import reduction
from autoenc.images.files import LoadedImage, load_images
from autoenc.images.finding import find_images
from autoenc.metrics.bootstrap import bootstrap_intervals
from autoenc.store import OWN, open_store, point_id
from autoenc.store.filters import SCANNED

BATCH = 256
ROOT = Path(__file__).resolve().parents[1]

ONE_RUN = """
import json, sys, tempfile
import autoenc
folder, model, encoders = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
with tempfile.TemporaryDirectory() as root:
    report = autoenc.index_images(folder, root + "/s", model=model, encoders=encoders)
print(json.dumps(report.images_per_second))
"""


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def copies(images: Path, folder: Path, count: int) -> Path:
    """Make `count` copies of the images, each under its own name."""
    files = find_images(images).paths
    for number in range(count):
        target = folder / f"{number % 100:02}" / f"{number:06}{files[number % len(files)].suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files[number % len(files)], target)
    return folder


def bare_parts(folder: Path, model: str, repeats: int) -> dict[str, object]:
    bundle = load_bundle(model)
    session = onnxruntime.InferenceSession(str(bundle.path / "encoder.onnx"), providers=["CPUExecutionProvider"])
    loaded = [image for image in load_images(find_images(folder).items) if isinstance(image, LoadedImage)]
    flags = {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }
    jobs = [(image.path, flags[reduction(image.width, image.height, 32)]) for image in loaded]
    pixels = np.stack([image.pixels for image in loaded])
    vectors = bundle.encode_pixels(pixels)

    def decode_one(job: tuple[Path, int]) -> None:
        picture = cv2.imdecode(np.frombuffer(job[0].read_bytes(), np.uint8), job[1])
        cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA)

    def decode() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(decode_one, jobs, chunksize=16):
                pass

    def encode() -> None:
        for start in range(0, len(pixels), BATCH):
            session.run(None, {"images": pixels[start : start + BATCH]})

    def upsert() -> float:
        with tempfile.TemporaryDirectory() as root:
            open_store(Path(root) / "s", create=True).close()
            shard = qe.EdgeShard.load(str(Path(root) / "s" / "images" / "shard"))
            shard.update(qe.UpdateOperation.create_dense_vector("learned", vectors.shape[1], qe.Distance.Cosine))
            for name, kind in FILTERABLE.items():
                if name in SCANNED:
                    continue
                schema = {"keyword": qe.PayloadSchemaType.Keyword, "integer": qe.PayloadSchemaType.Integer}[kind]
                shard.update(qe.UpdateOperation.create_field_index(name, schema))
            start = time.perf_counter()
            for at in range(0, len(loaded), BATCH):
                group = loaded[at : at + BATCH]
                names = [image.path.relative_to(folder).as_posix() for image in group]
                points = [
                    qe.Point(point_id(str(folder), name), {"learned": row}, {OWN: own_fields(str(folder), name, image)})
                    for name, row, image in zip(names, vectors[at : at + BATCH].tolist(), group, strict=True)
                ]
                shard.update(qe.UpdateOperation.upsert_points(points))
            shard.flush()
            seconds = time.perf_counter() - start
            shard.close()
            return seconds

    def whole() -> float:
        with tempfile.TemporaryDirectory() as root:
            return index_images(folder, Path(root) / "s", model=bundle, encoders=["learned"]).seconds

    rounds = [
        {"decode": timed(decode), "encode": timed(encode), "upsert": upsert(), "end_to_end": whole()}
        for _ in range(repeats)
    ]
    allowed = [taken["decode"] + taken["encode"] + taken["upsert"] for taken in rounds]
    shares = [limit / taken["end_to_end"] for limit, taken in zip(allowed, rounds, strict=True)]
    return {
        "images": len(loaded),
        "images_per_second": {
            part: len(loaded) / statistics.median(taken[part] for taken in rounds) for part in rounds[0]
        },
        "allowed_images_per_second": len(loaded) / statistics.median(allowed),
        "share": statistics.median(shares),
        "shares": shares,
        "target_share": 0.70,
    }


def against(folder: Path, model: str, other: Path, repeats: int) -> dict[str, object]:
    """New over old, in alternating runs: old, new, old, new."""
    report: dict[str, object] = {"images": len(find_images(folder).items), "against": str(other)}
    for name, encoders in {"default": DEFAULT_ENCODERS, "learned": ("learned",)}.items():
        rates: dict[Path, list[float]] = {other: [], ROOT: []}
        for _ in range(repeats):
            for checkout, found in rates.items():
                command = [sys.executable, "-c", ONE_RUN, str(folder), model, ",".join(encoders)]
                environment = {**os.environ, "PYTHONPATH": str(checkout)}
                done = subprocess.run(
                    command, check=True, capture_output=True, text=True, env=environment, cwd=tempfile.gettempdir()
                )
                found.append(json.loads(done.stdout))
        ratios = [new / old for new, old in zip(rates[ROOT], rates[other], strict=True)]
        (interval,) = bootstrap_intervals([ratios])
        report[name] = {
            "encoders": encoders,
            "images_per_second": {"old": statistics.median(rates[other]), "new": statistics.median(rates[ROOT])},
            "ratio": statistics.median(ratios),
            "interval_of_mean": [interval.low, interval.high],
            "ratios": ratios,
        }
    return report


def anonymous_bytes() -> int:
    """Resident anonymous memory of this process (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("no RssAnon in /proc/self/status: this measurement needs Linux")


def index_and_watch(folder: Path, model: str) -> None:
    """Index in this process, and print the peak of anonymous memory, sampled every 20 ms."""
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


def memory(images: Path, model: str, count: int) -> dict[str, object]:
    runs = {}
    for number in (1000, count):
        with tempfile.TemporaryDirectory() as root:
            folder = copies(images, Path(root), number)
            command = [sys.executable, __file__, str(folder), "--model", model, "--watch"]
            runs[number] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    growth = runs[count]["peak_anonymous_bytes"] - runs[1000]["peak_anonymous_bytes"]
    return {"runs": runs, "growth_megabytes": growth / 1e6, "target_megabytes": 300}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--model", default="clothing-32", help="a trained model (default: clothing-32)")
    parser.add_argument("--copies", type=int, default=1, help="index this many copies of each image (default: 1)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="compare with another checkout instead")
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
        folder = copies(options.images, Path(root), options.copies * len(find_images(options.images).items))
        if options.against:
            report = against(folder, options.model, options.against.resolve(), options.repeats)
        else:
            report = bare_parts(folder, options.model, options.repeats)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
