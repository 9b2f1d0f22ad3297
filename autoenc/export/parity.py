"""Does an exported encoder do what the original does? Vectors of the same images, side by side."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from autoenc.errors import ArgumentError, ExportError
from autoenc.images.files import load_images
from autoenc.images.finding import Found, SkippedFile, gather
from autoenc.text import counted
from autoenc.vectors import Images, Vectors, evenly, unit_rows

Quantization = Literal["float16", "int8"]

LIMITS: dict[Quantization | None, tuple[float, float]] = {
    None: (0.9999, 0.99),
    "float16": (0.999, 0.98),
    "int8": (0.98, 0.90),
}
"""How the weights are kept -> the least cosine with the original, and the least share of its top ten."""

K = 10
"""Nearest neighbors that are compared."""

_MOST = 1200  # images looked at
_LEAST = 2 * (K + 1)
_CALIBRATING = 256
_DRAWN = 40  # a category


@dataclass(frozen=True)
class Parity:
    """How near two encoders are to one another.

    Attributes:
        cosine: the least cosine between the two vectors of an image.
        top10: the share of an image's ten nearest neighbors by the one that are also among its ten by the other; the
            mean over all images.
        images: how many were compared.
    """

    cosine: float
    top10: float
    images: int


def parity(original: Vectors, exported: Vectors) -> Parity:
    """Compare the vectors of two encoders.

    Args:
        original: (N, D) float32, N above 10.
        exported: (N, D) float32, of the same images.

    Example:
        >>> vectors = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
        >>> parity(vectors, 3 * vectors)
        Parity(cosine=1.0, top10=1.0, images=20)
    """
    one, other = unit_rows(original).astype(np.float64), unit_rows(exported).astype(np.float64)
    cosines = np.einsum("nd,nd->n", one, other)
    return Parity(
        cosine=round(float(cosines.min()), 6),
        top10=round(float(np.mean(_in_common(_nearest(one), _nearest(other)))), 6),
        images=len(one),
    )


def _nearest(unit: np.ndarray) -> np.ndarray:
    """(N, 10): the places of each row's nearest neighbors."""
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    return np.argsort(-cosines, axis=1, kind="stable")[:, :K]


def _in_common(one: np.ndarray, other: np.ndarray) -> list[float]:
    return [len(set(a) & set(b)) / K for a, b in zip(one.tolist(), other.tolist(), strict=True)]


def check_parity(found: Parity, quantize: Quantization | None, what: str) -> None:
    """Raise ExportError, with the figures, unless an export is near enough to the original."""
    cosine, top10 = LIMITS[quantize]
    if found.cosine < cosine or found.top10 < top10:
        raise ExportError(
            f"{what} is too far from the original on {counted(found.images, 'image')}: least cosine "
            f"{found.cosine:.6f} ({cosine} or more is expected), top 10 in common {found.top10:.3f} ({top10:.2f} or "
            f"more). It was not kept. Give images= that the model is meant for, or quantize less."
        )


@dataclass(frozen=True)
class Pictures:
    """The images of an export.

    Attributes:
        calibrating: (N, size, size, 3) uint8, by which a quantization finds the ranges of its numbers.
        comparing: others, on which the exported encoder is compared with the original.
        skipped: files that could not be used, and why.
    """

    calibrating: Images
    comparing: Images
    skipped: list[SkippedFile]


def pictures(images: str | os.PathLike[str] | None, size: int) -> Pictures:
    """Images of a folder, evenly chosen where there are many; without one, the sample catalog.

    Raises:
        NoImagesError: as for `find_images`.
        ArgumentError: fewer than 22 that can be used.
    """
    with _folder(images) as found:
        items = evenly(np.arange(len(found.items)), _MOST).tolist()
        loaded = list(load_images([found.items[at] for at in items], size))
    skipped = [each for each in loaded if isinstance(each, SkippedFile)]
    usable = [each.pixels for each in loaded if not isinstance(each, SkippedFile)]
    if len(usable) < _LEAST:
        raise ArgumentError(
            f"images= needs {_LEAST} usable images or more, so that each has {K} neighbors; got {len(usable)}."
        )
    pixels = np.stack(usable)
    calibrating = np.arange(len(pixels)) % 4 == 1 if len(pixels) >= 2 * _LEAST else np.ones(len(pixels), bool)
    comparing = ~calibrating if not calibrating.all() else calibrating
    return Pictures(evenly(pixels[calibrating], _CALIBRATING), pixels[comparing], [*found.skipped, *skipped])


@contextmanager
def _folder(images: str | os.PathLike[str] | None) -> Iterator[Found]:
    if images is not None:
        yield gather(images)
        return
    from autoenc.samples.catalog import draw_catalog

    with tempfile.TemporaryDirectory(prefix="autoenc-export-") as folder:
        draw_catalog(Path(folder, "catalog"), per_class=_DRAWN)
        yield gather(Path(folder, "catalog"))
