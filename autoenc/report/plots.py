"""The plots of a comparison, each as the bytes of an SVG file."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from autoenc.comparison.records import Comparison
from autoenc.figures import BLUE, FAINT, GRID, INK, ORANGE, drawable, figure
from autoenc.metrics.registry import find_metric
from autoenc.report.findings import differences_by
from autoenc.text import short

if TYPE_CHECKING:  # an optional package, which `figure` asks for
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES = 40
"""How many labels are drawn; a table holds all of them."""

_MARKER = 6  # half the width of a marker with its edge, in pixels of the drawing

_BARS = ("p@5", "map", "recall@10", "hit@5", "knn@10", "selfrecall@1")


def metric_bars(comparison: Comparison) -> bytes:
    """Bars of each metric by encoder, best first, with 95% intervals."""
    metrics = [metric for metric in _BARS if metric in comparison.metrics]
    reference, encoders = comparison.reference, comparison.encoders
    canvas, panels = figure(10.5, 0.75 + len(encoders) * 0.27, len(metrics), columns=min(3, len(metrics)))
    for axes, metric in zip(panels, metrics, strict=False):
        names = sorted(encoders, key=lambda name: encoders[name].figures[metric].mean)
        for row, name in enumerate(names):
            mean, low, high = encoders[name].figures[metric]
            axes.barh(row, mean, height=0.66, color=BLUE if name == reference else "#C6CCD4")
            axes.plot([low, high], [row, row], color=INK, linewidth=1.3, solid_capstyle="butt")
            axes.text(high, row, f"  {short(mean)}", va="center", fontsize=8, color=INK)
        _name_rows(axes, names, reference)
        top = max(encoders[name].figures[metric].high for name in names)
        axes.set_xlim(0, max(top * 1.22, 0.05))
        axes.set_xticks([tick for tick in axes.get_xticks() if tick <= min(1, top * 1.22)])
        _title(axes, find_metric(metric).title)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
    return _svg(canvas)


def difference_forest(comparison: Comparison) -> bytes | None:
    """Paired differences of the reference to every other encoder, with 95% intervals; None for a single encoder."""
    measured = {difference.metric for difference in comparison.differences}
    wanted = [metric for metric in ("map", "p@5", "selfrecall@1") if metric in measured]
    if not wanted:
        return None
    rows = max(len(differences_by(comparison, metric)) for metric in wanted)
    canvas, panels = figure(10.5, 1.05 + rows * 0.3, len(wanted), columns=len(wanted))
    from matplotlib.ticker import MaxNLocator

    for axes, metric in zip(panels, wanted, strict=True):
        differences = differences_by(comparison, metric)
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
        _title(axes, find_metric(metric).title)
        axes.set_xlabel(f"other better  ←  0  →  {differences[0].a} better", color=FAINT, fontsize=8)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
    return _svg(canvas)


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
    return _svg(canvas)


def quality_against_cost(comparison: Comparison) -> bytes:
    """The main metric against milliseconds per image and against bytes per vector."""
    metric, reference = comparison.main_metric, comparison.reference
    encoders = comparison.encoders
    canvas, panels = figure(10.5, 3.6, 2, columns=2)
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    times = {name: max(scores.ms_per_image, 1e-6) for name, scores in encoders.items()}
    sizes = {name: float(scores.bytes_per_image) for name, scores in encoders.items()}
    units = (("time", "milliseconds per image", times), ("size", "bytes per vector", sizes))
    for axes, (cost, unit, costs) in zip(panels, units, strict=True):
        for name, scores in encoders.items():
            mean, low, high = scores.figures[metric]
            color, marker = (BLUE, "o") if name == reference else (FAINT, "s")
            axes.plot([costs[name]] * 2, [low, high], color=color, linewidth=1.2, alpha=0.6)
            axes.plot([costs[name]], [mean], marker, color=color, markersize=7)
        axes.set_xscale("log")
        low, high = min(costs.values()), max(costs.values())
        axes.set_xlim(low / 2, high * (high / low) ** 0.3 * 2)  # room for the names at the right
        ticks = axes.xaxis
        ticks.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 50 * low else (1.0,)))
        ticks.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        ticks.set_minor_formatter(NullFormatter())
        axes.set_xlabel(f"{unit} (log scale; further left is cheaper)", color=FAINT, fontsize=9)
        axes.set_ylabel(find_metric(metric).title, color=FAINT, fontsize=9)
        axes.grid(color=GRID, linewidth=0.8)
        _title(axes, f"Quality against {cost}")
        axes.autoscale_view()
    canvas.draw_without_rendering()  # settles where everything is
    for axes, (_, _, costs) in zip(panels, units, strict=True):
        places = {name: (costs[name], scores.figures[metric].mean) for name, scores in encoders.items()}
        _name_points(axes, places, reference)
    return _svg(canvas)


def _name_points(axes: Axes, places: Mapping[str, tuple[float, float]], reference: str) -> None:
    """Write names beside the points, where they cover no marker and no other name.

    Each name takes the first free place around its point, or else the first above all that is taken. The figure must
    have been laid out.
    """
    from matplotlib.transforms import Bbox

    markers = [Bbox.from_extents(x - _MARKER, y - _MARKER, x + _MARKER, y + _MARKER)
               for x, y in (axes.transData.transform(place) for place in places.values())]  # fmt: skip
    taken = list(markers)
    for name, place in sorted(places.items(), key=lambda item: item[1][1]):
        weight = "bold" if name == reference else "normal"
        text = axes.annotate(
            drawable(name), place, (0, 0), textcoords="offset points", fontsize=8, color=INK, fontweight=weight
        )
        for x, y, horizontal, vertical in _around():
            text.set(position=(x, y), horizontalalignment=horizontal, verticalalignment=vertical)
            box = text.get_window_extent()
            inside = axes.bbox.x0 <= box.x0 and box.x1 <= axes.figure.bbox.x1 and box.y0 >= axes.bbox.y0
            if inside and not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)


def _around() -> Iterator[tuple[float, float, str, str]]:
    """Places for a name, in points from its marker, the best first: (x, y, and which of its sides is there)."""
    yield 6, 3, "left", "bottom"
    yield 8, 0, "left", "center"
    yield 6, -3, "left", "top"
    yield -6, 3, "right", "bottom"
    yield -8, 0, "right", "center"
    yield -6, -3, "right", "top"
    for level in range(7, 120, 2):
        yield 0, level, "center", "bottom"
        yield 6, level, "left", "bottom"


def _name_rows(axes: Axes, names: Sequence[str], bold: str = "") -> None:
    axes.set_yticks(range(len(names)), [drawable(name) for name in names], fontsize=9, color=INK)
    for name, text in zip(names, axes.get_yticklabels(), strict=True):
        text.set_fontweight("bold" if name == bold else "normal")


def _title(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10, color=INK, fontweight="bold")


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
