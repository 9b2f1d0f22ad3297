"""The exported encoder: its bytes depend on the weights alone."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs TensorFlow: pip install 'autoenc[train]'")

import onnx  # noqa: E402
import onnxruntime  # noqa: E402

from autoenc.models.ready import ready_folder  # noqa: E402
from autoenc.training.export import canonical, export_encoder  # noqa: E402
from autoenc.training.latents import Whitening  # noqa: E402
from autoenc.training.model import ModelConfig, build_encoder  # noqa: E402

WHITENING = Whitening(np.linspace(-1, 1, 32, dtype=np.float32), np.eye(32, dtype=np.float32) * 2, 0.5)

_OTHER_PROCESS = """
import sys
from pathlib import Path
from test_export import WHITENING, ModelConfig, build_encoder, export_encoder, keras
for _ in range(3):  # so that Keras numbers the layers otherwise
    keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.Dense(2)]).build((None, 8, 8, 3))
export_encoder(build_encoder(ModelConfig(seed=4)), Path(sys.argv[1]), WHITENING)
"""


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_equal_weights_give_equal_bytes_in_every_process(tmp_path: Path) -> None:
    encoder = build_encoder(ModelConfig(seed=4))
    for name in ("here", "again"):
        export_encoder(encoder, tmp_path / name, WHITENING)
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _OTHER_PROCESS, str(tmp_path / "there")],
        env={**os.environ, "PYTHONHASHSEED": "17", "PYTHONPATH": paths},
        check=True,
        capture_output=True,
    )
    assert digest(tmp_path / "here") == digest(tmp_path / "again") == digest(tmp_path / "there")


def test_other_weights_give_other_bytes(tmp_path: Path) -> None:
    export_encoder(build_encoder(ModelConfig(seed=4)), tmp_path / "a")
    export_encoder(build_encoder(ModelConfig(seed=5)), tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "b")


def test_new_names_are_the_same_function() -> None:
    """Shown with the ready model, which was written under the converter's names."""
    folder = ready_folder("clothing-32")
    assert folder is not None
    before = onnx.load(folder / "encoder.onnx")
    after = canonical(before)
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    latents = [
        onnxruntime.InferenceSession(model.SerializeToString()).run(["latents"], {"images": images})[0]
        for model in (before, after)
    ]
    np.testing.assert_array_equal(*latents)
    assert [node.name for node in after.graph.node][:3] == ["Cast_0", "Mul_1", "Add_2"]
    assert [edge.name for edge in (*after.graph.input, *after.graph.output)] == ["images", "latents"]


def test_the_order_in_which_nodes_and_weights_are_listed_does_not_count() -> None:
    folder = ready_folder("clothing-32")
    assert folder is not None
    model = onnx.load(folder / "encoder.onnx")
    expected = canonical(model).SerializeToString(deterministic=True)
    for listed in (model.graph.node, model.graph.initializer):
        turned = list(listed)[::-1]
        del listed[:]
        listed.extend(turned)
    assert canonical(model).SerializeToString(deterministic=True) == expected
