"""The saved model: a folder that is written whole, verified when it is opened, and needs no TensorFlow to be used."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError, BundleError, BundleNotFoundError, EncoderError
from autoenc.images.decoding import Picture
from autoenc.images.files import load_pixels_of
from autoenc.models.manifest import DECODER, ENCODER, MANIFEST, classes_of, read_manifest, unfinished, weights_of
from autoenc.models.network import Network, networks_of
from autoenc.models.ready import READY_MODELS, ready_folder, ready_name
from autoenc.text import shown
from autoenc.vectors import Images, Vectors

_DECODED = 1024  # images at a time, so that their floats take little memory


@dataclass(frozen=True, repr=False)
class Bundle:
    """A trained model on disk. Get one from `autoenc.train`, `autoenc.finetune` or `autoenc.load_bundle`.

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
    _encoder: Network = field(compare=False)
    _decoder: Network | None = field(compare=False)
    _classifier: Network | None = field(compare=False)

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
    def encoder_bytes(self) -> int:
        """Size of the exported encoder, encoder.onnx: all that has to be there to encode."""
        return self._encoder.size

    @property
    def weights(self) -> dict[str, float] | None:
        """Edges, color and texture -> their weights in what the model learned; None if the bundle does not say."""
        return weights_of(self.info)

    @property
    def classes(self) -> tuple[str, ...]:
        """What `classify` tells apart, in the order of its columns; none for a model without a classifier."""
        return classes_of(self.info)

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
            BundleCorruptError: the encoder cannot be run, wants too much memory, or returns NaN or infinity.

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
        """(N, input_size, input_size, 3) uint8 -> (N, latent_dim) float32: large batches on all cores.

        Raises:
            EncoderError: another shape or dtype.
            BundleCorruptError: as for `encode`.
        """
        size = (self.input_size, self.input_size, 3)
        if images.ndim != 4 or images.shape[1:] != size or images.dtype != np.uint8:
            raise EncoderError(
                f"Expected images of shape (N, {', '.join(map(str, size))}) and dtype uint8; got {images.shape} "
                f"{images.dtype}. Bundle.encode resizes images."
            )
        return self._encoder.run(images)

    @property
    def decodes(self) -> bool:
        """Whether it has a decoder, which `decode` and `reconstruct` need."""
        return self._decoder is not None

    def decode(self, latents: npt.ArrayLike) -> Images:
        """The images that the decoder makes of latents.

        They are blurred: the latents encode similarity rather than pixels.

        Args:
            latents: (N, latent_dim) finite numbers: what `encode` returned, or what was computed from that, such as
                the mean of two. Vectors from a store do not serve: a store scales them to length 1.

        Returns:
            (N, input_size, input_size, 3) uint8 RGB.

        Raises:
            ArgumentError: something else than such latents.
            BundleError: it has no decoder.
            BundleCorruptError: the decoder is missing, has changed since it was written or since the bundle was opened,
                cannot be run, wants too much memory, or returns NaN or infinity.

        Example:
            >>> bundle = load_bundle("model")
            >>> latents = bundle.encode(["some.jpg", "photos/shoe/001.jpg"])
            >>> bundle.decode(latents.mean(axis=0, keepdims=True)).shape  # between the two
            (1, 32, 32, 3)
        """
        decoder = self._its_decoder()
        rows = self._checked(latents)
        decoded = [_eight_bit(decoder.run(rows[at : at + _DECODED])) for at in range(0, len(rows), _DECODED)]
        size = self.input_size
        return np.concatenate([np.empty((0, size, size, 3), np.uint8), *decoded])

    def reconstruct(self, pictures: Picture | Iterable[Picture]) -> Images:
        """What is left of images in their latents: encoded, then decoded.

        Args:
            pictures: as for `encode`.

        Returns:
            (N, input_size, input_size, 3) uint8 RGB; N is 1 for one image.

        Raises:
            ImageError: an image that cannot be read.
            BundleError: as for `encode` and `decode`.

        Example:
            >>> load_bundle("model").reconstruct("some.jpg").shape
            (1, 32, 32, 3)
        """
        self._its_decoder()
        return self.decode(self.encode(pictures))

    def classify(self, latents: npt.ArrayLike) -> Vectors:
        """How likely the images of some latents are of each class.

        Args:
            latents: (N, latent_dim) finite numbers: what `encode` returned.

        Returns:
            (N, classes) float32, in the order of `classes`; each row adds up to 1.

        Raises:
            ArgumentError: something else than such latents.
            BundleError: it has no classifier.
            BundleCorruptError: as for `decode`.

        Example:
            >>> load_bundle("model").classify(np.zeros((1, 32)))
            Traceback (most recent call last):
            autoenc.errors.BundleError: ...model has no classifier. Make one with `autoenc finetune`.
        """
        if self._classifier is None:
            raise BundleError(f"{shown(self.location)} has no classifier. Make one with `autoenc finetune`.")
        return self._classifier.run(self._checked(latents))

    def _its_decoder(self) -> Network:
        if self._decoder is None and self._classifier is not None:
            raise BundleError(f"{shown(self.location)} has no decoder: it was fine-tuned to classify.")
        if self._decoder is None:
            raise BundleError(
                f"{shown(self.location)} has no decoder: its objective does not train one, or it was made before "
                f"bundles had {DECODER}. Train one whose objective= includes 'reconstruction', as the default does."
            )
        return self._decoder

    def _checked(self, latents: npt.ArrayLike) -> Vectors:
        try:
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinity, which is refused
                rows = np.asarray(latents, np.float32)
        except (TypeError, ValueError, OverflowError):
            found = f"{type(latents).__name__}, which is no array of numbers"
        else:
            if rows.shape[1:] == (self.latent_dim,) and np.isfinite(rows).all():
                return rows
            found = f"shape {rows.shape}{'' if np.isfinite(rows).all() else ' with NaN or infinity'}"
        raise ArgumentError(f"Expected latents of shape (N, {self.latent_dim}), finite numbers; got {found}.")

    def _pixel_batches(self, pictures: Iterable[Picture]) -> Iterator[Images]:
        batch: list[Images] = []
        for picture in pictures:
            batch.append(load_pixels_of(picture, self.input_size))
            if len(batch) == 256:
                yield np.stack(batch)
                batch.clear()
        if batch:
            yield np.stack(batch)


def load_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Open a trained model.

    Args:
        path: the bundle's folder, or the bare name of a model that comes with the package ("clothing-32"; a folder of
            that name in the working directory is "./clothing-32").

    Raises:
        ArgumentError: `path` is not a path.
        BundleNotFoundError: no bundle at that path.
        BundleCorruptError: its manifest cannot be read, or the encoder is missing or has changed. What else is wrong
            with the encoder shows when it first encodes; what is wrong with the decoder, when it first decodes.
        BundleVersionError: it has another version of the format or of the preprocessing.

    Example:
        >>> bundle = load_bundle("clothing-32")
        >>> bundle.encode(np.zeros((5, 200, 300, 3), np.uint8)).shape
        (5, 32)
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentError(f"Expected the path of a trained model; got {reprlib.repr(path)}.")
    if not os.fspath(path):
        raise BundleNotFoundError("Expected the folder of a trained model; got an empty path.")
    folder = ready_folder(path) or Path(os.path.abspath(path))
    if not os.path.isfile(folder / MANIFEST):
        there = os.path.exists(folder)
        what = "is not a bundle: it has no bundle.json" if there else "does not exist or is out of your reach"
        if os.path.exists(unfinished(folder)):
            what = "is still in training, or its training was interrupted: train with resume=True to finish it"
        raise BundleNotFoundError(
            f"Expected a trained model (the folder that a training wrote, or the name of a model that comes with the "
            f"package: {', '.join(READY_MODELS)}); {shown(folder)} {what}."
        )
    info = read_manifest(folder)
    return Bundle(folder, info, *networks_of(folder, info))


def _eight_bit(pixels: npt.NDArray[np.float32]) -> Images:
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
