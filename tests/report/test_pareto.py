"""Quality against cost: the points, the front, and names that can be read."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from comparisons import comparison, fusion, scores
from figures import kept_figures
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from PIL import Image

from autoenc.comparison.costs import COSTS, Cost
from autoenc.comparison.records import Comparison
from autoenc.errors import OutputError
from autoenc.report import pareto
from autoenc.report.pareto import pareto_plot, write_pareto_plot

PATHS = [Path(f"{label}/{number}.png") for number in range(4) for label in ("hat", "shoe")]
LABELS = [path.parent.name for path in PATHS]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were drawn, kept before they become SVG."""
    return kept_figures(monkeypatch, pareto, "svg")


def extents(axes: Axes) -> list[Bbox]:
    """Where the names are, in pixels."""
    return [text.get_window_extent() for text in axes.texts if text.get_text()]


@pytest.fixture
def known() -> Comparison:
    encoders = [
        scores("learned", [0.0, 1.0] * 4, dim=32, ms=0.125),
        scores("edges", [0.75] * 8, dim=324, ms=0.5),
        scores("color", [0.25] * 8, dim=128, ms=0.25),
    ]
    return comparison(PATHS, LABELS, encoders)


def points(axes: Axes) -> dict[tuple[float, float], bool]:
    """Where the markers are -> whether they are filled."""
    markers = [line for line in axes.lines if line.get_marker() in ("o", "s")]
    return {
        (float(np.asarray(line.get_xdata())[0]), float(np.asarray(line.get_ydata())[0])):
            line.get_markerfacecolor() == line.get_color()
        for line in markers
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cost", "places"),
    [
        ("ms_per_image", {(0.125, 0.5): True, (0.5, 0.75): True, (0.25, 0.25): False}),
        ("bytes_per_image", {(128, 0.5): True, (1296, 0.75): True, (512, 0.25): False}),
    ],
)
def test_points_on_the_front_are_filled_joined_and_named_in_bold(
    known: Comparison, drawn: list[Figure], cost: Cost, places: dict[tuple[float, float], bool]
) -> None:
    pareto_plot(known, cost)
    (axes,) = drawn[0].axes
    assert points(axes) == places
    assert axes.get_xscale() == "log"
    steps = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    (front,) = [list(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in steps]
    assert front == [place for place, on_it in places.items() if on_it], "from the cheapest on"
    assert {text.get_text(): text.get_fontweight() for text in axes.texts} == {
        "learned": "bold", "edges": "bold", "color": "normal"
    }  # fmt: skip


def test_a_fusion_is_a_point_too(known: Comparison, drawn: list[Figure]) -> None:
    fused = dataclasses.replace(known, fusion=fusion({"learned": 1.0, "color": 0.5}, [0.875] * 8))
    pareto_plot(fused, "ms_per_image")
    assert points(drawn[0].axes[0])[0.5, 0.875]


def test_a_time_of_nothing_and_a_single_encoder_can_be_drawn(drawn: list[Figure]) -> None:
    pareto_plot(comparison(PATHS[:2], LABELS[:2], [scores("quick", [0.5] * 2, ms=0.0)]), "ms_per_image")
    assert list(points(drawn[0].axes[0]).values()) == [True]


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 6, 9])
def test_names_cover_no_marker_no_other_name_and_nothing_of_the_front(drawn: list[Figure], seed: int) -> None:
    generator = np.random.default_rng(seed)
    encoders = [
        scores(
            name, [float(generator.uniform(0.4, 0.6))] * 4, dim=int(generator.integers(32, 4096)),
            ms=float(10 ** generator.uniform(-2, 2)),
        )
        for name in (
            "learned", "color", "texture", "edges", "handcrafted", "pixels+pca32", "edges+pca32", "mobilenet",
            "mobilenet+pca32", "vgg16+pca32",
        )
    ]  # fmt: skip
    pareto_plot(comparison(PATHS[:4], LABELS[:4], encoders), "ms_per_image")
    figure = drawn[0]
    figure.draw_without_rendering()
    (axes,) = figure.axes
    names = extents(axes)
    markers = [line.get_window_extent() for line in axes.lines if line.get_marker() in ("o", "s")]
    assert len(names) == len(markers) == 10
    assert not any(name.overlaps(marker) for name in names for marker in markers)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(names, 2))
    assert all(name.x1 <= axes.bbox.x1 and name.y1 <= axes.bbox.y1 for name in names)
    (front,) = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    for (x, y), (right, top) in itertools.pairwise(axes.transData.transform(front.get_xydata())):
        for step in (Bbox([[x, y], [right, y]]), Bbox([[right, y], [right, top]])):
            assert not any(name.overlaps(step) for name in names)


def test_names_of_encoders_that_are_alike_do_not_overlap(drawn: list[Figure]) -> None:
    encoders = [scores(f"encoder {number}", [0.5] * 4) for number in range(4)]
    pareto_plot(comparison(PATHS[:4], LABELS[:4], encoders), "bytes_per_image")
    boxes = extents(drawn[0].axes[0])
    assert len(boxes) == 4
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_names_stay_near_and_lines_join_those_that_cannot(drawn: list[Figure]) -> None:
    """Ten points so close together that their names could be anyone's."""
    generator = np.random.default_rng(3)
    times = generator.uniform(1, 1.2, 10).tolist()
    encoders = [scores(f"encoder {number}", [0.5 + 0.004 * number] * 4, ms=ms) for number, ms in enumerate(times)]
    far = scores("far", [0.9] * 4, ms=100.0)
    pareto_plot(comparison(PATHS[:4], LABELS[:4], [*encoders, far]), "ms_per_image")
    (axes,) = drawn[0].axes
    at = {name: axes.transData.transform(place) for name, place in
          pareto._places(comparison(PATHS[:4], LABELS[:4], [*encoders, far]), "ms_per_image").items()}  # fmt: skip
    joined = {text.xy for text in axes.texts if not text.get_text()}
    for text, box in zip((text for text in axes.texts if text.get_text()), extents(axes), strict=True):
        gaps = {name: np.hypot(*(np.clip(place, box.min, box.max) - place)) for name, place in at.items()}
        name = text.get_text()
        assert gaps[name] < 100, "pixels, of the figure's 440"
        assert gaps[name] == min(gaps.values()) or text.xy in joined
    assert next(text for text in axes.texts if text.get_text() == "far").xy not in joined


def test_the_file_has_a_panel_for_each_cost_and_replaces_only_its_like(
    known: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = kept_figures(monkeypatch, pareto, "png")
    file = tmp_path / "pareto.png"
    for _ in range(2):
        assert write_pareto_plot(known, file) == file
    assert [axes.get_title(loc="left") for axes in figures[0].axes] == ["Quality against time", "Quality against size"]
    assert [len(points(axes)) for axes in figures[0].axes] == [3] * len(COSTS)
    with Image.open(file) as image:
        assert (image.format, image.width > image.height) == ("PNG", True)
    Image.new("RGB", (8, 8)).save(file)
    with pytest.raises(OutputError, match="autoenc did not write"):
        write_pareto_plot(known, file)
    write_pareto_plot(known, file, overwrite=True)
