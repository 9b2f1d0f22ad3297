"""An ONNX graph with smaller weights: float16, or whole numbers of 8 bits. Needs onnx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.errors import MissingDependencyError
from autoenc.outputs import MARK
from autoenc.vectors import Images

_LEAST = 64  # numbers in a weight that is worth a conversion
_LARGE = 2**14  # numbers in the weight of a large layer
_BATCH = 32


def onnx_package() -> Any:
    """The package.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingDependencyError(
            "Converting a model needs onnx: pip install 'autoenc[train]'. Without quantize=, ONNX needs nothing."
        ) from error
    return onnx


def as_float16(graph: bytes) -> bytes:
    """The graph with its weights in float16. They are turned back when it is loaded; the arithmetic is in float32.

    A weight that float16 cannot hold stays as it is.
    """
    onnx = onnx_package()
    model = onnx.load_model_from_string(graph)
    casts = []
    for tensor in model.graph.initializer:
        weight = onnx.numpy_helper.to_array(tensor)
        if not fits_float16(weight):
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(weight.astype(np.float16), f"{name}_float16"))
        casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], f"{name}_cast", to=onnx.TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
    return marked(model)


def fits_float16(weight: npt.NDArray[Any]) -> bool:
    """Whether a weight is large enough to be kept in float16, and has no number that float16 cannot hold."""
    if weight.dtype != np.float32 or weight.size < _LEAST:
        return False
    return bool(np.abs(weight).max() <= np.finfo(np.float16).max)


def as_int8(graph: bytes, images: Images, folder: Path) -> bytes:
    """The graph in whole numbers of 8 bits, weights and what flows between them.

    The small layers at the end stay as they are: they take no room, and a vector's error would be theirs.

    Args:
        graph: an encoder.
        images: by which the ranges of the numbers are found.
        folder: for temporary files.

    Source: Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
    inference", CVPR 2018; here without training, the weights of each output channel with a scale of their own.
    """
    onnx = onnx_package()
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    model = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(graph))
    prepared = model.metadata_props.add()  # it is: without this word, a warning goes to the terminal
    prepared.key, prepared.value = "onnx.quant.pre_process", "onnxruntime.quant"
    source, target = folder / "whole.onnx", folder / "quantized.onnx"
    onnx.save(model, source)
    quantize_static(
        source,
        target,
        _Reader(model.graph.input[0].name, images),
        quant_format=QuantFormat.QDQ,
        nodes_to_exclude=_last(model),
        per_channel=True,
        reduce_range=True,  # else sums overflow on processors without VNNI
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )
    quantized = onnx.load(target)
    del quantized.metadata_props[:]
    return marked(quantized)


def _last(model: Any) -> list[str]:
    """The nodes that follow the last large layer, its bias and its activation."""
    large = {each.name for each in model.graph.initializer if np.prod(each.dims) >= _LARGE}
    nodes = list(model.graph.node)
    at = max((at for at, node in enumerate(nodes) if large.intersection(node.input)), default=-1) + 1
    while at < len(nodes) and nodes[at].op_type in ("Add", "Relu", "Clip"):
        at += 1
    return [node.name for node in nodes[at:]]


class _Reader:
    """Gives a calibration its images, some at a time."""

    def __init__(self, name: str, images: Images) -> None:
        self._batches = iter([{name: images[at : at + _BATCH]} for at in range(0, len(images), _BATCH)])

    def get_next(self) -> dict[str, Images] | None:
        return next(self._batches, None)


def marked(model: Any) -> bytes:
    """The bytes of a model that is valid, with autoenc's mark."""
    model.producer_name = MARK
    onnx_package().checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
