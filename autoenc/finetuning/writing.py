"""A fine-tuned model as a bundle on disk."""

from __future__ import annotations

import csv
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow

from autoenc.finetuning.plots import confusion_plot, history_plot
from autoenc.finetuning.session import OPTIMIZER, Session
from autoenc.models.bundle import Bundle, load_bundle
from autoenc.models.writing import check_target, write_manifest, written_whole
from autoenc.quiet import tensorflow_silenced
from autoenc.training.writing import write_history
from autoenc.vectors import Indices, Vectors
from autoenc.version import __version__


def confusion(labels: Indices, probabilities: Vectors) -> Indices:
    """(C, C) counts: row i, column j for images of class i that are predicted to be of class j.

    Args:
        labels: (N,) the number of the class of each image.
        probabilities: (N, C).

    Example:
        >>> confusion(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])).tolist()
        [[1, 1], [0, 1]]
    """
    counts = np.zeros((probabilities.shape[1],) * 2, np.int64)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
    return counts


@tensorflow_silenced()
def write(session: Session, matrix: Indices, *, overwrite: bool = False) -> Bundle:
    """Write the bundle of a finished fine-tuning, whole or not at all, and remove its checkpoint.

    Args:
        session: the fine-tuning, after `fit`.
        matrix: the confusion matrix of the held-out images.
        overwrite: as for `check_target`.

    Returns:
        The bundle, opened.

    Raises:
        OutputError: the folder cannot be written, or by now holds something else. The checkpoint is kept.
    """
    with written_whole(session.checkpoint.bundle) as staging:
        session.classifier.export(staging)
        history_plot(session.state.history, staging / "training.png")
        write_history(session.state.history, staging / "history.csv")
        confusion_plot(matrix, session.classes, staging / "confusion.png")
        _write_confusion(matrix, session.classes, staging / "confusion.csv")
        write_manifest(staging, _manifest(session))
        check_target(session.checkpoint.bundle, overwrite=overwrite)  # again: hours may have passed
    session.checkpoint.remove()
    return load_bundle(session.checkpoint.bundle)


def _write_confusion(matrix: Indices, classes: Sequence[str], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["class", *classes])
        writer.writerows([name, *row] for name, row in zip(classes, matrix.tolist(), strict=True))


def _manifest(session: Session) -> dict[str, Any]:
    settings, state = session.settings, session.state
    best = state.best_row
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "architecture": {
            "input_size": session.classifier.size,
            "latent_dim": settings.latent_dim,
            "seed": settings.seed,
            "base": settings.base,
        },
        "classes": session.classes,
        "data": {
            "images": session.images,
            "held_out": len(session.held_out),
            "fingerprint": state.settings["fingerprint"],
            "skipped": len(session.skipped),
        },
        "objective": "classification",
        "seed": settings.seed,
        "training": {
            **settings.fixed(),
            "base_weights": state.settings["weights"],
            "patience": settings.patience,
            "optimizer": OPTIMIZER,
            "head_epochs": sum(row["phase"] == 1 for row in state.history),
            "epochs": len(state.history),
            "best_epoch": state.best_epoch,
            **{name: best[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy")},
            "seconds": state.seconds,
        },
        "versions": {
            "python": platform.python_version(),
            "autoenc": __version__,
            **{module.__name__: module.__version__ for module in (tensorflow, keras, np, onnx)},
        },
    }
