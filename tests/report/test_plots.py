"""The plots of a comparison: what is drawn is what was measured."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from comparisons import HALF, comparison, fusion, scores
from figures import kept_figures
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autoenc.comparison.records import Comparison
from autoenc.figures import drawable_lines
from autoenc.report import pareto, plots

PATHS = [Path(f"{label}/{number}.png") for number in range(4) for label in ("hat", "shoe")]
LABELS = [path.parent.name for path in PATHS]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were drawn, kept before they become SVG."""
    return kept_figures(monkeypatch, plots, "svg")


@pytest.fixture
def known() -> Comparison:
    encoders = [
        scores("learned", HALF, others=0.5, dim=32, ms=0.125),
        scores("edges", [0.75] * 8, others=0.625, dim=324, ms=0.5),
        scores("color", [0.25] * 8, others=0.125, dim=128, ms=0.25),
    ]
    return comparison(PATHS, LABELS, encoders, {"edges": (-0.25, -0.625, 0.125), "color": (0.25, 0.125, 0.375)})


def _panel(figure: Figure, title: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == title)


def _names(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_bars_are_sorted_and_as_long_as_the_means(known: Comparison, drawn: list[Figure]) -> None:
    plots.metric_bars(known)
    axes = _panel(drawn[0], "Mean average precision")
    assert _names(axes) == ["color", "learned", "edges"], "from the bottom: the best is at the top"
    assert [bar.get_width() for bar in axes.patches] == [0.25, 0.5, 0.75]
    titles = [axes.get_title(loc="left") for axes in drawn[0].axes]
    assert titles == [
        "Precision at 5", "Mean average precision", "Recall at 10", "Hit rate at 5", "kNN accuracy at 10",
        "Self-recall at 1",
    ]  # fmt: skip


def test_a_long_name_stands_on_two_lines() -> None:
    for name, lines in {
        "mobilenet + handcrafted (1 : 0.5)": "mobilenet + handcrafted\n(1 : 0.5)",
        "learned + edges + color (1 : 0.5 : 0.25)": "learned + edges + color\n(1 : 0.5 : 0.25)",
        "learned + boost base color + near price~10 (1 : 0.5 : 0.25)": "learned + boost base\ncolor + near price~10 …",
        "mobilenet+pca32": "mobilenet+pca32",
        "a-label-without-any-place-to-break-at": "a-label-with…to-break-at",
        "": "",
    }.items():
        assert drawable_lines(name) == lines


def test_intervals_are_drawn_from_low_to_high(known: Comparison, drawn: list[Figure]) -> None:
    plots.metric_bars(known)
    axes = _panel(drawn[0], "Mean average precision")
    color, learned, edges = (list(np.asarray(line.get_xdata())) for line in axes.lines)
    assert (color, edges) == ([0.25, 0.25], [0.75, 0.75]), "equal scores have an interval of no width"
    # The mean of 8 draws of 0 or 1: one success or none has probability .035, so the 2.5% quantile is 1 of 8.
    assert learned == [0.125, 0.875]


def test_the_reference_stands_out(known: Comparison, drawn: list[Figure]) -> None:
    plots.metric_bars(known)
    axes = _panel(drawn[0], "Mean average precision")
    colors = [bar.get_facecolor() for bar in axes.patches]
    assert colors[0] == colors[2] != colors[1]
    assert [label.get_fontweight() for label in axes.get_yticklabels()] == ["normal", "bold", "normal"]


def test_the_forest_shows_each_interval_and_whether_zero_is_in_it(known: Comparison, drawn: list[Figure]) -> None:
    plots.difference_forest(known)
    (axes,) = drawn[0].axes
    assert _names(axes) == ["color", "edges"]
    interval, point, other_interval, other_point, zero = (line for line in axes.lines)
    assert list(np.asarray(interval.get_xdata())) == [0.125, 0.375]
    assert list(np.asarray(other_interval.get_xdata())) == [-0.625, 0.125]
    assert [float(np.asarray(item.get_xdata())[0]) for item in (point, other_point)] == [0.25, -0.25]
    assert list(np.asarray(zero.get_xdata())) == [0, 0]
    assert point.get_markerfacecolor() == point.get_color()
    assert other_point.get_markerfacecolor() == "white", "hollow: zero lies within"
    low, high = axes.get_xlim()
    assert low == -high < -0.625


def test_a_fusion_is_drawn_where_it_was_measured(known: Comparison, drawn: list[Figure]) -> None:
    fused = fusion({"learned": 1.0, "color": 0.5}, [0.625] * 8, {"learned": (0.125, 0.0625, 0.25)})
    told = dataclasses.replace(known, fusion=fused)
    plots.metric_bars(told)
    plots.difference_forest(told)
    bars, forest = drawn
    axes = _panel(bars, "Mean average precision")
    assert _names(axes) == ["color", "learned", "learned + color\n(1 : 0.5)", "edges"]
    assert [bar.get_width() for bar in axes.patches] == [0.25, 0.5, 0.625, 0.75]
    recall = _panel(bars, "Self-recall at 1")
    assert sorted(_names(recall)) == ["color", "edges", "learned"]
    assert np.ptp(recall.get_ylim()) == np.ptp(axes.get_ylim()) == 4, "its rows are as high"
    (axes,) = forest.axes
    assert _names(axes)[0] == "learned + color\n(1 : 0.5)", "below the encoders, as in the table"
    assert list(np.asarray(axes.lines[0].get_xdata())) == [-0.25, -0.0625], "learned minus the fusion"


def test_the_heatmap_holds_every_class_and_encoder(known: Comparison, drawn: list[Figure]) -> None:
    plots.per_class_heatmap(known, "map")
    (axes,) = drawn[0].axes
    table = axes.images[0].get_array()
    assert table is not None
    assert _names(axes) == ["shoe", "hat"], "the reference's best class first"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["learned", "edges", "color"]
    assert table.tolist() == [[1.0, 0.75, 0.25], [0.0, 0.75, 0.25]]
    assert [text.get_text() for text in axes.texts] == ["1.000", ".750", ".250", ".000", ".750", ".250"]


def test_of_many_classes_those_with_most_queries_are_drawn(drawn: list[Figure]) -> None:
    labels = [f"class {number:02d}" for number in range(45) for _ in range(2 if number % 9 else 3)]
    paths = [Path(f"{number}.png") for number in range(len(labels))]
    plots.per_class_heatmap(comparison(paths, labels, [scores("learned", [0.5] * len(labels))]))
    names = _names(drawn[0].axes[0])
    assert len(names) == 40
    assert {"class 00", "class 09", "class 18", "class 27", "class 36"} <= set(names)


def test_without_labels_there_is_self_recall_alone(drawn: list[Figure]) -> None:
    encoders = [
        scores("learned", [], recalled=[1, 1, 0, 0], count=4),
        scores("edges", [], recalled=[0, 0, 0, 0], count=4),
    ]
    unlabeled = comparison(PATHS[:4], [None] * 4, encoders)
    assert plots.per_class_heatmap(unlabeled) is None
    assert plots.difference_forest(unlabeled) is None
    plots.metric_bars(unlabeled)
    assert [axes.get_title(loc="left") for axes in drawn[0].axes] == ["Self-recall at 1"]
    assert [bar.get_width() for bar in drawn[0].axes[0].patches] == [0.0, 0.5]


def test_plots_are_svg_without_anything_to_fetch(known: Comparison) -> None:
    for svg in (
        plots.metric_bars(known), plots.difference_forest(known), plots.per_class_heatmap(known),
        pareto.pareto_plot(known, "ms_per_image"),
    ):  # fmt: skip
        assert svg is not None
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        references = [value for node in root.iter() for key, value in node.attrib.items() if key.endswith("href")]
        assert references
        assert all(value.startswith(("#", "data:image/png")) for value in references)


@pytest.mark.parametrize("label", ["$x^2", "<b>&", "a" * 300, "bad\udcff", "日本"])
def test_any_label_can_be_drawn(label: str, drawn: list[Figure]) -> None:
    encoders = [scores("learned", [0.5, 0.5]), scores("other", [0.25, 0.25])]
    svg = plots.per_class_heatmap(comparison(PATHS[:2], [label, label], encoders))
    assert svg is not None
    ElementTree.fromstring(svg)
    (name,) = _names(drawn[0].axes[0])
    assert 0 < len(name) <= 25
