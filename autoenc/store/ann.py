"""When a search is exact, and how many candidates an approximate one keeps; the same for every engine.

The values were chosen with `scripts/bench_store.py` on Gaussian vectors, which are the hardest to index: real latents
have fewer effective dimensions.
"""

from __future__ import annotations

import math

EXACT_NUMBERS = 80_000 * 32
"""Up to this many numbers (points x dimension), a search compares every vector.

At the limit that takes 2.3 ms for vectors of 32 numbers and .7 ms for vectors of 324, on one core, against .6 ms in a
graph that takes 21 s and 2.6 s to build.
"""

EXACT_KB = EXACT_NUMBERS * 4 // 1024
"""The same limit in the unit that Qdrant takes, KiB of float32."""

HNSW_M = 24
HNSW_EF_CONSTRUCT = 160
HNSW_PAYLOAD_M = 0
"""No additional graph per payload value: for a value that most points share, such as the only source, it doubles the
build time. Filters do not need it. Where a filter leaves few points, the engine compares all of them; otherwise ACORN
bridges the gaps in the graph (with 6% of 1M points left, recall@10 is .995 with ACORN and .23 without)."""


def is_exact(points: int, dim: int) -> bool:
    """Whether a search over this many points compares every vector."""
    return points * dim <= EXACT_NUMBERS


def search_ef(points: int) -> int:
    """The candidates that a graph search keeps: 128 up to 100,000 points, then growing with the points' cube root."""
    return max(128, round(128 * math.cbrt(points / 100_000)))
