"""The contract of every encoder: a batch of pictures in, a batch of vectors out."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from autoenc.errors import EncoderError
from autoenc.vectors import Images, Vectors


class Encoder(ABC):
    """Turns pictures into vectors.

    A subclass sets the four attributes and writes `_encode`; checking and the empty batch are done here.
    Scaling of pixel values belongs to the encoder, resizing to `autoenc.images`.

    Attributes:
        name: what the encoder is called, on the command line and as the vector's name in a store.
        dim: length of a vector.
        input_size: height and width in pixels of the pictures it takes.
        fingerprint: changes whenever the same picture would get another vector, so that a store can
            refuse vectors that do not belong together.
    """

    name: str
    dim: int
    input_size: int = 32
    fingerprint: str

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
        """Encode a batch that has been checked: (N >= 1, input_size, input_size, 3) uint8 -> (N, dim) float32."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} '{self.name}' {self.input_size}x{self.input_size} -> {self.dim}-d>"
