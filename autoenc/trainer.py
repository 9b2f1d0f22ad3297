"""The Keras side of training: one compiled step over encoder, decoder and objective, its state, and the export."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import onnx
import tf2onnx  # noqa: F401  the exporter wants it: its absence must show before training
from keras import layers, ops

from autoenc.model import INPUT_SIZE, ModelConfig, build_decoder, build_encoder
from autoenc.objectives import Batch, Objective

Images = npt.NDArray[np.uint8]


class Trainer:
    """An autoencoder being trained.

    Args:
        config: the architecture.
        objective: what to minimise.
        learning_rate: of Adam.
    """

    def __init__(self, config: ModelConfig, objective: Objective, learning_rate: float) -> None:
        self.encoder = build_encoder(config)
        self.decoder = build_decoder(config)
        self._step = _Step(self.encoder, self.decoder, objective)
        self._step.compile(optimizer=keras.optimizers.Adam(learning_rate), jit_compile=False)
        self._step.optimizer.build(self._step.trainable_variables)

    def train_step(self, images: Images) -> float:
        """One step of the optimizer on (N, 32, 32, 3) uint8; the mean loss of these images before it."""
        self._step.reset_metrics()  # some versions of Keras do, some go on with the mean of earlier batches
        return float(self._step.train_on_batch(images, return_dict=True)["loss"])

    def measure(self, images: Images) -> float:
        """The mean loss of (N, 32, 32, 3) uint8; nothing is learned."""
        self._step.reset_metrics()
        return float(self._step.test_on_batch(images, return_dict=True)["loss"])

    def reconstruct(self, images: Images) -> Images:
        """(N, 32, 32, 3) uint8 -> what the decoder makes of their latents, (N, 32, 32, 3) uint8."""
        decoded = self._step.predict_on_batch(images)["decoded"]
        return np.rint(np.asarray(decoded) * 255.0).astype(np.uint8)

    def state(self) -> list[npt.NDArray[np.generic]]:
        """Everything that the next step depends on: weights and the optimizer's variables."""
        return [np.asarray(variable) for variable in self._variables()]

    def restore(self, state: list[npt.NDArray[np.generic]]) -> None:
        """Set what `state` returned."""
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)

    def save(self, path: Path) -> None:
        """Write encoder and decoder as one Keras model: pixels in [0, 1] -> pixels in [0, 1]."""
        pixels = self.encoder.inputs[0]
        keras.Model(pixels, self.decoder(self.encoder(pixels)), name="autoencoder").save(path)

    def export(self, path: Path) -> None:
        """Write the encoder as ONNX: `images` uint8 (N, 32, 32, 3) -> `latents` float32 (N, latent_dim)."""
        images = keras.Input((INPUT_SIZE, INPUT_SIZE, 3), dtype="uint8", name="images")
        exported = keras.Model(images, self.encoder(layers.Rescaling(1.0 / 255.0)(images)))
        exported(np.zeros((1, INPUT_SIZE, INPUT_SIZE, 3), np.uint8))  # the exporter wants it called once
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its converter package reads a deprecated NumPy name
            exported.export(path, format="onnx", verbose=False)
        _name_output(path, "latents")

    def _variables(self) -> list[Any]:
        return [*self._step.weights, *self._step.optimizer.variables]


class _Step(keras.Model):  # type: ignore[misc]
    """Scaling, encoder and decoder, with the objective as the loss."""

    def __init__(self, encoder: keras.Model, decoder: keras.Model, objective: Objective) -> None:
        super().__init__(name="step")
        self.encoder = encoder
        self.decoder = decoder
        self.objective = objective
        self.heads = list(objective.heads)  # so that Keras trains them too
        self.built = True

    def call(self, images: Any, training: bool | None = None) -> dict[str, Any]:
        pixels = ops.cast(images, "float32") / 255.0
        latents = self.encoder(pixels, training=training)
        return {"pixels": pixels, "latents": latents, "decoded": self.decoder(latents, training=training)}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        return self.objective.loss(Batch(**y_pred))


def _name_output(path: Path, name: str) -> None:
    """Give the graph's one output a name that does not depend on the converter."""
    model = onnx.load(path)
    (output,) = model.graph.output
    for node in model.graph.node:
        node.output[:] = [name if edge == output.name else edge for edge in node.output]
        node.input[:] = [name if edge == output.name else edge for edge in node.input]
    output.name = name
    for edge in (*model.graph.input, output):
        edge.type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.checker.check_model(model)
    onnx.save(model, path)
