"""The encoder as ONNX: equal weights give equal bytes, so that the file's checksum says which function it is."""

from __future__ import annotations

import warnings
from pathlib import Path

import keras
import numpy as np
import onnx
import tf2onnx  # noqa: F401  the exporter needs it: its absence must show before training
from keras import layers
from onnx import helper, numpy_helper

from autoenc.training.latents import Whitening
from autoenc.training.model import INPUT_SIZE


def export_encoder(encoder: keras.Model, path: Path, whitening: Whitening | None = None) -> None:
    """Write an encoder with its scaling and whitening.

    Args:
        encoder: (N, 32, 32, 3) float32 in [0, 1] -> (N, D) float32.
        path: the file; it takes `images` uint8 (N, 32, 32, 3) and returns `latents` float32 (N, K).
        whitening: applied to the latents; K is what it makes of D.
    """
    images = keras.Input((INPUT_SIZE, INPUT_SIZE, 3), dtype="uint8", name="images")
    latents = encoder(layers.Rescaling(1.0 / 255.0)(images))
    if whitening is not None:
        whiten = layers.Dense(len(whitening.mean))
        latents = whiten(latents)
        whiten.set_weights([whitening.matrix, -whitening.mean @ whitening.matrix])
    exported = keras.Model(images, latents)
    exported(np.zeros((1, INPUT_SIZE, INPUT_SIZE, 3), np.uint8))  # the exporter needs it called once
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its converter package reads a deprecated NumPy name
        exported.export(path, format="onnx", verbose=False)
    model = canonical(onnx.load(path))
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def canonical(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same function without what the converter chose by chance: names, the order of nodes, and comments.

    Nodes are listed as a depth-first walk from the output finds them, and named by their place in that list. Weights
    are listed in the order of their first use. The input becomes `images`, the output `latents`.
    """
    (images,), (latents,) = model.graph.input, model.graph.output
    makers = {edge: node for node in model.graph.node for edge in node.output}
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    names = {"": "", images.name: "images"}  # "" is an optional input that is left out
    nodes: list[onnx.NodeProto] = []
    kept: list[onnx.TensorProto] = []

    def visit(edge: str) -> None:
        if edge in names:
            return
        if edge in weights:
            names[edge] = f"weights_{len(kept)}"
            kept.append(numpy_helper.from_array(numpy_helper.to_array(weights[edge]), names[edge]))
            return
        node = makers[edge]
        for needed in node.input:
            visit(needed)
        name = f"{node.op_type}_{len(nodes)}"
        for at, output in enumerate(node.output):
            names[output] = "latents" if output == latents.name else f"{name}:{at}" if output else ""
        made = helper.make_node(
            node.op_type, [names[e] for e in node.input], [names[e] for e in node.output], name, domain=node.domain
        )
        made.attribute.extend(sorted(node.attribute, key=lambda attribute: attribute.name))
        nodes.append(made)

    visit(latents.name)
    size = [dim.dim_value for dim in images.type.tensor_type.shape.dim][1:]
    length = latents.type.tensor_type.shape.dim[1].dim_value
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["N", *size])],
        [helper.make_tensor_value_info("latents", onnx.TensorProto.FLOAT, ["N", length])],
        kept,
    )
    used = {node.domain for node in nodes}
    opsets = [opset for opset in model.opset_import if opset.domain in used]
    return helper.make_model(graph, opset_imports=opsets, ir_version=model.ir_version)
