"""The plots of a fine-tuning: what is drawn is what was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from figures import kept_figures
from matplotlib.figure import Figure
from PIL import Image

from autoenc.errors import ArgumentError
from autoenc.finetuning import plots

HISTORY = [
    {"epoch": 1, "phase": 1, "loss": 1.5, "accuracy": 0.4, "val_loss": 1.25, "val_accuracy": 0.5, "seconds": 1.0},
    {"epoch": 2, "phase": 1, "loss": 1.0, "accuracy": 0.6, "val_loss": 1.0, "val_accuracy": 0.625, "seconds": 1.0},
    {"epoch": 3, "phase": 2, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.75, "val_accuracy": 0.75, "seconds": 9.0},
    {"epoch": 4, "phase": 2, "loss": 0.25, "accuracy": 0.9, "val_loss": 0.875, "val_accuracy": 0.7, "seconds": 9.0},
]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    return kept_figures(monkeypatch, plots, "png")


def test_loss_and_accuracy_are_drawn_with_the_boundary_and_the_best_epoch(tmp_path: Path, drawn: list[Figure]) -> None:
    with Image.open(plots.history_plot(HISTORY, tmp_path / "training.png")) as image:
        assert image.format == "PNG"
    (figure,) = drawn
    for axes, key, best in zip(figure.axes, ("loss", "accuracy"), (0.75, 0.75), strict=True):
        lines = {line.get_label(): np.asarray(line.get_ydata()).tolist() for line in axes.lines}
        assert lines["training"] == [row[key] for row in HISTORY]
        assert lines["validation"] == [row[f"val_{key}"] for row in HISTORY]
        assert axes.get_title(loc="right") == f"Best epoch 3: {best}"
        assert [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"] == [2.5]  # type: ignore[index]
        assert [text.get_text().strip() for text in axes.texts] == ["head alone", "top blocks too"]


def test_the_legend_lies_on_no_curve(tmp_path: Path, drawn: list[Figure]) -> None:
    plots.history_plot(HISTORY, tmp_path / "training.png")
    (figure,) = drawn
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation"]
    taken = legend.get_window_extent()
    assert not any(axes.get_tightbbox().overlaps(taken) for axes in figure.axes)
    assert all(axes.get_legend() is None and axes.get_xlim() == (0.5, 4.5) for axes in figure.axes)


def test_one_phase_has_no_boundary_and_a_csv_is_as_good(tmp_path: Path, drawn: list[Figure]) -> None:
    rows = [{name: str(value) for name, value in row.items()} for row in HISTORY[:2]]
    plots.history_plot(rows, tmp_path / "training.png")
    assert not drawn[0].axes[0].texts
    assert np.asarray(drawn[0].axes[0].lines[0].get_ydata()).tolist() == [1.5, 1.0]


def test_no_epochs_are_no_history(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="at least one epoch"):
        plots.history_plot([], tmp_path / "training.png")


def test_a_confusion_matrix_shows_counts_and_shares(tmp_path: Path, drawn: list[Figure]) -> None:
    plots.confusion_plot(np.array([[3, 1], [0, 6]]), ["bag", "shoe"], tmp_path / "confusion.png")
    (axes,) = drawn[0].axes
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25], [0, 1]])
    assert {text.get_position(): text.get_text() for text in axes.texts} == {(0, 0): "3", (1, 0): "1", (1, 1): "6"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["bag", "shoe"]
    assert axes.get_title(loc="right") == "90.0% right"
    assert (axes.get_title(loc="left"), axes.get_xlabel()) == ("Confusion matrix", "predicted class")


def test_many_classes_are_drawn_without_numbers_or_names(tmp_path: Path, drawn: list[Figure]) -> None:
    plots.confusion_plot(np.eye(61, dtype=np.int64), [f"class {at}" for at in range(61)], tmp_path / "confusion.png")
    assert not drawn[0].axes[0].texts
    assert len(drawn[0].axes[0].get_yticklabels()) < 61


def test_names_that_could_harm_a_picture_are_printable(tmp_path: Path, drawn: list[Figure]) -> None:
    plots.confusion_plot(np.eye(2, dtype=np.int64), ["a\nb", "$\\frac{$"], tmp_path / "confusion.png")
    assert drawn[0].axes[0].get_yticklabels()[0].get_text() == "a\\nb"
