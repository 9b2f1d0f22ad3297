"""What a step of the optimizer does."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs TensorFlow: pip install 'autoenc[train]'")

from autoenc.training.model import ModelConfig  # noqa: E402
from autoenc.training.objectives import Reconstruction  # noqa: E402
from autoenc.training.step import Trainer, create_optimizer  # noqa: E402

RATE = 0.01


def test_a_step_is_about_equally_long_in_all_directions_of_a_matrix() -> None:
    """The gradient's directions differ a hundredfold; those of the step lie around .2 sqrt(longer side) rates."""
    left, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 4)))
    gradient = (left * [100, 10, 3, 1]).astype(np.float32)
    weights = keras.Variable(np.zeros((12, 4), np.float32))
    create_optimizer(RATE).apply([gradient], [weights])
    lengths = np.linalg.svd(weights.numpy(), compute_uv=False) / (RATE * 0.2 * np.sqrt(12))
    assert 0.6 < lengths.min() <= lengths.max() < 1.3
    assert (left.T @ weights.numpy()).trace() < 0


@pytest.mark.parametrize("shape", [(2,), (3, 3, 1, 1)])
def test_what_is_no_matrix_is_left_to_adam(shape: tuple[int, ...]) -> None:
    """Adam's first step is one rate against the gradient's sign, however large it is."""
    weights = keras.Variable(np.zeros(shape, np.float32))
    gradient = np.linspace(-0.1, 5, weights.numpy().size, dtype=np.float32).reshape(shape)
    create_optimizer(RATE).apply([gradient], [weights])
    np.testing.assert_allclose(weights.numpy(), -RATE * np.sign(gradient), rtol=1e-4)


@pytest.mark.parametrize("shape", [(3, 2), (2,), (3, 3, 1, 1)])
def test_weights_do_not_decay(shape: tuple[int, ...]) -> None:
    weights = keras.Variable(np.ones(shape, np.float32))
    create_optimizer(RATE).apply([np.zeros(shape, np.float32)], [weights])
    np.testing.assert_array_equal(weights.numpy(), 1)


def test_it_is_what_trains_the_autoencoder() -> None:
    """Adam's step would lie mostly along one direction."""
    trainer = Trainer(ModelConfig(), [Reconstruction()], RATE, steps=10)
    latents = trainer.encoder.get_layer("latents").kernel
    before = latents.numpy().copy()
    trainer.train_step(np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), np.uint8), {})
    lengths = np.linalg.svd(latents.numpy() - before, compute_uv=False)
    assert lengths[16] > 0.5 * lengths[0]
