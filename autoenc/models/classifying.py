"""Images -> classes with their probabilities, by a bundle that has a classifier; needs no TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autoenc.errors import ArgumentError, NoImagesError
from autoenc.images.files import LoadedImage, load_images
from autoenc.images.finding import Found, NamedPicture, Pictures, SkippedFile, gather
from autoenc.models.bundle import Bundle, load_bundle
from autoenc.progress import ProgressOption, telling
from autoenc.text import exact, shown

_BATCH = 64


@dataclass(frozen=True)
class Classified:
    """One image and what it is taken for.

    Attributes:
        path: the file; for a picture in memory, its name.
        labels: classes with their probabilities, the likeliest first.
        folder: the class that the name of its folder says it is of; None if that is no class of the model.
        picture: what to show: the path, or the picture in memory.
    """

    path: Path
    labels: tuple[tuple[str, float], ...]
    folder: str | None
    picture: Path | NamedPicture = field(repr=False)

    @property
    def label(self) -> str:
        """The likeliest class."""
        return self.labels[0][0]

    @property
    def probability(self) -> float:
        """That of the likeliest class."""
        return self.labels[0][1]

    def to_dict(self) -> dict[str, Any]:
        labels = [{"label": name, "probability": round(value, 6)} for name, value in self.labels]
        return {"path": exact(self.path), "label": self.label, "labels": labels, "folder": self.folder}


@dataclass(frozen=True)
class Classification:
    """What `classify` found.

    Attributes:
        bundle: the model.
        images: what each image is taken for, in the order of their paths.
        skipped: files that could not be read.
        ignored: how many files of the folder are hidden or not images.
    """

    bundle: Bundle
    images: list[Classified]
    skipped: list[SkippedFile]
    ignored: int = 0

    @property
    def labeled(self) -> int:
        """How many images lie in a folder that is called like a class."""
        return sum(image.folder is not None for image in self.images)

    @property
    def accuracy(self) -> float | None:
        """The share of those that are taken for that class; None if there are none."""
        right = sum(image.folder == image.label for image in self.images)
        return right / self.labeled if self.labeled else None

    def to_dict(self) -> dict[str, Any]:
        """The classification as JSON can hold it."""
        return {
            "model": self.bundle.location,
            "classes": [*self.bundle.classes],
            "results": [image.to_dict() for image in self.images],
            "labeled": self.labeled,
            "accuracy": self.accuracy,
            "skipped": [skipped.to_dict() for skipped in self.skipped],
            "ignored": self.ignored,
        }


def classify(
    images: Pictures, model: Bundle | str | os.PathLike[str], *, k: int = 3, progress: ProgressOption = None
) -> Classification:
    """Tell what class images are of. Needs no TensorFlow.

    Args:
        images: one image file; a folder, searched recursively; a list of files; or pictures in memory.
        model: a bundle that `autoenc.finetune` made, or its folder.
        k: how many classes to give for an image, at most.
        progress: as for `autoenc.train`.

    Returns:
        What each image is taken for. Where images lie in folders called like classes, `accuracy` says how often that
        is right.

    Raises:
        ArgumentError: k below 1, or images that are no pictures.
        NoImagesError: no image, or none that can be read.
        BundleError: the model cannot be used, or has no classifier.

    Example:
        >>> autoenc.classify("some.jpg", "model")
        Traceback (most recent call last):
        autoenc.errors.BundleError: ...model has no classifier. Make one with `autoenc finetune`.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ArgumentError(f"k= must be a whole number, 1 or more; got {k!r}.")
    bundle = model if isinstance(model, Bundle) else load_bundle(model)
    bundle.classify(
        np.empty((0, bundle.latent_dim), np.float32)
    )  # is refused before anything is read if it has no classifier
    single = isinstance(images, (str, os.PathLike)) and not os.path.isdir(images)
    found = gather([images] if single else images)  # type: ignore[list-item]
    made: list[Classified] = []
    skipped = [*found.skipped]
    with telling(progress) as report:
        for batch in _batches(found, bundle.input_size, skipped):
            pixels = np.stack([loaded.pixels for _, loaded in batch])
            for (item, loaded), row in zip(batch, bundle.classify(bundle.encode_pixels(pixels)), strict=True):
                order = np.argsort(-row, kind="stable")[:k]
                labels = tuple((bundle.classes[at], float(row[at])) for at in order)
                folder = loaded.path.parent.name if isinstance(item, Path) else ""
                made.append(Classified(loaded.path, labels, folder if folder in bundle.classes else None, item))
            report("classifying", len(made) + len(skipped), len(found.items) + len(found.skipped), "")
    if not made:
        if single:
            raise NoImagesError(str(skipped[0]))
        where = f" in {shown(found.root)}" if found.root else ""
        raise NoImagesError(f"None of the images{where} can be read; the first: {skipped[0]}")
    return Classification(bundle, made, skipped, found.ignored)


def _batches(
    found: Found, size: int, skipped: list[SkippedFile]
) -> Iterator[list[tuple[Path | NamedPicture, LoadedImage]]]:
    """The images that can be read, some at a time; the others are added to `skipped`."""
    batch: list[tuple[Path | NamedPicture, LoadedImage]] = []
    for item, loaded in zip(found.items, load_images(found.items, size), strict=True):
        if isinstance(loaded, SkippedFile):
            skipped.append(loaded)
            continue
        batch.append((item, loaded))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
