"""Comparisons whose figures are known in advance, for the tests of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from autoenc.comparison.fusion import Fusion, fusion_name
from autoenc.comparison.records import Comparison, Difference, EncoderScores
from autoenc.metrics.registry import METRICS, SELF_RECALL

HALF = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
"""Scores of eight queries, of hats and shoes in turn: shoes are found, hats are not."""


def scores(
    name: str,
    average_precision: Sequence[float],
    *,
    others: float = 0.25,
    recalled: Sequence[float] = (1.0, 1.0),
    top: Any = None,
    dim: int = 32,
    ms: float = 0.1,
    count: int | None = None,
    origin: str | None = None,
) -> EncoderScores:
    """An encoder with these AP values; every other metric is `others` for every query."""
    aps = np.asarray(average_precision, np.float64)
    per_query = (
        {metric: aps if metric == "map" else np.full(len(aps), others) for metric in METRICS} if len(aps) else {}
    )
    total = len(aps) if count is None else count
    nearest = [[(query + step) % total for step in range(1, min(total, 11))] for query in range(total)]
    return EncoderScores(
        name=name,
        dim=dim,
        ms_per_image=ms,
        per_query=per_query,
        selfrecall={k: np.asarray(recalled, np.float64) for k in SELF_RECALL},
        top=np.asarray(nearest if top is None else top, np.int64),
        origin=origin,
    )


def fusion(
    weights: Mapping[str, float],
    average_precision: Sequence[float],
    differences: Mapping[str, tuple[float, float, float]] | None = None,
    *,
    others: float = 0.25,
) -> Fusion:
    """A fusion with these AP values, and `others` in every other metric; on the second half, all weights are 1.

    `differences` are those to each encoder in mAP.
    """
    aps = np.asarray(average_precision, np.float64)
    return Fusion(
        weights=dict(weights),
        halves=(dict(weights), dict.fromkeys(weights, 1.0)),
        half=np.arange(len(aps)) % 2,
        dim=160,
        ms_per_image=0.5,
        per_query={metric: aps if metric == "map" else np.full(len(aps), others) for metric in METRICS},
        differences=[
            Difference(fusion_name(weights), name, "map", *interval) for name, interval in (differences or {}).items()
        ],
    )


def comparison(
    paths: Sequence[Path],
    labels: Sequence[str | None],
    encoders: Sequence[EncoderScores],
    differences: Mapping[str, tuple[float, float, float]] | None = None,
    **facts: Any,
) -> Comparison:
    """Leave-one-out over `paths`; `differences` are those of the first encoder in its main metric."""
    labeled = bool(encoders[0].per_query)
    metric = "map" if labeled else "selfrecall@1"
    return Comparison(
        gallery_pictures=list(paths),
        query_pictures=list(paths),
        gallery_labels=list(labels),
        query_labels=list(labels),
        labeled=np.arange(len(paths) if labeled else 0),
        altered=np.arange(len(encoders[0].selfrecall[1])),
        leave_one_out=True,
        encoders={item.name: item for item in encoders},
        differences=[
            Difference(encoders[0].name, name, metric, *interval) for name, interval in (differences or {}).items()
        ],
        **facts,
    )


def pictures(folder: Path, count: int, labels: Sequence[str]) -> tuple[list[Path], list[str]]:
    """`count` plain pictures, each of its own gray, in folders named by the labels in turn."""
    paths = []
    for number in range(count):
        path = folder / labels[number % len(labels)] / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), (20 + 5 * number % 230,) * 3).save(path)
        paths.append(path)
    return paths, [path.parent.name for path in paths]
