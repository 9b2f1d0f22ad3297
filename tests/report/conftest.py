"""A known comparison, and pages without their plots, for speed."""

from __future__ import annotations

from pathlib import Path

import pytest
from comparisons import HALF, comparison, pictures, scores

from autoenc.comparison.records import Comparison
from autoenc.report import pareto, plots

per_class, forest = plots.per_class_heatmap, plots.difference_forest


@pytest.fixture
def real_plots() -> None:
    """Asked for by the tests that are about a page with its plots; the others do without, for speed."""


@pytest.fixture
def empty_plots(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws nothing, but for a test that asks for `real_plots`."""
    if "real_plots" in request.fixturenames:
        return
    for module, name in (
        (plots, "metric_bars"), (plots, "difference_forest"), (plots, "per_class_heatmap"), (pareto, "pareto_plot")
    ):  # fmt: skip
        real = getattr(module, name)

        def drawn(found: Comparison, *_: object, real: object = real) -> bytes | None:
            nothing = (real is per_class and not found.classes) or (real is forest and not found.differences)
            return None if nothing else b'<svg width="756pt" xmlns="http://www.w3.org/2000/svg"/>'

        monkeypatch.setattr(module, name, drawn)


@pytest.fixture
def known(tmp_path: Path) -> Comparison:
    """Eight pictures, two labels; learned finds the shoes and not the hats."""
    paths, labels = pictures(tmp_path, 8, ["hat", "shoe"])
    encoders = [
        scores("learned", HALF, others=0.5, dim=32, ms=0.125, recalled=[1, 1, 1, 0]),
        scores("edges", [0.75] * 8, others=0.625, dim=324, ms=0.5, recalled=[0, 0, 0, 0]),
        scores("color", [0.25] * 8, others=0.125, dim=128, ms=0.25, recalled=[1, 1, 1, 1]),
    ]
    return comparison(paths, labels, encoders, {"edges": (-0.25, -0.625, 0.125), "color": (0.25, 0.125, 0.375)})
