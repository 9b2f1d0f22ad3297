"""Where results may be written: never over a file that autoenc did not write, and never among the images it reads.

What autoenc writes carries its mark, so that it may be replaced by the next run: a picture in its metadata, JSON in its
first key, HTML in a meta tag, CSV in its header, JSON Lines in its keys, Parquet in its metadata, a backup and an npz
file in the name of the first entry.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autoenc.errors import OutputError
from autoenc.files import replace_file
from autoenc.text import shown
from autoenc.version import __version__

MARK = f"autoenc {__version__}"

NEIGHBOR_COLUMNS = ("id", "path", "rank", "neighbor_id", "neighbor_path", "score")
"""Of a file of neighbors, which is known by them."""

COPY_COLUMNS = ("group", "id", "path", "width", "height", "bytes", "likeness", "exact", "missing", "worse")
"""Of a table of duplicates, which is known by them."""

_TEXT = rb'"(?:[^\n"\\]|\\.)*"'
"""In JSON."""

_MARKED = re.compile(
    b"|".join(
        [
            rb'\{\n  "written_by": "autoenc ',
            rb'<!doctype html>.{0,200}<meta name="generator" content="autoenc ',
            rb"PK\x03\x04.{26}autoenc\.(backup\.txt|npy)",
            rb"encoder,dim,[^\n]*,ms_per_image,bytes_per_image(,model_bytes)?\n",
            ",".join(NEIGHBOR_COLUMNS).encode() + rb"\n",
            ",".join(COPY_COLUMNS).encode() + rb"\n",
            rb"path,(label,)?width,height,digest,size,mtime_ns,",
            rb'\{"path": %b, ("label": (null|%b), )?"width": \d+, "height": \d+, "digest": "[0-9a-f]{32}", '
            % (_TEXT, _TEXT),
            rb'\{"id": "[0-9a-f-]{36}", "path": (null|%b), "neighbors": \[' % _TEXT,
        ]
    ),
    re.DOTALL,
)
_PARQUET = b"PAR1"
_FOOTER = 65_536  # where Parquet keeps metadata, which names every column
EXIF_SOFTWARE = 0x0131
_KINDS = {stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}


def write_file(
    path: str | os.PathLike[str], data: bytes, *, overwrite: bool = False, reading: Iterable[object] = ()
) -> Path:
    """Write a file completely or not at all, where `check_output` allows it.

    Raises:
        OutputError: as `check_output`, or the file cannot be written.

    Example:
        >>> write_file("found.json", marked_json({"found": 3})).name
        'found.json'
    """
    path = check_output(path, overwrite=overwrite, reading=reading)
    try:
        replace_file(path, data)
    except OSError as error:
        raise OutputError(f"Cannot write {shown(path)}: {error.strerror or error}.") from error
    return path


def check_output(path: str | os.PathLike[str], *, overwrite: bool = False, reading: Iterable[object] = ()) -> Path:
    """Find out, before the work is done and again after it, that a file may be written.

    Args:
        path: the file.
        overwrite: allow a regular file that autoenc did not write to be replaced.
        reading: what is read; anything that is not a path is passed over. A file there, or in a folder there, is
            refused in any case.

    Raises:
        OutputError: there is no such folder, or it may not be written to; the file is read or lies in a folder that
            is; something other than a regular file is there; or a file without autoenc's mark, unless `overwrite`.
    """
    path = Path(path)
    if not os.path.isdir(path.parent) or not os.access(path.parent, os.W_OK):
        raise OutputError(
            f"Cannot write {shown(path)}: expected a file in a folder that exists and that you may write to."
        )
    check_apart(path, reading)
    try:
        kind = stat.S_IFMT(path.lstat().st_mode)
    except FileNotFoundError:
        return path
    except OSError as error:
        raise OutputError(f"Cannot write {shown(path)}: {error.strerror or error}.") from error
    if kind != stat.S_IFREG:
        raise OutputError(
            f"Cannot write {shown(path)}: a {_KINDS.get(kind, 'device')} is there, and only a regular file is ever "
            "replaced. Name another file."
        )
    if not overwrite and not carries_mark(path):
        raise OutputError(
            f"Cannot write {shown(path)}: a file is there that autoenc did not write. Name another file, or replace it "
            "with overwrite=True."
        )
    return path


def check_folder(
    folder: str | os.PathLike[str], files: Iterable[str], *, overwrite: bool = False, reading: Iterable[object] = ()
) -> None:
    """`check_output` for files in a folder that may have to be made."""
    check_makeable(folder)
    check_apart(folder, reading)
    if os.path.isdir(folder):
        for name in files:
            check_output(Path(folder, name), overwrite=overwrite)


def check_makeable(folder: str | os.PathLike[str]) -> None:
    """Raise OutputError before the work is done, not after it, if a folder neither exists nor can be created."""
    folder = Path(os.path.abspath(folder))
    nearest = next((above for above in (folder, *folder.parents) if os.path.exists(above)), folder)
    if not os.path.isdir(nearest) or not os.access(nearest, os.W_OK):
        raise OutputError(f"Cannot write {shown(folder)}: {shown(nearest)} is not a folder that you may write to.")


def check_apart(path: str | os.PathLike[str], reading: Iterable[object]) -> None:
    """Raise OutputError if a path is one of the files and folders that are read, or lies in one of the folders."""
    named, real = Path(os.path.abspath(path)), Path(os.path.realpath(path))
    for given in reading:
        if not isinstance(given, (str, os.PathLike)):
            continue
        if any(_same(place, given) for each in (named, real) for place in (each, *each.parents)):
            folder = f"it lies in {shown(given)}, where images are read"
            why = folder if os.path.isdir(given) else "it is a file that is read"
            raise OutputError(f"Cannot write {shown(path)}: {why}. Name another place.")


def _same(one: Path, other: str | os.PathLike[str]) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them does not exist
        return False


def marked_json(document: Mapping[str, Any], *, ensure_ascii: bool = True) -> bytes:
    """A document as the bytes of a JSON file with autoenc's mark."""
    marked = {"written_by": MARK, **document}
    return (json.dumps(marked, indent=2, ensure_ascii=ensure_ascii, allow_nan=False) + "\n").encode()


def carries_mark(path: Path) -> bool:
    """Whether autoenc wrote a file, as far as can be seen from it."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
            if start.startswith(_PARQUET):
                file.seek(-min(_FOOTER, os.fstat(file.fileno()).st_size), os.SEEK_END)
                return b"autoenc " in file.read()
            return bool(_MARKED.match(start)) or _software(path).startswith("autoenc ")
    except OSError:
        return False


def _software(path: Path) -> str:
    """The name of the program that a PNG, JPEG or WebP file says made it."""
    from PIL import Image  # takes 50 ms, and only a file that is there needs it

    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as picture:
            info = picture.info
            found = info.get("Software") or info.get("comment") or picture.getexif().get(EXIF_SOFTWARE)
    except Exception:  # a malformed header can make Pillow's parsers raise anything
        return ""
    return found.decode("latin-1") if isinstance(found, bytes) else str(found)
