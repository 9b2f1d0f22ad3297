"""The Keras side of fine-tuning: a pretrained base in two parts, a new head, and one compiled step for each phase."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from autoenc.encoders.applications import preprocess
from autoenc.finetuning.bases import TOPS
from autoenc.models.manifest import CLASSIFIER, ENCODER
from autoenc.training.export import export_network
from autoenc.vectors import Indices, Vectors

Activations = npt.NDArray[np.float16]
"""(N, h, w, c): what the frozen part of a base makes of images."""

Given = Vectors | Activations
"""What a phase takes: (N, D) float32 features for the head, activations for the top blocks."""

KERAS = "classifier.keras"

_DROPOUT = 0.3


class Classifier:
    """A pretrained base with a new head: images -> features -> latents -> classes.

    Args:
        name: of the base, as in `autoenc.encoders.applications`.
        base: the network, from preprocessed images to its last feature map.
        classes: how many classes there are.
        latent_dim: length of a latent.
        seed: of the head's weights.

    Attributes:
        bottom: the base up to its top blocks; never trained.
        top: the top blocks, from there to the average of the last feature map over its places.
        head: features -> latents, and latents -> one logit for each class.
        size: height and width in pixels of the images it takes.
    """

    def __init__(self, name: str, base: keras.Model, classes: int, latent_dim: int, seed: int) -> None:
        self.name = name
        self.base = base
        self.size = int(base.input_shape[1])
        cut = base.get_layer(TOPS[name]).output
        features = layers.GlobalAveragePooling2D()(base.output)
        self.bottom = keras.Model(base.inputs, cut, name="bottom")
        self.top = keras.Model(cut, features, name="top")
        self.both = keras.Model(base.inputs, [cut, features], name="base")
        self.head = _head(int(features.shape[-1]), classes, latent_dim, seed)
        base.trainable = False

    @property
    def forms(self) -> tuple[tuple[int, ...], int]:
        """(h, w, c) of the activations of an image, and how many features it has."""
        return tuple(self.bottom.output_shape[1:]), int(self.top.output_shape[1])

    def describe(self, pixels: Any) -> tuple[Activations, Vectors]:
        """(N, size, size, 3) uint8 -> what the bottom makes of them, (N, h, w, c), and the features, (N, D)."""
        activations, features = self.both.predict_on_batch(preprocess(self.name)(pixels))
        most = float(np.finfo(np.float16).max)
        return np.clip(activations, -most, most).astype(np.float16), np.asarray(features, np.float32)

    def export(self, folder: Path) -> None:
        """Write encoder and classifier as ONNX, and all of it for Keras."""
        images = keras.Input((self.size, self.size, 3), dtype="uint8", name="images")
        pixels = preprocess(self.name).of_floats(ops.cast(images, "float32"))
        embed, decide = self.head.layers
        latents = embed(self.top(self.bottom(pixels, training=False), training=False))
        export_network(keras.Model(images, latents), folder / ENCODER, "encoder", "images", "latents")
        given = keras.Input(embed.output_shape[1:], name="latents")
        likely = keras.Model(given, ops.softmax(decide(given)))
        export_network(likely, folder / CLASSIFIER, "classifier", "latents", "probabilities")
        keras.Model(images, ops.softmax(decide(latents)), name="classifier").save(folder / KERAS)


def _head(features: int, classes: int, latent_dim: int, seed: int) -> keras.Sequential:
    """(N, features) -> (N, classes) logits; its first layer ends in the latents, (N, latent_dim)."""
    drops = [layers.Dropout(_DROPOUT, seed=seed * 1000 + at) for at in (0, 1)]
    given = keras.Input((features,), name="features")
    start = [keras.initializers.GlorotUniform(seed=seed * 1000 + at) for at in (2, 3)]
    dense = layers.Dense(latent_dim, activation="relu", kernel_initializer=start[0], name="latents")
    embed = keras.Model(given, dense(drops[0](given)), name="embed")
    latents = keras.Input((latent_dim,), name="latents")
    logits = layers.Dense(classes, kernel_initializer=start[1], name="classes")(drops[1](latents))
    return keras.Sequential([embed, keras.Model(latents, logits, name="decide")], name="head")


class Phase:
    """One of the two phases of a fine-tuning: the head alone, or the top blocks with it.

    Args:
        classifier: what is trained.
        top: whether the top blocks are trained too, but for their batch normalization, which keeps its statistics,
            scales and shifts.
        learning_rate: of Adam, at its highest; it falls to 0 along a cosine.
        steps: how many steps there will be.
        rising: over how many of them it rises from 0 first, so that the first steps, which know little of the
            gradients' lengths, do not undo what was pretrained.
    """

    def __init__(self, classifier: Classifier, *, top: bool, learning_rate: float, steps: int, rising: int = 0) -> None:
        self._classifier = classifier
        self._top = top
        for layer in classifier.top.layers if top else ():
            layer.trainable = not isinstance(layer, layers.BatchNormalization)
        given = keras.Input(classifier.bottom.output_shape[1:] if top else classifier.top.output_shape[1:])
        features = classifier.top(given, training=False) if top else given
        self.model = keras.Model(given, classifier.head(features), name="phase")
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if rising else learning_rate,
            decay_steps=max(1, steps - rising),
            warmup_target=learning_rate if rising else None,
            warmup_steps=rising,
        )
        self.model.compile(
            optimizer=keras.optimizers.Adam(schedule),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            weighted_metrics=[],
            jit_compile=False,
        )
        self.model.optimizer.build(self.model.trainable_variables)

    def warm_up(self, given: Given) -> None:
        """Compile the step on a batch, and leave weights and optimizer as they were."""
        state = self.state()
        self.train_step(given, np.zeros(len(given), np.int64), np.ones(len(given), np.float32))
        self.restore(state)

    def train_step(self, given: Given, labels: Indices, weights: Vectors) -> tuple[float, float]:
        """One step of the optimizer; the mean weighted loss and the accuracy before it.

        Args:
            given: features or, if the top is trained, activations.
            labels: (N,) the number of each class.
            weights: (N,) float32, how much each image counts.
        """
        self.model.reset_metrics()
        batch = np.asarray(given, np.float32)  # cast by NumPy, in 5 ms: TensorFlow warns that it cannot do it fast
        found = self.model.train_on_batch(batch, labels, sample_weight=weights, return_dict=True)
        return float(found["loss"]), float(found["accuracy"])

    def predict(self, given: Given) -> Vectors:
        """As for `train_step` -> (N, classes) float32 logits; nothing is learned."""
        return np.asarray(self.model.predict_on_batch(np.asarray(given, np.float32)), np.float32)

    def state(self) -> list[npt.NDArray[np.generic]]:
        """Everything that the next step depends on: weights, the optimizer's variables, the generators of dropout."""
        return [np.asarray(variable) for variable in self._variables()]

    def restore(self, state: list[npt.NDArray[np.generic]]) -> None:
        """Set what `state` returned."""
        _assign(self._variables(), state)

    def weights(self) -> list[npt.NDArray[np.generic]]:
        """What this phase trains."""
        return [np.asarray(variable) for variable in self.model.trainable_variables]

    def restore_weights(self, weights: list[npt.NDArray[np.generic]]) -> None:
        """Set what `weights` returned."""
        _assign(self.model.trainable_variables, weights)

    def _variables(self) -> list[Any]:
        drawn = [variable for variable in self.model.variables if "seed" in variable.path]
        return [*self.model.trainable_variables, *drawn, *self.model.optimizer.variables]


def _assign(variables: list[Any], values: list[npt.NDArray[np.generic]]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
