"""One session of a fine-tuning: what is handed from `prepare` to `fit` and `write`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoenc.encoders.building import build_base
from autoenc.errors import ArgumentError
from autoenc.files import digest_of
from autoenc.finetuning.classes import class_weights, in_class_folders, numbered, split_by_class
from autoenc.finetuning.features import Copies, Features, check_room, compute
from autoenc.finetuning.network import Classifier
from autoenc.finetuning.settings import Settings
from autoenc.images.cache import load_pixels
from autoenc.images.finding import Found, SkippedFile
from autoenc.progress import Progress
from autoenc.quiet import tensorflow_silenced
from autoenc.text import shown
from autoenc.training.checkpoint import Checkpoint
from autoenc.training.state import State
from autoenc.vectors import Indices, Vectors

OPTIMIZER = "adam"


@dataclass(frozen=True)
class Session:
    """A fine-tuning under way.

    Attributes:
        settings: what it is set to.
        images: how many could be read.
        skipped: those that could not, and those in no class folder.
        ignored: how many other files there are.
        classes: names, sorted.
        labels: (N,) the number of the class of each image.
        held_out: the images to validate on.
        weights: (classes,) float32, how much each class counts.
        copies: the images to train on, and their altered copies.
        features: what the base makes of them.
        classifier: base and head.
        checkpoint: where the state is saved.
        state: history and weights so far; `fit` brings it up to date.
        resumed_after: the last epoch of earlier sessions, 0 if there was none.
    """

    settings: Settings
    images: int
    skipped: list[SkippedFile]
    ignored: int
    classes: list[str]
    labels: Indices
    held_out: Indices
    weights: Vectors
    copies: Copies
    features: Features
    classifier: Classifier
    checkpoint: Checkpoint
    state: State
    resumed_after: int


def prepare(
    found: Found, validation: Found | None, settings: Settings, checkpoint: Checkpoint, progress: Progress
) -> Session:
    """Build the base, read the images, split them, and compute their features, or take up what was saved.

    Args:
        found: the images to train on.
        validation: those of a folder of its own to validate on; None where a share of the others is held out.
        settings: what to do.
        checkpoint: where the state is saved.
        progress: told of reading and of the features.

    Raises:
        EncoderError: the weights cannot be had, or are of another network.
        LabelsError: as for `numbered`.
        ArgumentError: an image is in both folders, or class weights that do not fit.
        TrainingError: the checkpoint is of other settings, images or labels, or cannot be read; or there is no room
            for the features.
    """
    names, theirs, skipped = _gathered(found, validation)
    _divided([*names], names, theirs, found, settings)  # before anything is read
    with tensorflow_silenced():
        base = build_base(settings.base, settings.base_weights, size=settings.size)
    pixels = load_pixels([*names], int(base.input_shape[1]), progress=progress)
    classes, labels, training, held_out = _divided(pixels.paths, names, theirs, found, settings)
    weights = class_weights(settings.class_weights, labels[training], classes)
    digests = (digest_of(np.ascontiguousarray(value).tobytes()) for value in base.get_weights())
    state = checkpoint.state(
        {
            "images": len(pixels),
            "fingerprint": digest_of("".join(pixels.digests).encode()),
            "classes": classes,
            "labels": digest_of(labels.astype("<i8").tobytes()),
            "validation": digest_of(held_out.astype("<i8").tobytes()),
            "weights": digest_of("".join(digests).encode()),
            "optimizer": OPTIMIZER,
            **settings.fixed(),
        }
    )
    copies = Copies(len(pixels), training, settings.copies)
    with tensorflow_silenced():
        classifier = Classifier(settings.base, base, len(classes), settings.latent_dim, settings.seed)
    check_room(classifier.forms, copies, checkpoint.folder, begun=checkpoint.exists())
    if not state.history:
        checkpoint.save(state)  # from here on there is something to resume: the features
    features = compute(classifier.describe, classifier.forms, copies, pixels.images, checkpoint.folder, progress)
    return Session(
        settings=settings,
        images=len(pixels),
        skipped=[*skipped, *pixels.skipped],
        ignored=found.ignored + (validation.ignored if validation else 0),
        classes=classes,
        labels=labels,
        held_out=held_out,
        weights=weights,
        copies=copies,
        features=features,
        classifier=classifier,
        checkpoint=checkpoint,
        state=state,
        resumed_after=len(state.history),
    )


def _gathered(found: Found, validation: Found | None) -> tuple[dict[Path, str], set[Path], list[SkippedFile]]:
    """Each image with its class, those of the folder to validate on; and the images that have none."""
    names, left_out = in_class_folders(found)
    skipped = [*found.skipped, *left_out]
    if validation is None:
        return names, set(), skipped
    theirs, left_out = in_class_folders(validation)
    if both := names.keys() & theirs.keys():
        raise ArgumentError(
            f"{shown(min(both))} is among the images to train on and in the folder of validation=. Keep them apart."
        )
    return names | theirs, set(theirs), [*skipped, *validation.skipped, *left_out]


def _divided(
    paths: Sequence[Path], names: dict[Path, str], theirs: set[Path], found: Found, settings: Settings
) -> tuple[list[str], Indices, Indices, Indices]:
    """The classes, the number of each image's class, the images to train on, and those to validate on."""
    given = [names[path] for path in paths]
    own = sum(path not in theirs for path in paths)
    place = found.root or Path()
    if isinstance(settings.validation, (str, os.PathLike)):
        classes, labels = numbered(given[:own], given[own:], place)
        return classes, labels, np.arange(own), np.arange(own, len(given))
    classes, labels = numbered(given, None, place)
    return classes, labels, *split_by_class(labels, settings.validation, settings.seed)
