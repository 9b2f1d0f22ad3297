"""The exported encoder and decoder: their bytes depend on the weights alone."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs TensorFlow: pip install 'autoenc[train]'")

import onnx  # noqa: E402
import onnxruntime  # noqa: E402

from autoenc.models.ready import ready_folder  # noqa: E402
from autoenc.training.export import canonical, export_decoder, export_encoder  # noqa: E402
from autoenc.training.latents import Whitening, fit_whitening  # noqa: E402
from autoenc.training.model import ModelConfig, build_decoder, build_encoder  # noqa: E402

WHITENING = Whitening(np.linspace(-1, 1, 32, dtype=np.float32), np.eye(32, dtype=np.float32) * 2, 0.5)

ENDS = ("encoder", "images", "latents")

_OTHER_PROCESS = """
import sys
from pathlib import Path
from test_export import built, export, keras
for _ in range(3):  # so that Keras numbers the layers otherwise
    keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.Dense(2)]).build((None, 8, 8, 3))
for name in ("encoder", "decoder"):
    export(name, built(name, seed=4), Path(sys.argv[1]))
"""


def built(name: str, seed: int) -> Any:
    """An encoder or a decoder with biases other than 0, which the converter would leave out."""
    network = {"encoder": build_encoder, "decoder": build_decoder}[name](ModelConfig(seed=seed))
    rng = np.random.default_rng(seed)
    network.set_weights([weights + rng.normal(0, 0.05, weights.shape) for weights in network.get_weights()])
    return network


def export(name: str, network: Any, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    {"encoder": export_encoder, "decoder": export_decoder}[name](network, folder / name, WHITENING)


def digests(folder: Path) -> list[str]:
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("encoder", "decoder")]


def test_equal_weights_give_equal_bytes_in_every_process(tmp_path: Path) -> None:
    for name in ("encoder", "decoder"):
        network = built(name, seed=4)
        for folder in ("here", "again"):
            export(name, network, tmp_path / folder)
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _OTHER_PROCESS, str(tmp_path / "there")],
        env={**os.environ, "PYTHONHASHSEED": "17", "PYTHONPATH": paths},
        check=True,
        capture_output=True,
    )
    assert digests(tmp_path / "here") == digests(tmp_path / "again") == digests(tmp_path / "there")


@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_other_weights_give_other_bytes(tmp_path: Path, name: str) -> None:
    for seed in (4, 5):
        export(name, built(name, seed), tmp_path / str(seed))
    assert (tmp_path / "4" / name).read_bytes() != (tmp_path / "5" / name).read_bytes()


def decoded(file: Path, latents: Any) -> Any:
    return onnxruntime.InferenceSession(file).run(["pixels"], {"latents": latents})[0]


def test_the_exported_decoder_decodes_as_keras_does(tmp_path: Path) -> None:
    decoder = built("decoder", seed=4)
    latents = np.random.default_rng(0).normal(0, 3, (20, 32)).astype(np.float32)
    export_decoder(decoder, tmp_path / "plain")
    pixels = decoded(tmp_path / "plain", latents)
    assert pixels.std() > 0.01
    np.testing.assert_allclose(pixels, decoder.predict_on_batch(latents), atol=1e-4)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_the_exported_decoder_undoes_the_whitening(tmp_path: Path, strength: float) -> None:
    """Whatever the strength, and though one axis has so little variance that it is whitened less than the others."""
    decoder = built("decoder", seed=4)
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(500, 32)) * np.geomspace(3, 1e-3, 32) @ np.linalg.qr(rng.normal(size=(32, 32)))[0] + 1
    latents = mixed.astype(np.float32)
    whitening = fit_whitening(latents, strength)
    export_decoder(decoder, tmp_path / "whitened", whitening)
    pixels = decoded(tmp_path / "whitened", whitening.apply(latents[:20]))
    np.testing.assert_allclose(pixels, decoder.predict_on_batch(latents[:20]), atol=1e-4)
    assert np.abs(pixels - decoded(tmp_path / "whitened", latents[:20])).max() > 0.01  # there was something to undo


def test_the_decoders_graph_says_what_it_takes_and_makes(tmp_path: Path) -> None:
    export("decoder", built("decoder", seed=4), tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "decoder")
    (taken,), (made,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.type, taken.shape) == ("latents", "tensor(float)", ["N", 32])
    assert (made.name, made.type, made.shape) == ("pixels", "tensor(float)", ["N", 32, 32, 3])


def test_new_names_are_the_same_function() -> None:
    """Shown with the ready model, which was written under the converter's names."""
    folder = ready_folder("clothing-32")
    assert folder is not None
    before = onnx.load(folder / "encoder.onnx")
    after = canonical(before, *ENDS)
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
    expected = canonical(model, *ENDS).SerializeToString(deterministic=True)
    for listed in (model.graph.node, model.graph.initializer):
        turned = list(listed)[::-1]
        del listed[:]
        listed.extend(turned)
    assert canonical(model, *ENDS).SerializeToString(deterministic=True) == expected
