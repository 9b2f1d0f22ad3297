"""What a header that Pillow has read promises: memory, work, and pixels that the file may be too short to hold."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from autoenc.errors import ImageTooLargeError
from autoenc.images import limits
from autoenc.images.jpeg import Scans

if TYPE_CHECKING:
    from PIL import Image

LARGE_WEBP = 16_000_000
"""Pixels of a WebP file from which on OpenCV decodes it."""

_CORE = {
    "1": 1,
    "L": 1,
    "P": 1,
    "I;16": 2,
    "I;16B": 2,
    "I;16L": 2,
}  # bytes a pixel in Pillow's memory; 4 in other modes
_RGB = 3  # bytes a pixel of the result

# The most bytes that a byte can become. Deflate: 258 bytes in 2 bits. LZW: 4,096 bytes in 12 bits. PackBits: 128 bytes
# in 2. A baseline or progressive JPEG: 1 bit for each block of 8 x 8 pixels.
_DEFLATE, _LZW, _PACKBITS = 1032.0, 2731.0, 64.0
JPEG = 512.0
_TIFF = {
    "raw": 1.0,
    "packbits": _PACKBITS,
    "tiff_lzw": _LZW,
    "tiff_adobe_deflate": _DEFLATE,
    "tiff_deflate": _DEFLATE,
}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a PNG's color types

_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}  # of TIFF's types
_TEXT = (1, 2, 6, 7)  # types of which Pillow makes one string, and not a number for each


def jpeg_memory(width: int, height: int, factor: int, scans: Scans) -> int:
    """Bytes that a JPEG takes, reduced by a factor: Pillow's copy, the result, the coefficients if they are kept."""
    padded = (width + 31) // 32 * ((height + 31) // 32) * 32 * 32
    return (4 + _RGB) * (width // factor + 1) * (height // factor + 1) + 2 * scans.components * padded * scans.kept


def memory_for(image: Image.Image, data: bytes) -> int:
    """Bytes that Pillow takes to decode a picture other than a JPEG, with the RGB result."""
    pixels = image.width * image.height
    if image.format == "WEBP":
        if large_webp(image):
            return (4 + 4) * pixels
        return (4 * 4 + _RGB) * pixels + 2 * len(data)  # two canvases, their copy, and Pillow's own
    return (_CORE.get(image.mode, 4) + _RGB) * pixels + _piece(image)


def large_webp(image: Image.Image) -> bool:
    """Whether a picture is to be decoded by `pillow.load_large_webp`."""
    return image.format == "WEBP" and image.width * image.height > LARGE_WEBP and not image.is_animated  # type: ignore[attr-defined]


def _piece(image: Image.Image) -> int:
    """Bytes of one strip or tile of a compressed TIFF, which is decoded as a whole."""
    tags = getattr(image, "tag_v2", None)
    if tags is None or not any(tile[0] == "libtiff" for tile in image.tile):  # type: ignore[attr-defined]
        return 0
    rows = min(_number(tags, 278, image.height), image.height)
    width, height = _number(tags, 322, image.width), _number(tags, 323, rows)
    return width * height * _number(tags, 277, 1) * _number(tags, 258, 1) // 8


def _number(tags: Any, tag: int, default: int) -> int:
    """The largest value of a TIFF tag, which may be of any type in a damaged file."""
    found = tags.get(tag, default)
    values = found if isinstance(found, tuple) else (found,)
    return max((value for value in values if isinstance(value, int) and value > 0), default=default)


def check_filled(image: Image.Image, data: bytes) -> None:
    """Raise ImageDecodeError for a file other than a JPEG that is far too short for the picture that it promises.

    Nothing is known about the least size of a WebP picture, or of a TIFF in the less common compressions.
    """
    width, height = image.size
    most = 0.0
    match image.format:
        case "PNG" if data[12:16] == b"IHDR" and data[24]:
            most = _DEFLATE * 8 / (data[24] * _CHANNELS.get(data[25], 1))
        case "GIF":
            most = _LZW
            if image.tile:  # type: ignore[attr-defined]
                left, top, right, bottom = image.tile[0][1]  # type: ignore[attr-defined]  # may be less than the canvas
                width, height = right - left, bottom - top
        case "BMP" | "DIB" if image.tile and image.tile[0][0] == "raw":  # type: ignore[attr-defined]
            most = 8.0
        case "TIFF":
            tags = image.tag_v2  # type: ignore[attr-defined]
            bits = _number(tags, 277, 1) * _number(tags, 258, 1)
            most = _TIFF.get(str(image.info.get("compression")), 0) * 8 / bits
    if most:
        limits.check_filled(width, height, len(data), most)


def check_tables(data: bytes) -> None:
    """Raise ImageTooLargeError for a TIFF with a tag of too many numbers, of each of which Pillow makes an object.

    Args:
        data: the bytes of any file.

    Source: Adobe, "TIFF, revision 6.0", section 2; BigTIFF has wider fields.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        return
    big = data[2:4] in (b"+\0", b"\0+")
    entry = struct.Struct(order + ("HHQ8x" if big else "HHL4x"))
    (at,) = struct.unpack_from(order + ("Q" if big else "L"), data, 8 if big else 4)
    if at + 8 > len(data):
        return
    (entries,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    at += 8 if big else 2
    for start in range(at, min(at + entries * entry.size, len(data) - entry.size + 1), entry.size):
        tag, kind, count = entry.unpack_from(data, start)
        if kind in _BYTES and kind not in _TEXT and limits.MAX_VALUES < count <= len(data) // _BYTES[kind]:
            raise ImageTooLargeError(f"The TIFF's tag {tag} has {count:,} values; the limit is {limits.MAX_VALUES:,}.")
