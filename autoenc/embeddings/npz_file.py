"""Vectors as an npz file: one array a column, no Python objects, so that `np.load(FILE, allow_pickle=False)` reads it.

An array lies in the file as a whole, and how many rows there will be is known at the end; until then each column lies
in an unnamed temporary file.
"""

from __future__ import annotations

import shutil
import tempfile
import tokenize
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from autoenc.embeddings.header import KEY, MOST_DIM, OWN_COLUMNS, Header
from autoenc.embeddings.rows import PATH_COLUMNS, ROWS, Column, Columns, Rows

_SUFFIX = ".npy"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MOST_HEADER = 2**20
_MOST_ITEM = 2**18  # bytes of a text
_KINDS = {"digest": "U32", "width": "<i4", "height": "<i4", "size": "<i8", "mtime_ns": "<i8"}


class NpzWriter:
    """Writes to a file that is open for writing; temporary files lie in `beside`."""

    def __init__(self, out: BinaryIO, header: Header, labels: bool, beside: Path) -> None:
        self._out, self._header = out, header
        self._texts: dict[str, list[str]] = {"path": [], **({"label": []} if labels else {})}
        self._own: dict[str, list[Any]] = {name: [] for name in OWN_COLUMNS}
        self._opened = ExitStack()
        self._vectors: dict[str, IO[bytes]] = {
            name: self._opened.enter_context(tempfile.TemporaryFile(dir=beside))  # noqa: SIM115
            for name in header.vectors
        }

    def add(self, rows: Rows) -> None:
        self._texts["path"].extend(rows.paths)
        if rows.labels is not None:
            self._texts["label"].extend(label or "" for label in rows.labels)
        for name in OWN_COLUMNS:
            self._own[name].extend(each[name] for each in rows.own)
        for name, spool in self._vectors.items():
            spool.write(np.ascontiguousarray(rows.vectors[name], "<f4").tobytes())

    def finish(self) -> None:
        count = len(self._texts["path"])
        with zipfile.ZipFile(self._out, "w") as archive:
            _write(archive, KEY, np.array(self._header.to_text()))
            for name, values in self._texts.items():
                _write(archive, name, np.array(values, np.str_))
            for name, numbers in self._own.items():
                _write(archive, name, np.array(numbers, _KINDS[name]))
            for name, spool in self._vectors.items():
                spool.seek(0)
                shape = (count, self._header.vectors[name].dim)
                with _member(archive, name) as member:
                    described = {"descr": "<f4", "fortran_order": False, "shape": shape}
                    np.lib.format.write_array_header_1_0(member, described)
                    shutil.copyfileobj(spool, member, 2**20)

    def close(self) -> None:
        self._opened.close()


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    return archive.open(zipfile.ZipInfo(name + _SUFFIX), "w", force_zip64=True)


def _write(archive: zipfile.ZipFile, name: str, array: npt.NDArray[Any]) -> None:
    with _member(archive, name) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


# ---- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Array:
    """What the header of an array says: how many rows of what, and whether they lie one after the other."""

    rows: int
    width: int | None
    dtype: np.dtype[Any]


class ObjectsError(ValueError):
    """The file holds Python objects, which only `pickle` can read."""


def open_npz(path: Path) -> Columns:
    """The columns of an npz file: text and numbers of one dimension, vectors of two.

    All have as many rows as the one that names the images; `others` are those that have not.

    Raises:
        ObjectsError: it holds Python objects, in any array.
        OSError, ValueError, zipfile.BadZipFile: it cannot be read, or is something else.
    """
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(_SUFFIX) for name in archive.namelist() if name.endswith(_SUFFIX)]
        if any(name.endswith(".pkl") for name in archive.namelist()):  # as torch.save writes it
            raise ObjectsError
        arrays: dict[str, _Array] = {}
        for name in names:
            if archive.getinfo(name + _SUFFIX).compress_type not in _COMPRESSIONS:
                raise ValueError(f"its array '{name}' is compressed as numpy never does it")
            with archive.open(name + _SUFFIX) as member:
                described = _described(member, name)
            if described is not None:
                arrays[name] = described
        header = _header(archive) if KEY in names else None
    arrays.pop(KEY, None)
    wide = [name for name, each in arrays.items() if each.width is not None]
    rows = {name.lower(): each.rows for name, each in arrays.items() if each.width is None}
    total = next((rows[name] for name in PATH_COLUMNS if name in rows), next((arrays[name].rows for name in wide), 0))
    arrays = {name: each for name, each in arrays.items() if each.rows == total}
    return Columns(
        names=list(arrays),
        wide=[name for name in wide if name in arrays],
        header=header,
        total=total,
        blocks=partial(_blocks, path, arrays, total),
        others=[name for name in names if name not in arrays and name != KEY],
    )


def _header(archive: zipfile.ZipFile) -> str:
    with archive.open(KEY + _SUFFIX) as member:
        shape, _, dtype = _array_header(member, KEY)
        if shape != () or dtype.kind != "U" or dtype.itemsize > _MOST_HEADER:
            raise ValueError(f"its array '{KEY}' is no text")
        return str(np.frombuffer(member.read(dtype.itemsize), dtype)[0])


def _array_header(member: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """The shape of an array, whether it lies column by column, and what it holds."""
    version = np.lib.format.read_magic(member)
    if version not in _HEADERS:
        raise ValueError(f"its array '{name}' has format {version}")
    try:
        return _HEADERS[version](member, max_header_size=_MOST_HEADER)
    except (tokenize.TokenError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"the header of its array '{name}' is damaged") from error  # it is parsed as Python is


def _described(member: IO[bytes], name: str) -> _Array | None:
    """What an array holds; None for one that is no column."""
    shape, fortran, dtype = _array_header(member, name)
    if dtype.hasobject:
        raise ObjectsError
    if any(length < 0 for length in shape):
        raise ValueError(f"its array '{name}' has a negative length")
    if dtype.itemsize > _MOST_ITEM or (len(shape) == 2 and shape[1] > MOST_DIM):
        raise ValueError(f"a row of its array '{name}' is too large")
    if len(shape) == 2 and dtype.kind in "fiu":
        if fortran and 1 not in shape:
            raise ValueError(f"its array '{name}' lies column by column; save np.ascontiguousarray of it")
        return _Array(shape[0], shape[1], dtype)
    return _Array(shape[0], None, dtype) if len(shape) == 1 and dtype.kind in "USiu" else None


def _blocks(path: Path, arrays: dict[str, _Array], total: int, wanted: Sequence[str]) -> Iterator[dict[str, Column]]:
    with ExitStack() as opened:
        archive = opened.enter_context(zipfile.ZipFile(path))
        streams: dict[str, IO[bytes]] = {}
        for name in wanted:
            stream = streams[name] = opened.enter_context(archive.open(name + _SUFFIX))
            _array_header(stream, name)
        for start in range(0, total, ROWS):
            count = min(ROWS, total - start)
            yield {name: _read(stream, arrays[name], count) for name, stream in streams.items()}


def _read(stream: IO[bytes], array: _Array, count: int) -> Column:
    width = 1 if array.width is None else array.width
    needed = count * width * array.dtype.itemsize
    data = stream.read(needed)
    if len(data) < needed:
        raise ValueError("it is cut off")
    if array.width is not None:
        return np.frombuffer(data, array.dtype).reshape(count, width)
    values = np.frombuffer(data, array.dtype).tolist() if needed else [""] * count
    return [value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value for value in values]
