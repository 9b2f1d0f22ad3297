"""A teacher: an encoder whose vectors of the training images become targets of a student, at the teacher's own size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autoenc.encoders import ENCODERS, Encoder, base_name, check_used, create_encoders
from autoenc.encoders.applications import RANDOM
from autoenc.errors import ArgumentError, TrainingError
from autoenc.files import digest_of
from autoenc.images.cache import IN_MEMORY_BYTES, PixelCache
from autoenc.images.files import load_images
from autoenc.images.finding import NamedPicture, SkippedFile
from autoenc.progress import Progress
from autoenc.text import counted, shown
from autoenc.training.descriptors import principal_components
from autoenc.vectors import Images, Indices, Vectors, room_for, unit_rows

COMPONENTS = 64
WHITENING = 0.5
"""Of a teacher's vectors: as those of edges, color and texture."""

WEIGHT = 1.0
"""Of what a teacher sees, beside edges, color and texture together: in their common space a cosine is the mean of both.

It is not found from the images: a score that asks for what an alteration leaves as it was prefers a teacher that was
trained to overlook alterations, far beyond what it retrieves.
"""

_BATCH = 64  # images encoded at a time
_CONSTANT = 1e-6  # of the largest number: what varies by less is rounding


def create_teacher(teacher: str | Encoder, weights: Mapping[str, str] | None = None) -> Encoder:
    """The encoder that a student learns from.

    Args:
        teacher: the name of an encoder that needs neither a trained model nor fitting, or any fitted encoder.
        weights: of a pretrained encoder, as `create_encoder` takes them.

    Raises:
        ArgumentError: it is neither, or weights of another encoder.
        EncoderError: an unknown name, or weights that cannot be used.

    Example:
        >>> create_teacher("edges").dim
        324
    """
    if isinstance(teacher, str) and teacher in ENCODERS and ENCODERS[teacher].trained:
        raise ArgumentError(
            f"teacher={teacher} does not say which model. Export it with `autoenc export`, and name onnx:FILE; in "
            "Python, pass the Encoder."
        )
    if isinstance(teacher, (str, Encoder)):
        check_used(weights, [teacher])  # first, so that no other weights are fetched in vain
    (encoder,) = create_encoders([teacher], weights=weights).values()
    if not encoder.fitted:
        raise ArgumentError(
            f"teacher= must be an encoder that can encode as it is; got '{encoder.name}', which must be fitted. "
            f"Name '{base_name(encoder.name)}': a training finds the principal components itself."
        )
    return encoder


def record_of(teacher: Encoder) -> dict[str, Any]:
    """What `bundle.json` says of a teacher; "random" says that its weights are, as only tests want them."""
    return {
        "name": teacher.name,
        "fingerprint": teacher.fingerprint,
        "dim": teacher.dim,
        "input_size": teacher.input_size,
        "weight": WEIGHT,
        "random": teacher.origin == RANDOM,
    }


def key_of(teacher: Encoder) -> str:
    """A name for messages that two teachers share only if they make the same vectors.

    Example:
        >>> key_of(create_teacher("edges"))
        'edges (e1d6f61f)'
    """
    return f"{teacher.name} ({digest_of(teacher.fingerprint.encode())[:8]})"


def teach(teacher: Encoder, pixels: PixelCache, items: Sequence[Path | NamedPicture], progress: Progress) -> Vectors:
    """Encode each image once, read again at the size that the teacher takes.

    Args:
        teacher: a fitted encoder.
        pixels: the N images as they were read for the student.
        items: where they were read from.
        progress: told how many are done.

    Returns:
        (N, teacher.dim) float32; many of them lie in a temporary file.

    Raises:
        TrainingError: a file has changed since it was read, or a vector has another shape or is not finite.
    """
    vectors = room_for((len(items), teacher.dim), np.float32, IN_MEMORY_BYTES)
    done = 0
    for batch in _batches(teacher.input_size, pixels, items):
        made = teacher.encode(batch)
        if made.shape != (len(batch), teacher.dim):
            raise TrainingError(
                f"Teacher '{teacher.name}' was to make vectors of shape {(len(batch), teacher.dim)}; it made "
                f"{made.shape}."
            )
        finite = np.isfinite(made).all(axis=1)
        if not finite.all():
            at = done + int(finite.argmin())
            raise TrainingError(
                f"Teacher '{teacher.name}' made a vector with NaN or infinity of {shown(pixels.paths[at])}: nothing "
                f"can be learned from it. Name another teacher=, or other weights of it."
            )
        vectors[done : done + len(batch)] = made
        done += len(batch)
        progress(f"teacher {teacher.name}", done, len(items), "")
    return vectors


def _batches(size: int, pixels: PixelCache, items: Sequence[Path | NamedPicture]) -> Iterator[Images]:
    """The images at another size, decoded ahead of the teacher on all cores."""
    if size == pixels.images.shape[1]:
        yield from (pixels.images[start : start + _BATCH] for start in range(0, len(items), _BATCH))
        return
    batch: list[Images] = []
    for loaded, digest, path in zip(load_images(items, size), pixels.digests, pixels.paths, strict=True):
        if isinstance(loaded, SkippedFile) or loaded.digest != digest:
            raise TrainingError(f"{shown(path)} changed while it was used for training. Train again.")
        batch.append(loaded.pixels)
        if len(batch) == _BATCH:
            yield np.stack(batch)
            batch.clear()
    if batch:
        yield np.stack(batch)


def taught_rows(teacher: Encoder, vectors: Vectors, fitted: Indices) -> Vectors:
    """What a student's targets are made of: the principal components of a teacher's vectors, half whitened.

    Args:
        teacher: the encoder that made them, for messages.
        vectors: (N, D) float32, finite.
        fitted: indices of the images to fit to.

    Returns:
        (N, K) float32, rows of length 1, K at most 64.

    Raises:
        TrainingError: the vectors are all the same.
    """
    known = np.asarray(vectors[fitted])
    if np.ptp(known, axis=0).max() <= _CONSTANT * max(1.0, float(np.abs(known).max())):
        raise TrainingError(
            f"Teacher '{teacher.name}' makes the same vector of all {counted(len(fitted), 'different image')} to train "
            f"on: nothing can be learned from it. Name another teacher=, or other weights of it."
        )
    return unit_rows(principal_components(known, COMPONENTS, WHITENING).apply(vectors))


def beside(described: Vectors, taught: Vectors, weight: float = WEIGHT) -> Vectors:
    """What targets are made of: edges, color and texture, and beside them what a teacher sees.

    Args:
        described: (N, D) float32, rows of length 1, as `autoenc.training.descriptors.joined` returns them.
        taught: (N, K) float32, rows of length 1, as `taught_rows` returns them.
        weight: of the teacher.

    Returns:
        (N, D + K) float32, rows of length 1.

    Source: Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015; for features as the target
    Romero et al., "FitNets: hints for thin deep nets", ICLR 2015; for the neighborhoods among them Park et al.,
    "Relational knowledge distillation", CVPR 2019. Departs from them: handcrafted descriptors stand beside the
    teacher's features, and the graph of neighbors is one of both; the teacher sees the image, the student an altered
    copy.

    Example:
        >>> rows = beside(np.array([[1, 0]], np.float32), np.array([[0, 1, 0]], np.float32), weight=0.75)
        >>> [[round(float(number), 2) for number in row] for row in rows]
        [[0.8, 0.0, 0.0, 0.6, 0.0]]
    """
    return unit_rows(np.concatenate([described, taught * np.float32(weight)], axis=1))
