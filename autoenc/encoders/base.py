"""The base class of every encoder: a batch of images in, a batch of vectors out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from autoenc.errors import EncoderError
from autoenc.text import shown
from autoenc.vectors import Images, Vectors

if TYPE_CHECKING:
    from autoenc.images.files import LoadedImage


class TrainedEmphasis(NamedTuple):
    """What an encoder was trained to see: the emphasis asked for ("auto", "shape", …), and the heaviest descriptor."""

    asked: str
    heaviest: str


class Encoder(ABC):
    """Turns images into vectors.

    A subclass sets `name`, `dim`, `input_size` and `fingerprint` and implements `_encode`; this class checks the input
    and handles the empty batch. An encoder scales pixel values itself; `autoenc.images` resizes images for it.
    `encode` may be called from several threads at once.

    Attributes:
        name: its name on the command line, and the name of its vectors in a store.
        dim: length of a vector.
        input_size: height and width in pixels of the images it takes.
        fingerprint: changes whenever the same image would get a different vector, so that a store can refuse to mix
            vectors that cannot be compared.
        origin: what `create_encoder(name, origin)` loads it from again, for example a model's folder; None for an
            encoder that needs only its name.
        fitted: False for an encoder that must be fitted with `fit` before it can encode.
        advice: a sentence for users who build a store with it; empty if there is nothing to say.
        emphasis: what a trained encoder was trained to see; None if that is not known, or if it was not trained.
        model_bytes: size of the model that has to be there to encode; 0 for an encoder that has none.
        labeled: whether it was trained with labels of images like these.
        slow_to_load: whether its first batch waits for seconds, so it is loaded only when asked for by name.

    Example:
        >>> class Brightness(Encoder):
        ...     name, dim, input_size, fingerprint = "brightness", 1, 8, "brightness-1"
        ...
        ...     def _encode(self, images):
        ...         return images.mean(axis=(1, 2, 3), dtype=np.float32)[:, None]
        >>> Brightness().encode(np.full((2, 8, 8, 3), 7, np.uint8)).tolist()
        [[7.0], [7.0]]
    """

    name: str
    dim: int
    input_size: int = 32
    fingerprint: str
    origin: str | None = None
    advice: str = ""
    emphasis: TrainedEmphasis | None = None
    model_bytes: int = 0
    labeled: bool = False
    slow_to_load: bool = False

    @property
    def fitted(self) -> bool:
        return True

    def fit(self, batches: Iterable[Images]) -> Self:
        """Fit an encoder that needs it to images, before encoding; by default this does nothing.

        Args:
            batches: (n, input_size, input_size, 3) uint8 each.
        """
        return self

    def encode(self, images: Images) -> Vectors:
        """Encode a batch.

        Args:
            images: (N, input_size, input_size, 3) uint8, RGB. N may be 0.

        Returns:
            (N, dim) float32.

        Raises:
            EncoderError: another shape or dtype.
        """
        images = np.asarray(images)
        expected = (self.input_size, self.input_size, 3)
        if images.ndim != 4 or images.shape[1:] != expected or images.dtype != np.uint8:
            raise EncoderError(
                f"Encoder '{self.name}' expected images of shape (N, {self.input_size}, {self.input_size}, 3) "
                f"and dtype uint8; got {images.shape} {images.dtype}. Load pictures with "
                f"autoenc.load_image(path, size={self.input_size}) and stack them."
            )
        if len(images) == 0:
            return np.empty((0, self.dim), np.float32)
        return self._encode(images)

    @abstractmethod
    def _encode(self, images: Images) -> Vectors:
        """Encode a batch that was checked: (N >= 1, input_size, input_size, 3) uint8 -> (N, dim) float32."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} '{self.name}' {self.input_size}x{self.input_size} -> {self.dim}-d>"


def encode_loaded(images: Sequence[LoadedImage], encoders: Mapping[str, Encoder]) -> dict[str, Vectors]:
    """Encode pictures with several encoders.

    Args:
        images: N pictures, at the input sizes of the encoders.
        encoders: name -> encoder.

    Returns:
        name -> (N, dim) float32, finite; nothing if there are no pictures.

    Raises:
        EncoderError: a vector holds NaN or infinity.
    """
    if not images:
        return {}
    sizes = {encoder.input_size for encoder in encoders.values()}
    batches = {size: np.stack([image.at(size) for image in images]) for size in sizes}
    return {
        name: check_finite(name, encoder.encode(batches[encoder.input_size]), images)
        for name, encoder in encoders.items()
    }


def check_finite(name: str, vectors: Vectors, images: Sequence[LoadedImage] = ()) -> Vectors:
    """Return the vectors that an encoder made.

    Args:
        name: of the encoder.
        vectors: (N, D).
        images: what they were made of, for the message; none if that is not known.

    Raises:
        EncoderError: one holds NaN or infinity.
    """
    finite = np.isfinite(vectors)
    if not finite.all():
        of = f" for {shown(images[int(finite.all(axis=1).argmin())].path)}" if images else ""
        raise EncoderError(
            f"Encoder '{name}' returned a vector with NaN or infinity{of}; only finite vectors can be compared. "
            f"Train its model again, or leave the encoder out."
        )
    return vectors
