"""The records of a comparison: a score per query, and the figures and intervals computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autoenc.encoders import ENCODERS, TrainedEmphasis, base_name, is_known
from autoenc.errors import ArgumentError
from autoenc.images.finding import NamedPicture, SkippedFile, path_of
from autoenc.metrics.bootstrap import Interval, bootstrap_intervals
from autoenc.text import counted, short, shown
from autoenc.vectors import Indices

if TYPE_CHECKING:
    from autoenc.comparison.fusion import Fusion

TOP = 10
"""How many of each query's neighbors are kept."""


@dataclass(frozen=True, repr=False)
class EncoderScores:
    """The scores of one encoder.

    Attributes:
        name: the encoder's name, "+pca32" included.
        dim: length of a vector, which takes 4 * dim bytes.
        ms_per_image: milliseconds to encode one image (pixels in memory -> vector), in batches.
        per_query: metric name ("p@5", "p@10", "hit@5", "recall@10", "map", "knn@10") -> (L,) float64, one score
            for each of the comparison's labeled queries; empty without labels.
        selfrecall: k (1, 5, 10) -> (S,) float64, 1.0 where the altered copy of an image finds its original among the
            first k, for each image of `Comparison.altered`.
        top: (Q, 10) indices into the gallery, nearest first, for every query; fewer columns for a smaller gallery.
        origin: where a trained encoder was loaded from; None for an encoder that is not trained.
        emphasis, fingerprint: as the encoder's.
    """

    name: str
    dim: int
    ms_per_image: float
    per_query: dict[str, npt.NDArray[np.float64]]
    selfrecall: dict[int, npt.NDArray[np.float64]]
    top: Indices
    origin: str | None = None
    emphasis: TrainedEmphasis | None = None
    fingerprint: str = ""

    @property
    def bytes_per_image(self) -> int:
        return 4 * self.dim

    @property
    def metrics(self) -> tuple[str, ...]:
        """What was measured: the metrics that need labels, if any, then "selfrecall@1" and so on."""
        return (*self.per_query, *self._self_recall)

    def scores(self, metric: str) -> npt.NDArray[np.float64]:
        """The per-query scores of one of `metrics`.

        Raises:
            ArgumentError: a metric that was not measured.
        """
        scores = self.per_query | self._self_recall
        if metric not in scores:
            raise ArgumentError(f"Metric '{metric}' was not measured; there are: {', '.join(self.metrics)}.")
        return scores[metric]

    @cached_property
    def figures(self) -> dict[str, Interval]:
        """Mean and 95% bootstrap interval over queries of each of `metrics`."""
        return {
            metric: interval
            for group in (self.per_query, self._self_recall)
            for metric, interval in zip(group, bootstrap_intervals(list(group.values())) if group else [], strict=True)
        }

    @property
    def _self_recall(self) -> dict[str, npt.NDArray[np.float64]]:
        return {f"selfrecall@{k}": found for k, found in self.selfrecall.items()}

    def __repr__(self) -> str:
        figures = [f"{metric} {short(self.scores(metric).mean())}" for metric in self.metrics]
        return f"<EncoderScores '{self.name}' {self.dim}-d: {', '.join(figures)}>"


@dataclass(frozen=True)
class Difference:
    """The paired difference of a metric between two encoders over the same queries: mean of a - b, 95% interval."""

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
        return asdict(self) | {"excludes_zero": self.excludes_zero}


@dataclass(frozen=True, repr=False)
class Comparison:
    """The result of `compare`.

    Attributes:
        gallery_pictures: the images that were searched: files, or the pictures in memory themselves, for thumbnails.
        query_pictures: the images that were searched for, likewise.
        gallery_labels, query_labels: a label or None for each.
        labeled: indices into `queries` of those with per-query scores: they have a label that at least one other
            image in the gallery shares.
        altered: indices into the gallery of the images whose altered copies were searched for.
        leave_one_out: whether the queries are gallery images, each left out of its own results.
        encoders: name -> scores, in the order asked for.
        differences: of `reference` to every other encoder.
        unlabeled: number of images without a label. ignored: number of files that are not images.
        skipped: files that could not be read.
        seconds: how long the comparison took.
        left_out: number of queries with a label that no other image in the gallery shares.
        notes: sentences that a reader of the figures must know, such as why nothing was scored by label.
        folders: the folders that were searched for images; no report is written into them.
        fusion: several encoders that are searched with together; None if that was not tried.
        hybrid: encoders and attributes that are searched with together; None if that was not tried, or nothing helped.
        boosts_tried: whether attributes were tried.
    """

    gallery_pictures: list[Path | NamedPicture]
    query_pictures: list[Path | NamedPicture]
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
    seconds: float = 0.0
    left_out: int = 0
    notes: list[str] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    fusion: Fusion | None = None
    hybrid: Fusion | None = None
    boosts_tried: bool = False

    @property
    def together(self) -> list[Fusion]:
        """What searches by several things at once: the fusion and the hybrid, as far as there are any."""
        return [found for found in (self.fusion, self.hybrid) if found is not None]

    @cached_property
    def gallery(self) -> list[Path]:
        """The path of each image that was searched; of a picture in memory, its number."""
        return [path_of(picture) for picture in self.gallery_pictures]

    @cached_property
    def queries(self) -> list[Path]:
        """The path of each query; of a picture in memory, its number."""
        return [path_of(picture) for picture in self.query_pictures]

    @property
    def metrics(self) -> tuple[str, ...]:
        """What was measured, in order; the same for every encoder."""
        return self.encoders[self.reference].metrics

    @property
    def main_metric(self) -> str:
        """The metric to judge by: "map" with labels, "selfrecall@1" without."""
        return next(metric for metric in ("map", "selfrecall@1") if metric in self.metrics)

    @property
    def reference(self) -> str:
        """The encoder that the others are compared to: the first that is trained, or else the first."""
        return reference_of(self.encoders)

    @property
    def model(self) -> str | None:
        """Where the model of `reference` was loaded from; None if no encoder is trained."""
        return self.encoders[self.reference].origin

    @cached_property
    def classes(self) -> dict[str, Indices]:
        """Label -> the positions of its queries in `labeled`, and so in every `per_query`."""
        labels = np.asarray([self.query_labels[query] or "" for query in self.labeled], object)
        return {str(label): np.flatnonzero(labels == label) for label in sorted(set(labels))}

    def per_class(self, encoder: str) -> dict[str, dict[str, float]]:
        """Label -> metric -> mean over the labeled queries with that label, for one encoder."""
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
            "fusion": None if self.fusion is None else self.fusion.to_dict(),
            "hybrid": None if self.hybrid is None else self.hybrid.to_dict(),
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
            "model": None if self.model is None else shown(self.model),
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

    def __repr__(self) -> str:
        metric, queries = self.main_metric, counted(len(self.queries), "query", "queries")
        figures = ", ".join(f"{name} {short(scores.scores(metric).mean())}" for name, scores in self.encoders.items())
        return f"<Comparison of {counted(len(self.gallery), 'image')}, {queries}, by {metric}: {figures}>"


def reference_of(encoders: Mapping[str, EncoderScores]) -> str:
    """The encoder that the others are compared to: the first that is trained, or else the first."""
    made_of_models = (name for name, scores in encoders.items() if scores.origin is not None)
    trained = (name for name in made_of_models if _is_trained(name, encoders[name].origin))
    return next(trained, next(iter(encoders)))


def _is_trained(name: str, origin: str | None) -> bool:
    """Whether an encoder was trained on images like these: `learned`, or one of the user's that was made of a model."""
    base = base_name(name)
    return ENCODERS[base].trained if base in ENCODERS else not is_known(base, origin)
