"""A base of two convolutions, and settings by which it is fine-tuned in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

SMALL: dict[str, Any] = {
    "base": "tiny",
    "weights": {"tiny": "random"},
    "size": 32,
    "epochs": 2,
    "top_epochs": 2,
    "batch_size": 9,
    "latent_dim": 8,
    "copies": 2,
    "validation": 0.25,
    "top_learning_rate": 1e-3,
    "progress": False,
}
"""Of 48 drawn pictures, 36 are trained on in four steps of one size, and 12 are held out."""


def tiny(include_top: bool, weights: None, input_shape: tuple[int, int, int]) -> Any:
    """A network as `keras.applications` makes them, with or without a classifier the same."""
    import keras
    from keras import layers

    images = keras.Input(input_shape)
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="bottom_conv")(images)
    x = layers.BatchNormalization(name="bottom_bn")(x)
    x = layers.ReLU(name="cut")(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same", name="top_conv")(x)
    x = layers.BatchNormalization(name="top_bn")(x)
    return keras.Model(images, layers.ReLU()(x), name="tiny")


@contextmanager
def tiny_base() -> Iterator[None]:
    """While this lasts, there is a base of that name."""
    import keras

    from autoenc.encoders.applications import APPLICATIONS
    from autoenc.finetuning.bases import TOPS

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.applications, "Tiny", tiny, raising=False)
        known = replace(APPLICATIONS["mobilenet"], name="tiny", title="Tiny", builder="Tiny", dim=16, parameters=1488)
        patch.setitem(APPLICATIONS, "tiny", known)
        patch.setitem(TOPS, "tiny", "cut")
        yield
