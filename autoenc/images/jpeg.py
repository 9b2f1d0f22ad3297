"""Read a JPEG's markers: the size of a plain one, for which Pillow would take longer and one core, and its scans."""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from autoenc.images.limits import MAX_SCANS

_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended sequential and progressive, Huffman coded
_SCAN = 0xDA
_SPECIAL = (0xE1, 0xEE)  # APP1: EXIF or XMP, which may rotate the picture; APP14: Adobe, which may change its colors
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_END = 0xD9
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")  # within a scan, FF is followed by 00 or a restart marker
_ALONE = (0x01, *range(0xD0, 0xDA))  # markers without a segment; before the scan they mean that something is wrong


class Plain(NamedTuple):
    """A plain JPEG.

    Attributes:
        width, height: in pixels.
        once: whether it is baseline or extended sequential with all its components in its first scan.
    """

    width: int
    height: int
    once: bool


def plain_jpeg(data: bytes) -> Plain | None:
    """Width and height of a JPEG that needs no further look at its header.

    That is a file with one frame of 8 bits per sample and 1 or 3 components, and without EXIF, XMP or Adobe segments.

    Args:
        data: the file's bytes.

    Returns:
        What its header says; None for any other file, and for one that is damaged before its first scan.

    Source: ITU-T T.81 (JPEG), annex B.

    Example:
        >>> with open("some.jpg", "rb") as file:
        ...     plain_jpeg(file.read())
        Plain(width=160, height=160, once=True)
    """
    if data[:2] != b"\xff\xd8":
        return None
    size: tuple[int, int] | None = None
    together = b""  # how many components a scan holds if there is only one
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SCAN:
            return Plain(*size, once=data[at + 4 : at + 5] == together) if size else None
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _SPECIAL or marker in _ALONE or length < 2:
            return None
        if _is_frame(marker):
            if marker not in _FRAMES or size is not None or at + 10 > len(data):
                return None
            bits, height, width, components = struct.unpack_from(">BHHB", data, at + 4)
            if bits != 8 or components not in (1, 3) or not height or not width:
                return None
            size = width, height
            together = b"" if marker in _PROGRESSIVE else bytes((components,))
        at += 2 + length
    return None


class Scans(NamedTuple):
    """How a JPEG's pixels are stored.

    Attributes:
        passes: over the picture, counted up to MAX_SCANS + 1.
        components: 1 for gray, 3 for color, 4 for CMYK.
        kept: whether a decoder has to keep the coefficients of the whole picture, 2 bytes each, until the last scan.
        huffman: False for arithmetic coding, which can make a picture of one color arbitrarily small.
    """

    passes: int
    components: int
    kept: bool
    huffman: bool = True


ONE_SCAN = Scans(1, 3, kept=False)


def scans(data: bytes) -> Scans:
    """Count the scans of a JPEG. A baseline file with all its components in one scan is not read any further.

    Args:
        data: the file's bytes.

    Example:
        >>> with open("some.jpg", "rb") as file:
        ...     scans(file.read())
        Scans(passes=1, components=3, kept=False, huffman=True)
    """
    passes, components, progressive, huffman, at = 0, 3, False, True, 2
    while passes <= MAX_SCANS and (found := _MARKER.search(data, at)):
        at = found.end()
        marker = data[at - 1]
        if marker == _END or at + 8 > len(data):
            break
        if marker == _SCAN:
            passes += 1
            if passes == 1 and not progressive and data[at + 2] >= components:
                return Scans(1, components, kept=False, huffman=huffman)
        elif _is_frame(marker):
            progressive, huffman, components = marker in _PROGRESSIVE, marker < 0xC8, data[at + 7]
        at += int.from_bytes(data[at : at + 2], "big")
    return Scans(passes, components, kept=True, huffman=huffman)


def _is_frame(marker: int) -> bool:
    """Whether it starts a frame, and not tables or an extension."""
    return 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)
