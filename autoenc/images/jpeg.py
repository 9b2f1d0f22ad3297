"""Read the size of a plain JPEG from its markers: Pillow reads more than indexing needs, and on one core at a time."""

from __future__ import annotations

import struct

_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended sequential and progressive, Huffman coded
_SCAN = 0xDA
_SPECIAL = (0xE1, 0xEE)  # APP1: EXIF or XMP, which may rotate the picture; APP14: Adobe, which may change its colors
_ALONE = (0x01, *range(0xD0, 0xDA))  # markers without a segment; before the scan they mean that something is wrong


def plain_jpeg(data: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG that needs no further look at its header.

    That is a file with one frame of 8 bits per sample and 1 or 3 components, and without EXIF, XMP or Adobe segments.

    Args:
        data: the file's bytes.

    Returns:
        (width, height) in pixels; None for any other file, and for one that is damaged before its first scan.

    Source: ITU-T T.81 (JPEG), annex B.

    Example:
        >>> with open("some.jpg", "rb") as file:
        ...     plain_jpeg(file.read())
        (160, 160)
    """
    if data[:2] != b"\xff\xd8":
        return None
    size: tuple[int, int] | None = None
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SCAN:
            return size
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _SPECIAL or marker in _ALONE or length < 2:
            return None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame, and not tables or an extension
            if marker not in _FRAMES or size is not None or at + 10 > len(data):
                return None
            bits, height, width, components = struct.unpack_from(">BHHB", data, at + 4)
            if bits != 8 or components not in (1, 3) or not height or not width:
                return None
            size = width, height
        at += 2 + length
    return None
