"""Plots of a training."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from autoenc.errors import ArgumentError
from autoenc.figures import BLUE, FAINT, GRAY, GRID, INK, ORANGE, figure, png
from autoenc.outputs import write_file
from autoenc.vectors import Images

if TYPE_CHECKING:
    from autoenc.training.emphasis import Emphasis


def training_curves(
    history: Sequence[Mapping[str, Any]],
    path: str | os.PathLike[str],
    *,
    emphasis: Emphasis | None = None,
    guides: Sequence[str] = (),
    overwrite: bool = False,
) -> Path:
    """Plot the training and the validation loss of every epoch, with the best epoch marked.

    Args:
        history: one mapping per epoch with "epoch", "loss" and, if there was a validation split, "val_loss"; numbers,
            or numbers as text, as a CSV file gives them. Other keys are not drawn.
        path: of the PNG file to write.
        emphasis: drawn beside the losses: the scores of the mixes that were compared, or the weights.
        guides: what was learned from beside the images, such as "teacher mobilenet", written below.
        overwrite: replace a file that autoenc did not write.

    Returns:
        The path.

    Raises:
        ArgumentError: no epochs.
        OutputError: as `autoenc.outputs.write_file`.

    Example:
        >>> history = [{"epoch": 1, "loss": 0.5, "val_loss": 0.6}, {"epoch": 2, "loss": 0.4, "val_loss": 0.5}]
        >>> training_curves(history, "curves.png").name
        'curves.png'
    """
    if not history:
        raise ArgumentError("Training curves need the history of at least one epoch; got none.")
    epochs = [int(row["epoch"]) for row in history]
    canvas, (axes, *beside) = figure(7.2 if emphasis is None else 11.2, 4.2, 1 if emphasis is None else 2, columns=2)
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
        axes.axvline(epochs[best], color=GRAY, linewidth=1, linestyle=":", zorder=0)
        axes.plot([epochs[best]], [measured[best]], "o", color=INK, markersize=7, markerfacecolor="none")
        axes.set_title(f"Best epoch {epochs[best]}: {measured[best]:.5g}", loc="right", fontsize=9, color=FAINT)
        axes.legend(frameon=False, labelcolor=INK)
        finite = np.concatenate([values[np.isfinite(values)] for values in drawn.values()])
        if finite.min() > 0 and finite.max() > 20 * finite.min():
            axes.set_yscale("log")
    axes.set_title("Loss while training", loc="left", fontsize=12, color=INK, fontweight="bold")
    axes.set_xlabel(f"epoch (learned from {' and '.join(guides)} too)" if guides else "epoch", color=FAINT)
    axes.set_ylabel("loss (lower is better)", color=FAINT)
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    if emphasis is not None:
        _draw_emphasis(beside[0], emphasis)
    return write_file(path, png(canvas), overwrite=overwrite)


def _draw_emphasis(axes: Axes, emphasis: Emphasis) -> None:
    """The scores of the mixes that were compared, best first, or the weights if none were."""
    chosen: list[int] = []
    if emphasis.scores:
        scores = sorted(emphasis.scores, key=lambda score: -score.total)
        rows = [(str(score.mix), score.total) for score in scores]
        chosen = [at for at, score in enumerate(scores) if score.mix == emphasis.mix]
        title, meaning = "What tells the images apart", "score without labels (higher is better); in bold, the choice"
        if chosen and scores[chosen[0]].total < scores[0].total:
            meaning += ":\nthe mean of the best, whose scores are too close to tell apart"
    else:
        rows = [*emphasis.mix.to_dict().items()]
        title, meaning = "What is learned", emphasis.reason or "weight, as asked for"
    colors = [BLUE if at in chosen else GRAY for at in range(len(rows))]
    bars = axes.barh(range(len(rows)), [value for _, value in rows], color=colors, height=0.7)
    axes.bar_label(bars, [f"{value:.3f}" for _, value in rows], padding=3, fontsize=8, color=FAINT)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    for at in chosen:
        axes.get_yticklabels()[at].set_fontweight("bold")
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_title(title, loc="left", fontsize=12, color=INK, fontweight="bold")
    axes.set_xlabel(meaning, color=FAINT, fontsize=9)


def reconstructions(
    originals: Images, reconstructed: Images, path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Draw images above their reconstructions, pixel by pixel.

    Args:
        originals: (N, H, W, 3) uint8 RGB, N from 1; the first 12 are drawn.
        reconstructed: (N, H, W, 3) uint8 RGB, what the autoencoder made of them.
        path: of the PNG file to write.
        overwrite: replace a file that autoenc did not write.

    Returns:
        The path.

    Raises:
        ArgumentError: not two such batches of one shape.
        OutputError: as `autoenc.outputs.write_file`.

    Example:
        >>> images = np.zeros((2, 32, 32, 3), np.uint8)
        >>> reconstructions(images, images, "reconstructions.png").name
        'reconstructions.png'
    """
    _check_pairs(originals, reconstructed)
    errors = np.abs(originals.astype(np.int16) - reconstructed).mean(axis=(1, 2, 3))
    height, width = originals.shape[1:3]
    return _pairs(
        (originals, reconstructed),
        ("original", "reconstruction"),
        path,
        overwrite=overwrite,
        title=f"{width}x{height} pixels in, and what came out",
        notes=[f"{error:.1f}" for error in errors],
        meaning="mean absolute error of a channel, of 255",
    )


def alterations(originals: Images, copies: Images, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Draw images above the altered copies that training shows the encoder; arguments as for `reconstructions`."""
    names, title = ("original", "altered copy"), "What the encoder sees in training"
    return _pairs((originals, copies), names, path, overwrite=overwrite, title=title)


def _check_pairs(first: Images, second: Images) -> None:
    if first.ndim != 4 or first.shape[3] != 3 or not len(first) or first.shape != second.shape:
        raise ArgumentError(
            f"Expected two batches of one shape (N, H, W, 3), N from 1; got {first.shape} and {second.shape}."
        )


def _pairs(
    rows: tuple[Images, Images],
    names: tuple[str, str],
    path: str | os.PathLike[str],
    *,
    overwrite: bool,
    title: str,
    notes: Sequence[str] = (),
    meaning: str = "",
) -> Path:
    """Two rows of up to 12 images, one above the other, with a note below each pair."""
    _check_pairs(*rows)
    count = min(len(rows[0]), 12)
    figure = Figure(figsize=(max(1.25 * count + 0.3, 5.2), 3.5), dpi=130, facecolor="white", layout="constrained")
    grid = figure.subplots(2, count, squeeze=False)
    for pictures, axes_of_row, name in zip(rows, grid, names, strict=True):
        for picture, axes in zip(pictures[:count], axes_of_row, strict=True):
            axes.imshow(picture, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            for spine in axes.spines.values():
                spine.set_color(GRID)
        axes_of_row[0].set_ylabel(name, color=INK)
    for axes, note in zip(grid[1], notes, strict=False):
        axes.set_xlabel(note, color=FAINT, fontsize=9)
    figure.suptitle(title, fontsize=12, color=INK, fontweight="bold")
    figure.supxlabel(meaning, fontsize=9, color=FAINT)
    return write_file(path, png(figure), overwrite=overwrite)
