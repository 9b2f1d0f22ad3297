"""encoder.onnx and decoder.onnx, run by ONNX Runtime with distrust: a graph may come from anyone.

What a graph could do besides computing is refused before ONNX Runtime sees it: read other files (external data), run
without end (loops, functions that call functions), or call operators that are not of the standard. What it allocates is
bounded. How long its operators compute is not.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.text import printable

MOST_BYTES = 2**30
"""Size of the largest graph that is opened; an encoder with 32 latents has 2 MB."""

STANDARD = ("", "ai.onnx")
"""The domains of the standard's own operators."""

_MOST_MEMORY = 2**32  # for every session of the process together; a core that encodes takes about 20 MB
_MOST_FIELDS = 100_000  # the encoder that training writes has 500
_KINDS = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}  # as ONNX Runtime calls them

# The messages of ONNX that can hold what is refused: field -> the message in it. Everything else is passed over.
_Message = dict[int, "_Message | str"]
_OUTSIDE = "it has weights outside of the file"
_NESTED = "it has loops, branches or functions"
_TENSOR: _Message = {13: _OUTSIDE}
_SPARSE: _Message = {1: _TENSOR, 2: _TENSOR}
_ATTRIBUTE: _Message = {5: _TENSOR, 6: _NESTED, 10: _TENSOR, 11: _NESTED, 22: _SPARSE, 23: _SPARSE}
_DOMAIN = 7
_NODE: _Message = {5: _ATTRIBUTE, _DOMAIN: {}}
_GRAPH: _Message = {1: _NODE, 5: _TENSOR, 15: _SPARSE}
_MODEL: _Message = {7: _GRAPH, 20: _NESTED, 25: _NESTED}


@dataclass(frozen=True)
class TensorSpec:
    """The input or the output of a graph: one tensor of N items.

    Attributes:
        name: what it is called.
        dtype: "uint8" or "float32".
        shape: of one item.

    Example:
        >>> print(TensorSpec("latents", "float32", (32,)))
        latents float32 (N, 32)
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} (N, {', '.join(map(str, self.shape))})"


def open_graph(data: bytes, input_: TensorSpec, output: TensorSpec) -> Any:
    """Start a session that runs a graph.

    Args:
        data: the content of encoder.onnx or decoder.onnx.
        input_: the input that it must have.
        output: the output that it must have.

    Raises:
        ValueError: it is refused, or takes or returns something else.
        Exception: whatever ONNX Runtime raises about it; its exception types are not public.
    """
    session = open_session(data)
    if not (_is_one(session.get_inputs(), input_) and _is_one(session.get_outputs(), output)):
        raise ValueError(f"expected {input_} in and {output} out, as bundle.json says")
    return session


def open_session(data: bytes, domains: Collection[str] = STANDARD) -> Any:
    """`open_graph` for a graph with any inputs and outputs.

    Args:
        data: the content of a file.
        domains: the sets of operators that it may use.
    """
    import onnxruntime

    check_graph(data, domains)
    onnxruntime.disable_telemetry_events()
    _bound_memory()
    options = onnxruntime.SessionOptions()
    # One thread for each call: indexing calls from every core at once, and `Network` cuts large batches.
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised, not written
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.load_model_format", "ONNX")
    providers = ["CPUExecutionProvider"]  # there is none to fall back to, which would be said on standard output
    return onnxruntime.InferenceSession(data, options, providers=providers, enable_fallback=0)


def run_graph(session: Any, batch: npt.NDArray[Any], input_: TensorSpec, output: TensorSpec) -> npt.NDArray[np.float32]:
    """The output for a batch that is as `input_` says: float32, finite, of the shape that `output` says.

    Raises:
        ValueError: it returned something else.
        Exception: whatever ONNX Runtime raises, for example on too large an allocation.
    """
    (found,) = session.run([output.name], {input_.name: batch})
    expected = (len(batch), *output.shape)
    if found.shape != expected or not np.isfinite(found).all():
        raise ValueError(f"expected {' x '.join(map(str, expected))} finite numbers from it")
    return np.asarray(found, np.float32)


def reason(error: Exception) -> str:
    """Why a graph cannot be run: one line from what `open_graph` or `run_graph` raised."""
    text = printable(str(error))
    if "Available memory of" in text:  # as the allocator with a limit words it
        return f"it takes more than {_MOST_MEMORY >> 30} GB of memory"
    return text[:300].rstrip(". ")


def _is_one(found: Sequence[Any], expected: TensorSpec) -> bool:
    """Whether there is one input, or one output, and it is as expected, for any N."""
    wanted = (expected.name, _KINDS[expected.dtype], [*expected.shape])
    named = [(tensor.name, tensor.type, tensor.shape[1:]) for tensor in found]
    return named == [wanted] and not isinstance(found[0].shape[0], int)


def check_graph(data: bytes, domains: Collection[str] = STANDARD) -> None:
    """Raise ValueError for a graph that could do more than compute, with operators of these domains."""
    budget = iter(range(_MOST_FIELDS))
    allowed = {domain.encode() for domain in domains}
    left: list[tuple[_Message, int, int]] = [(_MODEL, 0, len(data))]
    while left:
        message, start, end = left.pop()
        for field, first, stop in _fields(data, start, end):
            if next(budget, None) is None:
                raise ValueError(f"it has more than {_MOST_FIELDS:,} parts")
            inside = message.get(field)
            if isinstance(inside, str):
                raise ValueError(inside)
            if message is _NODE and field == _DOMAIN and data[first:stop] not in allowed:
                raise ValueError("it has operators that are not of the ONNX standard")
            if inside:
                left.append((inside, first, stop))


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The number of each field of a protobuf message, with where its bytes start and stop (equal for a number)."""
    while at < end:
        tag, at = _varint(data, at)
        tag &= 2**32 - 1  # as protobuf reads it
        kind = tag & 7
        start = at
        if kind == 0:
            _, at = _varint(data, at)
            start = at
        elif kind == 2:
            length, start = _varint(data, at)
            at = start + length
        elif kind in (1, 5):
            start = at = at + (8 if kind == 1 else 4)
        else:
            raise ValueError("it is not ONNX")
        if at > end:
            raise ValueError("it is cut off")
        yield tag >> 3, start, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that is written from a position on in groups of 7 bits, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at] if at < len(data) else 0
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("it is not ONNX")


@functools.cache
def _bound_memory() -> None:
    """Let ONNX Runtime raise an error, instead of taking the machine down, where a graph wants too much memory."""
    import onnxruntime

    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    as_usual = dict.fromkeys(("arena_extend_strategy", "initial_chunk_size_bytes", "max_dead_bytes_per_chunk"), -1)
    limit = onnxruntime.OrtArenaCfg({"max_mem": _MOST_MEMORY, **as_usual})
    onnxruntime.create_and_register_allocator(place, limit)
