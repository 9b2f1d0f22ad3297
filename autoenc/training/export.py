"""Encoder and decoder as ONNX: equal weights give equal bytes, so that a file's checksum says which function it is."""

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
    export_network(keras.Model(images, latents), path, "encoder", "images", "latents")


def export_decoder(decoder: keras.Model, path: Path, whitening: Whitening | None = None) -> None:
    """Write a decoder that takes what the exported encoder returns.

    Args:
        decoder: (N, D) float32 -> (N, 32, 32, 3) float32 in [0, 1].
        path: the file; it takes `latents` float32 (N, K) and returns `pixels` float32 (N, 32, 32, 3) in [0, 1].
        whitening: of the encoder; undone before decoding.
    """
    if whitening is None:
        latents = encoded = keras.Input(decoder.input_shape[1:], name="latents")
    else:
        latents = keras.Input(whitening.matrix.shape[1:], name="latents")
        undo = layers.Dense(len(whitening.mean))
        encoded = undo(latents)
        undo.set_weights([whitening.inverse, whitening.mean])
    export_network(keras.Model(latents, decoder(encoded)), path, "decoder", "latents", "pixels")


def export_network(network: keras.Model, path: Path, name: str, input_name: str, output_name: str) -> None:
    """Write a network with one input and one output; the last three are as for `canonical`."""
    (given,) = network.inputs
    network(np.zeros((1, *given.shape[1:]), given.dtype))  # the exporter needs it called once
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its converter package reads a deprecated NumPy name
        network.export(path, format="onnx", verbose=False)
    model = canonical(onnx.load(path), name, input_name, output_name)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def canonical(model: onnx.ModelProto, name: str, input_name: str, output_name: str) -> onnx.ModelProto:
    """The same function without what the converter chose by chance: names, the order of nodes, and comments.

    Nodes are listed as a depth-first walk from the output finds them, and named by their place in that list. Weights
    are listed in the order of their first use.

    Args:
        model: a graph with one input and one output, each of a type and of N items of a shape that it declares.
        name: what the graph is to be called.
        input_name: what its input is to be called.
        output_name: what its output is to be called.
    """
    (first,), (last,) = model.graph.input, model.graph.output
    makers = {edge: node for node in model.graph.node for edge in node.output}
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    names = {"": "", first.name: input_name}  # "" is an optional input that is left out
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
        called = f"{node.op_type}_{len(nodes)}"
        for at, output in enumerate(node.output):
            names[output] = output_name if output == last.name else f"{called}:{at}" if output else ""
        renamed = helper.make_node(
            node.op_type, [names[e] for e in node.input], [names[e] for e in node.output], called, domain=node.domain
        )
        renamed.attribute.extend(sorted(node.attribute, key=lambda attribute: attribute.name))
        nodes.append(renamed)

    visit(last.name)
    graph = helper.make_graph(nodes, name, [_renamed(first, input_name)], [_renamed(last, output_name)], kept)
    used = {node.domain for node in nodes}
    opsets = [opset for opset in model.opset_import if opset.domain in used]
    return helper.make_model(graph, opset_imports=opsets, ir_version=model.ir_version)


def _renamed(tensor: onnx.ValueInfoProto, name: str) -> onnx.ValueInfoProto:
    """An input or an output under another name, with N for the number of its items."""
    kind = tensor.type.tensor_type
    sizes = [dim.dim_value for dim in kind.shape.dim][1:]
    return helper.make_tensor_value_info(name, kind.elem_type, ["N", *sizes])
