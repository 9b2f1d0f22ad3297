"""What the frozen part of a base makes of altered copies of the images: computed once, kept in files for a resume."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoenc.errors import TrainingError
from autoenc.images.alterations import altered_copies
from autoenc.progress import Progress
from autoenc.text import shown
from autoenc.vectors import Images, Indices, Pixels, Vectors

ACTIVATIONS, FEATURES = "activations.bin", "features.bin"
"""The files, in the folder of the checkpoint."""

GAIN = 0.15
"""How far copies are recolored: the class of an image is seldom a matter of its exact color."""

_BATCH = 32

Describe = Callable[[Images], tuple[npt.NDArray[np.float16], Vectors]]
"""(N, S, S, 3) uint8 -> activations (N, h, w, c) float16, and features (N, D) float32."""

Forms = tuple[tuple[int, ...], int]
"""(h, w, c) of the activations of an image, and D of its features."""


@dataclass(frozen=True)
class Copies:
    """Maps each row of the features to an image and one of its altered copies.

    The first rows are all images as they are. After them, each block has one more copy of those to train on: the first
    is mirrored, the next ones are cropped, recolored and mirrored half of the time.

    Attributes:
        count: how many images there are.
        training: the images to train on.
        copies: how many copies of each there are, the plain one included.
    """

    count: int
    training: Indices
    copies: int

    @property
    def rows(self) -> int:
        return self.count + (self.copies - 1) * len(self.training)

    def row(self, positions: Indices, copy: Indices) -> Indices:
        """The rows of some copies of some images to train on.

        Args:
            positions: (N,) where each image is in `training`.
            copy: (N,) from 0, which is the plain one, to `copies` - 1.

        Example:
            >>> copies = Copies(5, np.array([0, 2, 4]), copies=3)
            >>> copies.rows, copies.row(np.array([2, 2, 2]), np.array([0, 1, 2])).tolist()
            (11, [4, 7, 10])
        """
        altered = self.count + (copy - 1) * len(self.training) + positions
        return np.where(copy == 0, self.training[positions], altered)

    def images(self, rows: Indices, plain: Pixels) -> Images:
        """The pixels of some rows, (N, S, S, 3) uint8.

        Args:
            rows: (N,) from 0 to `rows` - 1.
            plain: (count, S, S, 3) uint8, the images as they are.
        """
        beyond = np.maximum(rows - self.count, 0)
        copy = np.where(rows < self.count, 0, 1 + beyond // len(self.training))
        image = np.where(rows < self.count, rows, self.training[beyond % len(self.training)])
        made = np.array(plain[image])
        made[copy == 1] = made[copy == 1][:, :, ::-1]
        for seed in range(2, self.copies):
            chosen = copy == seed
            if chosen.any():
                made[chosen] = altered_copies(made[chosen], seed=seed, indices=image[chosen], gain=GAIN)
        return made


@dataclass(frozen=True)
class Features:
    """What a base makes of all copies, one row each.

    Attributes:
        activations: (rows, h, w, c) float16, what its top blocks take; in a file.
        features: (rows, D) float32, what its top blocks make of them as they were pretrained.
        seconds: how long it took in this session.
    """

    activations: npt.NDArray[np.float16]
    features: Vectors
    seconds: float


def check_room(forms: Forms, copies: Copies, folder: Path, *, begun: bool) -> None:
    """Find out whether the disk has room for the features, but for what an interrupted run has left.

    Args:
        forms: of a row.
        copies: which rows there are.
        folder: where the files are.
        begun: whether a saved state keeps the number of copies as it is.

    Raises:
        TrainingError: it has none.
    """
    widths = _widths(forms, folder)
    needed, free = (copies.rows - _done(widths, copies)) * sum(widths.values()), shutil.disk_usage(folder).free
    if needed > free:
        remedy = "Free some room." if begun or copies.copies == 1 else "Lower copies=, or free some room."
        raise TrainingError(
            f"What the base makes of {copies.count:,} images takes {needed / 1e9:.1f} GB beside the model, until the "
            f"fine-tuning ends; {shown(folder)} has {free / 1e9:.1f} GB free. {remedy}"
        )


def compute(
    describe: Describe, forms: Forms, copies: Copies, images: Images, folder: Path, progress: Progress
) -> Features:
    """Run the frozen base on every copy, but for the rows that an interrupted run has left in the files.

    Args:
        describe: the base.
        forms: of a row.
        copies: which rows there are.
        images: (count, S, S, 3) uint8.
        folder: where the files are.
        progress: called with the number of rows done.

    Raises:
        TrainingError: they cannot be written.
    """
    shape, dim = forms
    widths = _widths(forms, folder)
    activations, features = widths
    start = time.perf_counter()
    try:
        done = _done(widths, copies)
        with activations.open("ab") as first, features.open("ab") as second:
            for file, width in ((first, widths[activations]), (second, widths[features])):
                file.truncate(done * width)
            for at in range(done, copies.rows, _BATCH):
                rows = np.arange(at, min(at + _BATCH, copies.rows))
                made = describe(copies.images(rows, images))
                first.write(made[0].tobytes())
                second.write(made[1].tobytes())
                progress("features", int(rows[-1]) + 1, copies.rows, "")
        return Features(
            np.memmap(activations, np.float16, "r", shape=(copies.rows, *shape)),
            np.fromfile(features, np.float32).reshape(copies.rows, dim),
            time.perf_counter() - start,
        )
    except OSError as error:
        raise TrainingError(f"{shown(folder)} cannot be written: {error.strerror or error}.") from error


def _widths(forms: Forms, folder: Path) -> dict[Path, int]:
    """Each file -> the bytes of a row."""
    shape, dim = forms
    return {folder / ACTIVATIONS: 2 * math.prod(shape), folder / FEATURES: 4 * dim}


def _done(widths: dict[Path, int], copies: Copies) -> int:
    """How many rows both files have whole."""
    return min(copies.rows, *(file.stat().st_size // width if file.exists() else 0 for file, width in widths.items()))
