"""The record of a fusion: several encoders that are searched with together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.comparison.records import Difference
from autoenc.metrics.bootstrap import Interval, bootstrap_intervals
from autoenc.text import short
from autoenc.vectors import Indices

LEAST_LEAD = 0.01
"""In mAP: a smaller lead is not worth longer vectors."""

_PLAIN = re.compile(r"[\w.+-]+")


@dataclass(frozen=True, repr=False)
class Fusion:
    """The scores of a fusion of encoders: the weighted sum of their scaled cosines.

    A cosine is scaled as in a store: 0 is the median of random pairs, 1 that of nearest neighbors (see `Scale`). The
    weights are found on one half of the labeled queries and scored on the other, both ways, so that every query is
    scored once, and never by weights that it has helped to find. The weights to search with are found on both halves.

    Attributes:
        weights: encoder -> its weight, found on all labeled queries. They fall from 1, the largest.
        halves: the same, found on each half alone.
        half: (L,) int64, 0 or 1: the half that each labeled query belongs to; it was scored by the other's weights.
        dim: how many numbers its encoders' vectors have, taken together; each takes 4 bytes.
        ms_per_image: milliseconds to encode an image by all of its encoders.
        per_query: as in `EncoderScores`.
        differences: of the fusion to every encoder of the comparison, in every metric that needs labels.

    Source: Stone, "Cross-validatory choice and assessment of statistical predictions", JRSS B 1974, with two halves;
    Fox and Shaw, "Combination of multiple searches", TREC-2 1994, for weighted sums of scaled scores.

    Example:
        >>> fusion = autoenc.compare("photos", encoders=["color", "edges"]).fusion
        >>> fusion
        <Fusion '...=1,...': map ...>
        >>> with autoenc.open_store("store") as store:
        ...     len(autoenc.search(store, "some.jpg", using=fusion.using, k=3))
        3
    """

    weights: dict[str, float]
    halves: tuple[dict[str, float], dict[str, float]]
    half: Indices
    dim: int
    ms_per_image: float
    per_query: dict[str, npt.NDArray[np.float64]]
    differences: list[Difference]

    @property
    def name(self) -> str:
        """The encoders and their weights, for readers: "learned + color (1 : 0.5)"."""
        return fusion_name(self.weights)

    @property
    def using(self) -> str:
        """The encoders and their weights as a query takes them: "learned=1,color=0.5"."""
        return ",".join(f"{_quoted(name)}={weight:g}" for name, weight in self.weights.items())

    @property
    def bytes_per_image(self) -> int:
        return 4 * self.dim

    @cached_property
    def figures(self) -> dict[str, Interval]:
        """Mean and 95% bootstrap interval over queries of each metric in `per_query`."""
        return dict(zip(self.per_query, bootstrap_intervals(list(self.per_query.values())), strict=True))

    def differences_from(self, encoder: str) -> list[Difference]:
        """The differences of an encoder to the fusion, in the order of the metrics: positive where it is better."""
        return [
            Difference(encoder, self.name, found.metric, -found.mean, -found.ci_high, -found.ci_low)
            for found in self.differences
            if found.b == encoder
        ]

    @property
    def closest(self) -> Difference:
        """The difference in mAP to the encoder that alone has the highest."""
        return min((found for found in self.differences if found.metric == "map"), key=lambda found: found.mean)

    @property
    def beats_all(self) -> bool:
        """Whether its mAP is higher than that of every encoder alone, by 95% intervals that exclude zero."""
        return all(found.ci_low > 0 for found in self.differences if found.metric == "map")

    @property
    def worthwhile(self) -> bool:
        """Whether it beats all, and by enough to index several vectors for each image."""
        return self.beats_all and self.closest.mean >= LEAST_LEAD

    def to_dict(self) -> dict[str, Any]:
        """The fusion as JSON values; an interval stands beside its figure as "<key>_ci"."""
        figures: dict[str, Any] = {}
        for metric, (mean, low, high) in self.figures.items():
            figures |= {metric: mean, f"{metric}_ci": [low, high]}
        return {
            "weights": self.weights,
            "using": self.using,
            "weights_of_halves": list(self.halves),
            "dim": self.dim,
            **figures,
            "ms_per_image": self.ms_per_image,
            "bytes_per_image": self.bytes_per_image,
            "beats_all": self.beats_all,
            "differences": [difference.to_dict() for difference in self.differences],
        }

    def __repr__(self) -> str:
        return f"<Fusion '{self.using}': map {short(self.figures['map'].mean)}>"


def fusion_name(weights: Mapping[str, float]) -> str:
    """The encoders of a fusion and their weights, for readers.

    Example:
        >>> fusion_name({"learned": 1.0, "color": 0.5})
        'learned + color (1 : 0.5)'
    """
    return f"{' + '.join(weights)} ({' : '.join(f'{weight:g}' for weight in weights.values())})"


def _quoted(name: str) -> str:
    """A name as the text of a query takes it: in quotes if it has signs of its own."""
    if _PLAIN.fullmatch(name):
        return name
    quote = "'" if '"' in name else '"'
    return f"{quote}{name}{quote}"
