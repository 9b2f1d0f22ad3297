"""Decode with Pillow: JPEGs that are not plain, all other formats, and the PIL images that callers pass.

Kept apart so that a query by a plain JPEG does not wait for Pillow's modules to load.
"""

from __future__ import annotations

import io
import logging
import os
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from autoenc.errors import ImageDecodeError, ImageTooLargeError
from autoenc.images import limits
from autoenc.images.headers import check_tables
from autoenc.vectors import Pixels

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF")  # none that makes Pillow start another program
_ORIENTATION = 0x0112  # EXIF tag
_STRIP = 2_000_000
"""Pixels that are converted to RGB at a time: the steps in between take up to 20 bytes a pixel."""

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else it logs about broken pictures to the terminal


def open_header(data: bytes) -> Image.Image:
    """A picture whose header has been read, and none of its pixels.

    Raises:
        ImageTooLargeError: too large for Pillow itself, or a TIFF with too long a table.
        ImageDecodeError: not an image of a known format, or its header is broken.
    """
    check_tables(data)
    if limits.VARIABLE in os.environ:  # Pillow has a limit of its own
        Image.MAX_IMAGE_PIXELS = max(limits.max_pixels(), Image.MAX_IMAGE_PIXELS or 0)
    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLargeError(
            f"The picture has more pixels than the limit, {limits.max_pixels():,}. The environment variable "
            f"{limits.VARIABLE} raises it."
        ) from error
    except UnidentifiedImageError:
        raise ImageDecodeError(_unknown(data)) from None
    except Exception as error:  # a malformed header can make Pillow's parsers raise anything
        raise ImageDecodeError(f"The image's header is broken ({_reason(error)}).") from error


def _unknown(data: bytes) -> str:
    """Why bytes that Pillow does not recognize are refused. The brands are from ISO/IEC 23008-12 (HEIF) and AVIF."""
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand[:3] in (b"hei", b"hev", b"mif", b"msf"):
        name = "HEIC"
    elif brand[:3] == b"avi":
        name = "AVIF"
    elif data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        name = "JPEG XL"
    else:
        return "Not an image: the bytes match no known image format."
    return f"{name} is not supported; convert the file to JPEG or PNG."


def load_rgb(image: Image.Image, factor: int = 1) -> Pixels:
    """The pixels of a PIL image, (H, W, 3) uint8 RGB, not yet rotated; a JPEG is reduced by about `factor`."""
    try:
        if factor > 1:
            image.draft(None, (image.width // factor, image.height // factor))  # affects JPEG only
        image.load()
        return _to_rgb(image)
    except ImageDecodeError:
        raise
    except MemoryError as error:
        raise ImageTooLargeError("There is not enough memory to decode the picture.") from error
    except Exception as error:  # as in open_header
        raise ImageDecodeError(f"The image is broken or truncated ({_reason(error)}).") from error


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (not rotated) if EXIF is damaged, because the picture itself is still good."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # as in open_header
        return 1
    return int(found) if found in range(1, 9) else 1


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Rotate and mirror (H, W, 3) pixels as their EXIF orientation says."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def in_memory(picture: Pixels | Image.Image) -> Pixels:
    """The pixels of an array or of a PIL image, (H, W, 3) uint8 RGB; see `decoding.picture_pixels`."""
    if isinstance(picture, Image.Image):
        return turned(load_rgb(picture), orientation(picture))
    array = np.asarray(picture)
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or channels not in (1, 3, 4) or (array.ndim == 3 and channels == 1) or not array.size:
        raise ImageDecodeError(
            f"Expected a picture as (H, W), (H, W, 3) or (H, W, 4) uint8; got {array.shape} {array.dtype}."
        )
    return _to_rgb(Image.fromarray(array))


def load_large_webp(data: bytes) -> Pixels:
    """The pixels of a WebP file without animation. OpenCV takes half the memory that Pillow's decoder takes."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise ImageDecodeError("The image is broken or truncated.")
    if pixels.shape[2] == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
    rows = max(1, _STRIP // pixels.shape[1])
    converted = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), rows):
        strip = Image.fromarray(cv2.cvtColor(pixels[top : top + rows], cv2.COLOR_BGRA2RGBA))
        converted[top : top + rows] = _strip_to_rgb(strip, None)
    return converted


def _to_rgb(image: Image.Image) -> Pixels:
    """The pixels as a viewer shows them: transparency over white, 16 bits scaled to 8, one channel as gray.

    A large picture is converted in strips, which gives the same pixels in less memory.
    """
    width, height = image.size
    rows = max(1, _STRIP // width)
    if rows >= height:
        return _strip_to_rgb(image, None)
    strips = [(0, top, width, min(height, top + rows)) for top in range(0, height, rows)]
    wide = image.mode.startswith("I") or image.mode == "F"
    most = max(_brightest(np.asarray(image.crop(strip))) for strip in strips) if wide else None
    pixels = np.empty((height, width, 3), np.uint8)
    for strip in strips:
        pixels[strip[1] : strip[3]] = _strip_to_rgb(image.crop(strip), most)
    return pixels


def _strip_to_rgb(image: Image.Image, most: float | None) -> Pixels:
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        if image.mode in ("La", "RGBa"):
            image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
        layer = image.convert("RGBA")
        canvas = Image.new("RGBA", layer.size, "white")
        canvas.alpha_composite(layer)
        return np.asarray(canvas.convert("RGB"))
    if image.mode.startswith("I") or image.mode == "F":
        return _gray_to_rgb(np.asarray(image), most)
    try:
        return np.asarray(image.convert("RGB"))
    except ValueError as error:
        raise ImageDecodeError(f"Pictures of mode {image.mode} cannot be converted to RGB ({error}).") from error


def _gray_to_rgb(values: npt.NDArray[np.generic], most: float | None = None) -> Pixels:
    """Scale wide gray values to 8 bits: integers from 0..65535, floats from 0..1 or 0..255, others by their maximum.

    No intermediate array has more bytes than the values, so that a picture at the pixel limit does not take gigabytes.

    Args:
        values: (H, W) numbers.
        most: the maximum, if these are not all the values of the picture.
    """
    full = 65535.0
    wide = _positive(values)
    if values.dtype.itemsize != 2:
        top = float(wide.max(initial=0)) if most is None else most
        levels = (65535.0,) if values.dtype.kind in "iu" else (1.0, 255.0)
        full = next((level for level in levels if top <= level), top)
    gray = cv2.convertScaleAbs(wide, alpha=255 / full)
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8)


def _brightest(values: npt.NDArray[np.generic]) -> float:
    return float(_positive(values).max(initial=0))


def _positive(values: npt.NDArray[np.generic]) -> npt.NDArray[Any]:
    """16 bits in this machine's byte order; wider values as float32, with 0 for what is negative or not finite."""
    if values.dtype.itemsize == 2:
        return values.astype(np.uint16, copy=False)
    wide = np.nan_to_num(values.astype(np.float32), copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    return np.maximum(wide, 0, out=wide)


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
