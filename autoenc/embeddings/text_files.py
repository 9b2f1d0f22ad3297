"""Vectors as CSV and JSON Lines: one column an encoder; in CSV, a cell is the vector as a JSON list.

Neither format has a place for a header, so it lies beside the file, as FILE.json.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from autoenc.embeddings.header import OWN_COLUMNS, Header
from autoenc.embeddings.rows import ROWS, Column, Columns, Rows
from autoenc.vectors import Vectors

MOST_IN_A_CELL = 8000
"""Numbers in a cell of a CSV file: Python's own reader, for one, takes no cell of more than 131,072 characters."""

HEADER_BESIDE = (".csv", ".jsonl")
"""Formats whose header lies beside the file."""

_LONGEST = 16 * 2**20  # of a line, in characters
_MOST_HEADER = 2**20  # bytes


def header_file(path: Path) -> Path:
    """Where the header of a CSV or JSON Lines file lies.

    Example:
        >>> header_file(Path("vectors.csv")).name
        'vectors.csv.json'
    """
    return path.with_name(f"{path.name}.json")


class CsvWriter:
    """Writes to a file that is open for writing."""

    def __init__(self, out: BinaryIO, header: Header, labels: bool) -> None:
        self._out = out
        self._names = list(header.vectors)
        names = ["path", *(["label"] if labels else []), *OWN_COLUMNS, *self._names]
        self._write([names])

    def add(self, rows: Rows) -> None:
        vectors = [_listed(rows.vectors[name]) for name in self._names]
        labels = () if rows.labels is None else (rows.labels,)
        own = [[each[name] for each in rows.own] for name in OWN_COLUMNS]
        self._write(zip(rows.paths, *labels, *own, *vectors, strict=True))

    def _write(self, rows: Any) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(rows)  # as RFC 4180; so a name with either is quoted
        self._out.write(text.getvalue().encode())

    def finish(self) -> None:
        """Everything is written."""

    def close(self) -> None:
        """Nothing is open."""


class JsonLinesWriter:
    """Writes to a file that is open for writing."""

    def __init__(self, out: BinaryIO, header: Header, labels: bool) -> None:
        self._out = out
        self._names = list(header.vectors)

    def add(self, rows: Rows) -> None:
        vectors = {name: _listed(rows.vectors[name]) for name in self._names}
        for at, path in enumerate(rows.paths):
            row: dict[str, Any] = {"path": path}
            if rows.labels is not None:
                row["label"] = rows.labels[at]
            row |= {name: rows.own[at][name] for name in OWN_COLUMNS}
            numbers = "".join(f", {json.dumps(name)}: {cells[at]}" for name, cells in vectors.items())
            self._out.write(f"{json.dumps(row, ensure_ascii=False)[:-1]}{numbers}}}\n".encode())

    def finish(self) -> None:
        """Everything is written."""

    def close(self) -> None:
        """Nothing is open."""


def _listed(vectors: Vectors) -> list[str]:
    """Each vector as a JSON list of the shortest numbers that give the same float32 again.

    Example:
        >>> _listed(np.array([[0.1, -2, 1e-9]], np.float32))
        ['[0.1, -2.0, 1e-09]']
    """
    return [f"[{', '.join(row)}]" for row in vectors.astype(np.str_).tolist()]


# ---- reading ------------------------------------------------------------------------------------


def open_csv(path: Path) -> Columns:
    """The columns of a CSV file, UTF-8 with commas; those whose first cell begins with "[" hold vectors.

    Raises:
        OSError, ValueError, csv.Error: the file cannot be read.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(_short_lines(file))
        names = next(reader, [])
        first = next(reader, [])
    if len(set(names)) < len(names):
        raise ValueError("two of its columns have one name")
    wide = [name for name, cell in zip(names, first, strict=False) if cell.lstrip().startswith("[")]
    return Columns(names, wide, _header_of(path), 0, partial(_csv_blocks, path, names, wide))


def _csv_blocks(
    path: Path, names: Sequence[str], wide: Sequence[str], wanted: Sequence[str]
) -> Iterator[dict[str, Column]]:
    places = {name: names.index(name) for name in wanted}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(_short_lines(file))
        next(reader)
        while rows := list(islice(reader, ROWS)):
            cells = {name: [row[at] if at < len(row) else None for row in rows] for name, at in places.items()}
            yield {name: list(map(_parsed, cells[name])) if name in wide else cells[name] for name in wanted}


def open_json_lines(path: Path) -> Columns:
    """The columns of a file with one JSON object a line; those that are lists in the first line hold vectors.

    Raises:
        OSError, ValueError: the file cannot be read.
    """
    with path.open(encoding="utf-8-sig") as file:
        first = _parsed(next(_short_lines(file), ""))
    if not isinstance(first, dict):
        raise ValueError("its first line is no JSON object")
    wide = [name for name, value in first.items() if isinstance(value, list)]
    return Columns(list(first), wide, _header_of(path), 0, partial(_json_blocks, path))


def _json_blocks(path: Path, wanted: Sequence[str]) -> Iterator[dict[str, Column]]:
    with path.open(encoding="utf-8-sig") as file:
        lines = _short_lines(file)
        while part := list(islice(lines, ROWS)):
            found = [_parsed(line) for line in part if line.strip()]
            rows = [row if isinstance(row, dict) else {} for row in found]
            yield {name: [row.get(name) for row in rows] for name in wanted}


def _short_lines(file: Any) -> Iterator[str]:
    while line := file.readline(_LONGEST):
        if len(line) == _LONGEST:
            raise ValueError(f"one of its lines is longer than {_LONGEST:,} characters")
        yield line


def _parsed(text: str | None) -> Any:
    """What JSON text stands for; None for what is no JSON."""
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None


def _header_of(path: Path) -> bytes | None:
    try:
        with header_file(path).open("rb") as file:
            found = file.read(_MOST_HEADER)
    except FileNotFoundError:
        return None
    return found if b'"written_by"' in found else None  # another program may have put a file of this name there
