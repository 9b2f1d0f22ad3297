"""When a search is exact and how hard an approximate one tries; one rule for every engine.

Chosen by `scripts/bench_store.py` on Gaussian vectors, the hardest to index: real latents have fewer true dimensions.
"""

from __future__ import annotations

import math

EXACT_NUMBERS = 50_000 * 32
"""Up to so many numbers (points x dimension) every vector is compared: 1 ms on one core."""

EXACT_KB = EXACT_NUMBERS * 4 // 1024
"""The same bound as Qdrant takes it, in KiB of float32."""

HNSW_M = 24
HNSW_EF_CONSTRUCT = 160
HNSW_PAYLOAD_M = 0
"""No second graph for a value that most points share, the one source say: it doubles the time of building.
Filters do without: where they leave few points the engine compares them all, and else ACORN bridges the gaps in the
graph (a filter that leaves 6% of 1M points: recall@10 of .995 with it, .23 without)."""


def is_exact(points: int, dim: int) -> bool:
    """Whether a search over so many points compares every vector."""
    return points * dim <= EXACT_NUMBERS


def search_ef(points: int) -> int:
    """Candidates that a graph search keeps: 128 up to 100,000 points, then growing with their number's cube root."""
    return max(128, round(128 * math.cbrt(points / 100_000)))
