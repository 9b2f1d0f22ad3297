"""Bytes to RGB pixels: the least decoding that keeps the picture, for every kind of image file.

Decoding is what indexing waits for, so a JPEG is decoded by OpenCV straight to 1/2, 1/4 or 1/8 of its size
where enough pixels remain. Pillow reads the header first (format, size, mode: no pixel is touched before the
limits are checked), and decodes everything else.
"""

from __future__ import annotations

import io
import os

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from autoenc.errors import ImageDecodeError, ImageTooLargeError
from autoenc.vectors import Pixels

MAX_BYTES = 256 * 2**20
MAX_PIXELS = 80_000_000
LEAST_SIDE = 64
"""A reduced decode leaves at least this on the short side: 32 px strays from a full decode by 1.5/255, 64 by 0.4."""

Picture = str | os.PathLike[str] | bytes | Pixels | Image.Image
"""A picture as callers may give it: a path, the bytes of an image file, an array, a PIL image."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF")  # no format that starts another program
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_ORIENTATION = 0x0112  # EXIF tag


def decode(data: bytes, size: int) -> tuple[Pixels, int, int]:
    """Decode an image file, reduced if that leaves at least max(64, 2 * size) pixels on the short side.

    Args:
        data: the file's bytes.
        size: the side in pixels that the caller will shrink the picture to.

    Returns:
        pixels (H, W, 3) uint8 RGB, turned by EXIF, transparency over white; width and height of the full picture.

    Raises:
        ImageTooLargeError: over MAX_PIXELS.
        ImageDecodeError: not an image of a known format, or broken.
    """
    header = _header(data)
    width, height = header.size
    if width * height > MAX_PIXELS:
        raise ImageTooLargeError(f"The picture has {width} x {height} pixels; the limit is {MAX_PIXELS:,} in all.")
    factor = reduction(width, height, size)
    pixels = _opencv(data, factor) if header.format in ("JPEG", "MPO") and header.mode in ("L", "RGB") else None
    if pixels is None:
        pixels = _pillow(header, factor)
    orientation = _orientation(header)  # only now: a PNG may say it last, and Pillow has turned a TIFF by itself
    if orientation >= 5:
        width, height = height, width
    return _turned(pixels, orientation), width, height


def reduction(width: int, height: int, size: int) -> int:
    """The factor (1, 2, 4 or 8) to decode a JPEG at."""
    least = max(LEAST_SIDE, 2 * size)
    return next((factor for factor in (8, 4, 2) if min(width, height) // factor >= least), 1)


def picture_pixels(picture: bytes | Pixels | Image.Image, size: int) -> Pixels:
    """(H, W, 3) uint8 RGB of a picture in memory, reduced as `decode` does.

    Args:
        picture: the bytes of an image file; a PIL image; or an array (H, W) gray, (H, W, 3) RGB, (H, W, 4) RGBA uint8.
        size: the side in pixels that the caller will shrink the picture to.

    Raises:
        ImageError: as `decode`, or an array of another shape or dtype.
    """
    if isinstance(picture, bytes):
        return decode(picture, size)[0]
    if isinstance(picture, Image.Image):
        return _turned(_pillow(picture), _orientation(picture))
    array = np.asarray(picture)
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or channels not in (1, 3, 4) or (array.ndim == 3 and channels == 1) or not array.size:
        raise ImageDecodeError(
            f"Expected a picture as (H, W), (H, W, 3) or (H, W, 4) uint8; got {array.shape} {array.dtype}."
        )
    return _rgb(Image.fromarray(array))


def area_resize(pixels: Pixels, size: int) -> Pixels:
    """(H, W, 3) uint8 -> (size, size, 3) uint8: each pixel is the mean of the area it covers; enlarged linearly."""
    height, width = pixels.shape[:2]
    if width > size or height > size:
        pixels = _resized(pixels, min(width, size), min(height, size), cv2.INTER_AREA)
    if pixels.shape[:2] != (size, size):
        pixels = _resized(pixels, size, size, cv2.INTER_LINEAR)
    return np.ascontiguousarray(pixels)


def resized_batch(images: Pixels, size: int) -> Pixels:
    """`area_resize` for (N, H, W, 3) uint8."""
    if images.shape[1:3] == (size, size):
        return images
    return np.stack([area_resize(pixels, size) for pixels in images])


def letterbox(pixels: Pixels, size: int) -> Pixels:
    """(H, W, 3) uint8 -> (size, size, 3) uint8, the aspect ratio kept, centered on white."""
    height, width = pixels.shape[:2]
    scale = size / max(width, height)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    fitted = _resized(pixels, *shape, cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    square = np.full((size, size, 3), 255, np.uint8)
    left, top = (size - shape[0]) // 2, (size - shape[1]) // 2
    square[top : top + shape[1], left : left + shape[0]] = fitted
    return square


def _header(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLargeError(f"The picture is too large: {error}") from error
    except UnidentifiedImageError:
        raise ImageDecodeError(_unknown(data)) from None
    except Exception as error:  # Pillow's parsers raise whatever a hostile header leads them to
        raise ImageDecodeError(f"The image's header is broken ({_reason(error)}).") from error


def _unknown(data: bytes) -> str:
    """Why bytes that Pillow does not know are refused; brands are those of ISO/IEC 23008-12 (HEIF) and of AVIF."""
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand[:3] in (b"hei", b"hev", b"mif", b"msf"):
        name = "HEIC"
    elif brand[:3] == b"avi":
        name = "AVIF"
    elif data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        name = "JPEG XL"
    else:
        return "Not an image: the bytes are of no known image format."
    return f"{name} is not read; convert it to JPEG or PNG."


def _opencv(data: bytes, factor: int) -> Pixels | None:
    """A JPEG as it lies in the file, or None where OpenCV finds it broken: Pillow tells why, or reads it after all."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _pillow(image: Image.Image, factor: int = 1) -> Pixels:
    try:
        if factor > 1:
            image.draft(None, (image.width // factor, image.height // factor))  # does nothing but for JPEG
        image.load()
        return _rgb(image)
    except ImageDecodeError:
        raise
    except Exception as error:  # as in _header
        raise ImageDecodeError(f"The image is broken or truncated ({_reason(error)}).") from error


def _orientation(image: Image.Image) -> int:
    """How EXIF says to turn the picture, 1 to 8; 1 (not at all) where EXIF is damaged: the picture is still good."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # as in _header
        return 1
    return int(found) if found in range(1, 9) else 1


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _rgb(image: Image.Image) -> Pixels:
    """As a viewer would show it: transparency over white, 16 bits scaled to 8, one channel as gray."""
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        if image.mode in ("La", "RGBa"):
            image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
        layer = image.convert("RGBA")
        canvas = Image.new("RGBA", layer.size, "white")
        canvas.alpha_composite(layer)
        return np.asarray(canvas.convert("RGB"))
    if image.mode.startswith("I") or image.mode == "F":
        return _gray_to_rgb(np.asarray(image))
    try:
        return np.asarray(image.convert("RGB"))
    except ValueError as error:
        raise ImageDecodeError(f"Pictures of mode {image.mode} cannot be turned into RGB ({error}).") from error


def _gray_to_rgb(values: npt.NDArray[np.generic]) -> Pixels:
    """Wide gray values to 8 bits: 16-bit integers by their full range, floats from 0..1, others by their maximum.

    Every step is at most as wide as the values: a picture at the pixel limit must not take gigabytes.
    """
    if values.dtype.itemsize == 2:
        wide, full = values.astype(np.uint16, copy=False), 65535.0  # in this machine's byte order
    else:
        wide = np.nan_to_num(values.astype(np.float32), copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        np.maximum(wide, 0, out=wide)
        top = float(wide.max(initial=0))
        levels = (65535.0,) if values.dtype.kind in "iu" else (1.0, 255.0)
        full = next((level for level in levels if top <= level), top)
    gray = cv2.convertScaleAbs(wide, alpha=255 / full)
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8)


def _resized(pixels: Pixels, width: int, height: int, how: int) -> Pixels:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
