"""What a step of the optimizer does."""

from __future__ import annotations

import keras
import numpy as np

from autoenc.trainer import create_optimizer

RATE = 0.01


def test_a_step_is_equally_long_in_all_directions_of_a_matrix() -> None:
    """The gradient's directions differ a hundredfold; those of the step lie around .2 sqrt(longer side) rates."""
    left, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 4)))
    gradient = (left * [100, 10, 3, 1]).astype(np.float32)
    weights = keras.Variable(np.zeros((12, 4), np.float32))
    create_optimizer(RATE).apply([gradient], [weights])
    lengths = np.linalg.svd(weights.numpy(), compute_uv=False) / (RATE * 0.2 * np.sqrt(12))
    assert 0.6 < lengths.min() <= lengths.max() < 1.3
    assert (left.T @ weights.numpy()).trace() < 0


def test_what_is_no_matrix_is_left_to_adam() -> None:
    """Adam's first step is one rate against the gradient's sign, however large it is."""
    bias, kernel = keras.Variable(np.zeros(2, np.float32)), keras.Variable(np.zeros((3, 3, 1, 1), np.float32))
    create_optimizer(RATE).apply(
        [np.array([5.0, -0.1], np.float32), np.full((3, 3, 1, 1), 7, np.float32)], [bias, kernel]
    )
    np.testing.assert_allclose(bias.numpy(), [-RATE, RATE], rtol=1e-4)
    np.testing.assert_allclose(kernel.numpy(), -RATE, rtol=1e-4)


def test_weights_do_not_decay() -> None:
    weights = keras.Variable(np.ones((3, 2), np.float32))
    create_optimizer(RATE).apply([np.zeros((3, 2), np.float32)], [weights])
    np.testing.assert_array_equal(weights.numpy(), 1)
