"""Decode image files and in-memory pictures to RGB pixels, at a reduced size where that is enough.

Indexing waits for decoding, so OpenCV decodes a JPEG straight to 1/2, 1/4 or 1/8 of its size where enough pixels
remain. The size is read from the header first, so that the limits are checked before any pixel is decoded; Pillow reads
the headers of all but plain JPEGs, and decodes all other formats.
"""

from __future__ import annotations

import io
import os

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from autoenc.errors import ImageDecodeError, ImageTooLargeError
from autoenc.images.jpeg import plain_jpeg
from autoenc.vectors import Pixels

MAX_BYTES = 256 * 2**20
MAX_PIXELS = 80_000_000
LEAST_SIDE = 64
"""A reduced decode keeps at least this many pixels on the short side.

With 64 pixels it differs from a full decode by 0.4/255 on average, with 32 by 1.5/255.
"""

Picture = str | os.PathLike[str] | bytes | Pixels | Image.Image
"""Any form in which callers may pass a picture: a path, the bytes of an image file, an array or a PIL image."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF")  # none that makes Pillow start another program
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_ORIENTATION = 0x0112  # EXIF tag


def decode(data: bytes, size: int) -> tuple[Pixels, int, int]:
    """Decode an image file, at a reduced size if at least max(64, 2 * size) pixels remain on the short side.

    Args:
        data: the file's bytes.
        size: the side in pixels that the caller will shrink the picture to.

    Returns:
        The pixels, (H, W, 3) uint8 RGB, rotated as EXIF says, transparency over white; and the width and the height
        of the full picture.

    Raises:
        ImageTooLargeError: more than MAX_PIXELS pixels.
        ImageDecodeError: not an image of a known format, or a broken one.
    """
    if plain := plain_jpeg(data):
        _check_size(*plain)
        if (pixels := _opencv(data, reduction(*plain, size))) is not None:
            return pixels, *plain
    header = _header(data)
    width, height = header.size
    _check_size(width, height)
    factor = reduction(width, height, size)
    pixels = _opencv(data, factor) if header.format in ("JPEG", "MPO") and header.mode in ("L", "RGB") else None
    if pixels is None:
        pixels = _pillow(header, factor)
    orientation = _orientation(header)  # read last: a PNG may store it at its end, and Pillow rotates a TIFF itself
    if orientation >= 5:
        width, height = height, width
    return _turned(pixels, orientation), width, height


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageTooLargeError(f"The picture has {width} x {height} pixels; the limit is {MAX_PIXELS:,} pixels.")


def reduction(width: int, height: int, size: int) -> int:
    """The factor (1, 2, 4 or 8) by which to reduce a JPEG while decoding it."""
    least = max(LEAST_SIDE, 2 * size)
    return next((factor for factor in (8, 4, 2) if min(width, height) // factor >= least), 1)


def picture_pixels(picture: bytes | Pixels | Image.Image, size: int) -> Pixels:
    """The pixels of a picture in memory, (H, W, 3) uint8 RGB; the bytes of a file are decoded as by `decode`.

    Args:
        picture: the bytes of an image file; a PIL image; or an array (H, W) gray, (H, W, 3) RGB, (H, W, 4) RGBA uint8.
        size: the side in pixels that the caller will shrink the picture to.

    Raises:
        ImageError: as for `decode`, or an array of another shape or dtype.
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


def _header(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLargeError(f"The picture is too large: {error}") from error
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


def _opencv(data: bytes, factor: int) -> Pixels | None:
    """A JPEG's pixels, not yet rotated; None if OpenCV cannot decode it, for Pillow to decode it or to say why not."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _pillow(image: Image.Image, factor: int = 1) -> Pixels:
    try:
        if factor > 1:
            image.draft(None, (image.width // factor, image.height // factor))  # affects JPEG only
        image.load()
        return _rgb(image)
    except ImageDecodeError:
        raise
    except Exception as error:  # as in _header
        raise ImageDecodeError(f"The image is broken or truncated ({_reason(error)}).") from error


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (not rotated) if EXIF is damaged, because the picture itself is still good."""
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
    """The pixels as a viewer shows them: transparency over white, 16 bits scaled to 8, one channel as gray."""
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
        raise ImageDecodeError(f"Pictures of mode {image.mode} cannot be converted to RGB ({error}).") from error


def _gray_to_rgb(values: npt.NDArray[np.generic]) -> Pixels:
    """Scale wide gray values to 8 bits: integers from 0..65535, floats from 0..1 or 0..255, others by their maximum.

    No intermediate array has more bytes than the values, so that a picture at the pixel limit does not take gigabytes.
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
