"""Encoders from files: any exported embedding model, ONNX or LiteRT, with a sidecar that says what it takes."""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from autoenc.encoders.base import Encoder
from autoenc.encoders.runtimes import Batch, LitertRuntime, OnnxRuntime, Runtime, Tensor
from autoenc.encoders.sidecar import Sidecar, read_sidecar, sidecar_path
from autoenc.encoders.weight_files import content_digest
from autoenc.errors import AutoencError, EncoderError
from autoenc.files import digest_of
from autoenc.models.graph import MOST_BYTES, reason
from autoenc.parallel import ordered_chunks
from autoenc.text import shown
from autoenc.vectors import Images, Vectors

KINDS = ("onnx", "litert")
"""What comes before the file in an encoder's name, as in onnx:FILE."""

_PIECE = 16  # images that one core works on at a time, so that their feature maps stay small


def is_exported(name: str | None) -> bool:
    """Whether an encoder's name, or its origin, names a file: onnx:FILE or litert:FILE.

    Example:
        >>> is_exported("onnx:model.onnx"), is_exported("edges"), is_exported(None)
        (True, False, False)
    """
    return name is not None and name.partition(":")[0] in KINDS and ":" in name


class ExportedEncoder(Encoder):
    """An exported model, run by ONNX Runtime or LiteRT on all cores.

    Args:
        origin: onnx:FILE or litert:FILE, with FILE.json beside the file.

    Raises:
        EncoderError: the file or its sidecar is missing, is none, or does not fit the other.
    """

    def __init__(self, origin: str) -> None:
        kind, _, file = origin.partition(":")
        self.path = Path(os.path.abspath(Path(file).expanduser()))
        if not os.path.isfile(self.path):
            raise EncoderError(f"Expected an exported model; {shown(self.path)} is no file.")
        self.sidecar = read_sidecar(self.path)
        if content_digest(self.path) != self.sidecar.checksum:
            raise EncoderError(
                f"The sidecar {shown(sidecar_path(self.path))} describes another model than {shown(self.path)} is. "
                f"Make it anew with `autoenc describe-model {shown(self.path)}`."
            )
        self.name = self.sidecar.name
        self.dim = self.sidecar.dim
        self.input_size = self.sidecar.size
        self.fingerprint = self.sidecar.fingerprint
        self.origin = f"{kind}:{self.path}"
        self.slow_to_load = kind == "litert" and importlib.util.find_spec("ai_edge_litert") is None
        self.model_bytes = self.path.stat().st_size
        self._kind = kind
        self._preprocessing = self.sidecar.preprocessing
        self._lock = threading.Lock()

    def _encode(self, images: Images) -> Vectors:
        size = max(1, min(_PIECE, -(-len(images) // (os.cpu_count() or 1))))
        pieces = [images[at : at + size] for at in range(0, len(images), size)]
        with self._lock:  # one batch uses all cores
            runtime = self._runtime
            if len(pieces) == 1:
                return self._vectors(runtime, pieces[0])

            def each(some: Sequence[Images]) -> list[Vectors]:
                return [self._vectors(runtime, piece) for piece in some]

            return np.concatenate([*ordered_chunks(each, pieces, 1)])

    @cached_property
    def _runtime(self) -> Runtime:
        runtime = open_runtime(self._kind, self.path, self.sidecar.checksum)
        if problem := misfit(self.sidecar, runtime):
            raise EncoderError(
                f"The sidecar {shown(sidecar_path(self.path))} does not fit {shown(self.path)}: {problem}. Make it "
                f"anew with `autoenc describe-model {shown(self.path)} --overwrite`."
            )
        return runtime

    def _vectors(self, runtime: Runtime, images: Images) -> Vectors:
        try:
            return vectors_of(self.sidecar, runtime, images)
        except MemoryError:
            raise
        except Exception as error:  # the runtimes' own exception types are not public
            raise EncoderError(f"The model {shown(self.path)} cannot be run: {reason(error)}.") from error


def open_runtime(kind: str, path: Path, checksum: str | None = None) -> Runtime:
    """A model that is ready to run.

    Args:
        kind: one of KINDS.
        path: its file.
        checksum: of its content, if that is known.

    Raises:
        EncoderError: it cannot be read or opened, or has another content.
        MissingDependencyError: its runtime is not installed.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise EncoderError(f"The model {shown(path)} is too large: {MOST_BYTES >> 30} GB is the most.")
        data = path.read_bytes()
        if checksum is not None and digest_of(data) != checksum:
            raise EncoderError(f"The model {shown(path)} has changed since its encoder was made.")
        return OnnxRuntime(data) if kind == "onnx" else LitertRuntime(data)
    except (AutoencError, MemoryError):
        raise
    except OSError as error:
        raise EncoderError(f"The model {shown(path)} cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # as above
        what = "an ONNX model" if kind == "onnx" else "a LiteRT model (.tflite)"
        raise EncoderError(f"Expected {what} that can be run; {shown(path)} cannot: {reason(error)}.") from error


def misfit(sidecar: Sidecar, runtime: Runtime) -> str:
    """Why a sidecar does not fit a model; empty if it does."""
    if not runtime.inputs:
        return "the model takes nothing"
    (taken, *more) = runtime.inputs
    side = [sidecar.size, sidecar.size]
    wanted = [*side, 3] if sidecar.layout == "NHWC" else [3, *side]
    open_or_same = len(taken.shape) == 4 and all(
        a is None or a == b for a, b in zip(taken.shape[1:], wanted, strict=True)
    )
    if more or taken.name != sidecar.input or taken.dtype != sidecar.dtype or not open_or_same:
        return f"it says {sidecar.input} {sidecar.dtype} {tuple(wanted)}, and the model takes {taken}"
    returned = {tensor.name: tensor for tensor in runtime.outputs}
    found = returned.get(sidecar.output)
    if found is None or found.dtype != sidecar.output_dtype:
        return (
            f"it says output {sidecar.output} {sidecar.output_dtype}, and the model returns "
            f"{', '.join(map(str, runtime.outputs))}"
        )
    return ""


def vectors_of(sidecar: Sidecar, runtime: Runtime, images: Images) -> Vectors:
    """(N, size, size, 3) uint8 -> (N, dim) float32.

    Raises:
        ValueError: the output is not N vectors of that length.
        Exception: whatever the runtime raises.
    """
    found = rows_of(sidecar, runtime, images)
    if found.shape != (len(images), sidecar.dim):
        raise ValueError(f"expected {len(images)} vectors of {sidecar.dim} numbers from it, got {found.shape}")
    return found


def rows_of(sidecar: Sidecar, runtime: Runtime, images: Images) -> Vectors:
    """`vectors_of` of whatever length the model returns."""
    taken = runtime.inputs[0]
    returned = next(tensor for tensor in runtime.outputs if tensor.name == sidecar.output)
    found = _in_batches(runtime, taken.shape[0], input_of(sidecar, taken, images), returned.name)
    return pooled(_dequantized(found, returned), sidecar.layout)


def input_of(sidecar: Sidecar, taken: Tensor, images: Images) -> Batch:
    """A batch as the model takes it: scaled, in its layout, and quantized if it takes whole numbers."""
    values = sidecar.preprocessing(images)
    if sidecar.layout == "NCHW":
        values = values.transpose(0, 3, 1, 2)
    dtype = np.dtype(taken.dtype)
    if dtype.kind in "ui":
        limits = np.iinfo(dtype)
        if taken.scale:
            values = values / np.float32(taken.scale) + np.float32(taken.zero)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return np.ascontiguousarray(values.astype(dtype))


def pooled(found: Batch, layout: str) -> Vectors:
    """(N, …) -> (N, D): a feature map is averaged over its places.

    Example:
        >>> pooled(np.array([[[[1.0, 5.0], [3.0, 7.0]]]]), "NHWC").tolist()  # one row of two places, two channels
        [[2.0, 6.0]]
    """
    if found.ndim == 4:
        found = found.mean(axis=(1, 2) if layout == "NHWC" or found.shape[1:3] == (1, 1) else (2, 3))
    rows: Vectors = found.reshape(len(found), -1)
    return rows


def _in_batches(runtime: Runtime, size: int | None, prepared: Batch, output: str) -> Batch:
    """The output for a batch of any length, of a model that may take batches of one length only."""
    if size is None or size == len(prepared):
        return runtime.run(prepared, output)
    rows = []
    for at in range(0, len(prepared), size):
        part = prepared[at : at + size]
        lacking = size - len(part)
        whole = np.concatenate([part, np.repeat(part[-1:], lacking, axis=0)]) if lacking else part
        rows.append(runtime.run(whole, output)[: len(part)])
    return np.concatenate(rows)


def _dequantized(found: Batch, returned: Tensor) -> Vectors:
    values = np.asarray(found, np.float32)
    if returned.scale:
        values = (values - np.float32(returned.zero)) * np.float32(returned.scale)
    return values
