"""Read image files, and convert any picture to RGB uint8 at the size that an encoder takes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from autoenc.errors import ImageError
from autoenc.files import digest_of
from autoenc.images.decoding import Picture, Resize, area_resize, decode, letterbox, picture_pixels
from autoenc.images.finding import NamedPicture, SkippedFile, path_of
from autoenc.images.reading import read_regular
from autoenc.parallel import ordered_map
from autoenc.text import shown
from autoenc.vectors import Pixels

if TYPE_CHECKING:
    from PIL import Image

PREPROCESSING_VERSION = 1
"""Part of an encoder's identity in a store. Raise it whenever the same file would give different pixels."""


@dataclass(frozen=True)
class ImageFile:
    """A file before decoding, with what shows later whether it has changed.

    Attributes:
        data: the bytes of the file, or a picture in memory.
        path, digest, size, mtime_ns: as for `LoadedImage`.
    """

    path: Path
    data: bytes | Pixels | Image.Image
    digest: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class LoadedImage:
    """One decoded image.

    Attributes:
        path: the file.
        pixels: (size, size, 3) uint8, RGB.
        width, height: of the full picture in pixels, after the EXIF rotation.
        digest: of the file's bytes, 32 hexadecimal digits (BLAKE2b, 16 bytes).
        size, mtime_ns: the file's size in bytes and its modification time in nanoseconds since 1970.
        others: size -> pixels, where several sizes were asked for.
    """

    path: Path
    pixels: Pixels
    width: int
    height: int
    digest: str
    size: int
    mtime_ns: int
    others: Mapping[int, Pixels] = field(default_factory=dict)

    def at(self, size: int) -> Pixels:
        """The pixels at one of the sizes that were asked for."""
        return self.pixels if len(self.pixels) == size else self.others[size]


def read_file(path: str | os.PathLike[str]) -> ImageFile:
    """Read a file without decoding it.

    Raises (the messages do not name the file):
        ImageTooLargeError, ImageDecodeError: as for `read_regular`.
    """
    data, status = read_regular(path)
    return ImageFile(
        path=Path(path), data=data, digest=digest_of(data), size=status.st_size, mtime_ns=status.st_mtime_ns
    )


def decode_file(file: ImageFile, size: int = 32, *others: int) -> LoadedImage:
    """Decode a file and resize its picture to size x size; the aspect ratio is not kept.

    It is decoded for each of several sizes by itself, so that an encoder sees the same pixels whatever else there is.

    Raises (the messages do not name the file):
        ImageError: as for `decode`.
    """
    if isinstance(file.data, bytes):
        pixels, width, height = decode(file.data, size, area_resize)
        further = {other: decode(file.data, other, area_resize)[0] for other in others if other != size}
    else:
        whole = picture_pixels(file.data, size)
        height, width = whole.shape[:2]
        pixels = area_resize(whole, size)
        further = {other: area_resize(whole, other) for other in others if other != size}
    return LoadedImage(
        path=file.path,
        pixels=pixels,
        width=width,
        height=height,
        digest=file.digest,
        size=file.size,
        mtime_ns=file.mtime_ns,
        others=further,
    )


def load_image(path: str | os.PathLike[str], size: int = 32) -> LoadedImage:
    """Load a JPEG, PNG, WebP, GIF (first frame), BMP or TIFF file of any mode.

    Args:
        path: the file.
        size: height and width of the result in pixels; the aspect ratio is not kept.

    Raises:
        ImageError: as for `read_file` and `decode_file`, with the file's name at the start of the message.

    Example:
        >>> image = autoenc.load_image("some.jpg", size=32)
        >>> image.pixels.shape, image.width, image.height
        ((32, 32, 3), 160, 160)
    """
    with naming(path):
        return decode_file(read_file(path), size)


def read_item(item: Path | NamedPicture) -> ImageFile:
    """Read a file; a picture in memory is taken as it is, with a modification time of 0.

    Raises:
        ImageError: as for `read_file`.
    """
    if not isinstance(item, NamedPicture):
        return read_file(item)
    if isinstance(item.picture, bytes):
        data = item.picture
        return ImageFile(item.path, data, digest_of(data), len(data), mtime_ns=0)
    pixels = picture_pixels(item.picture, 1)  # as they are seen: a palette or a rotation counts
    data = f"{pixels.shape}".encode() + pixels.tobytes()
    return ImageFile(item.path, pixels, digest_of(data), len(data), mtime_ns=0)


def load_images(items: Sequence[Path | NamedPicture], size: int = 32) -> Iterator[LoadedImage | SkippedFile]:
    """Read and decode many pictures on all cores, in order; a `SkippedFile` stands for one that cannot be used."""

    def load(item: Path | NamedPicture) -> LoadedImage | SkippedFile:
        try:
            return decode_file(read_item(item), size)
        except ImageError as error:
            return SkippedFile(path_of(item), str(error))

    return ordered_map(load, items)


def load_pixels_of(picture: Picture, size: int = 32) -> Pixels:
    """The pixels of one picture in any form: (size, size, 3) uint8, RGB.

    Args:
        picture: a path; the bytes of an image file; (H, W) gray, (H, W, 3) RGB or (H, W, 4) RGBA uint8; a PIL image.
        size: height and width of the result in pixels.

    Raises:
        ImageError: as for `load_image`, or an array of another shape or dtype.
    """
    return _decoded(picture, size, area_resize)


def load_thumbnail(picture: Picture, size: int = 96) -> Pixels:
    """A picture for people to look at: (size, size, 3) uint8, with its aspect ratio kept, on a white square.

    Raises:
        ImageError: as for `load_image`.
    """
    return _decoded(picture, size, letterbox)


def _decoded(picture: Picture, size: int, resize: Resize) -> Pixels:
    if not isinstance(picture, (str, os.PathLike)):
        return picture_pixels(picture, size, resize)
    with naming(picture):
        return picture_pixels(read_file(picture).data, size, resize)


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the file's name at the start of the message of an ImageError."""
    try:
        yield
    except ImageError as error:
        raise type(error)(f"{shown(path)}: {error}") from error
