"""The plots of a comparison, each as the bytes of an SVG file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from autoenc.comparison.records import Comparison
from autoenc.figures import BLUE, FAINT, GRID, INK, ORANGE, drawable, drawable_lines, figure
from autoenc.metrics.registry import find_metric
from autoenc.report.findings import differences_to_all
from autoenc.text import short

if TYPE_CHECKING:  # an optional package, which `figure` asks for
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES = 40
"""How many labels are drawn; a table holds all of them."""

_BARS = ("p@5", "map", "recall@10", "hit@5", "knn@10", "selfrecall@1")


def metric_bars(comparison: Comparison) -> bytes:
    """Bars of each metric by encoder, fusion and hybrid, best first, with 95% intervals.

    Self-recall is of encoders alone: no altered copies are searched for with several of them together.
    """
    metrics = [metric for metric in _BARS if metric in comparison.metrics]
    reference = comparison.reference
    figures = {name: scores.figures for name, scores in comparison.encoders.items()}
    figures |= {found.name: found.figures for found in comparison.together}
    canvas, panels = figure(10.5, 0.75 + len(figures) * 0.27, len(metrics), columns=min(3, len(metrics)))
    for axes, metric in zip(panels, metrics, strict=False):
        names = [name for name in figures if metric in figures[name]]
        names.sort(key=lambda name: figures[name][metric].mean)
        for row, name in enumerate(names):
            mean, low, high = figures[name][metric]
            axes.barh(row, mean, height=0.66, color=BLUE if name == reference else "#C6CCD4")
            axes.plot([low, high], [row, row], color=INK, linewidth=1.3, solid_capstyle="butt")
            axes.text(high, row, f"  {short(mean)}", va="center", fontsize=8, color=INK)
        _name_rows(axes, names, reference)
        top = max(figures[name][metric].high for name in names)
        axes.set_ylim(len(names) - len(figures) - 0.5, len(names) - 0.5)  # rows are as high in every panel
        axes.set_xlim(0, max(top * 1.22, 0.05))
        axes.set_xticks([tick for tick in axes.get_xticks() if tick <= min(1, top * 1.22)])
        title(axes, find_metric(metric).title)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
    return svg(canvas)


def difference_forest(comparison: Comparison) -> bytes | None:
    """Paired differences of the reference to every other encoder, to the fusion and to the hybrid, with 95% intervals.

    None for a single encoder.
    """
    measured = {difference.metric for difference in comparison.differences}
    wanted = [metric for metric in ("map", "p@5", "selfrecall@1") if metric in measured]
    if not wanted:
        return None
    rows = max(len(differences_to_all(comparison, metric)) for metric in wanted)
    canvas, panels = figure(10.5, 1.05 + rows * 0.3, len(wanted), columns=len(wanted))
    from matplotlib.ticker import MaxNLocator

    for axes, metric in zip(panels, wanted, strict=True):
        differences = differences_to_all(comparison, metric)
        for row, difference in enumerate(reversed(differences)):
            color = BLUE if difference.ci_low > 0 else ORANGE if difference.ci_high < 0 else FAINT
            axes.plot([difference.ci_low, difference.ci_high], [row, row], color=color, linewidth=2)
            # A hollow point shows, without relying on color, that the interval includes zero.
            face = color if difference.excludes_zero else "white"
            axes.plot([difference.mean], [row], "o", color=color, markerfacecolor=face, markersize=7)
        axes.axvline(0, color=INK, linewidth=1)
        reach = max(max(abs(item.ci_low), abs(item.ci_high)) for item in differences)
        axes.set_xlim(-max(reach, 0.01) * 1.1, max(reach, 0.01) * 1.1)
        axes.xaxis.set_major_locator(MaxNLocator(5, symmetric=True))  # more ticks would run into each other
        _name_rows(axes, [difference.b for difference in reversed(differences)])
        axes.set_ylim(-0.7, rows - 0.3)
        title(axes, find_metric(metric).title)
        axes.set_xlabel(f"other better  ←  0  →  {differences[0].a} better", color=FAINT, fontsize=8)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
    return svg(canvas)


def per_class_heatmap(comparison: Comparison, metric: str = "p@5") -> bytes | None:
    """A metric by label and encoder, the reference's best labels first; None without labels.

    Only the 40 labels with the most queries are drawn.
    """
    if not comparison.classes or metric not in comparison.metrics:
        return None
    names, reference = list(comparison.encoders), comparison.reference
    values = {name: comparison.per_class(name) for name in names}
    classes = sorted(comparison.classes, key=lambda label: -len(comparison.classes[label]))[:MOST_CLASSES]
    classes.sort(key=lambda label: -values[reference][label][metric])
    table = np.array([[values[name][label][metric] for name in names] for label in classes])
    canvas, (axes,) = figure(min(10.5, 3 + 1.05 * len(names)), 1.35 + 0.27 * len(classes))
    top = max(float(table.max()), 0.01)
    axes.imshow(table, cmap="Blues", vmin=0, vmax=top * 1.15, aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        ink = "white" if value > 0.68 * top else INK
        axes.text(column, row, short(value), ha="center", va="center", fontsize=8, color=ink)
    axes.set_xticks(range(len(names)), [drawable(name, 14) for name in names], fontsize=9, rotation=25, ha="left")
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    _name_rows(axes, classes)
    axes.grid(visible=False)
    return svg(canvas)


def _name_rows(axes: Axes, names: Sequence[str], bold: str = "") -> None:
    axes.set_yticks(range(len(names)), [drawable_lines(name) for name in names], fontsize=9, color=INK)
    for name, text in zip(names, axes.get_yticklabels(), strict=True):
        text.set_fontweight("bold" if name == bold else "normal")
        if "\n" in text.get_text():  # two lines in the room of one
            text.set(fontsize=7.5, linespacing=1.0)


def title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=10, color=INK, fontweight="bold")


def svg(figure: Figure) -> bytes:
    """The figure as the bytes of an SVG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
