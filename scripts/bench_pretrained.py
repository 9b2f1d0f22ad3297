"""Pretrained encoders against their bare model: images per second, in one run. Prints one JSON document.

Each encoder reads, decodes and encodes the photos; `bare` is its model alone, called with ready tensors of one batch:
the Keras model as TensorFlow compiles it, the session of ONNX Runtime, or interpreters of LiteRT. Rounds of the two
alternate, so that a busy machine slows both; `encode_ratio` and `ratio` are the medians of the rounds' ratios, without
the decoding and with it. A network without weights in --weights has random ones: that costs the same.

    python scripts/bench_pretrained.py --images DIR [--encoders mobilenet,resnet50,onnx:FILE,litert:FILE]
        [--weights mobilenet=FILE] [--photos 128] [--batch 32] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from autoenc import PRETRAINED_NAMES, find_images
from autoenc.encoders import Encoder, create_encoders
from autoenc.encoders.exported import ExportedEncoder, input_of
from autoenc.encoders.pretrained import PretrainedEncoder
from autoenc.images.files import LoadedImage, load_images

Images = np.ndarray[Any, np.dtype[np.uint8]]

TIMED = ("encode", "decode", "whole")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="photos")
    parser.add_argument("--encoders", default="mobilenet,mobilenetv3,efficientnetb0,resnet50,vgg16", metavar="A,B,…")
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--photos", type=int, default=128, metavar="N", help="how many to encode (default: 128)")
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="images per call of the bare model")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    options = parser.parse_args()
    weights = dict.fromkeys(PRETRAINED_NAMES, "random") | dict(each.split("=", 1) for each in options.weights)
    paths = find_images(options.images).paths
    paths = paths[:: max(1, len(paths) // options.photos)][: options.photos]
    found = {}
    for name in options.encoders.split(","):
        (encoder,) = create_encoders([name], weights=weights).values()
        found[encoder.name] = measured(encoder, paths, options.batch, options.rounds)
    document = {"photos": len(paths), "batch": options.batch, "cores": os.cpu_count(), "encoders": found}
    print(json.dumps(document, indent=2))


def measured(encoder: Encoder, paths: Sequence[Path], batch: int, rounds: int) -> dict[str, Any]:
    images = decoded(paths, encoder.input_size)
    bare = bare_model(encoder, images[:batch])
    bare()  # the first call pays for one-time setup
    encoder.encode(images[:batch])
    seconds: dict[str, list[float]] = {what: [] for what in ("bare", *TIMED)}
    for _ in range(rounds):
        for what, run in (
            ("bare", lambda: [bare() for _ in range(0, len(images), batch)]),
            ("encode", lambda: encoder.encode(images)),
            ("decode", lambda: decoded(paths, encoder.input_size)),
            ("whole", lambda: piped(encoder, paths, batch)),
        ):
            started = time.perf_counter()
            run()
            seconds[what].append(time.perf_counter() - started)
    runs = -(-len(images) // batch) * batch  # images that the bare model saw

    def ratio(what: str) -> float:
        pairs = zip(seconds["bare"], seconds[what], strict=True)
        return statistics.median((b / runs) / (s / len(images)) for b, s in pairs)

    return {
        "dim": encoder.dim,
        "size": encoder.input_size,
        "model_bytes": encoder.model_bytes,
        "bare_images_per_second": runs / statistics.median(seconds["bare"]),
        **{f"{what}_images_per_second": len(images) / statistics.median(seconds[what]) for what in TIMED},
        "encode_ratio": ratio("encode"),
        "ratio": ratio("whole"),
    }


def decoded(paths: Sequence[Path], size: int) -> Images:
    return np.stack([each.pixels for each in load_images(paths, size) if isinstance(each, LoadedImage)])


def piped(encoder: Encoder, paths: Sequence[Path], batch: int) -> None:
    """Encode while the next pictures are decoded on the other cores, as indexing does."""
    rows: list[Images] = []
    for each in load_images(paths, encoder.input_size):
        if isinstance(each, LoadedImage):
            rows.append(each.pixels)
        if len(rows) == batch:
            encoder.encode(np.stack(rows))
            rows.clear()
    if rows:
        encoder.encode(np.stack(rows))


def bare_model(encoder: Encoder, images: Images) -> Callable[[], Any]:
    """The encoder's model alone, on a batch that is ready for it."""
    if isinstance(encoder, PretrainedEncoder):
        from autoenc.encoders.applications import APPLICATIONS, preprocess
        from autoenc.encoders.building import build_base

        known = APPLICATIONS[encoder.name]
        weights = "random" if encoder.origin == "random" else str(encoder.origin)
        base = build_base(known.name, weights, include_top=known.layer is not None)
        import tensorflow  # what it says of itself was silenced with the network

        ready = tensorflow.constant(preprocess(known.name)(images))
        run = tensorflow.function(lambda x: base(x, training=False))
        return lambda: run(ready).numpy()
    assert isinstance(encoder, ExportedEncoder)
    runtime, sidecar = encoder._runtime, encoder.sidecar
    taken = runtime.inputs[0]
    prepared = input_of(sidecar, taken, images)
    cores = os.cpu_count() or 1
    step = taken.shape[0] or -(-len(prepared) // cores)
    parts = [prepared[at : at + step] for at in range(0, len(prepared), step)]

    def run_all() -> None:
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(lambda part: runtime.run(part, sidecar.output), parts))

    return run_all


if __name__ == "__main__":
    main()
