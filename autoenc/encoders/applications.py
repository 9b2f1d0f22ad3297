"""The networks of Keras Applications: which there are, what they take, and how to build one with its weights.

A network is built from Keras' own code, never from a file: a file of weights holds numbers alone, and
`weight_files` looks at it before Keras does.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autoenc.encoders.preprocessing import Preprocessing
from autoenc.encoders.weight_files import Kernels, fetched, kernels, told
from autoenc.errors import EncoderError, MissingDependencyError
from autoenc.quiet import tensorflow_silenced
from autoenc.text import meant, printable, shown

IMAGENET = "imagenet"
RANDOM = "random"

RANDOM_VERSION = 1
"""Also the seed of the random weights, which are the same each time."""

# Blue first, with the mean color of ImageNet subtracted, as Caffe took it.
_CAFFE = Preprocessing(mean=(103.939, 116.779, 123.68), bgr=True)

# The published weights were trained with a division by the square root of the deviation after the normalization that
# the network itself holds; Keras adds it where it fetches them, and only there. It commutes to the front.
_MEANS, _ROOTS = (0.485, 0.456, 0.406), (0.229**0.5, 0.224**0.5, 0.225**0.5)
_EFFICIENTNET = Preprocessing(
    mean=tuple(255 * mean * (1 - root) for mean, root in zip(_MEANS, _ROOTS, strict=True)),
    std=_ROOTS,
)


@dataclass(frozen=True)
class Application:
    """One network of Keras Applications.

    Attributes:
        name: of the encoder.
        title: of the network.
        builder: its function in `keras.applications`.
        dim: length of a vector.
        parameters: how many numbers the network holds, up to the layer that makes the vector.
        layer: whose output the vector is; None for the average of the last feature map over its places.
        preprocessing: what its ImageNet weights expect of pixels.
        described: the same in words.
        source: the paper.
        url: where Keras fetches its ImageNet weights.
        files: the names of those files, with the classifier and without.
        size: height and width in pixels of the images it takes.
    """

    name: str
    title: str
    builder: str
    dim: int
    parameters: int
    layer: str | None
    preprocessing: Preprocessing
    described: str
    source: str
    url: str
    files: tuple[str, str]
    size: int = 224


_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_TO_ONE = "RGB, squeezed to 224x224 by area, -1 to 1"
_BLUE_FIRST = "BGR, squeezed to 224x224 by area, minus ImageNet's mean color"

APPLICATIONS = {
    application.name: application
    for application in (
        Application(
            name="mobilenet",
            title="MobileNet",
            builder="MobileNet",
            dim=1024,
            parameters=3_228_864,
            layer=None,
            preprocessing=Preprocessing(mean=(127.5,) * 3, std=(127.5,) * 3),
            described=_TO_ONE,
            source="Howard et al. 2017",
            url=f"{_KERAS}/mobilenet",
            files=("mobilenet_1_0_224_tf.h5", "mobilenet_1_0_224_tf_no_top.h5"),
        ),
        Application(
            name="mobilenetv3",
            title="MobileNetV3 Large",
            builder="MobileNetV3Large",
            dim=960,
            parameters=2_996_352,
            layer=None,
            preprocessing=Preprocessing(),  # the network itself scales
            described=_TO_ONE,
            source="Howard et al. 2019",
            url=f"{_KERAS}/mobilenet_v3",
            files=(
                "weights_mobilenet_v3_large_224_1.0_float.h5",
                "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
            ),
        ),
        Application(
            name="resnet50",
            title="ResNet50",
            builder="ResNet50",
            dim=2048,
            parameters=23_587_712,
            layer=None,
            preprocessing=_CAFFE,
            described=_BLUE_FIRST,
            source="He et al. 2016",
            url=f"{_KERAS}/resnet",
            files=(
                "resnet50_weights_tf_dim_ordering_tf_kernels.h5",
                "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
            ),
        ),
        Application(
            name="efficientnetb0",
            title="EfficientNetB0",
            builder="EfficientNetB0",
            dim=1280,
            parameters=4_049_571,
            layer=None,
            preprocessing=_EFFICIENTNET,
            described="RGB, squeezed to 224x224 by area, ImageNet's mean and deviation",
            source="Tan and Le 2019",
            url="https://storage.googleapis.com/keras-applications",
            files=("efficientnetb0.h5", "efficientnetb0_notop.h5"),
        ),
        Application(
            name="vgg16",
            title="VGG16",
            builder="VGG16",
            dim=4096,
            parameters=134_260_544,
            layer="fc2",
            preprocessing=_CAFFE,
            described=_BLUE_FIRST,
            source="Simonyan and Zisserman 2015",
            url=f"{_KERAS}/vgg16",
            files=(
                "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
                "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            ),
        ),
    )
}
"""Name -> network."""


def application(name: str) -> Application:
    """The network of a name.

    Raises:
        EncoderError: there is none.
    """
    if name not in APPLICATIONS:
        raise EncoderError(
            f"Unknown network '{name}'; those of Keras Applications are: {', '.join(APPLICATIONS)}."
            f"{meant(name, APPLICATIONS)}"
        )
    return APPLICATIONS[name]


def preprocess(name: str) -> Preprocessing:
    """What the ImageNet weights of a network expect of pixels.

    Raises:
        EncoderError: an unknown name.

    Example:
        >>> preprocess("mobilenet")(np.array([[[0, 51, 255]]], np.uint8)).tolist()
        [[[-1.0, -0.6000000238418579, 1.0]]]
    """
    return application(name).preprocessing


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
