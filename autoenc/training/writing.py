"""A trained model as a bundle on disk."""

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

from autoenc.models.bundle import Bundle, load_bundle
from autoenc.models.manifest import AUTOENCODER, DECODER, ENCODER
from autoenc.models.writing import check_target, write_manifest, written_whole
from autoenc.quiet import tensorflow_silenced
from autoenc.training.export import export_decoder, export_encoder
from autoenc.training.latents import Whitening
from autoenc.training.model import INPUT_SIZE
from autoenc.training.plots import alterations, reconstructions, training_curves
from autoenc.training.selection import Judgment
from autoenc.training.session import Session
from autoenc.training.step import OPTIMIZER
from autoenc.version import __version__

_SHOWN = 12
"""Held-out images in a plot."""


@tensorflow_silenced()
def write(session: Session, judgment: Judgment, *, overwrite: bool = False) -> Bundle:
    """Write the bundle of a finished training, whole or not at all, and remove its checkpoint.

    Args:
        session: the training, after `fit`.
        judgment: what `judge` returned.
        overwrite: as for `check_target`.

    Returns:
        The bundle, opened.

    Raises:
        OutputError: the folder cannot be written, or by now holds something else. The checkpoint is kept.
    """
    trainer, state = session.trainer, session.state
    at = np.sort(session.held_out[:_SHOWN])
    shown = session.pixels.images[at]
    with written_whole(session.checkpoint.bundle) as staging:
        export_encoder(trainer.exported, staging / ENCODER, judgment.whitening)
        if trainer.decoder.trainable:
            export_decoder(trainer.decoder, staging / DECODER, judgment.whitening)
        trainer.save(staging / AUTOENCODER)
        reconstructions(shown, trainer.reconstruct(shown), staging / "reconstructions.png")
        if session.examples.gain is not None:
            alterations(shown, session.examples.altered(at, seed=1), staging / "augmentations.png")
        training_curves(state.history, staging / "training.png", emphasis=session.emphasis, guides=_guides(session))
        _write_history(state.history, staging / "history.csv")
        write_manifest(staging, _manifest(session, judgment))
        check_target(session.checkpoint.bundle, overwrite=overwrite)  # again: hours may have passed
    session.checkpoint.remove()
    return load_bundle(session.checkpoint.bundle)


def _write_history(history: Sequence[dict[str, float]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows(history)


def _manifest(session: Session, judgment: Judgment) -> dict[str, Any]:
    settings, state = session.settings, session.state
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "architecture": {"input_size": INPUT_SIZE, "latent_dim": settings.latent_dim, "seed": settings.seed},
        "data": {
            "images": len(session.pixels),
            "found": len(session.found.items),
            "fingerprint": state.settings["fingerprint"],
            "skipped": len(session.pixels.skipped),
        },
        "objective": "+".join(term["name"] for term in state.settings["objectives"]),
        "seed": settings.seed,
        "training": {
            **settings.fixed(),
            "objectives": state.settings["objectives"],
            "emphasis": session.emphasis.to_dict() if session.emphasis else None,
            "teacher": session.teacher,
            "labels": session.classes.to_dict() if session.classes else None,
            "patience": settings.patience,
            "optimizer": OPTIMIZER,
            "epochs": len(state.history),
            "best_epoch": state.best_epoch,
            "loss": state.best_row["loss"],
            "val_loss": state.best_row["val_loss"],
            "seconds": state.seconds,
        },
        "versions": {
            "python": platform.python_version(),
            "autoenc": __version__,
            **{module.__name__: module.__version__ for module in (tensorflow, keras, np, onnx)},
        },
        "latents": judgment.health.to_dict(),
        "whitening": judgment.whitening.strength if judgment.whitening else None,
        "head": _head(judgment.whitening),
        "cluster_map": judgment.cluster_map,
    }


def _guides(session: Session) -> list[str]:
    """What was learned from beside the images, for the plot."""
    teacher, classes = session.teacher, session.classes
    return [*([f"teacher {teacher['name']}"] if teacher else []), *(["labels"] if classes else [])]


def _head(whitening: Whitening | None) -> dict[str, Any] | None:
    """The head that stretches the latents, and how far; None if none does."""
    return {"name": whitening.head, "power": whitening.power} if whitening and whitening.head else None
