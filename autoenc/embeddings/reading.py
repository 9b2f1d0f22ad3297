"""Read a file of vectors with distrust: it may come from anyone, and it is never unpickled."""

from __future__ import annotations

import csv
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autoenc.embeddings.header import OWN_COLUMNS, Header
from autoenc.embeddings.npz_file import ObjectsError, open_npz
from autoenc.embeddings.parquet_file import open_parquet
from autoenc.embeddings.rows import PATH_COLUMNS, Column, Columns, as_matrix
from autoenc.embeddings.text_files import HEADER_BESIDE, header_file, open_csv, open_json_lines
from autoenc.errors import ArgumentError, VectorFileError
from autoenc.text import printable, shown, some
from autoenc.vectors import Vectors

_OPENERS: dict[str, Callable[[Path], Columns]] = {
    ".parquet": open_parquet,
    ".pq": open_parquet,
    ".npz": open_npz,
    ".csv": open_csv,
    ".jsonl": open_json_lines,
}
_DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    OverflowError,
    MemoryError,
    RuntimeError,  # an encrypted zip file
    csv.Error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the libraries that read files raise for damaged ones."""

_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth")
_CONVERT = (
    "autoenc never reads a pickle, because reading one runs whatever program its maker put into it. Ask its maker for "
    "Parquet or npz. If you trust its maker, load it yourself, best on a machine with nothing to lose, and save it "
    "without objects: numpy.savez('vectors.npz', path=numpy.array(paths, str), NAME=numpy.array(vectors, 'float32'))."
)


@dataclass(frozen=True)
class Batch:
    """Some rows that were read.

    Attributes:
        first: the number of the first row, counted from 1.
        keys: what names the image of each row.
        labels: the label of each row, or None.
        own: what the file says about each image, by `OWN_COLUMNS`; empty where it does not say all of it.
        vectors: column of vectors -> (N, dim) float32, and the rows, counted from 0, whose cell is no such vector, each
            with the reason.
    """

    first: int
    keys: Sequence[Any]
    labels: Sequence[str | None]
    own: Sequence[Mapping[str, Any]]
    vectors: Mapping[str, tuple[Vectors, Mapping[int, str]]]


@dataclass(frozen=True)
class VectorFile:
    """A file of vectors, opened; see `open_vectors`.

    Attributes:
        path: the file.
        header: what it says about itself; None for a file that was made elsewhere.
        key: the column that names the image of each row.
        dims: column of vectors -> the length of its vectors.
        unread: columns that hold something else, and are not read.
    """

    path: Path
    header: Header | None
    key: str
    dims: Mapping[str, int]
    unread: Sequence[str]
    _columns: Columns

    def keys(self) -> Iterator[Any]:
        """What names the image of each row, without the vectors being read.

        Raises:
            VectorFileError: the file is damaged.
        """
        for block in self._blocks([self.key]):
            yield from block[self.key]

    def batches(self) -> Iterator[Batch]:
        """The rows, some hundred at a time.

        Raises:
            VectorFileError: the file is damaged.
        """
        own = [name for name in OWN_COLUMNS if self.header is not None and name in self._columns.names]
        label = ["label"] if "label" in self._columns.names and "label" not in self.dims else []
        first = 1
        for block in self._blocks([self.key, *label, *own, *self.dims]):
            keys = list(block[self.key])
            yield Batch(
                first=first,
                keys=keys,
                labels=[_label(value) for value in block["label"]] if label else [None] * len(keys),
                own=[_own({name: block[name][at] for name in own}) for at in range(len(keys))],
                vectors={name: as_matrix(block[name], dim) for name, dim in self.dims.items()},
            )
            first += len(keys)

    def _blocks(self, wanted: Sequence[str]) -> Iterator[dict[str, Column]]:
        try:
            yield from self._columns.blocks(wanted)
        except _DAMAGE as error:
            raise _unreadable(self.path, error) from error


def open_vectors(file: str | os.PathLike[str]) -> VectorFile:
    """Open a file of vectors: .parquet, .npz, .csv or .jsonl, written by autoenc or elsewhere.

    A file from elsewhere needs a column that names the image of each row, called path, file, filename, image or id; and
    a column of vectors, or several: lists of numbers in Parquet and JSON Lines, JSON lists in CSV, arrays of two
    dimensions in npz.

    Raises:
        VectorFileError: it cannot be read, is or holds a pickle, or lacks one of these.
        ArgumentError: a file of another format.
        MissingDependencyError: .parquet, and pyarrow is not installed.

    Example:
        >>> np.savez("clip.npz", id=np.array(["a", "b"]), clip=np.eye(2, 5))
        >>> opened = open_vectors("clip.npz")
        >>> opened.key, opened.dims
        ('id', {'clip': 5})
    """
    path = Path(file)
    columns = _columns(path)
    try:
        header = None if columns.header is None else Header.from_text(columns.header)
    except (ValueError, UnicodeDecodeError) as error:
        where = header_file(path) if path.suffix.lower() in HEADER_BESIDE else path
        raise VectorFileError(f"What {shown(where)} says about the vectors cannot be read: {error}.") from error
    key = "path" if header is not None else _key(path, columns)
    names = list(columns.wide) if header is None else list(header.vectors)
    if lacking := [name for name in (key, *names) if name not in columns.names]:
        raise VectorFileError(f"{shown(path)} says that it has a column '{lacking[0]}', and has none.")
    if not names:
        raise VectorFileError(
            f'{shown(path)} has no column of vectors: expected lists of numbers (in CSV as JSON: "[0.1, 0.2]"), or in '
            f"npz an array with a row for each image; its columns are: {_listed(columns.names)}."
        )
    if header is not None:
        dims = {name: info.dim for name, info in header.vectors.items()}
    else:
        dims = _dims(VectorFile(path, header, key, {}, (), columns), names)
    used = {key, "label", *names, *(OWN_COLUMNS if header else ())}
    unread = [name for name in (*columns.names, *columns.others) if name not in used]
    return VectorFile(path, header, key, dims, unread, columns)


def _columns(path: Path) -> Columns:
    kind = path.suffix.lower()
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise VectorFileError(
            f"Expected a file of vectors; {shown(path)} cannot be read: {error.strerror or error}."
        ) from error
    if kind in _PICKLES or (start[:1] == b"\x80" and start[1:2] in b"\2\3\4\5"):
        raise VectorFileError(f"{shown(path)} is a pickle. {_CONVERT}")
    if kind == ".npy":
        raise VectorFileError(
            f"{shown(path)} holds an array without the names of the images. Save both in one file: "
            f"numpy.savez('vectors.npz', path=numpy.array(paths, str), NAME=vectors), with no Python objects in it."
        )
    if kind not in _OPENERS:
        raise ArgumentError(f"Vectors are read from a .parquet, .npz, .csv or .jsonl file; got {shown(path)}.")
    try:
        return _OPENERS[kind](path)
    except ObjectsError:
        raise VectorFileError(f"{shown(path)} holds Python objects, as a pickle does. {_CONVERT}") from None
    except _DAMAGE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> VectorFileError:
    reason = printable(str(error)).rstrip(".") or type(error).__name__
    return VectorFileError(f"Expected a file of vectors; {shown(path)} cannot be read as one: {reason}.")


def _key(path: Path, columns: Columns) -> str:
    """The column that names the image of each row."""
    lowered = {name.lower(): name for name in reversed(columns.names) if name not in columns.wide}
    key = next((lowered[name] for name in PATH_COLUMNS if name in lowered), None)
    if key is None:
        raise VectorFileError(
            f"{shown(path)} has no column that names the image of each row: expected {', '.join(PATH_COLUMNS[:-1])} or "
            f"{PATH_COLUMNS[-1]}; its columns are: {_listed(columns.names)}."
        )
    return key


def _listed(names: Sequence[str]) -> str:
    return printable(some([name[:80] for name in names])) or "none"


def _dims(opened: VectorFile, names: Sequence[str]) -> dict[str, int]:
    """The length of the first vector of each column."""
    first = next(opened._blocks(names), dict.fromkeys(names, ()))
    dims: dict[str, int] = {}
    for name in names:
        cells = first[name]
        lengths = (len(cell) for cell in cells if isinstance(cell, list))
        dims[name] = cells.shape[1] if isinstance(cells, np.ndarray) else next(lengths, 0)
        if not dims[name]:
            raise VectorFileError(f"{shown(opened.path)} has no vector in the first rows of column '{name}'.")
    return dims


def _label(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


_MOST_NUMBER = 2**63


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a row says about its image; empty unless it says all of it."""
    found: dict[str, Any] = {}
    for name in OWN_COLUMNS:
        value = values.get(name)
        if name == "digest":
            if not isinstance(value, str) or len(value) != 32:
                return {}
            found[name] = value
            continue
        try:
            found[name] = int(value)  # type: ignore[arg-type]  # text in CSV
        except (TypeError, ValueError, OverflowError):
            return {}
        if not 0 <= found[name] < _MOST_NUMBER:
            return {}
    return found
