"""Plots of a training, and the plain style that every plot of the project has.

Drawn through Matplotlib's Figure alone: no window, no pyplot, no global state. Colours are told apart by readers who
do not see all of them (Okabe and Ito's), and none stands alone for a meaning.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from autoenc.errors import ArgumentError
from autoenc.output import write_file

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#9AA2AE"
INK, FAINT, GRID = "#22272F", "#5B6470", "#E3E6EA"


def training_curves(history: Sequence[Mapping[str, Any]], path: str | os.PathLike[str]) -> Path:
    """Loss against epoch, of training and validation, with the best epoch marked; written as PNG.

    Args:
        history: one mapping an epoch with "epoch", "loss" and, if there was a validation split, "val_loss"; numbers,
            or numbers as text, as a CSV file gives them. Other keys are not drawn.
        path: of the file to write.

    Raises:
        ArgumentError: no epochs. OutputError: the file cannot be written.
    """
    if not history:
        raise ArgumentError("Training curves need the history of at least one epoch, and got none.")
    epochs = [int(row["epoch"]) for row in history]
    canvas, (axes,) = figure(7.2, 4.2)
    drawn: dict[str, npt.NDArray[np.float64]] = {}
    for key, label, color in (("loss", "training", BLUE), ("val_loss", "validation", ORANGE)):
        values = np.array([float(row.get(key) or math.nan) for row in history])
        if np.isfinite(values).any():
            drawn[label] = values
            dash = "-" if key == "loss" else (0, (5, 2))
            axes.plot(epochs, values, color=color, linestyle=dash, linewidth=2, marker="o", markersize=3, label=label)
    measured = drawn.get("validation", drawn.get("training"))
    if measured is not None:
        best = int(np.nanargmin(measured))
        axes.axvline(epochs[best], color=GREY, linewidth=1, linestyle=":", zorder=0)
        axes.plot([epochs[best]], [measured[best]], "o", color=INK, markersize=7, markerfacecolor="none")
        axes.set_title(f"Best epoch {epochs[best]}: {measured[best]:.5g}", loc="right", fontsize=9, color=FAINT)
        axes.legend(frameon=False, labelcolor=INK)
        finite = np.concatenate([values[np.isfinite(values)] for values in drawn.values()])
        if finite.min() > 0 and finite.max() > 20 * finite.min():
            axes.set_yscale("log")
    axes.set_title("Loss while training", loc="left", fontsize=12, color=INK, fontweight="bold")
    axes.set_xlabel("epoch", color=FAINT)
    axes.set_ylabel("loss (lower is better)", color=FAINT)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    return write_file(path, _png(canvas))


def reconstructions(
    originals: npt.NDArray[np.uint8], reconstructed: npt.NDArray[np.uint8], path: str | os.PathLike[str]
) -> Path:
    """Pictures above what the autoencoder made of them, pixel by pixel; written as PNG.

    Args:
        originals: (N, H, W, 3) uint8 RGB, N from 1; the first 12 are drawn.
        reconstructed: the same of what came out.
        path: of the file to write.

    Raises:
        ArgumentError: not two such batches of one shape. OutputError: the file cannot be written.
    """
    if originals.ndim != 4 or originals.shape[3] != 3 or not len(originals) or originals.shape != reconstructed.shape:
        raise ArgumentError(
            "Expected originals and reconstructions of one shape (N, H, W, 3), N from 1; got "
            f"{originals.shape} and {reconstructed.shape}."
        )
    pairs = list(zip(originals[:12], reconstructed[:12], strict=True))
    figure = Figure(figsize=(max(1.25 * len(pairs) + 0.3, 5.2), 3.5), dpi=130, facecolor="white", layout="constrained")
    grid = figure.subplots(2, len(pairs), squeeze=False)
    for column, (before, after) in enumerate(pairs):
        error = np.abs(before.astype(np.int16) - after).mean()
        for axes, pixels in zip(grid[:, column], (before, after), strict=True):
            axes.imshow(pixels, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            for spine in axes.spines.values():
                spine.set_color(GRID)
        grid[1, column].set_xlabel(f"{error:.1f}", color=FAINT, fontsize=9)
    grid[0, 0].set_ylabel("original", color=INK)
    grid[1, 0].set_ylabel("reconstruction", color=INK)
    height, width = originals.shape[1:3]
    figure.suptitle(f"{width}x{height} pixels in, and what came out", fontsize=12, color=INK, fontweight="bold")
    figure.supxlabel("mean absolute error of a channel, of 255", fontsize=9, color=FAINT)
    return write_file(path, _png(figure))


def figure(width: float, height: float, panels: int = 1, *, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of inches with as many panels; `height` is that of one row of them."""
    rows = math.ceil(panels / columns)
    layout = ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.1)  # inches
    figure = Figure(figsize=(width, height * rows), facecolor="white", layout=layout)
    grid = list(np.ravel(figure.subplots(rows, columns, squeeze=False)))
    for spare in grid[panels:]:
        spare.remove()
    for axes in grid[:panels]:
        axes.set_axisbelow(True)
        axes.tick_params(colors=FAINT, labelsize=8, length=0)
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(GRID)
    return figure, grid[:panels]


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()
