"""Quality against cost: what is worth its milliseconds, and what is worth its bytes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autoenc.comparison.costs import COSTS, Cost
from autoenc.comparison.records import Comparison
from autoenc.figures import BLUE, FAINT, GRID, INK, drawable_lines, figure, png
from autoenc.metrics.registry import find_metric
from autoenc.outputs import write_file
from autoenc.report.plots import svg, title

if TYPE_CHECKING:  # an optional package, which `figure` asks for
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

_TITLES: dict[Cost, tuple[str, str]] = {
    "ms_per_image": ("time", "milliseconds per image"),
    "bytes_per_image": ("size", "bytes per vector"),
}
_MARKER = 6  # half the width of a marker with its edge, in pixels of the drawing
_LEAST_MS = 1e-6  # a logarithmic scale has no zero

# Where a name may begin: in points from its marker, and the shares of it that lie left of there and below it.
_SIDES = (
    (6, 3, 0, 0), (8, 0, 0, 0.5), (6, -3, 0, 1), (-6, 3, 1, 0), (-8, 0, 1, 0.5), (-6, -3, 1, 1), (0, 7, 0.5, 0),
    (0, -7, 0.5, 1),
)  # fmt: skip
_CROSSED = 8  # cost, in points, of lying on an interval
_FRONT = 16  # and on the front's line, which is darker and longer
_STRANGE = 24  # and of being nearer to another marker, or behind one
_NEAR = 10  # points from its marker at which a name needs no line to it


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

    Each name takes the free place that costs least: its distance, and more if it lies on a line, nearer to another
    marker, or behind one. A thin line joins a name to its point where one might take it for another's.
    """
    canvas.draw_without_rendering()  # settles where everything is
    pixels = canvas.dpi / 72  # of a point
    for cost, axes in drawn.items():
        places, front = _places(comparison, cost), comparison.pareto_front(cost)
        at = {name: axes.transData.transform(place) for name, place in places.items()}
        taken = [(x - _MARKER, y - _MARKER, x + _MARKER, y + _MARKER) for x, y in at.values()]
        lines, cost_of_line = _lines(axes, comparison, places, front)
        inside = np.array([axes.bbox.x0, axes.bbox.y0, -axes.bbox.x1, -axes.bbox.y1])
        for name, _ in sorted(places.items(), key=lambda item: (item[0] not in front, item[1][1])):
            ink, weight = (INK, "bold") if name in front else (FAINT, "normal")
            text = axes.annotate(
                drawable_lines(name), places[name], (0, 0), textcoords="offset points", fontsize=8, color=ink,
                fontweight=weight, verticalalignment="bottom",
            )  # fmt: skip
            box = text.get_window_extent()
            corners, ways = _around(box.width / pixels, box.height / pixels)
            lower = at[name] + corners * pixels
            boxes = np.hstack([lower, lower + np.array([box.width, box.height])])
            hidden = _overlaps(boxes, np.array(taken)).sum(axis=1) + (boxes * (1, 1, -1, -1) < inside).any(axis=1)
            strange = _strange(boxes, at[name], [point for other, point in at.items() if other != name])
            total = ways + _overlaps(boxes, lines) @ cost_of_line + _STRANGE * strange
            best = np.lexsort((total, hidden))[0]
            text.set_position(corners[best])
            taken.append(tuple(boxes[best]))
            if strange[best] or ways[best] > _NEAR:
                end = (_nearest(at[name], boxes[best]) - at[name]) / pixels
                line = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
                axes.annotate("", places[name], end, textcoords="offset points", arrowprops=line, zorder=1)


def _lines(
    axes: Axes, comparison: Comparison, places: dict[str, tuple[float, float]], front: list[str]
) -> tuple[Floats, Floats]:
    """The intervals and the steps of the front.

    Returns:
        (L, 4) left, bottom, right and top in pixels, and (L,) what it costs, in points, to lie on each.
    """
    segments = []
    for name, (x, _) in places.items():
        _, low, high = comparison.rated[name].figures[comparison.main_metric]
        segments.append(((x, low), (x, high)))
    for one, other in pairwise(front):
        (x, y), (right, top) = places[one], places[other]
        segments += [((x, y), (right, y)), ((right, y), (right, top))]
    lines = axes.transData.transform(np.reshape(segments, (-1, 2))).reshape(-1, 4)
    return lines, np.array([_CROSSED] * len(places) + [_FRONT] * (len(segments) - len(places)), np.float64)


def _overlaps(boxes: Floats, others: Floats) -> npt.NDArray[np.bool_]:
    """(N, 4) and (M, 4), each left, bottom, right and top -> (N, M): which of them share a place."""
    one, other = boxes[:, None], others[None]
    return np.all((one[..., :2] <= other[..., 2:]) & (other[..., :2] <= one[..., 2:]), axis=2)  # type: ignore[no-any-return]


def _nearest(point: Floats, boxes: Floats) -> Floats:
    """The place in each of (…, 4) boxes that is nearest to a point: (…, 2)."""
    return np.clip(point, boxes[..., :2], boxes[..., 2:])


def _strange(boxes: Floats, own: Floats, others: Sequence[Floats]) -> Floats:
    """(N, 4) places for a name -> (N,): how many other markers are nearer to it than its own, or stand between them."""
    nearest = _nearest(own, boxes)
    gap = np.hypot(*(nearest - own).T)
    found = np.zeros(len(boxes))
    for point in others:
        found += np.hypot(*(_nearest(point, boxes) - point).T) < gap
        found += _from_line(point, own, nearest) < _MARKER
    return found


def _from_line(point: Floats, start: Floats, ends: Floats) -> Floats:
    """How far a point is from each of the lines between a start and (N, 2) ends: (N,)."""
    way = ends - start
    share = np.clip(way @ (point - start) / np.maximum((way**2).sum(axis=1), 1e-9), 0, 1)
    return np.asarray(np.hypot(*(start + share[:, None] * way - point).T))


def _around(width: float, height: float) -> tuple[Floats, Floats]:
    """Places for a name of that size around its marker, all in points: its lower left corners, and how far they are."""
    corners, ways = [], []
    for way in range(0, 121, 2):
        for x, y, left, below in _SIDES:
            corners.append((x + way * np.sign(x) - left * width, y + way * np.sign(y) - below * height))
            ways.append(way)
    return np.array(corners), np.array(ways, np.float64)
