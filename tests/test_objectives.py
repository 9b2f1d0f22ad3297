"""What training minimises, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras", reason="objectives need TensorFlow: pip install 'autoenc[train]'")

from autoenc.errors import ArgumentError
from autoenc.objectives import Batch, Reconstruction, create_objective


def test_reconstruction_is_the_mean_squared_error() -> None:
    rng = np.random.default_rng(0)
    pixels, decoded = rng.random((2, 5, 32, 32, 3), dtype=np.float32)
    loss = Reconstruction().loss(Batch(pixels=pixels, latents=np.zeros((5, 32)), decoded=decoded))
    assert float(loss) == pytest.approx(np.mean((pixels - decoded) ** 2), rel=1e-5)


def test_a_perfect_decoder_has_no_loss() -> None:
    pixels = np.full((1, 32, 32, 3), 0.25, np.float32)
    assert float(Reconstruction().loss(Batch(pixels=pixels, latents=None, decoded=pixels))) == 0.0


def test_an_unknown_objective_names_those_that_are_there() -> None:
    assert create_objective("reconstruction").name == "reconstruction"
    with pytest.raises(ArgumentError, match="Unknown objective 'magic'; there are: reconstruction"):
        create_objective("magic")
