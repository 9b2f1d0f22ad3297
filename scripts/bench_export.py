"""Size, speed and likeness of every export of a model: python scripts/bench_export.py MODEL [IMAGES].

Prints one Markdown table. Speed is that of the smallest runtime of each format on one core, batches of 64 images of the
model's size, in memory; the formats take turns, and the median of the turns counts. Likeness is what `autoenc export`
requires: the least cosine with the original, and the share of the ten nearest neighbors in common, on IMAGES, or on the
sample catalog. A form that is too far from the original is listed with the figures by which it was refused.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

os.environ.update(dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"))  # read by TensorFlow

import numpy as np

from autoenc import export_model, load_bundle
from autoenc.encoders.runtimes import litert_interpreter
from autoenc.errors import ExportError
from autoenc.export.parity import LIMITS
from autoenc.export.run import Format
from autoenc.export.tensorflow_forms import INPUT, OUTPUT, SIGNATURE

BATCH = 64
SUFFIX = {"onnx": ".onnx", "litert": ".tflite", "saved_model": ""}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("images", metavar="IMAGES", nargs="?", help="a folder of images that the model is meant for")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--batches", type=int, default=16, help="in a turn")
    options = parser.parse_args()
    bundle = load_bundle(options.model)
    size = bundle.input_size
    images = np.random.default_rng(0).integers(0, 256, (BATCH, size, size, 3), np.uint8)
    rows: list[tuple[str, str, str, Callable[[], Any] | None]] = []
    with tempfile.TemporaryDirectory() as folder:
        for format in get_args(Format):
            for quantize in LIMITS:
                if (format, quantize) == ("saved_model", "int8"):
                    continue
                name, file = f"{format} {quantize or 'float32'}", Path(folder, f"{format}-{quantize}{SUFFIX[format]}")
                try:
                    made = export_model(
                        bundle, file, format=format, quantize=quantize, images=options.images, progress=False
                    )
                except ExportError as error:
                    rows.append((name, "refused", str(error), None))
                    continue
                likeness = f"{made.cosine:.6f} | {made.top10:.3f}"
                rows.append((name, f"{made.bytes / 1e6:.2f} MB", likeness, runner(format, file, images)))
        speeds: dict[str, list[float]] = {name: [] for name, _, _, run in rows if run}
        for _ in range(options.turns):
            for name, _, _, run in rows:
                if run:
                    start = time.perf_counter()
                    for _ in range(options.batches):
                        run()
                    speeds[name].append(options.batches * BATCH / (time.perf_counter() - start))
    print("| form | size | images/s, one core | least cosine | top 10 in common |\n|---|---|---|---|---|")
    for name, bytes, likeness, run in rows:
        speed = f"{statistics.median(speeds[name]):,.0f}" if run else "-"
        print(f"| {name} | {bytes} | {speed} | {likeness if run else likeness + ' |'} |")


def runner(format: Format, file: Path, images: Any) -> Callable[[], Any]:
    """Runs the file on the images once."""
    if format == "onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
        return lambda: session.run([OUTPUT], {INPUT: images})
    if format == "saved_model":
        import tensorflow as tf

        loaded = tf.saved_model.load(str(file))
        run, batch = loaded.signatures[SIGNATURE], tf.constant(images)
        return lambda: (loaded, run(**{INPUT: batch})[OUTPUT].numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's says that ai-edge-litert is the newer one
        interpreter = litert_interpreter()(model_path=str(file), num_threads=1)
    (taken,), (returned,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(taken["index"], images.shape)
    interpreter.allocate_tensors()

    def once() -> Any:
        interpreter.set_tensor(taken["index"], images)
        interpreter.invoke()
        return interpreter.get_tensor(returned["index"])

    return once


if __name__ == "__main__":
    main()
