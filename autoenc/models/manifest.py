"""bundle.json, and the files that it vouches for, read with distrust: a bundle may come from anyone.

What `autoenc.train` writes:

FOLDER/
├── bundle.json         what it is: architecture, preprocessing, data, objective, versions, losses, checksums
├── MODEL_CARD.md       the same in plain English
├── encoder.onnx        images uint8 (N, 32, 32, 3) -> latents float32 (N, latent_dim); scaling and whitening are inside
├── decoder.onnx        those latents -> pixels float32 (N, 32, 32, 3) in [0, 1]; if the objective trains a decoder
├── autoencoder.keras   encoder and decoder, for Keras
├── history.csv         losses, one line per epoch
├── training.png        the same as a plot
├── reconstructions.png held-out images and what the decoder makes of them
└── augmentations.png   the altered copies that the encoder saw, if the objective wants them

What `autoenc.finetune` writes has no decoder, and in its place:

├── encoder.onnx        images uint8 (N, S, S, 3) -> latents float32 (N, latent_dim); S is what the base takes
├── classifier.onnx     those latents -> probabilities float32 (N, classes); bundle.json names the classes
├── classifier.keras    all of it, for Keras: pixels in 0 to 255 -> probabilities
└── confusion.png, .csv held-out images: their classes, and those that the model takes them for
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import reprlib
import stat
from pathlib import Path
from typing import Any

from autoenc.errors import BundleCorruptError, BundleVersionError
from autoenc.images.files import PREPROCESSING_VERSION
from autoenc.models.graph import MOST_BYTES
from autoenc.text import printable, shown

FORMAT_VERSION = 1
MANIFEST = "bundle.json"
ENCODER = "encoder.onnx"
DECODER = "decoder.onnx"
CLASSIFIER = "classifier.onnx"
AUTOENCODER = "autoencoder.keras"

ANEW = "Train again, or copy the bundle anew."
"""What to do about a bundle that is damaged."""

DESCRIPTORS = ("edges", "color", "texture")
"""What the targets of a training are made of, each with its weight."""

MOST_WEIGHT = 1_000_000

MOST_CLASSES = 65_536

MOST_LATENT_DIM = 65_536

_LARGEST = {"input_size": 256, "latent_dim": MOST_LATENT_DIM}
_MOST_BYTES = 16 * 2**20  # those that training writes have 2 KB


def unfinished(folder: Path) -> Path:
    """Where the training of a bundle keeps its state until it ends: a hidden folder beside the bundle's."""
    return folder.with_name(f".{folder.name}.training")


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a bundle's `bundle.json` says, once it is known to describe an encoder that this version can run.

    Raises:
        BundleCorruptError: it cannot be read, lacks something, or holds a value that cannot be.
        BundleVersionError: it has another version of the format or of the preprocessing.
    """
    try:
        info = parsed(folder / MANIFEST)
        version, preprocessing = (_whole(info, name) for name in ("format", "preprocessing"))
        if version == FORMAT_VERSION and preprocessing == PREPROCESSING_VERSION:
            _check(info)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleCorruptError(
            f"{shown(folder / MANIFEST)} cannot be read: {printable(str(error))}. {ANEW}"
        ) from error
    if version != FORMAT_VERSION or preprocessing != PREPROCESSING_VERSION:
        raise BundleVersionError(
            f"The bundle in {shown(folder)} has format {version} with preprocessing {preprocessing}; this version of "
            f"autoenc reads format {FORMAT_VERSION} with preprocessing {PREPROCESSING_VERSION}. Train again."
        )
    return info


def verified(folder: Path, info: dict[str, Any], name: str) -> bytes:
    """The content of a file of a bundle.

    Raises:
        BundleCorruptError: it is missing, has changed since it was written, or is too large.
    """
    file = folder / name
    try:
        if not os.path.isfile(file):  # a pipe or a device would never end
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if file.stat().st_size > MOST_BYTES:
            raise BundleCorruptError(
                f"{shown(file)} is larger than {MOST_BYTES >> 30} GB, as no file of a bundle is. {ANEW}"
            )
        data = file.read_bytes()
    except OSError as error:
        raise BundleCorruptError(f"The bundle in {shown(folder)} lacks {name} ({error.strerror}). {ANEW}") from error
    expected, found = str(info["checksums"].get(name)), hashlib.sha256(data).hexdigest()
    if found != expected:
        raise BundleCorruptError(
            f"{shown(file)} has changed since it was written (expected SHA-256 {printable(expected)[:12]}…, found "
            f"{found[:12]}…). {ANEW}"
        )
    return data


def parsed(file: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        OSError: as the file system raises it.
        ValueError, RecursionError: no JSON object, NaN or a name given twice in it, too large, or nested too deeply.
    """
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a regular file")
    if status.st_size > _MOST_BYTES:
        raise ValueError(f"it is larger than {_MOST_BYTES >> 20} MiB")
    info = json.loads(file.read_text("utf-8"), object_pairs_hook=_named_once, parse_constant=_refused)
    if not isinstance(info, dict):
        raise ValueError("it is not a JSON object")
    return info


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("it gives a name twice")
    return made


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _check(info: dict[str, Any]) -> None:
    """Raise ValueError unless the entries that encoding depends on are what they must be."""
    for name, largest in _LARGEST.items():
        value = _whole(info, "architecture", name)
        if not 1 <= value <= largest:
            raise ValueError(f"expected architecture.{name} from 1 to {largest:,}, got {reprlib.repr(value)}")
    checksums = _entry(info, "checksums")
    if not isinstance(checksums, dict) or not all(isinstance(value, str) for value in checksums.values()):
        raise ValueError("expected checksums to be the SHA-256 of each file")
    _entry(info, "checksums", ENCODER)
    weights_of(info)
    classes_of(info)


def weights_of(info: dict[str, Any]) -> dict[str, float] | None:
    """Descriptor -> its weight in what the model learned; None for a model of an earlier version, or without any.

    Raises:
        ValueError: the entry is there and holds something else.
    """
    training = info.get("training")
    emphasis = training.get("emphasis") if isinstance(training, dict) else None
    if emphasis is None:
        return None
    weights = _entry(emphasis, "weights")
    known = isinstance(weights, dict) and weights.keys() == set(DESCRIPTORS)
    if not known or not all(type(value) in (int, float) and 0 <= value <= MOST_WEIGHT for value in weights.values()):
        raise ValueError(
            f"expected training.emphasis.weights to be numbers from 0 to {MOST_WEIGHT:,} for {', '.join(DESCRIPTORS)}"
        )
    if not any(weights.values()):
        raise ValueError("expected one of training.emphasis.weights to be above 0")
    return dict(weights)


def classes_of(info: dict[str, Any]) -> tuple[str, ...]:
    """The classes that the model tells apart; none for a model without a classifier.

    Raises:
        ValueError: there is a classifier, and the entry is missing or holds something else.
    """
    if CLASSIFIER not in info["checksums"]:
        return ()
    classes = _entry(info, "classes")
    if not isinstance(classes, list) or not all(isinstance(name, str) and name for name in classes):
        raise ValueError("expected classes to be a list of names")
    if not 2 <= len(classes) <= MOST_CLASSES or len(set(classes)) < len(classes):
        raise ValueError(f"expected from 2 to {MOST_CLASSES:,} classes that differ, got {len(classes):,}")
    return tuple(classes)


def _whole(info: dict[str, Any], *keys: str) -> int:
    value = _entry(info, *keys)
    if type(value) is not int:  # not a bool either
        raise ValueError(f"expected {'.'.join(keys)} to be a whole number, got {reprlib.repr(value)}")
    return value


def _entry(info: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(info, dict) or key not in info:
            raise ValueError(f"it lacks {'.'.join(keys)}")
        info = info[key]
    return info
