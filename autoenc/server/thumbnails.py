"""Thumbnails: made once from the indexed file, then kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from autoenc.errors import DiskFullError
from autoenc.images.decoding import decode
from autoenc.server.blobs import Blobs
from autoenc.vectors import Pixels

SIZES = (64, 128, 256, 512)
"""Pixels of the longer side."""

MEDIA_TYPE = "image/jpeg"

_QUALITY = 82


class Thumbnail(NamedTuple):
    """A JPEG file; `width` and `height` are those of the full picture."""

    data: bytes
    width: int
    height: int


def thumbnail_of(data: bytes, size: int) -> Thumbnail:
    r"""A small JPEG of an image file, with its aspect ratio kept; a picture that is smaller stays as small.

    Args:
        data: the bytes of the file.
        size: the most pixels of the longer side.

    Raises:
        ImageError: as for `decode`.

    Example:
        >>> thumbnail = thumbnail_of(Path("some.jpg").read_bytes(), 64)
        >>> thumbnail.width, thumbnail.height, thumbnail.data[:2]
        (160, 160, b'\xff\xd8')
    """
    pixels, width, height = decode(data, size // 2, _fitted_to(size))
    return Thumbnail(jpeg_of(pixels), width, height)


def jpeg_of(pixels: Pixels) -> bytes:
    """(H, W, 3) uint8 RGB -> the bytes of a JPEG file."""
    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise MemoryError
    return bytes(encoded.tobytes())


def _fitted_to(size: int) -> Callable[[Pixels, int], Pixels]:
    return lambda pixels, _: fitted(pixels, size)


def fitted(pixels: Pixels, size: int) -> Pixels:
    """(H, W, 3) uint8, shrunk by averaging areas until its longer side has `size` pixels at most."""
    height, width = pixels.shape[:2]
    scale = size / max(width, height)
    if scale >= 1:
        return pixels
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA), np.uint8)


class Thumbnails:
    """The thumbnails that are kept, by the digest of their file."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._blobs = Blobs(folder, most_bytes)
        self._making: dict[str, tuple[threading.Lock, int]] = {}
        self._lock = threading.Lock()

    def get(self, digest: str, size: int, read: Callable[[], bytes]) -> bytes:
        """A thumbnail; made from the bytes that `read` returns if it is not kept.

        Raises:
            ImageError: the file cannot be used.
        """
        name = f"{digest}-{size}.jpg"
        if (kept := self._blobs.get(name)) is not None:
            return kept
        with self._alone(name):
            if (kept := self._blobs.get(name)) is not None:  # another thread has made it meanwhile
                return kept
            made = thumbnail_of(read(), size).data
            with suppress(DiskFullError):  # then it is made again next time
                self._blobs.put(name, made)
            return made

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """One thread at a time makes a thumbnail."""
        with self._lock:
            lock, users = self._making.get(name, (threading.Lock(), 0))
            self._making[name] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._making.pop(name)
                if users > 1:
                    self._making[name] = lock, users - 1
