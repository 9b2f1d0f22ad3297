"""An ONNX graph as a TensorFlow function, from which LiteRT and SavedModel are made.

A bundle's `encoder.onnx` is the encoder with its scaling and whitening, verified; so it is what is exported, and no
Keras file is ever loaded. ONNX has channels first and TensorFlow has them last: a feature map is held with its channels
last from the first convolution on, and turned only where an operator counts axes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import tensorflow as tf
from onnx import numpy_helper

from autoenc.errors import ExportError
from autoenc.export.onnx_forms import fits_float16


@dataclass(frozen=True)
class _Value:
    """What an edge of the graph carries.

    Attributes:
        tensor: a TensorFlow tensor, or a NumPy array where it is known already.
        turned: whether it is held with its channels last, though the graph has them first.
    """

    tensor: Any
    turned: bool = False

    @property
    def known(self) -> bool:
        return isinstance(self.tensor, np.ndarray)

    @property
    def plain(self) -> Any:
        """With the axes as the graph has them."""
        return tf.transpose(self.tensor, (0, 3, 1, 2)) if self.turned else self.tensor

    @property
    def last(self) -> Any:
        """A feature map with its channels last."""
        return self.tensor if self.turned else tf.transpose(self.tensor, (0, 2, 3, 1))


Attributes = Mapping[str, Any]
_Operator = Callable[[Sequence[_Value], Attributes], _Value]


def tensorflow_function(graph: bytes, *, half: bool = False) -> Callable[[Any], Any]:
    """A function from (N, H, W, 3) uint8 to (N, D) float32, which computes what the graph does.

    Args:
        graph: an ONNX model with one input and one output.
        half: keep large weights in float16, and turn them back where they are used.

    Raises:
        ExportError: it has an operator that is not known here.
    """
    model = onnx.load_model_from_string(graph)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    attributes = [{each.name: _plain(each) for each in node.attribute} for node in model.graph.node]
    unknown = sorted({node.op_type for node in model.graph.node} - _OPERATORS.keys())
    if unknown:
        raise ExportError(
            f"This model has operators that only its ONNX form runs: {', '.join(unknown)}. Use format=onnx."
        )

    def run(images: Any) -> Any:
        values = {name: _Value(_halved(weight) if half else weight) for name, weight in weights.items()}
        values[model.graph.input[0].name] = _Value(images)
        for node, options in zip(model.graph.node, attributes, strict=True):
            taken = [values[name] for name in node.input if name]
            values[node.output[0]] = _OPERATORS[node.op_type](taken, options)
        return values[model.graph.output[0].name].plain

    return run


def _halved(weight: Any) -> Any:
    return tf.cast(tf.constant(weight.astype(np.float16)), tf.float32) if fits_float16(weight) else weight


def _plain(attribute: Any) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value


# ---- operators, by the names and definitions of the ONNX standard ---------------------------------


def _elementwise(function: Callable[..., Any]) -> _Operator:
    def run(taken: Sequence[_Value], _: Attributes) -> _Value:
        turned = any(value.turned for value in taken)
        return _Value(function(*(_beside(value, turned) for value in taken)), turned)

    return run


def _beside(value: _Value, turned: bool) -> Any:
    """A tensor as it stands beside others with their channels last."""
    if not turned or value.turned or value.tensor.ndim == 0:
        return value.tensor
    if value.tensor.ndim < 4:
        return tf.transpose(tf.reshape(value.tensor, (*(1,) * (4 - value.tensor.ndim), *value.tensor.shape)), _LAST)
    return value.last


_LAST = (0, 2, 3, 1)


def _convolution(taken: Sequence[_Value], options: Attributes) -> _Value:
    images, kernel = taken[0].last, taken[1].tensor  # kernel: output channels, input channels of a group, height, width
    groups, inputs = options.get("group", 1), int(taken[0].last.shape[-1])
    images = _padded(images, options, 0.0)
    strides, dilations = options.get("strides", [1, 1]), options.get("dilations", [1, 1])
    if groups == 1 or groups != inputs:
        kernel = tf.transpose(kernel, (2, 3, 1, 0))
        found = tf.nn.conv2d(images, kernel, strides, "VALID", dilations=dilations)
    else:
        kernel = tf.transpose(tf.reshape(kernel, (groups, -1, *kernel.shape[2:])), (2, 3, 0, 1))
        found = tf.nn.depthwise_conv2d(images, kernel, [1, *strides, 1], "VALID", dilations=dilations)
    return _Value(found + taken[2].tensor if len(taken) > 2 else found, turned=True)


def _padded(images: Any, options: Attributes, value: float) -> Any:
    mode = options.get("auto_pad", "NOTSET")
    if mode not in ("NOTSET", "VALID") or options.get("ceil_mode"):
        raise ExportError("This model pads its feature maps in a way that only its ONNX form runs. Use format=onnx.")
    top, left, bottom, right = options.get("pads", [0] * 4)
    if not any((top, left, bottom, right)):
        return images
    return tf.pad(images, [[0, 0], [top, bottom], [left, right], [0, 0]], constant_values=value)


def _framed(taken: Sequence[_Value], options: Attributes) -> _Value:
    """Pad with a constant."""
    if options.get("mode", "constant") != "constant":
        raise ExportError("This model pads its feature maps in a way that only its ONNX form runs. Use format=onnx.")
    counts = taken[1].tensor.tolist()  # at the beginning of each axis, then at the end of each
    pairs = list(zip(counts[: len(counts) // 2], counts[len(counts) // 2 :], strict=True))
    if taken[0].turned:
        pairs = [pairs[axis] for axis in _LAST]
    value = taken[2].tensor if len(taken) > 2 else 0.0
    return _Value(tf.pad(taken[0].tensor, pairs, constant_values=value), taken[0].turned)


def _largest(taken: Sequence[_Value], options: Attributes) -> _Value:
    images = _padded(taken[0].last, options, float("-inf"))
    strides = options.get("strides", [1, 1])
    return _Value(tf.nn.max_pool2d(images, options["kernel_shape"], strides, "VALID"), turned=True)


def _over_all_places(taken: Sequence[_Value], _: Attributes) -> _Value:
    return _Value(tf.reduce_mean(taken[0].last, axis=(1, 2), keepdims=True), turned=True)


def _transposed(taken: Sequence[_Value], options: Attributes) -> _Value:
    order = tuple(options["perm"])
    if taken[0].turned and order == _LAST:
        return _Value(taken[0].tensor)
    if order == (0, 3, 1, 2) and not taken[0].turned:
        return _Value(taken[0].tensor, turned=True)
    return _Value(tf.transpose(taken[0].plain, order))


def _shape(taken: Sequence[_Value], _: Attributes) -> _Value:
    """The number of images is open: -1, as a shape to be given to Reshape says it."""
    lengths = [-1 if length is None else int(length) for length in taken[0].plain.shape]
    return _Value(np.array(lengths, np.int64))


def _reshaped(taken: Sequence[_Value], _: Attributes) -> _Value:
    tensor, lengths = taken[0].plain, [int(length) for length in taken[1].tensor]
    lengths = [tensor.shape[at] if length == 0 else length for at, length in enumerate(lengths)]  # 0: as it was
    return _Value(tf.reshape(tensor, lengths))


def _flattened(taken: Sequence[_Value], _: Attributes) -> _Value:
    tensor = taken[0].plain
    return _Value(tf.reshape(tensor, (-1, int(np.prod(tensor.shape[1:])))))


def _gathered(taken: Sequence[_Value], options: Attributes) -> _Value:
    tensor, places = taken[0].plain, taken[1].tensor
    if taken[0].known:
        return _Value(np.take(tensor, places, axis=options.get("axis", 0)))
    return _Value(tf.gather(tensor, places, axis=options.get("axis", 0)))


def _sliced(taken: Sequence[_Value], _: Attributes) -> _Value:
    tensor = taken[0].plain
    starts, ends, *rest = (value.tensor.tolist() for value in taken[1:])
    axes = rest[0] if rest else range(len(starts))
    steps = rest[1] if len(rest) > 1 else [1] * len(starts)
    cuts = [slice(None)] * tensor.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        whole = step < 0 and abs(end) >= 2**31 - 1  # backwards up to the first
        cuts[axis] = slice(start if abs(start) < 2**31 - 1 else None, None if whole else end, step)
    cuts = [slice(c.start, None if c.stop is not None and c.stop >= 2**31 - 1 else c.stop, c.step) for c in cuts]
    return _Value(tensor[tuple(cuts)])


def _joined(taken: Sequence[_Value], options: Attributes) -> _Value:
    if all(value.known for value in taken):
        return _Value(np.concatenate([value.tensor for value in taken], axis=options["axis"]))
    return _Value(tf.concat([value.plain for value in taken], axis=options["axis"]))


def _cast(taken: Sequence[_Value], options: Attributes) -> _Value:
    dtype = onnx.helper.tensor_dtype_to_np_dtype(options["to"])
    if taken[0].known:
        return _Value(taken[0].tensor.astype(dtype))
    return _Value(tf.cast(taken[0].tensor, dtype), taken[0].turned)


def _product(taken: Sequence[_Value], options: Attributes) -> _Value:
    """Gemm: alpha A B + beta C, with A or B transposed."""
    a, b = taken[0].plain, taken[1].plain
    found = tf.matmul(a, b, transpose_a=bool(options.get("transA")), transpose_b=bool(options.get("transB")))
    found *= options.get("alpha", 1.0)
    return _Value(found + options.get("beta", 1.0) * taken[2].tensor if len(taken) > 2 else found)


def _mean(taken: Sequence[_Value], options: Attributes) -> _Value:
    axes = options.get("axes") or (taken[1].tensor.tolist() if len(taken) > 1 else None)
    return _Value(tf.reduce_mean(taken[0].plain, axis=axes, keepdims=bool(options.get("keepdims", 1))))


def _squeezed(taken: Sequence[_Value], options: Attributes) -> _Value:
    axes = options.get("axes") or taken[1].tensor.tolist()
    return _Value(np.squeeze(taken[0].tensor, tuple(axes)) if taken[0].known else tf.squeeze(taken[0].plain, axes))


def _unsqueezed(taken: Sequence[_Value], options: Attributes) -> _Value:
    tensor = taken[0].plain
    for axis in sorted(options.get("axes") or taken[1].tensor.tolist()):
        tensor = np.expand_dims(tensor, axis) if taken[0].known else tf.expand_dims(tensor, axis)
    return _Value(tensor)


def _clipped(taken: Sequence[_Value], options: Attributes) -> _Value:
    low = taken[1].tensor if len(taken) > 1 else options.get("min", float("-inf"))
    high = taken[2].tensor if len(taken) > 2 else options.get("max", float("inf"))
    if (float(low), float(high)) == (0, 6):
        return _Value(tf.nn.relu6(taken[0].tensor), taken[0].turned)
    return _Value(tf.clip_by_value(taken[0].tensor, low, high), taken[0].turned)


_OPERATORS: dict[str, _Operator] = {
    "Add": _elementwise(tf.add),
    "Cast": _cast,
    "Clip": _clipped,
    "Concat": _joined,
    "Conv": _convolution,
    "Div": _elementwise(tf.divide),
    "Flatten": _flattened,
    "Gather": _gathered,
    "Gemm": _product,
    "GlobalAveragePool": _over_all_places,
    "Identity": _elementwise(tf.identity),
    "MatMul": lambda taken, _: _Value(tf.matmul(taken[0].plain, taken[1].plain)),
    "MaxPool": _largest,
    "Mul": _elementwise(tf.multiply),
    "Pad": _framed,
    "ReduceMean": _mean,
    "Relu": _elementwise(tf.nn.relu),
    "Reshape": _reshaped,
    "Shape": _shape,
    "Slice": _sliced,
    "Squeeze": _squeezed,
    "Sub": _elementwise(tf.subtract),
    "Transpose": _transposed,
    "Unsqueeze": _unsqueezed,
}
