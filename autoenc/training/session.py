"""One session of a training: what is handed from `prepare` to `fit`, `judge` and `write`."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass

import numpy as np

from autoenc.errors import ArgumentError, NoImagesError
from autoenc.files import digest_of
from autoenc.images.cache import PixelCache, load_pixels
from autoenc.images.finding import Found
from autoenc.progress import Progress
from autoenc.quiet import tensorflow_silenced
from autoenc.training.checkpoint import Checkpoint, State
from autoenc.training.descriptors import Describer, joined
from autoenc.training.emphasis import Emphasis, decide, parse_emphasis
from autoenc.training.examples import Examples, distinct, split
from autoenc.training.model import INPUT_SIZE, ModelConfig
from autoenc.training.objectives import Material, create_objectives
from autoenc.training.settings import Settings
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
    examples: Examples
    trainer: Trainer
    checkpoint: Checkpoint
    state: State
    resumed_after: int


def prepare(found: Found, settings: Settings, checkpoint: Checkpoint, progress: Progress) -> Session:
    """Read the images, draw those to hold out, compute the targets, and build the model or restore it.

    Raises:
        ArgumentError: an unknown objective or emphasis.
        NoImagesError: fewer than two readable images.
        TrainingError: the checkpoint is of a training with other settings or images, or cannot be read; or color alone
            is asked for, and the images are gray.
    """
    objectives = create_objectives(settings.objective)
    asked = parse_emphasis(settings.emphasis)
    drawn = evenly(np.arange(len(found.items)), settings.max_images or len(found.items))
    pixels = load_pixels([found.items[at] for at in drawn], INPUT_SIZE, progress=progress)
    pixels.skipped[:0] = found.skipped
    if len(pixels) < 2:
        first = f"; skipped {len(pixels.skipped)}, the first: {pixels.skipped[0]}" if pixels.skipped else "."
        raise NoImagesError(f"Training needs at least 2 readable images; found {len(pixels)}{first}")
    state = checkpoint.state(
        {
            "images": len(pixels),
            "fingerprint": digest_of("".join(pixels.digests).encode()),
            "optimizer": OPTIMIZER,
            "objectives": [objective.to_dict() for objective in objectives],
            "emphasis": asked,
            **settings.fixed(),
        }
    )
    training, held_out = split(len(pixels), settings.validation, settings.seed)
    fitted = distinct(pixels.images, training, FITTED_ON)
    described = emphasis = None
    if any(objective.altered for objective in objectives):
        describer = Describer(pixels.images[fitted])
        emphasis = _saved_emphasis(state, checkpoint) or decide(asked, describer, pixels.images[fitted], progress)
        state.emphasis = emphasis.to_dict()
        described = joined(describer(pixels.images), emphasis.mix)
    material = Material(pixels.images, fitted, described, settings.latent_dim)
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
