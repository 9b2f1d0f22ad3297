"""Encoders against what they are measured by: images per second, in one run. Prints one JSON document.

The handcrafted encoders are compared with scikit-image's own functions called image by image; with --model, the
learned encoder with bare ONNX Runtime on the same file. With --against, the handcrafted encoders are instead
compared with those of another checkout of this project, such as a git worktree of an older commit, in a process
of its own.

Rounds of the two alternate, so that a busy machine slows both, and only the call is timed. `ratio` is the median
of the rounds' ratios; 90% of them lie within `ratio_5_to_95`.

    python scripts/bench_encoders.py [--images DIR] [--model DIR] [--batch 256] [--threads 1] [--rounds 7]
    python scripts/bench_encoders.py --against DIR [--images DIR] [--batch 256] [--threads 1] [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.encoders import create_encoder

Images = npt.NDArray[np.uint8]
Encode = Callable[[Images], Any]

HANDCRAFTED = ("color", "texture", "edges", "handcrafted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, metavar="DIR", help="photos to encode (default: drawn images)")
    parser.add_argument("--model", type=Path, metavar="DIR", help="bundle of the learned encoder, to time it too")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout of this project to compare with")
    parser.add_argument("--batch", type=int, default=256, metavar="N", help="images per call (default: 256)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="simultaneous calls (default: 1)")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="timed calls of each (default: 7)")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)  # runs in the other checkout
    arguments = parser.parse_args()
    if arguments.answer:
        answer(arguments.answer, arguments.threads)
        return
    if arguments.against and not (arguments.against / "autoenc" / "__init__.py").is_file():
        parser.error(f"--against takes a checkout of this project; '{arguments.against}' has no package autoenc.")

    images = read(arguments.images, arguments.batch) if arguments.images else drawn(arguments.batch)
    encoders: dict[str, Any] = {}

    def compare(name: str, ours: Encode, reference: Callable[[], float], against: str) -> None:
        mine = partial(timed, ours, images, arguments.threads)
        encoders[name] = race(mine, reference, len(images) * arguments.threads, arguments.rounds)
        encoders[name]["against"] = against

    if arguments.against:
        with checkout(arguments.against, images, arguments.threads) as ask:
            for name in HANDCRAFTED:
                compare(name, create_encoder(name).encode, partial(ask, name), str(arguments.against))
    else:
        for name, reference in references().items():
            theirs = partial(timed, reference, images, arguments.threads)
            compare(name, create_encoder(name).encode, theirs, "scikit-image, image by image")
        if arguments.model:
            ours, bare = learned_and_bare(arguments.model)
            compare("learned", ours, partial(timed, bare, images, arguments.threads), "bare ONNX Runtime, same threads")
    report = {
        "images": str(arguments.images) if arguments.images else "drawn",
        "batch": arguments.batch,
        "threads": arguments.threads,
        "rounds": arguments.rounds,
        "cores": os.cpu_count(),
        "encoders": encoders,
    }
    print(json.dumps(report, indent=2))


def race(ours: Callable[[], float], reference: Callable[[], float], images: int, rounds: int) -> dict[str, Any]:
    """Images per second of both, and how many times faster ours is; each side returns the seconds for `images`."""
    seconds: dict[str, list[float]] = {"ours": [], "reference": []}
    sides = [("ours", ours), ("reference", reference)]
    for number in range(rounds + 1):
        sides.reverse()  # neither side always has the other's leftovers in the cache
        for side, measure in sides:
            taken = measure()
            if number > 0:  # the first round warms up
                seconds[side].append(taken)
    ratios = [theirs / own for own, theirs in zip(seconds["ours"], seconds["reference"], strict=True)]
    return {
        "images_per_second": round(images / statistics.median(seconds["ours"]), 1),
        "reference_images_per_second": round(images / statistics.median(seconds["reference"]), 1),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_5_to_95": [round(float(value), 2) for value in np.percentile(ratios, [5, 95])],
    }


def timed(encode: Encode, images: Images, threads: int) -> float:
    """Seconds of `threads` simultaneous calls; fast ones are repeated until they fill a twentieth of a second."""
    with ThreadPoolExecutor(threads) as pool:
        calls = 0
        start = time.perf_counter()
        while (taken := time.perf_counter() - start) < 0.05 or not calls:
            list(pool.map(encode, [images] * threads))
            calls += 1
    return taken / calls


@contextmanager
def checkout(folder: Path, images: Images, threads: int) -> Iterator[Callable[[str], float]]:
    """A function that times an encoder of another checkout, which runs in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "images.npy"
        np.save(file, images)
        command = [sys.executable, __file__, "--answer", str(file), "--threads", str(threads)]
        environment = {**os.environ, "PYTHONPATH": str(folder.resolve())}
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:

            def ask(name: str) -> float:
                assert process.stdin
                assert process.stdout
                print(name, file=process.stdin)
                seconds = process.stdout.readline()
                if not seconds:
                    sys.exit(f"{folder} cannot encode with '{name}'; its own message is above.")
                return float(seconds)

            yield ask


def answer(file: Path, threads: int) -> None:
    """For each name of an encoder on standard input, print the seconds that it takes to encode the images."""
    images = np.load(file)
    for name in sys.stdin:
        print(timed(create_encoder(name.strip()).encode, images, threads), flush=True)


def references() -> dict[str, Encode]:
    """What each handcrafted encoder is measured by: the same descriptor from scikit-image's functions."""
    from skimage.color import rgb2gray, rgb2lab
    from skimage.feature import graycomatrix, graycoprops, hog, local_binary_pattern

    from baselines.glcm import GLCM_PROPERTIES
    from baselines.texture import LBP_SCALES

    angles = [k * math.pi / 4 for k in range(4)]

    def color(image: Images) -> npt.NDArray[Any]:
        """Each pixel in one bin: there is no soft assignment."""
        counts, _ = np.histogramdd(rgb2lab(image).reshape(-1, 3), (3, 7, 6), ((0, 100), (-60, 60), (-60, 60)))
        return np.asarray(np.sqrt(counts.ravel() / counts.sum()))

    def texture(image: Images) -> npt.NDArray[Any]:
        gray = np.rint(rgb2gray(image) * 255).astype(np.uint8)
        parts = []
        for points, radius in LBP_SCALES:
            labels = local_binary_pattern(gray, points, radius, "uniform").astype(np.intp)
            parts.append(np.bincount(labels.ravel(), minlength=points + 2) / labels.size)
        matrix = graycomatrix(gray // 16, [1, 2, 4, 8], angles, 16, symmetric=True, normed=True)
        parts += [graycoprops(matrix, name).ravel() for name in GLCM_PROPERTIES]
        return np.concatenate(parts)

    def edges(image: Images) -> npt.NDArray[Any]:
        return np.asarray(hog(image, 9, (8, 8), (2, 2), channel_axis=-1))

    def handcrafted(image: Images) -> npt.NDArray[Any]:
        return np.concatenate([color(image), texture(image), edges(image)])

    def one_by_one(describe: Callable[[Images], npt.NDArray[Any]]) -> Encode:
        return lambda images: np.stack([describe(image) for image in images])

    by_image = {"color": color, "texture": texture, "edges": edges, "handcrafted": handcrafted}
    return {name: one_by_one(describe) for name, describe in by_image.items()}


def learned_and_bare(model: Path) -> tuple[Encode, Encode]:
    """The learned encoder, and a plain session on its ONNX file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # As the bundle's own session has it; threads that spin would also take the cores from the other side's turn.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(model / "encoder.onnx"), options, providers=["CPUExecutionProvider"])
    return create_encoder("learned", model=model).encode, lambda images: session.run(["latents"], {"images": images})


def drawn(count: int, seed: int = 0) -> Images:
    """Images with flat ground, ramps, a bright disc and a little noise; the same for the same seed."""
    random = np.random.default_rng(seed)
    row, column = np.indices((32, 32))
    images = np.empty((count, 32, 32, 3), np.uint8)
    for number in range(count):
        ground, ink = random.integers(0, 256, (2, 3))
        slope = random.normal(0, 2, 2) @ np.stack([row, column]).reshape(2, -1)
        inside = np.hypot(row - random.uniform(8, 24), column - random.uniform(8, 24)) < random.uniform(4, 12)
        picture = np.where(inside[..., np.newaxis], ink, ground) + slope.reshape(32, 32, 1)
        images[number] = np.clip(picture + random.normal(0, 4, (32, 32, 3)), 0, 255)
    return images


def read(folder: Path, count: int) -> Images:
    """The first `count` photos of a folder, repeated when there are fewer."""
    from autoenc.images.files import load_image
    from autoenc.images.finding import find_images

    paths = list(find_images(folder).paths)[:count]
    images = np.stack([load_image(path, size=32).pixels for path in paths])
    return np.resize(images, (count, 32, 32, 3))


if __name__ == "__main__":
    main()
