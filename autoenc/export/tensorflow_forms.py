"""LiteRT and SavedModel files of an encoder. Needs TensorFlow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from autoenc.errors import MissingDependencyError
from autoenc.export.parity import Quantization
from autoenc.quiet import tensorflow_silenced
from autoenc.vectors import Images, Vectors

SIGNATURE = "serving_default"
INPUT, OUTPUT = "images", "latents"


def write_litert(graph: bytes, size: int, file: Path, quantize: Quantization | None, images: Images) -> None:
    """Write a LiteRT file (.tflite): `images` uint8 (N, size, size, 3) in, float32 (N, D) out, for any N.

    Args:
        graph: encoder.onnx.
        size: height and width of the images, in pixels.
        file: the file.
        quantize: "float16" keeps weights in float16; "int8" keeps weights, and what flows between them, in 8 bits.
        images: by which "int8" finds the ranges of its numbers.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
        ExportError: the graph has an operator that cannot be converted.
    """
    with _tensorflow("litert") as tf:
        converter = tf.lite.TFLiteConverter.from_concrete_functions([_function(tf, graph, size)], tf.Module())
        if quantize is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if quantize == "int8":
            converter.representative_dataset = lambda: ([image[None]] for image in images)
        data = converter.convert()
    file.write_bytes(data)


def write_saved_model(graph: bytes, size: int, folder: Path, quantize: Quantization | None) -> None:
    """Write a SavedModel, whose signature serving_default takes `images` and returns `latents`.

    Args:
        graph: encoder.onnx.
        size: height and width of the images, in pixels.
        folder: the folder.
        quantize: "float16" keeps weights in float16; the arithmetic is in float32.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
        ExportError: the graph has an operator that cannot be converted.
    """
    with _tensorflow("saved_model") as tf:
        module = tf.Module()
        function = _function(tf, graph, size, half=quantize == "float16")
        tf.saved_model.save(module, str(folder), signatures={SIGNATURE: function})


def run_saved_model(folder: Path, images: Images) -> Vectors:
    """The vectors of a SavedModel that `write_saved_model` wrote."""
    with _tensorflow("saved_model") as tf:
        run = tf.saved_model.load(str(folder)).signatures[SIGNATURE]
        found = run(**{INPUT: tf.constant(images)})[OUTPUT]
    return np.asarray(found, np.float32)


def _function(tf: Any, graph: bytes, size: int, *, half: bool = False) -> Any:
    """A traced function of a batch of any length."""
    from autoenc.export.tensorflow_graph import tensorflow_function

    run = tensorflow_function(graph, half=half)
    signature = [tf.TensorSpec((None, size, size, 3), tf.uint8, INPUT)]
    return tf.function(lambda images: {OUTPUT: run(images)}, input_signature=signature).get_concrete_function()


@contextmanager
def _tensorflow(format: str) -> Iterator[Any]:
    """TensorFlow, with what it writes to the terminal kept off it."""
    try:
        with tensorflow_silenced(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import onnx  # noqa: F401
            import tensorflow as tf

            yield tf
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("tensorflow", "onnx"):
            raise
        raise MissingDependencyError(
            f"format={format} needs {error.name}, which is not installed: pip install 'autoenc[train]'. "
            f"format=onnx without quantize= needs nothing."
        ) from error
