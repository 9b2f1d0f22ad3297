"""Quality against cost: what is worth its milliseconds, and what is worth its bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from autoenc.comparison.costs import COSTS, Cost
from autoenc.comparison.records import Comparison
from autoenc.figures import BLUE, FAINT, GRID, INK, drawable, figure, png
from autoenc.metrics.registry import find_metric
from autoenc.outputs import write_file
from autoenc.report.plots import svg, title

if TYPE_CHECKING:  # an optional package, which `figure` asks for
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TITLES: dict[Cost, tuple[str, str]] = {
    "ms_per_image": ("time", "milliseconds per image"),
    "bytes_per_image": ("size", "bytes per vector"),
}
_MARKER = 6  # half the width of a marker with its edge, in pixels of the drawing
_LEAST_MS = 1e-6  # a logarithmic scale has no zero


def pareto_plot(comparison: Comparison, cost: Cost) -> bytes:
    """The main metric against one cost, and the Pareto front, as the bytes of an SVG file."""
    canvas, (axes,) = figure(4.4, 3.7)
    _draw(axes, comparison, cost)
    _name(canvas, {cost: axes}, comparison)
    return svg(canvas)


def write_pareto_plot(comparison: Comparison, file: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write the main metric against each cost, and the Pareto fronts, as a PNG file.

    Raises:
        OutputError: as `write_report`.

    Example:
        >>> write_pareto_plot(autoenc.compare("photos", encoders=["color", "edges"]), "pareto.png")
        PosixPath('pareto.png')
    """
    canvas, panels = figure(10.5, 4.0, len(COSTS), columns=len(COSTS))
    drawn = dict(zip(COSTS, panels, strict=True))
    for cost, axes in drawn.items():
        _draw(axes, comparison, cost)
    _name(canvas, drawn, comparison)
    return write_file(file, png(canvas), overwrite=overwrite, reading=comparison.folders)


def _draw(axes: Axes, comparison: Comparison, cost: Cost) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    metric, (short, unit) = comparison.main_metric, _TITLES[cost]
    places, front = _places(comparison, cost), comparison.pareto_front(cost)
    for name, scores in comparison.rated.items():
        x, mean = places[name]
        _, low, high = scores.figures[metric]
        color, marker = (BLUE, "o") if name == comparison.reference else (FAINT, "s")
        # What is off the front is hollow: it does not take color to see which is which.
        axes.plot([x] * 2, [low, high], color=color, linewidth=1.2, alpha=0.6)
        axes.plot([x], [mean], marker, color=color, markerfacecolor=color if name in front else "white", markersize=7)
    axes.step(*zip(*(places[name] for name in front), strict=True), where="post", color=INK, linewidth=1, zorder=1)
    axes.set_xscale("log")
    low, high = min(x for x, _ in places.values()), max(x for x, _ in places.values())
    axes.set_xlim(low / 2, high * (high / low) ** 0.3 * 2)  # room for the names at the right
    ticks = axes.xaxis
    ticks.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 50 * low else (1.0,)))
    ticks.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    ticks.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"{unit} (log scale; further left is cheaper)", color=FAINT, fontsize=8)
    axes.set_ylabel(find_metric(metric).title, color=FAINT, fontsize=9)
    axes.grid(color=GRID, linewidth=0.8)
    title(axes, f"Quality against {short}")
    axes.autoscale_view()


def _places(comparison: Comparison, cost: Cost) -> dict[str, tuple[float, float]]:
    """Where each point is: its cost and its quality."""
    rated, metric = comparison.rated, comparison.main_metric
    return {name: (max(getattr(each, cost), _LEAST_MS), each.figures[metric].mean) for name, each in rated.items()}


def _name(canvas: Figure, drawn: dict[Cost, Axes], comparison: Comparison) -> None:
    """Write names beside the points, where they cover no marker and no other name: those on the front first, in bold.

    Each name takes the first free place around its point, or else the first above all that is taken.
    """
    from matplotlib.transforms import Bbox

    canvas.draw_without_rendering()  # settles where everything is
    for cost, axes in drawn.items():
        places, front = _places(comparison, cost), comparison.pareto_front(cost)
        taken = [Bbox.from_extents(x - _MARKER, y - _MARKER, x + _MARKER, y + _MARKER)
                 for x, y in (axes.transData.transform(place) for place in places.values())]  # fmt: skip
        for name, place in sorted(places.items(), key=lambda item: (item[0] not in front, item[1][1])):
            ink, weight = (INK, "bold") if name in front else (FAINT, "normal")
            text = axes.annotate(
                drawable(name), place, (0, 0), textcoords="offset points", fontsize=8, color=ink, fontweight=weight
            )
            for x, y, horizontal, vertical in _around():
                text.set(position=(x, y), horizontalalignment=horizontal, verticalalignment=vertical)
                box = text.get_window_extent()
                inside = axes.bbox.x0 <= box.x0 and box.x1 <= canvas.bbox.x1 and box.y0 >= axes.bbox.y0
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
