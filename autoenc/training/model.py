"""The autoencoder: a small convolutional encoder to 32 numbers, and the decoder that reconstructs the image.

Reads top to bottom; the shape of one image stands beside every layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

INPUT_SIZE = 32
"""Height and width of the images, in pixels."""


@dataclass(frozen=True)
class ModelConfig:
    """The architecture.

    Attributes:
        latent_dim: length of a latent: numbers per image.
        seed: of the initial weights.
    """

    latent_dim: int = 32
    seed: int = 0


def build_encoder(config: ModelConfig) -> keras.Model:
    """(N, 32, 32, 3) float32 in [0, 1] -> (N, latent_dim) float32, unbounded."""
    seed = _seeds(config.seed)
    images = keras.Input((INPUT_SIZE, INPUT_SIZE, 3), name="pixels")
    x = layers.Conv2D(32, 3, padding="same", activation="relu", kernel_initializer=next(seed))(images)  # 32 x 32 x 32
    x = layers.MaxPooling2D()(x)  #                                                                       16 x 16 x 32
    x = layers.Conv2D(64, 3, padding="same", activation="relu", kernel_initializer=next(seed))(x)  #      16 x 16 x 64
    x = layers.MaxPooling2D()(x)  #                                                                        8 x  8 x 64
    x = layers.Flatten()(x)  #                                                                                    4096
    x = layers.Dense(128, activation="relu", kernel_initializer=next(seed))(x)  #                                  128
    latents = layers.Dense(config.latent_dim, name="latents", kernel_initializer=next(seed))(x)  #          latent_dim
    return keras.Model(images, latents, name="encoder")


def mirror_averaged(encoder: keras.Model) -> keras.Model:
    """The same encoder, blind to mirroring: the mean of the latents of an image and of its mirror image.

    Both are encoded in one pass, so that it takes twice the time and no more weights.

    Source: averaging over views at use, as in Krizhevsky et al., "ImageNet classification with deep convolutional
    neural networks", NIPS 2012; here latents are averaged, and of two views.

    Example:
        >>> symmetric = mirror_averaged(build_encoder(ModelConfig()))
        >>> images = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
        >>> latents = [symmetric.predict_on_batch(pictures) for pictures in (images, images[:, :, ::-1])]
        >>> bool(np.abs(latents[0] - latents[1]).max() < 1e-6)
        True
    """
    images = keras.Input(encoder.input_shape[1:], name="pixels")
    both = ops.concatenate([images, images[:, :, ::-1]], axis=0)  # first all images, then all mirror images
    latents = ops.mean(ops.reshape(encoder(both), (2, -1, *encoder.output_shape[1:])), axis=0)
    return keras.Model(images, latents, name="encoder")


def build_decoder(config: ModelConfig) -> keras.Model:
    """(N, latent_dim) float32 -> (N, 32, 32, 3) float32 in [0, 1]."""
    seed = _seeds(config.seed + 1)
    latents = keras.Input((config.latent_dim,), name="latents")
    x = layers.Dense(64, activation="relu", kernel_initializer=next(seed))(latents)  #                              64
    x = layers.Reshape((8, 8, 1))(x)  #                                                                     8 x  8 x 1
    x = _upsample(64, next(seed))(x)  #                                                                   16 x 16 x 64
    x = _upsample(32, next(seed))(x)  #                                                                   32 x 32 x 32
    pixels = layers.Conv2D(3, 3, padding="same", activation="sigmoid", kernel_initializer=next(seed))(x)  # 32 x 32 x 3
    return keras.Model(latents, pixels, name="decoder")


def _upsample(filters: int, initializer: keras.initializers.Initializer) -> layers.Layer:
    return layers.Conv2DTranspose(
        filters, 3, strides=2, padding="same", activation="relu", kernel_initializer=initializer
    )


def _seeds(seed: int) -> Any:
    """Glorot initializers, each with its own seed: one seed gives one model, and no global state is touched."""
    return (keras.initializers.GlorotUniform(seed=seed * 1000 + i) for i in range(1000))
