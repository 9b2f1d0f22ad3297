"""Decode image files and in-memory pictures to RGB pixels, at a reduced size where that is enough.

Indexing waits for decoding, so OpenCV decodes a JPEG straight to 1/2, 1/4 or 1/8 of its size where enough pixels
remain. The header is read first, so that the limits are checked before any pixel is decoded; Pillow reads the headers
of all but plain JPEGs, and decodes all other formats.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import cv2
import numpy as np

from autoenc.images import headers, limits
from autoenc.images.guard import guarded, in_time
from autoenc.images.jpeg import ONE_SCAN, plain_jpeg, scans
from autoenc.vectors import Pixels

if TYPE_CHECKING:
    from PIL import Image

LEAST_SIDE = 64
"""A reduced decode keeps at least this many pixels on the short side.

With 64 pixels it differs from a full decode by 0.4/255 on average, with 32 by 1.5/255.
"""

Picture: TypeAlias = "str | os.PathLike[str] | bytes | Pixels | Image.Image"
"""Any form in which callers may pass a picture: a path, the bytes of an image file, an array or a PIL image."""

Resize: TypeAlias = "Callable[[Pixels, int], Pixels]"
"""`area_resize` or `letterbox`."""

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


class _Promise(NamedTuple):
    """What a file's header says.

    Attributes:
        width, height: of the full picture in pixels, before the EXIF rotation.
        memory: bytes that decoding takes.
        work: pixels, times the scans of a JPEG.
        factor: by which to reduce a JPEG.
        opencv: whether OpenCV may decode it: a JPEG of a mode that it converts as Pillow does.
        header: as Pillow has read it; None for a plain JPEG.
    """

    width: int
    height: int
    memory: int
    work: int
    factor: int = 1
    opencv: bool = False
    header: Image.Image | None = None


def decode(data: bytes, size: int, resize: Resize | None = None) -> tuple[Pixels, int, int]:
    """Decode an image file, at a reduced size if at least max(64, 2 * size) pixels remain on the short side.

    Pictures that are decoded on several threads share `limits.MEMORY`, and one that takes longer than
    `limits.SECONDS` is given up.

    Args:
        data: the file's bytes.
        size: the side in pixels that the caller will shrink the picture to.
        resize: called with the pixels and the size, while the picture's memory is still accounted for.

    Returns:
        The pixels, (H, W, 3) uint8 RGB, rotated as EXIF says, transparency over white, and resized; and the width and
        the height of the full picture.

    Raises:
        ImageTooLargeError: beyond one of the limits in `autoenc.images.limits`.
        ImageDecodeError: not an image of a known format, a broken one, or one that takes too long.
    """
    small = len(data) <= limits.UNWATCHED_BYTES
    promise = _promise(data, size) if small else in_time(partial(_promise, data, size))
    watched = not small or promise.work > limits.UNWATCHED_PIXELS
    pixels, turned = guarded(partial(_decoded, promise, data, size, resize), promise.memory, watched=watched)
    if turned:
        return pixels, promise.height, promise.width
    return pixels, promise.width, promise.height


def _promise(data: bytes, size: int) -> _Promise:
    if plain := plain_jpeg(data):
        return _promised_jpeg(data, plain.width, plain.height, size, once=plain.once)
    from autoenc.images import pillow

    header = pillow.open_header(data)
    if header.format in ("JPEG", "MPO"):
        return _promised_jpeg(data, *header.size, size, header)
    width, height = header.size
    limits.check_size(width, height)
    headers.check_filled(header, data)
    memory = headers.memory_for(header, data)
    limits.check_memory(memory)
    return _Promise(width, height, memory, width * height, header=header)


def _promised_jpeg(
    data: bytes, width: int, height: int, size: int, header: Image.Image | None = None, *, once: bool = False
) -> _Promise:
    pixels = width * height
    limits.check_size(width, height)
    found = ONE_SCAN if once else scans(data)
    factor = reduction(width, height, size)
    memory = headers.jpeg_memory(width, height, factor, found)
    if found.huffman:
        limits.check_filled(width, height, len(data), headers.JPEG)
    if found.kept:
        limits.check_scans(found.passes, pixels)
        limits.check_memory(memory)
    opencv = header is None or header.mode in ("L", "RGB")
    return _Promise(width, height, memory, pixels * found.passes, factor, opencv, header)


def _decoded(promise: _Promise, data: bytes, size: int, resize: Resize | None) -> tuple[Pixels, bool]:
    """The pixels, rotated and resized, and whether width and height have changed places."""
    header = promise.header
    pixels = _opencv(data, promise.factor) if promise.opencv else None
    if pixels is not None and header is None:
        return (resize(pixels, size) if resize else pixels), False
    from autoenc.images import pillow

    header = header or pillow.open_header(data)
    if pixels is None:
        large = headers.large_webp(header)
        pixels = pillow.load_large_webp(data) if large else pillow.load_rgb(header, promise.factor)
    # Read last: a PNG may store it at its end, and Pillow rotates a TIFF itself.
    orientation = pillow.orientation(header)
    header.close()  # frees Pillow's copy of the pixels
    pixels = pillow.turned(pixels, orientation)
    return (resize(pixels, size) if resize else pixels), orientation >= 5


def reduction(width: int, height: int, size: int) -> int:
    """The factor (1, 2, 4 or 8) by which to reduce a JPEG while decoding it."""
    least = max(LEAST_SIDE, 2 * size)
    return next((factor for factor in (8, 4, 2) if min(width, height) // factor >= least), 1)


def picture_pixels(picture: bytes | Pixels | Image.Image, size: int, resize: Resize | None = None) -> Pixels:
    """The pixels of a picture in memory, (H, W, 3) uint8 RGB; the bytes of a file are decoded as by `decode`.

    Args:
        picture: the bytes of an image file; a PIL image; or an array (H, W) gray, (H, W, 3) RGB, (H, W, 4) RGBA uint8.
        size: the side in pixels that the caller will shrink the picture to.
        resize: as for `decode`.

    Raises:
        ImageError: as for `decode`, or an array of another shape or dtype.
    """
    if isinstance(picture, bytes):
        return decode(picture, size, resize)[0]
    from autoenc.images import pillow

    pixels = pillow.in_memory(picture)
    return resize(pixels, size) if resize else pixels


def area_resize(pixels: Pixels, size: int) -> Pixels:
    """Resize (H, W, 3) uint8 to (size, size, 3) uint8: shrink by averaging areas, enlarge linearly."""
    height, width = pixels.shape[:2]
    if width > size or height > size:
        pixels = _resized(pixels, min(width, size), min(height, size), cv2.INTER_AREA)
    if pixels.shape[:2] != (size, size):
        pixels = _resized(pixels, size, size, cv2.INTER_LINEAR)
    return np.ascontiguousarray(pixels)


def resized_batch(images: Pixels, size: int) -> Pixels:
    """Apply `area_resize` to each image of a batch, (N, H, W, 3) uint8."""
    if images.shape[1:3] == (size, size):
        return images
    return np.stack([area_resize(pixels, size) for pixels in images])


def letterbox(pixels: Pixels, size: int) -> Pixels:
    """Resize (H, W, 3) uint8 to (size, size, 3) uint8, with the aspect ratio kept, centered on white."""
    height, width = pixels.shape[:2]
    scale = size / max(width, height)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    fitted = _resized(pixels, *shape, cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    square = np.full((size, size, 3), 255, np.uint8)
    left, top = (size - shape[0]) // 2, (size - shape[1]) // 2
    square[top : top + shape[1], left : left + shape[0]] = fitted
    return square


def _opencv(data: bytes, factor: int) -> Pixels | None:
    """A JPEG's pixels, not yet rotated; None if OpenCV cannot decode it, for Pillow to decode it or to say why not."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _resized(pixels: Pixels, width: int, height: int, how: int) -> Pixels:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)
