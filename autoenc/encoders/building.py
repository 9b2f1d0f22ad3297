"""How a network of Keras Applications is built, with its weights.

It is built from Keras' own code, never from a file: a file of weights holds numbers alone, and `weight_files` looks
at it before Keras does.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from autoenc.encoders.applications import IMAGENET, RANDOM, RANDOM_VERSION, Application, application
from autoenc.encoders.weight_files import Kernels, fetched, kernels, told
from autoenc.errors import EncoderError, MissingDependencyError
from autoenc.quiet import tensorflow_silenced
from autoenc.text import printable, shown


def weights_file(known: Application, weights: str, *, include_top: bool) -> Path:
    """The file of a network's weights: the one that is named, or the one that Keras fetches.

    Raises:
        EncoderError: it cannot be fetched, or there is no such file.
    """
    if weights != IMAGENET:
        file = Path(os.path.abspath(Path(weights).expanduser()))
        if not os.path.isfile(file):
            raise EncoderError(f"Expected a file of weights of {known.title}; {shown(file)} is none.")
        return file
    return fetched(known.url, known.files[0 if include_top else 1], known.title, f"weights={known.name}=FILE")


def build_base(name: str, weights: str = IMAGENET, *, include_top: bool = False, size: int | None = None) -> Any:
    """The Keras model of a network, with its weights.

    Args:
        name: one of APPLICATIONS.
        weights: "imagenet", which Keras fetches once and keeps; a file of weights as Keras writes it, with the
            classifier or without; or "random", the same each time.
        include_top: with its 1000-class classifier, which the weights then have to include; without it, the output is
            the last feature map, (N, h, w, channels).
        size: height and width in pixels of the images it is to take, 32 or more; by default the network's own, the
            only one with `include_top`.

    Returns:
        A `keras.Model`, from (N, size, size, 3) float32 as `preprocess(name)` makes it.

    Raises:
        EncoderError: an unknown name; weights that cannot be fetched or read, or of another network, or without the
            classifier that is asked for.
        MissingDependencyError: Keras or TensorFlow is not installed.

    Example:
        >>> base = build_base("mobilenet", "random", size=64)
        >>> base.output_shape
        (None, 2, 2, 1024)
    """
    known = application(name)

    def built(top: bool, size: int) -> Any:
        make = getattr(keras.applications, known.builder)
        return make(include_top=top, weights=None, input_shape=(size, size, 3))

    with keras_loaded(f"Network '{name}'") as keras:
        file = None if weights == RANDOM else weights_file(known, weights, include_top=include_top)
        held = None if file is None else kernels(file)
        model = built(include_top, size or known.size)
        if file is None or held is None:
            _randomize(model)
        elif held == _kernels(model):
            _fill(model, file)
        elif include_top or held != _kernels(whole := built(True, known.size)):
            raise _another(known, file, held, _kernels(model), include_top=include_top)
        else:
            _fill(whole, file)
            model.set_weights(whole.get_weights()[: len(model.weights)])
        return model


@contextmanager
def keras_loaded(what: str) -> Iterator[Any]:
    """Keras, with what TensorFlow writes about itself kept off the terminal.

    Raises:
        MissingDependencyError: it is not installed; the message says `what` needs it.
    """
    try:
        with tensorflow_silenced():
            import keras
            import tensorflow  # noqa: F401  Keras' backend
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"{what} needs {error.name}, which is not installed: pip install 'autoenc[train]'."
        ) from error
    with tensorflow_silenced():
        yield keras


def _kernels(model: Any) -> Kernels:
    return Counter(tuple(each.shape) for each in model.weights if len(each.shape) > 1)


def _fill(model: Any, file: Path) -> None:
    """Load weights whose kernels are the model's."""
    try:
        model.load_weights(file)
    except Exception as error:  # Keras raises ValueError, KeyError and others
        raise EncoderError(
            f"The weights {shown(file)} cannot be loaded into {model.name}: {printable(str(error))[:300].rstrip('. ')}."
        ) from error


def _another(known: Application, file: Path, held: Kernels, wanted: Kernels, *, include_top: bool) -> EncoderError:
    if include_top and held < wanted:
        return EncoderError(
            f"{shown(file)} holds {known.title} without its classifier, which '{known.name}' needs; expected the file "
            f"that Keras calls {known.files[0]}."
        )
    top = "" if include_top else " without its classifier"
    return EncoderError(
        f"Expected the weights of {known.title}, {told(wanted)}{top}; {shown(file)} is of another network, with "
        f"{told(held)}."
    )


def _randomize(model: Any) -> None:
    """Normal kernels that keep the scale of what passes through them (He et al. 2015), the same each time."""
    rng = np.random.default_rng(RANDOM_VERSION)
    for variable in model.weights:
        if len(variable.shape) > 1:
            fan_in = float(np.prod(variable.shape[:-1]))
            values = rng.standard_normal(variable.shape, np.float32)
            values *= np.float32((2 / fan_in) ** 0.5)
            variable.assign(values)
