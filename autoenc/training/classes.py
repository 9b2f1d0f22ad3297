"""The labels of a training that has some: which class each image is of."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoenc.errors import ArgumentError, LabelsError
from autoenc.files import digest_of
from autoenc.images.finding import Found, Pictures
from autoenc.tables.labels import (
    FOLDERS,
    Labels,
    check_label_column,
    image_name,
    labels_by_name,
    labels_from_folders,
    labels_from_list,
    read_labels,
)
from autoenc.text import counted
from autoenc.vectors import Indices

TrainingLabels = str | os.PathLike[str] | Mapping[Any, str | int | None] | Labels
"""Any form in which callers may pass labels; see `find_labels`."""


@dataclass(frozen=True)
class Classes:
    """The classes of a training.

    Attributes:
        names: of each class.
        codes: (N,) int64, the class of each image: an index of `names`; -1 for none.
        images: how many images that are trained on each class has.
        unlabeled: how many images have no label, held-out ones included.
        left_out: labels that only held-out images have.
    """

    names: list[str]
    codes: Indices
    images: list[int]
    unlabeled: int
    left_out: list[str]

    @property
    def single(self) -> list[str]:
        """The classes with one image to train on."""
        return [name for name, count in zip(self.names, self.images, strict=True) if count == 1]

    def to_dict(self) -> dict[str, Any]:
        """What `bundle.json` says."""
        return {"classes": self.names, "images": self.images, "unlabeled": self.unlabeled, "left_out": self.left_out}


def find_labels(
    labels: TrainingLabels | None, column: str | None, images: Pictures, found: Found
) -> list[str | None] | None:
    """The label of each picture, None for one without; None where a training has no labels.

    Args:
        labels: "folders", for the names of the folders that hold the images; a table, CSV or Parquet, with one row per
            image; a mapping from an image's path, the end of it, its name or its stem to its label; a list with one
            label or None for each of `images`; or None.
        column: the column of that table that holds the labels; None for "label".
        images: as the caller gave them.
        found: what `gather` made of them.

    Raises:
        LabelsError: a table that cannot be read, or no label for any of the images.
        ArgumentError: labels of another kind, or another number of them than of images; or a column, and no table.

    Example:
        >>> from autoenc.images.finding import gather
        >>> sorted(set(find_labels("folders", None, "photos", gather("photos"))))
        ['bicycle', 'shoe', 't-shirt', 'watch']
    """
    check_label_column(column, labels)
    if labels is None:
        return None
    if isinstance(labels, str) and labels == FOLDERS:
        made = labels_from_folders(found.paths, found.root if found.whole else None)
    elif isinstance(labels, (str, os.PathLike)):
        made = read_labels(labels, column).match(found.paths)
    elif isinstance(labels, Mapping):
        named: dict[str, str] = {}
        for name, label in labels.items():
            if not isinstance(name, (str, os.PathLike)):
                raise ArgumentError(f"labels= maps images' paths or names to labels; got {name!r} for one of them.")
            if label is not None and not isinstance(label, (str, int, np.integer)):
                raise ArgumentError(f"labels= takes strings, whole numbers and None as labels; got {label!r}.")
            named.setdefault(image_name(os.fspath(name)), "" if label is None else str(label))
        made = labels_by_name(named, found.paths)
    else:
        made = labels_from_list(labels, images, found, "labels=")
    if not any(made):
        raise LabelsError(f"labels= has no label for any of the {counted(len(made), 'image')}.")
    return made


def key_of(labels: Sequence[str | None]) -> str:
    """A name for messages that two lists of labels share only if they are the same.

    Example:
        >>> key_of(["shoe", None, "shoe"])
        '1 label (cc406941)'
    """
    return f"{counted(len({*labels} - {None}), 'label')} ({digest_of(json.dumps([*labels]).encode())[:8]})"


def classes_of(labels: Sequence[str | None], training: Indices) -> Classes:
    """Number the classes of the images that are trained on, in the order of their names.

    Args:
        labels: of each image; None for one without.
        training: indices of the images that are trained on.

    Raises:
        LabelsError: fewer than two classes among those.

    Example:
        >>> classes_of(["shoe", None, "mug", "shoe", "hat"], np.array([0, 1, 2, 3])).codes.tolist()
        [1, -1, 0, 1, -1]
    """
    counts = Counter(label for label in (labels[at] for at in training) if label is not None)
    names = sorted(counts)
    if len(names) < 2:
        found = f"'{names[0]}' alone" if names else "none"
        raise LabelsError(
            f"labels= needs two classes or more among the {counted(len(training), 'image')} that are trained on; found "
            f"{found}. Train without labels=, or label more images."
        )
    numbers = {name: number for number, name in enumerate(names)}
    codes = np.array([-1 if label is None else numbers.get(label, -1) for label in labels], np.int64)
    left_out = sorted({label for label in labels if label is not None} - numbers.keys())
    return Classes(names, codes, [counts[name] for name in names], sum(label is None for label in labels), left_out)
