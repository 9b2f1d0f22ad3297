"""What runs an exported model: ONNX Runtime, or LiteRT (TensorFlow Lite), behind one interface."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from autoenc.errors import MissingDependencyError
from autoenc.models.graph import STANDARD, open_session
from autoenc.quiet import tensorflow_silenced

Batch = npt.NDArray[Any]

_OPERATORS = (*STANDARD, "ai.onnx.ml", "com.microsoft")  # the last are ONNX Runtime's own, as of quantized models
_ONNX_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
}


@dataclass(frozen=True)
class Tensor:
    """An input or an output of a model.

    Attributes:
        name: what it is called.
        dtype: such as "float32".
        shape: None for a length that is left open.
        scale, zero: a whole number q stands for (q - zero) * scale; a scale of 0 for one that stands for itself.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    scale: float = 0.0
    zero: int = 0

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} ({', '.join('?' if each is None else str(each) for each in self.shape)})"


class Runtime(Protocol):
    """A model that is ready to run, from several threads at once."""

    inputs: list[Tensor]
    outputs: list[Tensor]

    def run(self, batch: Batch, output: str) -> Batch:
        """One output for a batch as the first input takes it."""


class OnnxRuntime:
    """An ONNX model. Each call computes on its caller's thread.

    Args:
        data: the content of the file.

    Raises:
        ValueError: it is refused, because it could do more than compute.
        Exception: whatever ONNX Runtime raises about it; its exception types are not public.
    """

    def __init__(self, data: bytes) -> None:
        self._session = open_session(data, _OPERATORS)
        self.inputs = [_onnx_tensor(each) for each in self._session.get_inputs()]
        self.outputs = [_onnx_tensor(each) for each in self._session.get_outputs()]

    def run(self, batch: Batch, output: str) -> Batch:
        found: Batch = self._session.run([output], {self.inputs[0].name: batch})[0]
        return found


class LitertRuntime:
    """A LiteRT model (.tflite). Each call computes on its caller's thread, with an interpreter that no other one uses.

    Args:
        data: the content of the file.

    Raises:
        MissingDependencyError: neither ai-edge-litert nor TensorFlow is installed.
        Exception: whatever the interpreter raises about it.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._make = litert_interpreter()
        first = self._interpreter()
        self._idle = [first]
        self.inputs = [_litert_tensor(each) for each in first.get_input_details()]
        self.outputs = [_litert_tensor(each) for each in first.get_output_details()]

    def run(self, batch: Batch, output: str) -> Batch:
        try:
            interpreter = self._idle.pop()
        except IndexError:
            interpreter = self._interpreter()
        try:
            place = interpreter.get_input_details()[0]["index"]
            if tuple(interpreter.get_input_details()[0]["shape"]) != batch.shape:
                interpreter.resize_tensor_input(place, batch.shape)
                interpreter.allocate_tensors()
            interpreter.set_tensor(place, batch)
            interpreter.invoke()
            (found,) = (each["index"] for each in interpreter.get_output_details() if each["name"] == output)
            rows: Batch = interpreter.get_tensor(found)
            return rows
        finally:
            self._idle.append(interpreter)

    def _interpreter(self) -> Any:
        with tensorflow_silenced(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow's says that the other package is the newer one
            made = self._make(model_content=self._data, num_threads=1)
            made.allocate_tensors()
        return made


def litert_interpreter() -> Any:
    """The class of LiteRT's interpreter: of the package ai-edge-litert, or else of TensorFlow.

    Raises:
        MissingDependencyError: neither is installed.
    """
    if importlib.util.find_spec("ai_edge_litert") is not None:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter
    if importlib.util.find_spec("tensorflow") is None:
        raise MissingDependencyError(
            "A LiteRT model needs ai-edge-litert, which is not installed: pip install 'autoenc[litert]'. TensorFlow "
            "serves as well."
        )
    with tensorflow_silenced():
        import tensorflow

        return tensorflow.lite.Interpreter


def _onnx_tensor(tensor: Any) -> Tensor:
    shape = tuple(each if isinstance(each, int) else None for each in tensor.shape)
    return Tensor(tensor.name, _ONNX_TYPES.get(tensor.type, tensor.type), shape)


def _litert_tensor(details: dict[str, Any]) -> Tensor:
    scale, zero = details["quantization"]
    open_to = details.get("shape_signature", details["shape"])
    shape = tuple(int(each) if each > 0 else None for each in open_to)
    return Tensor(details["name"], np.dtype(details["dtype"]).name, shape, float(scale), int(zero))
