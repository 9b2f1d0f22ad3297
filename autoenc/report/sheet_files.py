"""Contact sheets as files: the suffix decides the format, and each file carries autoenc's mark."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from autoenc.errors import ArgumentError
from autoenc.outputs import EXIF_SOFTWARE, MARK, check_output, write_file
from autoenc.text import shown

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}

MAX_SIDE = {"JPEG": 65_500, "WEBP": 16_383}
"""In pixels: what libjpeg and libwebp can write."""


def check_sheet(path: str | os.PathLike[str], *, overwrite: bool = False, reading: Iterable[object] = ()) -> None:
    """Find out before the work is done, not after it, that a sheet may be written there.

    Raises:
        ArgumentError: the suffix names no format.
        OutputError: as `autoenc.outputs.check_output`.
    """
    _format_of(path)
    check_output(path, overwrite=overwrite, reading=reading)


def write_sheet(
    image: Image.Image, path: str | os.PathLike[str], *, overwrite: bool = False, reading: Iterable[object] = ()
) -> Path:
    """Write an image as a PNG, JPEG or WebP file, completely or not at all.

    Args:
        image: an RGB image, such as `query_sheet` returns.
        path: the file; its suffix is .png, .jpg, .jpeg or .webp.
        overwrite: allow a file that autoenc did not write to be replaced.
        reading: what is read, which is never replaced.

    Raises:
        ArgumentError: another suffix, or a side that is too long for the format.
        OutputError: as `autoenc.outputs.write_file`.

    Example:
        >>> write_sheet(Image.new("RGB", (60, 40)), "sheet.webp").name
        'sheet.webp'
    """
    kind = _format_of(path)
    longest = max(image.size)
    if longest > MAX_SIDE.get(kind, longest):
        raise ArgumentError(
            f"The sheet has {image.width:,} x {image.height:,} pixels; a {kind} file has {MAX_SIDE[kind]:,} on a side "
            "at most. Write a .png file, or ask for fewer neighbors with k=."
        )
    buffer = io.BytesIO()
    image.save(buffer, kind, **_marked(kind))
    return write_file(path, buffer.getvalue(), overwrite=overwrite, reading=reading)


def _format_of(path: str | os.PathLike[str]) -> str:
    kind = FORMATS.get(Path(path).suffix.lower())
    if kind is None:
        raise ArgumentError(f"A sheet is a {', '.join(FORMATS)} file; got {shown(path)}. Name a file that ends in one.")
    return kind


def _marked(kind: str) -> dict[str, Any]:
    """What Pillow is told so that the file says who made it."""
    if kind == "PNG":
        info = PngInfo()
        info.add_text("Software", MARK)
        return {"pnginfo": info}
    if kind == "JPEG":
        return {"quality": 90, "comment": MARK}
    exif = Image.Exif()
    exif[EXIF_SOFTWARE] = MARK
    return {"quality": 90, "exif": exif}
