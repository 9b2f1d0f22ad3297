"""Run an exported file as others will, with the smallest runtime of its format, and describe it beside the file."""

from __future__ import annotations

import importlib
import importlib.util
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from autoenc.encoders import ENCODERS
from autoenc.export.tensorflow_forms import INPUT, OUTPUT
from autoenc.files import digest_of
from autoenc.models.bundle import Bundle
from autoenc.models.graph import TensorSpec, open_graph, run_graph
from autoenc.outputs import marked_json
from autoenc.quiet import tensorflow_silenced
from autoenc.vectors import Images, Vectors

_BATCH = 64


def sidecar_path(file: Path) -> Path:
    """Where what a file takes and returns is said.

    Example:
        >>> sidecar_path(Path("encoder.onnx")).name
        'encoder.onnx.json'
    """
    return file.with_name(f"{file.name}.json")


def run_onnx(file: Path, bundle: Bundle, images: Images) -> tuple[Vectors, str, str]:
    """The vectors of an ONNX file, and the names of its input and its output.

    Raises:
        Exception: whatever ONNX Runtime raises about it.
    """
    size = bundle.input_size
    taken, returned = (
        TensorSpec(INPUT, "uint8", (size, size, 3)),
        TensorSpec(OUTPUT, "float32", (bundle.latent_dim,)),
    )
    session = open_graph(file.read_bytes(), taken, returned)
    parts = [run_graph(session, images[at : at + _BATCH], taken, returned) for at in range(0, len(images), _BATCH)]
    return np.concatenate(parts), INPUT, OUTPUT


def run_litert(file: Path, images: Images) -> tuple[Vectors, str, str]:
    """The vectors of a LiteRT file, and the names of its input and its output.

    Raises:
        Exception: whatever the interpreter raises about it.
    """
    interpreter = litert_interpreter(file)
    (taken,), (returned,) = interpreter.get_input_details(), interpreter.get_output_details()
    parts = []
    for at in range(0, len(images), _BATCH):
        batch = images[at : at + _BATCH]
        interpreter.resize_tensor_input(taken["index"], batch.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(taken["index"], batch)
        interpreter.invoke()
        parts.append(interpreter.get_tensor(returned["index"]))
    return np.concatenate(parts), taken["name"], returned["name"]


def litert_interpreter(file: Path) -> Any:
    """LiteRT, of the package ai-edge-litert or else of TensorFlow, on one core."""
    with tensorflow_silenced(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's says that the other package is the newer one
        if importlib.util.find_spec("ai_edge_litert") is not None:
            runtime = importlib.import_module("ai_edge_litert.interpreter")
        else:
            runtime = importlib.import_module("tensorflow").lite
        return runtime.Interpreter(model_path=str(file), num_threads=1)


def sidecar(file: Path, bundle: Bundle, taken: str, returned: str) -> bytes:
    """What an encoder onnx:FILE or litert:FILE needs to know about the file, as JSON.

    Args:
        file: an ONNX or LiteRT file.
        bundle: the model that it was made from.
        taken: the name of its input.
        returned: the name of its output.
    """
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", file.stem)[:70].strip("._-") or "model"
    return marked_json(
        {
            "name": f"{stem}-{file.suffix[1:]}" if stem in ENCODERS else stem,
            "dim": bundle.latent_dim,
            "size": bundle.input_size,
            "channels": "RGB",
            "layout": "NHWC",
            "dtype": "uint8",
            "range": [0.0, 255.0],  # pixels as they are: the scaling is inside
            "mean": [0.0] * 3,
            "std": [1.0] * 3,
            "input": taken,
            "output": returned,
            "output_dtype": "float32",
            "checksum": digest_of(file.read_bytes()),
        }
    )
