"""Every encoder on one split of the user's own images, with per-query scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.images import SkippedFile


@dataclass(frozen=True)
class EncoderScores:
    """How one encoder did.

    Attributes:
        name: of the encoder, "+pca32" included.
        dim: length of a vector; a vector takes 4 * dim bytes.
        ms_per_image: milliseconds to encode one image (pixels in memory -> vector), in batches.
        per_query: metric name ("p@5", "p@10", "hit@5", "recall@10", "map", "knn@10") -> (L,) float64, one score
            for each of the comparison's labelled queries; empty without labels.
        selfrecall: k (1, 5, 10) -> (S,) float64, 1.0 where the altered copy of an image finds its original among the
            first k, for each image of `Comparison.altered`.
        top: (Q, 10) indices into the gallery, nearest first, for every query.
    """

    name: str
    dim: int
    ms_per_image: float
    per_query: dict[str, npt.NDArray[np.float64]]
    selfrecall: dict[int, npt.NDArray[np.float64]]
    top: npt.NDArray[np.int64]


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


@dataclass(frozen=True)
class Comparison:
    """The outcome of `compare`.

    Attributes:
        gallery: paths of the images searched among; queries: paths of the images searched with.
        gallery_labels, query_labels: a label or None for each.
        labelled: indices into `queries` of those that the per-query scores are about (they have a label and at
            least one other image in the gallery shares it).
        altered: indices into the gallery of the images whose altered copies were searched for.
        leave_one_out: queries are gallery images, each left out of its own results.
        encoders: name -> scores, in the order asked for.
        differences: of "learned" (or of the first encoder, without it) to every other encoder.
        unlabelled: how many gallery images and queries have no label. ignored: files without an image's extension.
        skipped: files that could not be read.
        bundle: the folder of the learned encoder's bundle, if it took part.
        seconds: how long the comparison took.
    """

    gallery: list[Path]
    queries: list[Path]
    gallery_labels: list[str | None]
    query_labels: list[str | None]
    labelled: npt.NDArray[np.int64]
    altered: npt.NDArray[np.int64]
    leave_one_out: bool
    encoders: dict[str, EncoderScores]
    differences: list[Difference]
    unlabelled: int = 0
    ignored: int = 0
    skipped: list[SkippedFile] = field(default_factory=list)
    bundle: str | None = None
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON values; an interval stands beside its figure as "<key>_ci"."""
        raise NotImplementedError
