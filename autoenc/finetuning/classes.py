"""Which class an image is of, which images are held out, and how much a class counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from autoenc.errors import ArgumentError, LabelsError
from autoenc.finetuning.settings import BALANCED
from autoenc.images.finding import Found, SkippedFile
from autoenc.text import counted, meant, shown, some
from autoenc.training.settings import is_number
from autoenc.vectors import Indices, Vectors

NO_CLASS = "it lies in no class folder"
"""Why an image is left out."""


def in_class_folders(found: Found) -> tuple[dict[Path, str], list[SkippedFile]]:
    """The images of a folder with the names of the folders that they lie in, and those that lie in none.

    Example:
        >>> classes, left_out = in_class_folders(autoenc.find_images("photos"))
        >>> sorted(set(classes.values()))
        ['bicycle', 'shoe', 't-shirt', 'watch']
    """
    classes = {path: path.parent.name for path in found.paths if path.parent != found.root}
    return classes, [SkippedFile(path, NO_CLASS) for path in found.paths if path not in classes]


def numbered(names: Sequence[str], held_out: Sequence[str] | None, place: Path) -> tuple[list[str], Indices]:
    """The classes, sorted, and the number of each image's class, those that are held out last.

    Args:
        names: the class of each image that there is to train on.
        held_out: the same of a folder of its own to validate on; None where a share of the others is held out.
        place: the folder of the first, for messages.

    Raises:
        LabelsError: one class or none, or a class without an image to train on and another one to validate on.

    Example:
        >>> numbered(["shoe", "bag", "bag", "shoe"], None, Path("photos"))
        (['bag', 'shoe'], array([1, 0, 0, 1]))
    """
    classes = sorted(set(names))
    if len(classes) < 2:
        what = f"only '{classes[0]}'" if classes else "none"
        raise LabelsError(f"Expected two classes or more, each a folder of images in {shown(place)}; found {what}.")
    if held_out is None:
        if single := [name for name in classes if names.count(name) < 2]:
            raise LabelsError(
                f"Each class needs 2 images or more, one to train on and one to validate on; {_listed(single)} 1. Add "
                f"images, or move {'that folder' if len(single) == 1 else 'those folders'} away."
            )
    elif lacking := sorted(set(classes) - set(held_out)):
        raise LabelsError(
            f"Each class needs an image to validate on; {_listed(lacking)} none in the folder of validation=. Add "
            f"images, or give a share instead, such as validation=0.15."
        )
    elif unknown := sorted(set(held_out) - set(classes)):
        raise LabelsError(
            f"The folder of validation= has images of {some([repr(name) for name in unknown], 5)}, of which there are "
            f"none to train on.{meant(unknown[0], classes)}"
        )
    number = {name: at for at, name in enumerate(classes)}
    return classes, np.array([number[name] for name in (*names, *(held_out or ()))])


def _listed(names: Sequence[str]) -> str:
    return f"{some([repr(name) for name in names], 5)} {'has' if len(names) == 1 else 'have'}"


def split_by_class(labels: Indices, validation: float, seed: int) -> tuple[Indices, Indices]:
    """Draw the images to hold out, the same share of each class, at least one, and never all.

    Args:
        labels: (N,) the number of each image's class, each there twice or more.
        validation: share to hold out.
        seed: one seed, one split.

    Returns:
        Indices to train on, and indices held out, each in ascending order.

    Example:
        >>> training, held_out = split_by_class(np.array([0] * 10 + [1] * 5), validation=0.2, seed=0)
        >>> len(training), np.array([0] * 10 + [1] * 5)[held_out].tolist()
        (12, [0, 0, 1])
    """
    generator = np.random.default_rng(seed)
    drawn = []
    for number in np.unique(labels):
        own = generator.permutation(np.flatnonzero(labels == number))
        drawn.append(own[: min(max(1, round(len(own) * validation)), len(own) - 1)])
    held_out = np.sort(np.concatenate(drawn))
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out


def class_weights(asked: str | Mapping[str, float] | None, labels: Indices, classes: Sequence[str]) -> Vectors:
    """How much an image of each class counts.

    Args:
        asked: "balanced", None for 1 each, or a weight for each class.
        labels: (N,) the number of the class of each image that is trained on; every class is among them.
        classes: their names.

    Returns:
        (classes,) float32; the mean over the images is 1.

    Raises:
        ArgumentError: not one weight above 0 for each class.

    Source: "balanced" as in King and Zeng, "Logistic regression in rare events data", Political Analysis 2001.

    Example:
        >>> class_weights("balanced", np.array([0, 0, 0, 0, 1]), ["bag", "shoe"]).tolist()
        [0.625, 2.5]
    """
    counts = np.bincount(labels, minlength=len(classes))
    if asked is None:
        return np.ones(len(classes), np.float32)
    if asked == BALANCED:
        return np.asarray(len(labels) / (len(classes) * counts), np.float32)
    if not isinstance(asked, Mapping) or set(asked) != set(classes):
        raise ArgumentError(
            f"class_weights= needs one weight for each of the {counted(len(classes), 'class', 'classes')} "
            f"{some([repr(name) for name in classes], 5)}; got {asked!r}."
        )
    if not all(is_number(weight) and 0 < weight < float("inf") for weight in asked.values()):
        raise ArgumentError(f"class_weights= must be numbers above 0; got {dict(asked)!r}.")
    weights = np.array([asked[name] for name in classes], np.float64)
    return np.asarray(weights * len(labels) / (weights * counts).sum(), np.float32)
