"""The pretrained encoders: networks of Keras Applications, whose features are the vectors."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np

from autoenc.encoders.applications import (
    APPLICATIONS,
    IMAGENET,
    RANDOM,
    RANDOM_VERSION,
    Application,
)
from autoenc.encoders.base import Encoder
from autoenc.encoders.building import build_base, keras_loaded, weights_file
from autoenc.encoders.description import EncoderDescription
from autoenc.encoders.weight_files import content_digest
from autoenc.errors import EncoderError, MissingDependencyError
from autoenc.text import shown
from autoenc.vectors import Images, Vectors

_VERSION = 1  # of what is done to pixels and features; raise it whenever the same picture would get another vector
_PIECE = 32  # images that the network sees at a time, so that its feature maps stay below a gigabyte


class PretrainedEncoder(Encoder):
    """A network of Keras Applications, run by TensorFlow, which is loaded when it first encodes.

    The vector is the average of the last feature map over its places, or, of VGG16, the output of its layer fc2.
    TensorFlow itself uses all cores, so that threads take turns.

    Args:
        known: the network.
        weights: "imagenet", a file, or "random".

    Raises:
        EncoderError: the weights cannot be read, or not be fetched.
        MissingDependencyError: TensorFlow is not installed.
    """

    slow_to_load = True

    def __init__(self, known: Application, weights: str) -> None:
        self.name = known.name
        self.dim = known.dim
        self.input_size = known.size
        self._known = known
        if any(importlib.util.find_spec(package) is None for package in ("keras", "tensorflow")):
            raise MissingDependencyError(
                f"Encoder '{self.name}' needs TensorFlow, which is not installed: pip install 'autoenc[train]'."
            )
        if weights == RANDOM:
            self.origin, digest, self._file = RANDOM, f"random-{RANDOM_VERSION}", None
            self.advice = (
                f"Encoder '{self.name}' has RANDOM weights, which were never trained: it serves to try things out, and "
                f"what it finds means little. Name its weights with weights={self.name}=FILE, or =imagenet."
            )
        else:
            self._file = weights_file(known, weights, include_top=known.layer is not None)
            self.origin = IMAGENET if weights == IMAGENET else str(self._file)
            digest = content_digest(self._file)
        self._digest = digest
        self.model_bytes = 4 * known.parameters if self._file is None else self._file.stat().st_size
        output = known.layer or "average"
        self.fingerprint = f"{known.name}-{_VERSION} {known.size}x{known.size} {output} weights={digest}"
        self._lock = threading.Lock()

    def _encode(self, images: Images) -> Vectors:
        pieces = [images[at : at + _PIECE] for at in range(0, len(images), _PIECE)]
        with self._lock:
            return np.concatenate([np.asarray(self._network(piece), np.float32) for piece in pieces])

    @cached_property
    def _network(self) -> Callable[[Images], Any]:
        """(N, size, size, 3) uint8 -> (N, dim) float32, compiled."""
        known = self._known
        if self._file is not None and content_digest(self._file) != self._digest:
            raise EncoderError(f"The weights {shown(self._file)} have changed since encoder '{self.name}' was made.")
        weights = RANDOM if self._file is None else str(self._file)
        with keras_loaded(f"Encoder '{self.name}'") as keras:
            import tensorflow

            base = build_base(known.name, weights, include_top=known.layer is not None)
            outputs = base.output if known.layer is None else base.get_layer(known.layer).output
            if known.layer is None:
                outputs = keras.layers.GlobalAveragePooling2D()(outputs)
            model = keras.Model(base.input, outputs)

            def features(images: Any) -> Any:
                pixels = known.preprocessing.of_floats(tensorflow.cast(images, tensorflow.float32))
                return model(pixels, training=False)

            shape = tensorflow.TensorSpec((None, known.size, known.size, 3), tensorflow.uint8)
            compiled = tensorflow.function(features, input_signature=[shape])
            compiled.get_concrete_function()  # traced here, where what it says is silenced
        return compiled  # type: ignore[no-any-return]


def _make(known: Application, weights: Any) -> Encoder:
    return PretrainedEncoder(known, str(weights or IMAGENET))


DESCRIPTIONS = tuple(
    EncoderDescription(
        name=known.name,
        dim=known.dim,
        input_size=known.size,
        preprocessing=known.described,
        summary=f"features of {known.title}, trained on ImageNet: "
        + (f"its layer {known.layer}" if known.layer else "the average of its last feature map"),
        source=known.source,
        make=partial(_make, known),
        weighted=True,
    )
    for known in APPLICATIONS.values()
)
"""The encoders of Keras Applications."""
