"""The saved model: a folder that is written whole, verified when it is opened, and needs no TensorFlow to encode.

FOLDER/
├── bundle.json         what it is: architecture, preprocessing, data, objective, versions, losses, checksums
├── encoder.onnx        images uint8 (N, 32, 32, 3) -> latents float32 (N, latent_dim); scaling and whitening are inside
├── autoencoder.keras   encoder and decoder, for Keras
├── history.csv         losses, one line per epoch
├── training.png        the same as a plot
├── reconstructions.png held-out images and what the decoder makes of them
└── augmentations.png   the altered copies that the encoder saw, if the objective wants them
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autoenc.errors import BundleCorruptError, BundleNotFoundError, BundleVersionError
from autoenc.images.decoding import Picture
from autoenc.images.files import PREPROCESSING_VERSION, load_pixels_of
from autoenc.models.ready import READY_MODELS, ready_folder, ready_name
from autoenc.parallel import ordered_chunks
from autoenc.text import shown
from autoenc.vectors import Images, Vectors

FORMAT_VERSION = 1
MANIFEST = "bundle.json"
ENCODER = "encoder.onnx"
AUTOENCODER = "autoencoder.keras"
_PIECE = 64  # images that one core encodes at a time


@dataclass(frozen=True, repr=False)
class Bundle:
    """A trained model on disk. Get one from `autoenc.train` or `autoenc.load_bundle`.

    Attributes:
        path: its folder, absolute.
        info: what `bundle.json` says.

    Example:
        >>> bundle = load_bundle("clothing-32")
        >>> bundle
        <Bundle clothing-32, 32x32 -> 32-d>
        >>> bundle.info["data"]["images"]
        3068
    """

    path: Path
    info: dict[str, Any]
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, compare=False)

    def __repr__(self) -> str:
        size = self.input_size
        return f"<Bundle {shown(self.location)}, {size}x{size} -> {self.latent_dim}-d>"

    @property
    def latent_dim(self) -> int:
        return int(self.info["architecture"]["latent_dim"])

    @property
    def input_size(self) -> int:
        return int(self.info["architecture"]["input_size"])

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the exported encoder: bundles of one fingerprint make the same latents."""
        return str(self.info["checksums"][ENCODER])

    @property
    def location(self) -> str:
        """What `load_bundle` opens it by: its folder, or the name of a model that comes with the package."""
        return ready_name(self.path) or str(self.path)

    def encode(self, pictures: Picture | Iterable[Picture]) -> Vectors:
        """The latents of images.

        Args:
            pictures: one image (a path, a PIL image, an array (H, W, 3) uint8) or many of them; an array
                (N, H, W, 3) uint8 is N images. They are resized as in indexing.

        Returns:
            (N, latent_dim) float32; N is 1 for one image.

        Raises:
            ImageError: an image that cannot be read.

        Example:
            >>> load_bundle("model").encode(["some.jpg", "photos/shoe/001.jpg"]).shape
            (2, 32)
        """
        single = isinstance(pictures, (str, bytes, os.PathLike)) or not isinstance(pictures, Iterable)
        if single or (isinstance(pictures, np.ndarray) and pictures.ndim < 4):
            pictures = [pictures]  # type: ignore[list-item]
        batches = [self.encode_pixels(batch) for batch in self._pixel_batches(pictures)]  # type: ignore[arg-type]
        return np.concatenate(batches) if batches else np.empty((0, self.latent_dim), np.float32)

    def encode_pixels(self, images: Images) -> Vectors:
        """(N, input_size, input_size, 3) uint8 -> (N, latent_dim) float32: large batches on all cores."""
        pieces = [images[start : start + _PIECE] for start in range(0, len(images), _PIECE)]
        if len(pieces) == 1:
            return self._run(images)
        return np.concatenate([np.empty((0, self.latent_dim), np.float32), *ordered_chunks(self._run_each, pieces, 1)])

    def _run_each(self, batches: Sequence[Images]) -> list[Vectors]:
        return [self._run(batch) for batch in batches]

    def _run(self, images: Images) -> Vectors:
        (latents,) = self._session.run(["latents"], {"images": images})
        return np.asarray(latents, np.float32)

    def _pixel_batches(self, pictures: Iterable[Picture]) -> Iterator[Images]:
        batch: list[Images] = []
        for picture in pictures:
            batch.append(load_pixels_of(picture, self.input_size))
            if len(batch) == 256:
                yield np.stack(batch)
                batch.clear()
        if batch:
            yield np.stack(batch)

    @property
    def _session(self) -> Any:
        with self._lock:
            return self._loaded

    @functools.cached_property
    def _loaded(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One thread for each call: indexing calls from every core at once, and `encode_pixels` cuts large batches.
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(
                (self.path / ENCODER).read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except MemoryError:
            raise
        except Exception as error:  # ONNX Runtime's own exception types are not public
            raise BundleCorruptError(f"{shown(self.path / ENCODER)} cannot be run: {error}") from error


def load_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Open a trained model.

    Args:
        path: the bundle's folder, or the bare name of a model that comes with the package ("clothing-32"; a folder of
            that name in the working directory is "./clothing-32").

    Raises:
        BundleNotFoundError: no bundle at that path.
        BundleCorruptError: its manifest cannot be read, or the encoder is missing or has changed.
        BundleVersionError: it has another version of the format or of the preprocessing.

    Example:
        >>> bundle = load_bundle("clothing-32")
        >>> bundle.encode(np.zeros((5, 200, 300, 3), np.uint8)).shape
        (5, 32)
    """
    folder = ready_folder(path) or Path(os.path.abspath(path))
    manifest = folder / MANIFEST
    if not os.path.isfile(manifest):
        there = os.path.exists(folder)
        what = "is not a bundle: it has no bundle.json" if there else "does not exist or is out of your reach"
        if os.path.exists(unfinished(folder)):
            what = "is still in training, or its training was interrupted: train with resume=True to finish it"
        raise BundleNotFoundError(
            f"Expected a trained model (the folder that a training wrote, or the name of a model that comes with the "
            f"package: {', '.join(READY_MODELS)}); {shown(folder)} {what}."
        )
    try:
        info = json.loads(manifest.read_text("utf-8"))
        version, preprocessing = info["format"], info["preprocessing"]
        if version == FORMAT_VERSION:
            info["checksums"][ENCODER], info["architecture"]["latent_dim"], info["architecture"]["input_size"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleCorruptError(
            f"{shown(manifest)} cannot be read ({error!r}). Train again, or copy the bundle anew."
        ) from error
    if version != FORMAT_VERSION or preprocessing != PREPROCESSING_VERSION:
        raise BundleVersionError(
            f"The bundle in {shown(folder)} has format {version} with preprocessing {preprocessing}; this version of "
            f"autoenc reads format {FORMAT_VERSION} with preprocessing {PREPROCESSING_VERSION}. Train again."
        )
    bundle = Bundle(folder, info)
    verify(bundle, ENCODER)
    return bundle


def unfinished(folder: Path) -> Path:
    """Where the training of a bundle keeps its state until it ends: a hidden folder beside the bundle's."""
    return folder.with_name(f".{folder.name}.training")


def verify(bundle: Bundle, name: str) -> None:
    """Raise BundleCorruptError if a file of the bundle is missing or has changed."""
    expected = bundle.info["checksums"].get(name)
    try:
        found = sha256(bundle.path / name)
    except OSError as error:
        raise BundleCorruptError(
            f"The bundle in {shown(bundle.path)} lacks {name} ({error.strerror}). Train again, or copy it anew."
        ) from error
    if found != expected:
        raise BundleCorruptError(
            f"{shown(bundle.path / name)} has changed since it was written (expected SHA-256 {str(expected)[:12]}…, "
            f"found {found[:12]}…). Train again, or copy the bundle anew."
        )


def sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
