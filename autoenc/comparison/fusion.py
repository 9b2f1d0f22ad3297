"""The record of a fusion: several encoders, or encoders and attributes, that are searched with together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.comparison.attributes import Attribute
from autoenc.comparison.records import Difference
from autoenc.comparison.weights import Part, Weights
from autoenc.metrics.bootstrap import Interval, bootstrap_intervals
from autoenc.text import short
from autoenc.vectors import Indices

LEAST_LEAD = 0.01
"""In mAP: a smaller lead is not worth longer vectors."""

_PLAIN = re.compile(r"[\w.+-]+")


@dataclass(frozen=True, repr=False)
class Fusion:
    """The scores of a fusion of encoders, or of a hybrid of encoders and attributes: the weighted sum of their parts.

    A cosine is scaled as in a store: 0 is the median of random pairs, 1 that of nearest neighbors (see `Scale`). An
    attribute counts as in a store, too: 1 where an image shares the query's value, and for a number 0.5 ** (difference
    / scale). Every image is ranked by the whole sum; a store does so with the candidates that it finds (see
    `Store.search_hybrid`). A query without a value is searched without that part.

    The weights are found on one half of the labeled queries and scored on the other, both ways, so that every query is
    scored once, and never by weights that it has helped to find. The weights to search with are found on both halves.

    Attributes:
        weights: encoder or attribute -> its weight, found on all labeled queries. The largest of an encoder is 1.
        halves: the same, found on each half alone.
        half: (L,) int64, 0 or 1: the half that each labeled query belongs to; it was scored by the other's weights.
        dim: how many numbers its encoders' vectors have, taken together; each takes 4 bytes.
        ms_per_image: milliseconds to encode an image by all of its encoders.
        per_query: as in `EncoderScores`.
        differences: of the fusion to every encoder of the comparison, and of a hybrid to the fusion as well, in every
            metric that needs labels.
        model_bytes: size of the models of all of its encoders.

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

    weights: dict[Part, float]
    halves: tuple[dict[Part, float], dict[Part, float]]
    half: Indices
    dim: int
    ms_per_image: float
    per_query: dict[str, npt.NDArray[np.float64]]
    differences: list[Difference]
    model_bytes: int = 0

    @property
    def name(self) -> str:
        """The encoders and their weights, for readers: "learned + color (1 : 0.5)"."""
        return fusion_name(self.weights)

    @property
    def using(self) -> str:
        """The encoders and their weights as a query takes them: "learned=1,color=0.5"."""
        return ",".join(f"{_quoted(name)}={weight:g}" for name, weight in self.encoders.items())

    @property
    def encoders(self) -> dict[str, float]:
        """Encoder -> its weight."""
        return {part: weight for part, weight in self.weights.items() if isinstance(part, str)}

    @property
    def attributes(self) -> dict[Attribute, float]:
        """Attribute -> its weight; none for a fusion of encoders."""
        return {part: weight for part, weight in self.weights.items() if isinstance(part, Attribute)}

    @property
    def boost(self) -> str:
        """The fields whose values are shared, and their weights, as a query takes them: "brand=0.5"; or empty."""
        found = ((part.field, weight) for part, weight in self.attributes.items() if part.scale is None)
        return ",".join(f"{_quoted(field)}={weight:g}" for field, weight in found)

    @property
    def near(self) -> str:
        """The fields of numbers, likewise: "price~10=0.25"; or empty."""
        found = ((part, weight) for part, weight in self.attributes.items() if part.scale is not None)
        return ",".join(f"{_quoted(part.field)}~{part.scale:g}={weight:g}" for part, weight in found)

    @property
    def options(self) -> dict[str, str]:
        """What a query takes, without what is empty: `using`, `boost` and `near`."""
        found = {"using": self.using, "boost": self.boost, "near": self.near}
        return {name: text for name, text in found.items() if text}

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
        """The difference in mAP to the encoder, or the fusion, that alone has the highest."""
        return min((found for found in self.differences if found.metric == "map"), key=lambda found: found.mean)

    @property
    def beats_all(self) -> bool:
        """Whether its mAP is higher than that of all it is compared with, by 95% intervals that exclude zero."""
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
            "weights": _told(self.weights),
            **self.options,
            "weights_of_halves": [_told(weights) for weights in self.halves],
            "dim": self.dim,
            **figures,
            "ms_per_image": self.ms_per_image,
            "bytes_per_image": self.bytes_per_image,
            "model_bytes": self.model_bytes,
            "beats_all": self.beats_all,
            "differences": [difference.to_dict() for difference in self.differences],
        }

    def __repr__(self) -> str:
        return f"<Fusion '{self.using}': map {short(self.figures['map'].mean)}>"


def fusion_name(weights: Weights) -> str:
    """The encoders and attributes of a fusion and their weights, for readers.

    Example:
        >>> fusion_name({"learned": 1.0, "color": 0.5})
        'learned + color (1 : 0.5)'
        >>> fusion_name({"learned": 1.0, Attribute("brand"): 0.5, Attribute("price", 10.0): 0.25})
        'learned + boost brand + near price~10 (1 : 0.5 : 0.25)'
    """
    return f"{' + '.join(map(_name, weights))} ({' : '.join(f'{weight:g}' for weight in weights.values())})"


def _name(part: Part) -> str:
    if isinstance(part, str):
        return part
    return f"boost {part.field}" if part.scale is None else f"near {part.field}~{part.scale:g}"


def _told(weights: Weights) -> dict[str, float]:
    return {_name(part): weight for part, weight in weights.items()}


def _quoted(name: str) -> str:
    """A name as the text of a query takes it: in quotes if it has signs of its own."""
    if _PLAIN.fullmatch(name):
        return name
    quote = "'" if '"' in name else '"'
    return f"{quote}{name}{quote}"
