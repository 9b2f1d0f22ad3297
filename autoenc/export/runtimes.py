"""Run an exported file as others will, with the runtime of its format, and say beside it what it takes and returns."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autoenc.encoders.describing import default_name
from autoenc.encoders.exported import open_runtime
from autoenc.encoders.sidecar import Sidecar
from autoenc.files import digest_of
from autoenc.models.bundle import Bundle
from autoenc.vectors import Images, Vectors

_BATCH = 64


def run_file(format: str, file: Path, images: Images) -> tuple[Vectors, str, str]:
    """The vectors of an ONNX or LiteRT file, and the names of its input and its output.

    Raises:
        EncoderError: it cannot be opened.
        Exception: whatever the runtime raises when it runs.
    """
    runtime = open_runtime(format, file)
    (taken,), (returned,) = runtime.inputs, runtime.outputs
    parts = [runtime.run(images[at : at + _BATCH], returned.name) for at in range(0, len(images), _BATCH)]
    return np.asarray(np.concatenate(parts), np.float32), taken.name, returned.name


def sidecar(file: Path, bundle: Bundle, taken: str, returned: str) -> Sidecar:
    """What an encoder onnx:FILE or litert:FILE needs to know about the file.

    Args:
        file: an ONNX or LiteRT file.
        bundle: the model that it was made from.
        taken: the name of its input.
        returned: the name of its output.
    """
    return Sidecar(
        name=default_name(file, "onnx" if file.suffix == ".onnx" else "litert"),
        dim=bundle.latent_dim,
        size=bundle.input_size,
        channels="RGB",
        layout="NHWC",
        dtype="uint8",
        range=(0.0, 255.0),  # pixels as they are: the scaling is inside
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        input=taken,
        output=returned,
        output_dtype="float32",
        checksum=digest_of(file.read_bytes()),
    )
