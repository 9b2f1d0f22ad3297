"""The architecture, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the model needs TensorFlow: pip install 'autoenc[train]'")

from autoenc.training.model import ModelConfig, build_decoder, build_encoder, mirror_averaged  # noqa: E402


def shapes(model: object) -> list[tuple[str, tuple[int, ...]]]:
    return [(type(layer).__name__, tuple(layer.output.shape[1:])) for layer in model.layers[1:]]  # type: ignore[attr-defined]


def test_the_encoder_is_the_specified_one() -> None:
    encoder = build_encoder(ModelConfig())
    assert shapes(encoder) == [
        ("Conv2D", (32, 32, 32)),
        ("MaxPooling2D", (16, 16, 32)),
        ("Conv2D", (16, 16, 64)),
        ("MaxPooling2D", (8, 8, 64)),
        ("Flatten", (4096,)),
        ("Dense", (128,)),
        ("Dense", (32,)),
    ]
    convolutions = (3 * 3 * 3 + 1) * 32 + (3 * 3 * 32 + 1) * 64
    assert encoder.count_params() == convolutions + (4096 + 1) * 128 + (128 + 1) * 32
    activations = [layer.activation.__name__ for layer in encoder.layers if hasattr(layer, "activation")]
    assert activations == ["relu", "relu", "relu", "linear"]


def test_the_decoder_is_the_specified_one() -> None:
    decoder = build_decoder(ModelConfig())
    assert shapes(decoder) == [
        ("Dense", (64,)),
        ("Reshape", (8, 8, 1)),
        ("Conv2DTranspose", (16, 16, 64)),
        ("Conv2DTranspose", (32, 32, 32)),
        ("Conv2D", (32, 32, 3)),
    ]
    upsampling = (3 * 3 * 1 + 0) * 64 + 64 + (3 * 3 * 64) * 32 + 32
    assert decoder.count_params() == (32 + 1) * 64 + upsampling + (3 * 3 * 32 + 1) * 3
    activations = [layer.activation.__name__ for layer in decoder.layers if hasattr(layer, "activation")]
    assert activations == ["relu", "relu", "relu", "sigmoid"]


@pytest.mark.parametrize("latent_dim", [1, 8, 64])
def test_the_latent_dimension_is_an_argument(latent_dim: int) -> None:
    config = ModelConfig(latent_dim=latent_dim)
    assert build_encoder(config).output_shape == (None, latent_dim)
    assert build_decoder(config).input_shape == (None, latent_dim)


def test_one_seed_gives_one_model() -> None:
    first, again, other = (build_encoder(ModelConfig(seed=seed)).get_weights() for seed in (3, 3, 4))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_layers_do_not_begin_alike() -> None:
    kernels = [weights for weights in build_encoder(ModelConfig()).get_weights() if weights.ndim == 4]
    assert not np.array_equal(kernels[0][:, :, :3, :8], kernels[1][:, :, :3, :8])


@pytest.mark.parametrize("count", [1, 5])
def test_an_averaged_encoder_gives_the_mean_of_an_image_and_its_mirror_image(count: int) -> None:
    encoder = build_encoder(ModelConfig(latent_dim=4))
    images = np.random.default_rng(0).random((count, 32, 32, 3), np.float32)
    plain, mirrored = encoder.predict_on_batch(images), encoder.predict_on_batch(images[:, :, ::-1])
    averaged = mirror_averaged(encoder).predict_on_batch(images)
    np.testing.assert_allclose(averaged, (plain + mirrored) / 2, atol=1e-6)
    assert np.abs(plain - mirrored).max() > 0.01
