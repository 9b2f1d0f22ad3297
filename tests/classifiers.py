"""A bundle that classifies, made without training: the ready model with a graph of known numbers behind it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_bundles import MANIFEST, READY

CLASSES = ["bicycle", "shoe", "t-shirt", "watch"]
WEIGHTS = np.random.default_rng(5).normal(0, 0.5, (32, 4)).astype(np.float32)


def likely(latents: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What its classifier computes: softmax of latents @ WEIGHTS."""
    raised = np.exp(latents @ WEIGHTS)
    return raised / raised.sum(axis=1, keepdims=True)


def write(folder: Path, classes: object = CLASSES) -> Path:
    """Write the bundle, whose manifest names these classes."""
    helper = pytest.importorskip("onnx.helper", reason="the graph is made with ONNX: pip install 'autoenc[train]'")
    latents = helper.make_tensor_value_info("latents", 1, ["N", 32])
    probabilities = helper.make_tensor_value_info("probabilities", 1, ["N", 4])
    nodes = [
        helper.make_node("MatMul", ["latents", "w"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    weights = helper.make_tensor("w", 1, WEIGHTS.shape, WEIGHTS.ravel().tolist())
    graph = helper.make_graph(nodes, "classifier", [latents], [probabilities], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"encoder.onnx": (READY / "encoder.onnx").read_bytes(), "classifier.onnx": model.SerializeToString()}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    info = {**MANIFEST, "checksums": checksums, "classes": classes}
    (folder / "bundle.json").write_text(json.dumps({name: value for name, value in info.items() if value is not None}))
    return folder
