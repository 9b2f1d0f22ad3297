"""The records of a comparison: per-query scores, and the figures and intervals that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.images.finding import SkippedFile
from autoenc.metrics.scores import Interval, bootstrap_intervals
from autoenc.vectors import Indices

SELFRECALL = (1, 5, 10)
"""The k of the label-free recall."""

TOP = 10
"""How many of each query's neighbors are kept."""


@dataclass(frozen=True)
class EncoderScores:
    """How one encoder did.

    Attributes:
        name: of the encoder, "+pca32" included.
        dim: length of a vector; a vector takes 4 * dim bytes.
        ms_per_image: milliseconds to encode one image (pixels in memory -> vector), in batches.
        per_query: metric name ("p@5", "p@10", "hit@5", "recall@10", "map", "knn@10") -> (L,) float64, one score
            for each of the comparison's labeled queries; empty without labels.
        selfrecall: k (1, 5, 10) -> (S,) float64, 1.0 where the altered copy of an image finds its original among the
            first k, for each image of `Comparison.altered`.
        top: (Q, 10) indices into the gallery, nearest first, for every query; fewer columns in a gallery of fewer.
    """

    name: str
    dim: int
    ms_per_image: float
    per_query: dict[str, npt.NDArray[np.float64]]
    selfrecall: dict[int, npt.NDArray[np.float64]]
    top: Indices

    @property
    def bytes_per_image(self) -> int:
        return 4 * self.dim

    @property
    def metrics(self) -> tuple[str, ...]:
        """What was measured: the labeled metrics, if any, then "selfrecall@1" and so on."""
        return (*self.per_query, *(f"selfrecall@{k}" for k in self.selfrecall))

    def scores(self, metric: str) -> npt.NDArray[np.float64]:
        """The per-query scores of one of `metrics`."""
        if metric.startswith("selfrecall@"):
            return self.selfrecall[int(metric.removeprefix("selfrecall@"))]
        return self.per_query[metric]

    @cached_property
    def figures(self) -> dict[str, Interval]:
        """Mean and 95% bootstrap interval over queries of each of `metrics`."""
        return {
            metric: interval
            for group in (list(self.per_query), [f"selfrecall@{k}" for k in self.selfrecall])
            if group and len(self.scores(group[0]))
            for metric, interval in zip(
                group, bootstrap_intervals([self.scores(metric) for metric in group]), strict=True
            )
        }


@dataclass(frozen=True)
class Difference:
    """Paired difference of a metric between two encoders over the same queries: mean of a - b, 95% interval."""

    a: str
    b: str
    metric: str
    mean: float
    ci_low: float
    ci_high: float

    @property
    def excludes_zero(self) -> bool:
        return self.ci_low > 0 or self.ci_high < 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "a": self.a,
            "b": self.b,
            "metric": self.metric,
            "mean": self.mean,
            "ci_low": self.ci_low,
            "ci_high": self.ci_high,
            "excludes_zero": self.excludes_zero,
        }


@dataclass(frozen=True)
class Comparison:
    """The outcome of `compare`.

    Attributes:
        gallery: paths of the images searched among; queries: paths of the images searched with.
        gallery_labels, query_labels: a label or None for each.
        labeled: indices into `queries` of those that the per-query scores are about (they have a label and at
            least one other image in the gallery shares it).
        altered: indices into the gallery of the images whose altered copies were searched for.
        leave_one_out: queries are gallery images, each left out of its own results.
        encoders: name -> scores, in the order asked for.
        differences: of "learned" (or of the first encoder, without it) to every other encoder.
        unlabeled: how many gallery images and queries have no label. ignored: files without an image's extension.
        skipped: files that could not be read.
        bundle: the folder of the learned encoder's bundle, if it took part.
        seconds: how long the comparison took.
        left_out: how many queries have a label that no other image in the gallery shares.
        notes: sentences that a reader of the figures has to know, such as why there is no labeled part.
    """

    gallery: list[Path]
    queries: list[Path]
    gallery_labels: list[str | None]
    query_labels: list[str | None]
    labeled: Indices
    altered: Indices
    leave_one_out: bool
    encoders: dict[str, EncoderScores]
    differences: list[Difference]
    unlabeled: int = 0
    ignored: int = 0
    skipped: list[SkippedFile] = field(default_factory=list)
    bundle: str | None = None
    seconds: float = 0.0
    left_out: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def metrics(self) -> tuple[str, ...]:
        """What was measured, in order; the same for every encoder."""
        return next(iter(self.encoders.values())).metrics

    @cached_property
    def classes(self) -> dict[str, Indices]:
        """Label -> positions in `labeled`, and so in every `per_query`, of the queries that have it."""
        labels = np.asarray([self.query_labels[query] or "" for query in self.labeled], object)
        return {str(label): np.flatnonzero(labels == label) for label in sorted(set(labels))}

    def per_class(self, encoder: str) -> dict[str, dict[str, float]]:
        """Label -> metric -> mean over the labeled queries of that label, for one encoder."""
        scores = self.encoders[encoder].per_query
        return {
            label: {metric: float(values[at].mean()) for metric, values in scores.items()}
            for label, at in self.classes.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON values; an interval stands beside its figure as "<key>_ci"."""
        return {
            "encoders": {name: self._encoder_dict(scores) for name, scores in self.encoders.items()},
            "differences": [difference.to_dict() for difference in self.differences],
            "gallery": len(self.gallery),
            "queries": len(self.queries),
            "labeled": len(self.labeled),
            "altered": len(self.altered),
            "classes": {label: len(at) for label, at in self.classes.items()},
            "leave_one_out": self.leave_one_out,
            "unlabeled": self.unlabeled,
            "left_out": self.left_out,
            "ignored": self.ignored,
            "skipped": [file.to_dict() for file in self.skipped],
            "bundle": self.bundle,
            "notes": list(self.notes),
            "seconds": self.seconds,
        }

    def _encoder_dict(self, scores: EncoderScores) -> dict[str, Any]:
        values: dict[str, Any] = {"dim": scores.dim}
        for metric, (mean, low, high) in scores.figures.items():
            values[metric] = mean
            values[f"{metric}_ci"] = [low, high]
        values["ms_per_image"] = scores.ms_per_image
        values["bytes_per_image"] = scores.bytes_per_image
        if self.classes:
            values["per_class"] = self.per_class(scores.name)
        return values
