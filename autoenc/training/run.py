"""Unlabeled pictures in, a bundle out."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow

import autoenc
from autoenc.errors import ArgumentError, NoImagesError, TrainingError
from autoenc.files import digest_of
from autoenc.images.alterations import altered_copies
from autoenc.images.cache import PixelCache, load_pixels
from autoenc.images.finding import SkippedFile, find_images
from autoenc.models.bundle import AUTOENCODER, ENCODER, Bundle, check_target, load_bundle, write_manifest, written_whole
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.text import shown
from autoenc.training.checkpoint import Checkpoint, State
from autoenc.training.latents import LatentHealth, latent_health
from autoenc.training.loop import Examples, fit, split, steps_an_epoch
from autoenc.training.model import INPUT_SIZE, ModelConfig
from autoenc.training.objectives import DEFAULT_OBJECTIVE, Objective, create_objectives
from autoenc.training.plots import alterations, reconstructions, training_curves
from autoenc.training.selection import choose_whitening, cluster_map
from autoenc.training.settings import Settings
from autoenc.training.step import OPTIMIZER, Trainer
from autoenc.vectors import Images

SHOWN_PICTURES = 12
WHITENING = (0.0, 0.25, 0.5)
"""Strengths to choose from: principal axes are divided by their standard deviation to this power; 0 rotates alone."""

JUDGED_BY = 2000
"""Held-out pictures, at most, that the choice looks at."""


@dataclass(frozen=True)
class TrainingResult:
    """What `train` did.

    Attributes:
        bundle: the trained model.
        epochs: how many were run, resumed ones included; best_epoch: the one whose weights were kept.
        seconds: spent in epochs, validation included, over all sessions of a resumed training.
        images_per_second: training images over the time spent in training steps, in this session.
        loss, val_loss: of the best epoch.
        images: how many were trained and validated on.
        history: one row an epoch: epoch, loss, val_loss, seconds.
        skipped, ignored: files that could not be read; how many files are no images.
        health: how much of their room the latents use, and whether they have collapsed.
        held_out: how many of the images were not trained on.
        cluster_map: how well held-out pictures retrieve, measured without labels; see `training.selection.cluster_map`.
        stopped_early: val_loss had not fallen for `patience` epochs.
        resumed_after: the last epoch of the session before, 0 if there was none.
    """

    bundle: Bundle
    epochs: int
    best_epoch: int
    seconds: float
    images_per_second: float
    loss: float
    val_loss: float
    images: int
    history: list[dict[str, float]]
    health: LatentHealth
    held_out: int
    cluster_map: float
    skipped: list[SkippedFile] = field(default_factory=list)
    ignored: int = 0
    stopped_early: bool = False
    resumed_after: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "bundle": str(self.bundle.path),
            "health": self.health.to_dict(),
            "skipped": [skipped.to_dict() for skipped in self.skipped],
        }


def train(
    images: str | os.PathLike[str] | Images,
    model: str | os.PathLike[str],
    *,
    epochs: int = 80,
    batch_size: int = 64,
    latent_dim: int = 32,
    objective: str | Sequence[Objective] = DEFAULT_OBJECTIVE,
    learning_rate: float = 2e-3,
    validation: float = 0.1,
    patience: int = 20,
    seed: int = 0,
    resume: bool = False,
    progress: ProgressOption = None,
) -> TrainingResult:
    """Train an autoencoder on unlabeled pictures and write it as a bundle.

    Folder names are not read: nothing here knows a label. One seed on one machine gives one result.

    Args:
        images: a folder, searched recursively, or pictures as (N, 32, 32, 3) uint8.
        model: folder to write the bundle to, whole and at the end: new, empty, or a bundle to replace.
        epochs: passes over the pictures at most.
        batch_size: pictures a step.
        latent_dim: numbers a picture.
        objective: what to minimize: names of `autoenc.training.objectives.OBJECTIVES` joined by "+", or a list of
            objectives with weights of your own, such as `[Reconstruction(0.2), Structure(1)]`. The default is all
            three, each with a weight of 1. "reconstruction" alone is the plain autoencoder: nothing is altered and
            nothing whitened.
        learning_rate: of the first step; it falls to 0 along a cosine. The optimizer is Muon, with Adam for all but the
            matrices of dense layers.
        validation: share of the pictures held out to measure val_loss, at least one picture.
        patience: stop after so many epochs without a lower val_loss; the best epoch's weights are kept.
        seed: of the weights, the split, the order and the alterations.
        resume: go on after the last finished epoch of a training of this model that was interrupted.
        progress: told how far it is.

    Raises:
        NoImagesError: fewer than two readable pictures.
        TrainingError: an unfinished training is there and `resume` was not asked for, or it had other settings or was
            begun by another version;
            `resume` and the training is finished; another process is at it.
        OutputError: the folder cannot be written or holds something else.
        ArgumentError: a value outside of what is allowed.
    """
    objectives = create_objectives(objective)
    settings = Settings(
        epochs=epochs,
        batch_size=batch_size,
        latent_dim=latent_dim,
        objectives=[term.to_dict() for term in objectives],
        learning_rate=learning_rate,
        validation=validation,
        patience=patience,
        seed=seed,
    )
    config = ModelConfig(latent_dim=latent_dim, seed=seed)
    folder = check_target(model)
    checkpoint = Checkpoint(folder)
    if checkpoint.exists() and not resume:
        raise TrainingError(
            f"An unfinished training of this model is in {shown(checkpoint.folder)}. Go on with --resume "
            f"(resume=True), or delete that folder to start anew."
        )
    if resume and not checkpoint.exists() and folder.exists() and any(folder.iterdir()):
        raise TrainingError(
            f"There is nothing to resume: the training of {shown(folder)} is finished. Train anew without --resume, "
            f"which replaces it, or name another folder."
        )
    with telling(progress) as report:
        cache, ignored = _read(images, report)
    with checkpoint.locked(), telling(progress) as report:
        if len(cache) < 2:
            first = f"; skipped {len(cache.skipped)}, the first: {cache.skipped[0]}" if cache.skipped else ""
            raise NoImagesError(f"Training needs at least 2 readable pictures; found {len(cache)}{first}")
        data = {"images": len(cache), "fingerprint": digest_of("".join(cache.digests).encode())}
        state = State(settings={**data, "optimizer": OPTIMIZER, **settings.fixed()})
        if checkpoint.exists():
            state = checkpoint.load(state.settings)
        resumed_after = len(state.history)
        training, held_out = split(len(cache), validation, seed)
        fitted_on = cache.images[np.sort(training)]
        for term in objectives:
            term.prepare(fitted_on, latent_dim)
        steps = epochs * steps_an_epoch(training, batch_size)
        trainer = Trainer(config, objectives, learning_rate, steps)
        examples = Examples(cache.images, objectives)
        speed = fit(
            trainer,
            examples,
            training,
            held_out,
            state,
            checkpoint,
            epochs=epochs,
            batch_size=batch_size,
            patience=patience,
            seed=seed,
            progress=report,
        )
        trainer.restore(state.best)
        best = state.history[state.best_epoch - 1]
        latents = trainer.encode(cache.images)
        health = latent_health(latents)
        judged = held_out[:JUDGED_BY]
        views = [altered_copies(cache.images[judged], seed=view, indices=judged) for view in range(1, 4)]
        seen = latents[training], latents[judged], [trainer.encode(copies) for copies in views]
        whitening, quality = choose_whitening(WHITENING, *seen) if examples.altered else (None, cluster_map(*seen))
        with written_whole(folder) as staging:
            shown_images = cache.images[np.sort(held_out[:SHOWN_PICTURES])]
            trainer.export(staging / ENCODER, whitening)
            trainer.save(staging / AUTOENCODER)
            reconstructions(shown_images, trainer.reconstruct(shown_images), staging / "reconstructions.png")
            if examples.altered:
                alterations(shown_images, altered_copies(shown_images, seed=1), staging / "augmentations.png")
            training_curves(state.history, staging / "training.png")
            _write_history(state.history, staging / "history.csv")
            learned = {
                "latents": health.to_dict(),
                "whitening": whitening.strength if whitening else None,
                "cluster_map": quality,
            }
            write_manifest(staging, _manifest(config, settings, data, state, len(cache.skipped)) | learned)
        checkpoint.remove()
    return TrainingResult(
        bundle=load_bundle(folder),
        epochs=len(state.history),
        best_epoch=state.best_epoch,
        seconds=sum(row["seconds"] for row in state.history),
        images_per_second=speed,
        loss=best["loss"],
        val_loss=best["val_loss"],
        images=len(training) + len(held_out),
        history=state.history,
        skipped=cache.skipped,
        ignored=ignored,
        health=health,
        held_out=len(held_out),
        cluster_map=quality,
        stopped_early=len(state.history) < epochs,
        resumed_after=resumed_after,
    )


def _read(images: str | os.PathLike[str] | Images, progress: Progress) -> tuple[PixelCache, int]:
    if not isinstance(images, np.ndarray):
        found = find_images(images)
        cache = load_pixels(found.items, INPUT_SIZE, progress=progress)
        cache.skipped[:0] = found.skipped
        return cache, found.ignored
    if images.dtype != np.uint8 or images.shape[1:] != (INPUT_SIZE, INPUT_SIZE, 3):
        raise ArgumentError(
            f"Expected a folder, or pictures as (N, {INPUT_SIZE}, {INPUT_SIZE}, 3) uint8; "
            f"got {images.shape} {images.dtype}."
        )
    return PixelCache(images, [], [digest_of(picture.tobytes()) for picture in images], []), 0


def _write_history(history: list[dict[str, float]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows(history)


def _manifest(
    config: ModelConfig, settings: Settings, data: dict[str, Any], state: State, skipped: int
) -> dict[str, Any]:
    best = state.history[state.best_epoch - 1]
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "architecture": {"input_size": INPUT_SIZE, **asdict(config)},
        "data": {**data, "skipped": skipped},
        "objective": "+".join(term["name"] for term in settings.objectives),
        "seed": settings.seed,
        "training": {
            **asdict(settings),
            "optimizer": OPTIMIZER,
            "epochs": len(state.history),
            "best_epoch": state.best_epoch,
            "loss": best["loss"],
            "val_loss": best["val_loss"],
            "seconds": sum(row["seconds"] for row in state.history),
        },
        "versions": {
            "python": platform.python_version(),
            **{module.__name__: module.__version__ for module in (autoenc, tensorflow, keras, np, onnx)},
        },
    }
