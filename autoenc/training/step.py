"""The Keras side of training: one compiled step over encoder, decoder and objective, and its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from autoenc.training.model import ModelConfig, build_decoder, build_encoder, mirror_averaged
from autoenc.training.objectives import Batch, Objective, Prediction
from autoenc.vectors import Images, Vectors

Targets = Mapping[str, Vectors]

OPTIMIZER = "muon"
"""What `create_optimizer` makes: a training begun with another cannot be resumed."""


class Trainer:
    """An autoencoder being trained.

    Args:
        config: the architecture.
        objectives: what to minimize, prepared; their weighted losses are added.
        learning_rate: of the first step; it falls to 0 along a cosine.
        steps: how many steps there will be.

    Attributes:
        encoder, decoder: what is trained.
        exported: the encoder as it is used: averaged over mirroring, unless no objective alters images.
    """

    def __init__(self, config: ModelConfig, objectives: Sequence[Objective], learning_rate: float, steps: int) -> None:
        self.encoder = build_encoder(config)
        self.decoder = build_decoder(config)
        self.decoder.trainable = any(objective.decodes for objective in objectives)
        altered = any(objective.altered for objective in objectives)
        self.exported = mirror_averaged(self.encoder) if altered else self.encoder
        self._step = _Step(self.encoder, self.decoder, objectives)
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        self._step.compile(optimizer=create_optimizer(schedule), jit_compile=False)
        self._step.optimizer.build(self._step.trainable_variables)

    def warm_up(self, images: Images, targets: Targets) -> None:
        """Compile the step on a batch, and leave weights and optimizer as they were."""
        state = self.state()
        self._step.train_on_batch({"images": images, **targets})
        self.restore(state)

    def train_step(self, images: Images, targets: Targets) -> float:
        """One step of the optimizer on (N, 32, 32, 3) uint8 and their targets; the mean loss before it."""
        self._step.reset_metrics()  # some versions of Keras do it themselves, others continue the mean
        return float(self._step.train_on_batch({"images": images, **targets}, return_dict=True)["loss"])

    def measure(self, images: Images, targets: Targets) -> float:
        """The mean loss of (N, 32, 32, 3) uint8; nothing is learned."""
        self._step.reset_metrics()
        return float(self._step.test_on_batch({"images": images, **targets}, return_dict=True)["loss"])

    def encode(self, images: Images) -> Vectors:
        """(N, 32, 32, 3) uint8 -> (N, latent_dim) float32, as it is exported but not whitened, a thousand at a time."""
        pixels = (images[i : i + 1024].astype(np.float32) / 255.0 for i in range(0, len(images), 1024))
        return np.concatenate([np.asarray(self.exported.predict_on_batch(batch)) for batch in pixels])

    def reconstruct(self, images: Images) -> Images:
        """(N, 32, 32, 3) uint8 -> (N, 32, 32, 3) uint8, what the decoder makes of their latents."""
        decoded = self.decoder.predict_on_batch(self.encode(images))
        return np.rint(np.asarray(decoded) * 255.0).astype(np.uint8)

    def heads(self) -> dict[str, Vectors]:
        """Objective -> (latent_dim, T) float32, the weights with which it predicts its targets from the latents."""
        objectives = [objective for objective in self._step.objectives if isinstance(objective, Prediction)]
        return {objective.name: np.asarray(objective.heads[0].kernel) for objective in objectives}

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

    def _variables(self) -> list[Any]:
        return [*self._step.weights, *self._step.optimizer.variables]


def create_optimizer(learning_rate: float | keras.optimizers.schedules.LearningRateSchedule) -> keras.optimizers.Muon:
    """Muon for the matrices of dense layers, Adam for biases and convolutions, at one learning rate.

    Muon makes all directions of a step about equally long; the step is then scaled to the length of Adam's.

    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024, with lengths after Liu et
    al., "Muon is scalable for LLM training", 2025; Kingma and Ba, "Adam: a method for stochastic optimization", ICLR
    2015. Departs from Jordan et al.: convolutions are left to Adam, and the last layers to Muon; from Liu et al.: no
    weight decay.
    """
    return keras.optimizers.Muon(learning_rate, weight_decay=None, adam_weight_decay=None, name=OPTIMIZER)


class _Step(keras.Model):  # type: ignore[misc]
    """Scaling, encoder and decoder, with the objectives as the loss."""

    def __init__(self, encoder: keras.Model, decoder: keras.Model, objectives: Sequence[Objective]) -> None:
        super().__init__(name="step")
        self.encoder = encoder
        self.decoder = decoder
        self.objectives = objectives
        self.heads = [head for objective in objectives for head in objective.heads]  # so that Keras trains them too
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> dict[str, Any]:
        pixels = ops.cast(inputs["images"], "float32") / 255.0
        latents = self.encoder(pixels, training=training)
        return {"pixels": pixels, "latents": latents, "decoded": self.decoder(latents, training=training)}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        batch = Batch(**y_pred, targets={name: value for name, value in x.items() if name != "images"})
        return sum(objective.weight * objective.loss(batch) for objective in self.objectives)
