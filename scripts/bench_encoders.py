"""Encoders against what they are measured by: images a second, in one run. Prints one JSON document.

The handcrafted encoders stand beside scikit-image's own functions called image by image; with --model, the
learned encoder stands beside bare ONNX Runtime on the same file. Rounds of the two alternate, so that a busy
machine slows both, and the medians are compared; only the call is timed.

    python scripts/bench_encoders.py [--images DIR] [--model DIR] [--batch 256] [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.encoders import create_encoder
from autoenc.vectors import Images

Encode = Callable[[Images], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, metavar="DIR", help="photos to encode (default: drawn images)")
    parser.add_argument("--model", type=Path, metavar="DIR", help="bundle of the learned encoder, to time it too")
    parser.add_argument("--batch", type=int, default=256, metavar="N", help="images in a call (default: 256)")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="timed calls of each (default: 7)")
    arguments = parser.parse_args()

    images = read(arguments.images, arguments.batch) if arguments.images else drawn(arguments.batch)
    report: dict[str, Any] = {
        "images": str(arguments.images) if arguments.images else "drawn",
        "batch": arguments.batch,
        "rounds": arguments.rounds,
        "cores": os.cpu_count(),
        "encoders": {},
    }
    for name, reference in references().items():
        report["encoders"][name] = race(create_encoder(name).encode, reference, images, arguments.rounds)
        report["encoders"][name]["against"] = "scikit-image, image by image"
    if arguments.model:
        ours, bare = learned_and_bare(arguments.model)
        report["encoders"]["learned"] = race(ours, bare, images, arguments.rounds)
        report["encoders"]["learned"]["against"] = "bare ONNX Runtime, same threads"
    print(json.dumps(report, indent=2))


def race(ours: Encode, reference: Encode, images: Images, rounds: int) -> dict[str, Any]:
    """Images a second of both, and how many times faster ours is."""
    seconds: dict[str, list[float]] = {"ours": [], "reference": []}
    sides = [("ours", ours), ("reference", reference)]
    for number in range(rounds + 1):
        sides.reverse()  # neither side always has the other's leftovers in the cache
        for side, encode in sides:
            taken = timed(encode, images)
            if number > 0:  # the first round warms up
                seconds[side].append(taken)
    medians = {side: statistics.median(times) for side, times in seconds.items()}
    return {
        "images_per_second": round(len(images) / medians["ours"], 1),
        "reference_images_per_second": round(len(images) / medians["reference"], 1),
        "ratio": round(medians["reference"] / medians["ours"], 2),
    }


def timed(encode: Encode, images: Images) -> float:
    """Seconds of one call; a fast one is repeated until it fills a hundredth of a second."""
    calls = 0
    start = time.perf_counter()
    while (taken := time.perf_counter() - start) < 0.01 or not calls:
        encode(images)
        calls += 1
    return taken / calls


def references() -> dict[str, Encode]:
    """What each handcrafted encoder is measured by: the same descriptor from scikit-image's functions."""
    from skimage.color import rgb2gray, rgb2hsv
    from skimage.feature import graycomatrix, graycoprops, hog, local_binary_pattern

    from baselines.texture import GLCM_PROPERTIES, LBP_SCALES

    angles = [k * math.pi / 4 for k in range(4)]

    def color(image: Images) -> npt.NDArray[Any]:
        counts, _ = np.histogramdd(rgb2hsv(image).reshape(-1, 3), bins=(8, 4, 4), range=((0, 1),) * 3)
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

    from autoenc.encoders import create_encoder

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
