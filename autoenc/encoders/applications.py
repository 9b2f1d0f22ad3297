"""The networks of Keras Applications: which there are, what they take and where their weights are."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass

from autoenc.encoders.preprocessing import Preprocessing
from autoenc.errors import EncoderError
from autoenc.text import meant

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
    if not isinstance(name, str) or name not in APPLICATIONS:
        raise EncoderError(
            f"Unknown network {reprlib.repr(name)}; those of Keras Applications are: {', '.join(APPLICATIONS)}."
            f"{meant(str(name), APPLICATIONS)}"
        )
    return APPLICATIONS[name]


def preprocess(name: str) -> Preprocessing:
    """What the ImageNet weights of a network expect of pixels.

    Raises:
        EncoderError: an unknown name.

    Example:
        >>> import numpy as np
        >>> preprocess("mobilenet")(np.array([[[0, 51, 255]]], np.uint8)).tolist()
        [[[-1.0, -0.6000000238418579, 1.0]]]
    """
    return application(name).preprocessing
