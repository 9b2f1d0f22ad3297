"""Vectors that lie in groups, for the tests of what is measured without labels."""

from __future__ import annotations

from typing import Any

import numpy as np


def groups(spread: float, *, count: int = 8, each: int = 60, dim: int = 16, seed: int = 0) -> tuple[Any, Any, Any]:
    """Latents around `count` orthogonal directions: fitted, held out, and two copies of the latter."""
    rng = np.random.default_rng(seed)
    latents = np.repeat(np.eye(dim)[:count], each, axis=0) + rng.normal(0, spread, (count * each, dim))
    held_out = latents[::4]
    copies = [held_out + rng.normal(0, spread, held_out.shape) for _ in range(2)]
    return latents.astype(np.float32), held_out.astype(np.float32), [copy.astype(np.float32) for copy in copies]
