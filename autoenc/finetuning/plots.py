"""Plots of a fine-tuning: loss and accuracy over both phases, and the confusion matrix."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from autoenc.errors import ArgumentError
from autoenc.figures import BLUE, FAINT, GRAY, GRID, INK, ORANGE, drawable, figure, png
from autoenc.outputs import write_file
from autoenc.vectors import Indices

_NUMBERED = 25
"""Classes at most whose counts are written into the matrix."""

_NAMED = 60
"""Classes at most whose names are."""


def history_plot(
    history: Sequence[Mapping[str, Any]], path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Plot loss and accuracy of every epoch, in training and in validation, with the boundary between the phases.

    Args:
        history: one mapping per epoch with "epoch", "phase" (1 or 2), "loss", "accuracy", "val_loss" and
            "val_accuracy"; numbers, or numbers as text, as a CSV file gives them.
        path: of the PNG file to write.
        overwrite: replace a file that autoenc did not write.

    Returns:
        The path.

    Raises:
        ArgumentError: no epochs.
        OutputError: as `autoenc.outputs.write_file`.

    Example:
        >>> row = {"loss": 0.5, "accuracy": 0.7, "val_loss": 0.6, "val_accuracy": 0.6}
        >>> history_plot([{"epoch": 1, "phase": 1, **row}, {"epoch": 2, "phase": 2, **row}], "curves.png").name
        'curves.png'
    """
    if not history:
        raise ArgumentError("A plot needs the history of at least one epoch; got none.")
    epochs = [int(row["epoch"]) for row in history]
    best = int(np.argmin([float(row["val_loss"]) for row in history]))
    head = sum(int(float(row["phase"])) == 1 for row in history)
    canvas, panels = figure(5.6 * 2, 4.2, 2, columns=2)
    for axes, key, title, better in (
        (panels[0], "loss", "Loss", "lower"),
        (panels[1], "accuracy", "Accuracy", "higher"),
    ):
        for name, label, color, dash in (
            (key, "training", BLUE, "-"),
            (f"val_{key}", "validation", ORANGE, (0, (5, 2))),
        ):
            values = [float(row[name]) for row in history]
            axes.plot(epochs, values, color=color, linestyle=dash, linewidth=2, marker="o", markersize=3, label=label)
        chosen = float(history[best][f"val_{key}"])
        axes.plot([epochs[best]], [chosen], "o", color=INK, markersize=7, markerfacecolor="none")
        axes.set_title(f"Best epoch {epochs[best]}: {chosen:.4g}", loc="right", fontsize=9, color=FAINT)
        if 0 < head < len(epochs):
            axes.axvline(head + 0.5, color=GRAY, linewidth=1, linestyle=":", zorder=0)
            for side, name in (("right", "head alone "), ("left", " top blocks too")):
                axes.text(
                    head + 0.5, 1.0, name, transform=axes.get_xaxis_transform(), ha=side, va="top", fontsize=8,
                    color=FAINT,
                )  # fmt: skip
        axes.set_title(title, loc="left", fontsize=12, color=INK, fontweight="bold")
        axes.set_xlabel("epoch", color=FAINT)
        axes.set_ylabel(f"{key} ({better} is better)", color=FAINT)
        axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(axis="y", color=GRID, linewidth=0.8)
    handles, labels = panels[0].get_legend_handles_labels()
    canvas.legend(handles, labels, frameon=False, labelcolor=INK, loc="outside lower center", ncols=2)
    return write_file(path, png(canvas), overwrite=overwrite)


def confusion_plot(
    matrix: Indices, classes: Sequence[str], path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Draw a confusion matrix: a row for each true class, a column for each predicted one.

    Args:
        matrix: (C, C) counts, row i and column j for images of class i that are predicted to be of class j.
        classes: the C names. Beyond 60 of them they are left out, beyond 25 the counts are.
        path: of the PNG file to write.
        overwrite: replace a file that autoenc did not write.

    Returns:
        The path.

    Raises:
        OutputError: as `autoenc.outputs.write_file`.

    Example:
        >>> confusion_plot(np.array([[3, 1], [0, 4]]), ["bag", "shoe"], "confusion.png").name
        'confusion.png'
    """
    count = len(classes)
    side = float(np.clip(2.4 + 0.42 * count, 4.5, 14))
    canvas, (axes,) = figure(side, side)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    if count <= _NUMBERED:
        for (row, column), images in np.ndenumerate(matrix):
            if images:
                ink = "white" if shares[row, column] > 0.5 else INK
                axes.text(column, row, str(images), ha="center", va="center", fontsize=8, color=ink)
    if count <= _NAMED:
        names = [drawable(name) for name in classes]
        axes.set_xticks(range(count), names, rotation=90)
        axes.set_yticks(range(count), names)
    right = np.trace(matrix) / max(1, matrix.sum())
    axes.set_title("Confusion matrix", loc="left", fontsize=12, color=INK, fontweight="bold")
    axes.set_title(f"{right:.1%} right", loc="right", fontsize=9, color=FAINT)
    axes.set_xlabel("predicted class", color=FAINT)
    axes.set_ylabel("true class", color=FAINT)
    return write_file(path, png(canvas), overwrite=overwrite)
