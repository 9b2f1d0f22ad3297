"""One session of a training: what is handed from `prepare` to `fit`, `judge` and `write`."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoenc.encoders import Encoder
from autoenc.errors import ArgumentError, NoImagesError
from autoenc.files import digest_of
from autoenc.images.cache import PixelCache, load_pixels
from autoenc.images.finding import Found, path_of
from autoenc.progress import Progress
from autoenc.quiet import tensorflow_silenced
from autoenc.training import teacher as teachers
from autoenc.training.checkpoint import Checkpoint
from autoenc.training.classes import Classes, classes_of, key_of
from autoenc.training.descriptors import Describer, joined
from autoenc.training.emphasis import Emphasis, decide, parse_emphasis
from autoenc.training.examples import Examples, distinct, split
from autoenc.training.model import INPUT_SIZE, ModelConfig
from autoenc.training.objectives import Material, Prediction, create_objectives
from autoenc.training.settings import Settings
from autoenc.training.state import State
from autoenc.training.step import OPTIMIZER, Trainer
from autoenc.vectors import Indices, evenly

FITTED_ON = 20_000
"""Images at most, evenly drawn, that targets are fitted on: the time it takes grows with their square."""


@dataclass(frozen=True)
class Session:
    """A training under way.

    Attributes:
        settings: what it is set to.
        found: the images that there are to draw from.
        pixels: those that were drawn and could be read.
        training, held_out: indices of images to train on and to validate on.
        emphasis: what the targets are made of; None if no objective wants any.
        teacher: who taught, as `autoenc.training.teacher.record_of` says it; None without a teacher.
        classes: of the images; None for a training without labels.
        examples: batches of images with their targets.
        trainer: the model and its optimizer.
        checkpoint: where the state is saved.
        state: history and weights so far; `fit` brings it up to date.
        resumed_after: the last epoch of earlier sessions, 0 if there was none.
    """

    settings: Settings
    found: Found
    pixels: PixelCache
    training: Indices
    held_out: Indices
    emphasis: Emphasis | None
    teacher: dict[str, Any] | None
    classes: Classes | None
    examples: Examples
    trainer: Trainer
    checkpoint: Checkpoint
    state: State
    resumed_after: int


def prepare(
    found: Found,
    settings: Settings,
    checkpoint: Checkpoint,
    progress: Progress,
    *,
    teacher: Encoder | None = None,
    labels: Sequence[str | None] | None = None,
) -> Session:
    """Read the images, draw those to hold out, compute the targets, and build the model or restore it.

    Args:
        found: the images.
        settings: what to train.
        checkpoint: where the state is saved.
        progress: told of each stage.
        teacher: an encoder to learn from.
        labels: one for each item of `found`, or None.

    Raises:
        ArgumentError: an unknown objective or emphasis, or a teacher and no objective that it could teach.
        NoImagesError: fewer than two readable images.
        LabelsError: fewer than two classes among the images trained on.
        TrainingError: the checkpoint is of a training with other settings or images, or cannot be read; color alone
            is asked for, and the images are gray; or the teacher's vectors are of no use.
    """
    objectives = create_objectives(settings.objective, labels=labels is not None, taught=teacher is not None)
    if not any(objective.labeled for objective in objectives):
        labels = None  # the weight of what learns from them is 0
    if teacher is not None and not any(isinstance(objective, Prediction) for objective in objectives):
        raise ArgumentError("teacher= needs 'structure' or 'neighbors' in objective=: they are what it teaches.")
    asked = parse_emphasis(settings.emphasis)
    drawn = evenly(np.arange(len(found.items)), settings.max_images or len(found.items))
    items = [found.items[at] for at in drawn]
    pixels = load_pixels(items, INPUT_SIZE, progress=progress)
    if pixels.skipped:
        unreadable = {file.path for file in pixels.skipped}
        drawn = np.array([at for at, item in zip(drawn, items, strict=True) if path_of(item) not in unreadable])
    known = None if labels is None else [labels[at] for at in drawn]
    pixels.skipped[:0] = found.skipped
    if len(pixels) < 2:
        first = f"; skipped {len(pixels.skipped)}, the first: {pixels.skipped[0]}" if pixels.skipped else "."
        raise NoImagesError(f"Training needs at least 2 readable images; found {len(pixels)}{first}")
    fingerprint = digest_of("".join(pixels.digests).encode())
    state = checkpoint.state(
        {
            "images": len(pixels),
            "fingerprint": fingerprint,
            "optimizer": OPTIMIZER,
            "teacher": None if teacher is None else teachers.key_of(teacher),
            "objectives": [objective.to_dict() for objective in objectives],
            "emphasis": asked,
            "labels": None if known is None else key_of(known),
            **settings.fixed(),
        }
    )
    training, held_out = split(len(pixels), settings.validation, settings.seed)
    classes = None if known is None else classes_of(known, training)
    fitted = distinct(pixels.images, training, FITTED_ON)
    described = emphasis = None
    if any(objective.altered for objective in objectives):
        describer = Describer(pixels.images[fitted])
        emphasis = _saved_emphasis(state, checkpoint) or decide(asked, describer, pixels.images[fitted], progress)
        state.emphasis = emphasis.to_dict()
        described = joined(describer(pixels.images), emphasis.mix)
    if teacher is not None and described is not None:
        key = f"{teachers.key_of(teacher)} {fingerprint}"
        vectors = checkpoint.kept_vectors(key, (len(pixels), teacher.dim))
        if vectors is None:
            vectors = teachers.teach(teacher, pixels, [found.items[at] for at in drawn], progress)
            checkpoint.keep_vectors(key, vectors)
        described = teachers.beside(described, teachers.taught_rows(teacher, vectors, fitted))
    codes = None if classes is None else classes.codes
    material = Material(pixels.images, fitted, described, settings.latent_dim, codes)
    with tensorflow_silenced():
        examples = Examples(objectives, material, emphasis.gain if emphasis else None)
        config = ModelConfig(latent_dim=settings.latent_dim, seed=settings.seed)
        steps = settings.epochs * settings.steps_per_epoch(len(training))
        trainer = Trainer(config, objectives, settings.learning_rate, steps)
        trainer.warm_up(*examples.batch(training[: settings.batch_size], seed=0))
        if state.history:
            checkpoint.check_fits(state, trainer.state())
            trainer.restore(state.current)
    return Session(
        settings=settings,
        found=found,
        pixels=pixels,
        training=training,
        held_out=held_out,
        emphasis=emphasis,
        teacher=None if teacher is None else teachers.record_of(teacher),
        classes=classes,
        examples=examples,
        trainer=trainer,
        checkpoint=checkpoint,
        state=state,
        resumed_after=len(state.history),
    )


def _saved_emphasis(state: State, checkpoint: Checkpoint) -> Emphasis | None:
    """The emphasis of a training that is resumed; None for one that begins."""
    if state.emphasis is None:
        return None
    try:
        return Emphasis.from_dict(state.emphasis)
    except (ArgumentError, KeyError, TypeError) as error:
        raise checkpoint.unreadable(f"its emphasis is {reprlib.repr(state.emphasis)}") from error
