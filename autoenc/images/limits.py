"""What a file may ask of its reader, with the reasons: a few bytes can promise gigabytes and hours.

Everything here holds for ordinary files many times over. The limit that a real photo may meet is the number of pixels;
the environment variable AUTOENC_MAX_PIXELS raises it, and with it the limits that are multiples of it.
"""

from __future__ import annotations

import os

from autoenc.errors import ArgumentError, ImageDecodeError, ImageTooLargeError

VARIABLE = "AUTOENC_MAX_PIXELS"

MAX_PIXELS = 80_000_000
"""Twice the pixels of a large camera. Pillow itself warns from 89 million pixels on."""

MAX_SIDE = 65_535
"""What a JPEG can have. Longer pictures are refused, for they are not photos."""

MAX_BYTES = 256 * 2**20
"""Of a file: MAX_PIXELS pixels without compression."""

MAX_SCANS = 100
"""Of a JPEG. A progressive one has about ten, and each is a pass over the whole picture."""

MAX_PASSES = 25
"""A JPEG's pixels times its scans may be this many times the largest number of pixels: seconds, not minutes."""

MAX_BYTES_PER_PIXEL = 8
"""A picture at the pixel limit may take this much memory while it is decoded, 640 MB. Most formats take 7."""

MEMORY = 512 * 2**20
"""Bytes that all pictures together may take while they are decoded. A larger picture is decoded alone."""

SECONDS = 30.0
"""A picture that takes longer is skipped; the largest ones take about 5 s."""

MAX_VALUES = 400_000
"""Of one TIFF tag. A strip for each row, or tiles of 16 x 16 pixels, stay below."""

SMALL_MEMORY = 16 * 2**20
"""A picture that takes no more is not accounted for, since accounting takes time as well."""

TRIMMED_MEMORY = 64 * 2**20
"""After a picture that takes more, freed memory is given back to the system."""

UNWATCHED_BYTES = 2**20
UNWATCHED_PIXELS = 4_000_000
"""A file with no more bytes, and no more pixels times scans, cannot take long, and is decoded without a watch."""


def max_pixels() -> int:
    """The largest number of pixels that a picture may have: MAX_PIXELS, or what AUTOENC_MAX_PIXELS says.

    Raises:
        ArgumentError: AUTOENC_MAX_PIXELS is not a whole number above 0.

    Example:
        >>> max_pixels()
        80000000
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return MAX_PIXELS
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ArgumentError(f"The environment variable {VARIABLE} must be a whole number above 0; got {text!r}.")
    return int(text)


def check_size(width: int, height: int) -> None:
    """Raise ImageTooLargeError for a picture with too many pixels, or with too long a side."""
    limit = max_pixels()
    if width * height > limit:
        raise ImageTooLargeError(
            f"The picture has {width} x {height} pixels; the limit is {limit:,} pixels. The environment variable "
            f"{VARIABLE} raises it."
        )
    if max(width, height) > MAX_SIDE:
        raise ImageTooLargeError(f"The picture has {width} x {height} pixels; the limit is {MAX_SIDE:,} on each side.")


def check_scans(scans: int, pixels: int) -> None:
    """Raise ImageTooLargeError for a JPEG whose scans would take too long to decode."""
    if scans > MAX_SCANS:
        raise ImageTooLargeError(f"The JPEG has more than {MAX_SCANS} scans; save it again with fewer.")
    if scans * pixels > MAX_PASSES * max_pixels():
        raise ImageTooLargeError(
            f"The JPEG has {scans} scans of {pixels:,} pixels; the limit is {MAX_PASSES * max_pixels():,} in all. Save "
            f"it again with fewer, or raise the limit with the environment variable {VARIABLE}."
        )


def check_memory(needed: int) -> None:
    """Raise ImageTooLargeError for a picture that would take too many bytes while it is decoded."""
    limit = MAX_BYTES_PER_PIXEL * max_pixels()
    if needed > limit:
        raise ImageTooLargeError(
            f"Decoding the picture would take {needed / 1e6:,.0f} MB; the limit is {limit / 1e6:,.0f} MB. The "
            f"environment variable {VARIABLE} raises it ({MAX_BYTES_PER_PIXEL} bytes a pixel)."
        )


def check_filled(width: int, height: int, held: int, most: float) -> None:
    """Raise ImageDecodeError for a file that cannot hold even half of the picture that its header promises.

    Args:
        width: of the promised picture, in pixels.
        height: of the promised picture, in pixels.
        held: bytes of the file.
        most: the most pixels that a byte can hold in the file's format.
    """
    if width * height > 2 * most * held:
        raise ImageDecodeError(f"The file is truncated: its {held:,} bytes cannot hold {width} x {height} pixels.")
