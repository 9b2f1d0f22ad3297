"""The plots of a training: what is drawn is what was measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figures import kept_figures
from matplotlib.figure import Figure
from PIL import Image

from autoenc.errors import ArgumentError, OutputError
from autoenc.training import plots
from autoenc.training.descriptors import Mix
from autoenc.training.emphasis import Emphasis, Score


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were drawn, kept before they become PNG."""
    return kept_figures(monkeypatch, plots, "png")


def _lines(figure: Figure) -> dict[str, list[float]]:
    return {str(line.get_label()): [float(y) for y in np.asarray(line.get_ydata())] for line in figure.axes[0].lines}


def test_both_losses_are_drawn_and_the_best_epoch_is_named(tmp_path: Path, drawn: list[Figure]) -> None:
    history = [
        {"epoch": 1, "loss": 0.5, "val_loss": 0.6, "seconds": 3.0},
        {"epoch": 2, "loss": 0.25, "val_loss": 0.375, "seconds": 3.0},
        {"epoch": 3, "loss": 0.125, "val_loss": 0.5, "seconds": 3.0},
    ]
    path = plots.training_curves(history, tmp_path / "training.png")
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert min(image.size) > 400
    assert _lines(drawn[0])["training"] == [0.5, 0.25, 0.125]
    assert _lines(drawn[0])["validation"] == [0.6, 0.375, 0.5]
    assert drawn[0].axes[0].get_title(loc="right") == "Best epoch 2: 0.375"


def test_numbers_as_text_and_a_missing_validation_are_fine(tmp_path: Path, drawn: list[Figure]) -> None:
    plots.training_curves([{"epoch": "7", "loss": "0.5", "val_loss": ""}], tmp_path / "training.png")
    assert _lines(drawn[0])["training"] == [0.5]
    assert "validation" not in _lines(drawn[0])
    assert drawn[0].axes[0].get_title(loc="right") == "Best epoch 7: 0.5"


@pytest.mark.parametrize("count", [1, 2, 40, 140])
def test_epochs_begin_with_the_first(tmp_path: Path, drawn: list[Figure], count: int) -> None:
    plots.training_curves([{"epoch": at + 1, "loss": 1.0} for at in range(count)], tmp_path / "training.png")
    axes = drawn[0].axes[0]
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(1 <= tick <= count and tick == int(tick) for tick in ticks)


@pytest.mark.parametrize(("last", "scale"), [(0.02, "log"), (0.4, "linear")])
def test_losses_that_fall_far_are_drawn_on_a_log_scale(
    tmp_path: Path, drawn: list[Figure], last: float, scale: str
) -> None:
    plots.training_curves([{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": last}], tmp_path / "training.png")
    assert drawn[0].axes[0].get_yscale() == scale


# ---- what the images are told apart by --------------------------------------------------------------

HISTORY = [{"epoch": 1, "loss": 0.5, "val_loss": 0.6}, {"epoch": 2, "loss": 0.4, "val_loss": 0.5}]
SHAPE, COLOR, BOTH = Mix(edges=1, texture=0.7), Mix(color=1), Mix(edges=1, color=1)


def _bars(figure: Figure) -> dict[str, float]:
    """Label -> length, from top to bottom."""
    axes = figure.axes[1]
    assert axes.yaxis_inverted()
    names = [label.get_text() for label in axes.get_yticklabels()]
    lengths = [float(bar.get_width()) for bar in axes.patches]  # type: ignore[attr-defined]
    return dict(zip(names, lengths, strict=True))


def test_the_mixes_that_were_compared_stand_beside_the_losses_the_best_first(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    scores = (Score(SHAPE, 0.5, 0.5), Score(COLOR, 0.5, 1.0), Score(BOTH, 1.0, -0.5))
    plots.training_curves(HISTORY, tmp_path / "training.png", emphasis=Emphasis("auto", COLOR, scores))
    assert _lines(drawn[0])["training"] == [0.5, 0.4]
    assert _bars(drawn[0]) == {"color 1": 0.5, "edges 1, texture 0.7": 0.125, "edges 1, color 1": 0}
    assert [*_bars(drawn[0])] == ["color 1", "edges 1, texture 0.7", "edges 1, color 1"]
    assert drawn[0].axes[1].get_title(loc="left") == "What tells the images apart"


def test_the_mix_that_was_chosen_is_marked_by_more_than_color(tmp_path: Path, drawn: list[Figure]) -> None:
    """Even if another has a higher score; then the plot says why it was not taken."""
    scores = (Score(BOTH, 0.5, 0.5), Score(COLOR, 0.5, 0.6))
    plots.training_curves(HISTORY, tmp_path / "training.png", emphasis=Emphasis("auto", BOTH, scores))
    labels = drawn[0].axes[1].get_yticklabels()
    assert {label.get_text(): label.get_fontweight() for label in labels} == {
        "color 1": "normal",
        "edges 1, color 1": "bold",
    }
    plots.training_curves(HISTORY, tmp_path / "training.png", emphasis=Emphasis("auto", COLOR, scores))
    mean, best = (figure.axes[1].get_xlabel() for figure in drawn)
    assert best == "score without labels (higher is better); in bold, the choice"
    assert mean == f"{best}:\nthe mean of the best, whose scores are too close to tell apart"


def test_mixes_that_are_all_worth_nothing_are_drawn_too(tmp_path: Path, drawn: list[Figure]) -> None:
    scores = (Score(SHAPE, 0.0, 0.0), Score(COLOR, 0.0, -1.0))
    plots.training_curves(HISTORY, tmp_path / "training.png", emphasis=Emphasis("auto", SHAPE, scores))
    assert _bars(drawn[0]) == {"edges 1, texture 0.7": 0, "color 1": 0}


@pytest.mark.parametrize("reason", ["", "the images are gray"])
def test_weights_that_were_not_compared_are_drawn_with_the_reason(
    tmp_path: Path, drawn: list[Figure], reason: str
) -> None:
    plots.training_curves(HISTORY, tmp_path / "training.png", emphasis=Emphasis("shape", SHAPE, reason=reason))
    assert _bars(drawn[0]) == {"edges": 1, "color": 0, "texture": 0.7}
    assert drawn[0].axes[1].get_xlabel() == (reason or "weight, as asked for")


def test_without_an_emphasis_the_losses_stand_alone(tmp_path: Path, drawn: list[Figure]) -> None:
    plots.training_curves(HISTORY, tmp_path / "training.png")
    assert len(drawn[0].axes) == 1


def test_what_was_learned_from_beside_the_images_is_written_below(tmp_path: Path, drawn: list[Figure]) -> None:
    plots.training_curves(HISTORY, tmp_path / "training.png")
    plots.training_curves(HISTORY, tmp_path / "taught.png", guides=["teacher mobilenet", "labels"])
    below = [figure.axes[0].get_xlabel() for figure in drawn]
    assert below == ["epoch", "epoch (learned from teacher mobilenet and labels too)"]


# ---- what there is to draw --------------------------------------------------------------------------


def test_a_training_without_epochs_has_no_curves(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="at least one epoch"):
        plots.training_curves([], tmp_path / "training.png")


def test_reconstructions_stand_below_their_originals_pixel_by_pixel(tmp_path: Path, drawn: list[Figure]) -> None:
    originals = np.random.default_rng(0).integers(0, 200, (3, 32, 32, 3), dtype=np.uint8)
    reconstructed = originals + np.uint8(10)
    reconstructed[2] = originals[2]
    path = plots.reconstructions(originals, reconstructed, tmp_path / "reconstructions.png")
    with Image.open(path) as image:
        assert image.format == "PNG"
    grid = np.array(drawn[0].axes).reshape(2, 3)
    for row, pixels in enumerate((originals, reconstructed)):
        for column in range(3):
            shown: Any = grid[row, column].images[0]
            assert np.array_equal(shown.get_array(), pixels[column])
            assert shown.get_interpolation() == "nearest"
    assert [axes.get_xlabel() for axes in grid[1]] == ["10.0", "10.0", "0.0"]
    assert (grid[0, 0].get_ylabel(), grid[1, 0].get_ylabel()) == ("original", "reconstruction")


def test_batches_of_different_shape_are_refused(tmp_path: Path) -> None:
    batch = np.zeros((2, 32, 32, 3), np.uint8)
    for first, second in ((batch, batch[:1]), (batch[:0], batch[:0]), (batch[..., 0], batch[..., 0])):
        with pytest.raises(ArgumentError, match=r"one shape \(N, H, W, 3\)"):
            plots.reconstructions(first, second, tmp_path / "out.png")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="expected a file in a folder that exists"):
        plots.training_curves([{"epoch": 1, "loss": 1.0}], tmp_path / "absent" / "training.png")


def test_drawing_leaves_pyplot_and_the_settings_alone() -> None:
    code = (
        "import sys, tempfile, matplotlib; before = matplotlib.rcParams.copy();"
        "from autoenc.training.plots import training_curves;"
        "training_curves([{'epoch': 1, 'loss': 1.0}], tempfile.mkdtemp() + '/t.png');"
        "assert repr(matplotlib.rcParams.copy()) == repr(before); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
