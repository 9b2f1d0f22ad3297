"""Exported models that tests make: their vector is the mean of each channel, which one can work out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


def means_model(
    path: Path,
    *,
    layout: str = "NCHW",
    dtype: str = "float32",
    size: int | None = 8,
    batch: int | None = None,
    channels: int = 3,
    outputs: tuple[str, ...] = ("features",),
    as_map: bool = False,
    domain: str = "",
) -> Path:
    """Write an ONNX model from a batch of pictures to the means of their channels.

    Its input has the layout, dtype and lengths that are given, None for one that is left open; all `outputs` are the
    same, with `as_map` the picture itself instead of its means; and with a `domain`, an operator of that is added.
    """
    onnx = pytest.importorskip("onnx", reason="making a model needs onnx: pip install 'autoenc[train]'")
    from onnx import TensorProto, helper

    n = "N" if batch is None else batch
    side = "S" if size is None else size
    shape = [n, side, side, channels] if layout == "NHWC" else [n, channels, side, side]
    nodes = [helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT)]
    places = [1, 2] if layout == "NHWC" else [2, 3]
    if domain:
        nodes.append(helper.make_node("Gelu", ["floats"], ["unused"], domain=domain))
    for name in outputs:
        if as_map:
            nodes.append(helper.make_node("Identity", ["floats"], [name]))
        else:
            nodes.append(helper.make_node("ReduceMean", ["floats", "places"], [name], keepdims=0))
    kind = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}[dtype]
    returned = shape if as_map else [n, channels]
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("images", kind, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, returned) for name in outputs],
        [onnx.numpy_helper.from_array(np.array(places, np.int64), "places")],
    )
    versions = [helper.make_opsetid("", 18), *([helper.make_opsetid(domain, 1)] if domain else [])]
    onnx.save(helper.make_model(graph, opset_imports=versions, ir_version=9), path)
    return path
