"""Read a CSV file as columns of text, and account for every row that is not like the others."""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from autoenc.errors import TableError
from autoenc.text import counted, shown

DELIMITERS = ",;\t|"
ENCODING = "utf-8-sig"  # a byte order mark is no part of the first name

_FIRST = 131_072  # characters of the first line at most: what the csv module takes as one cell
_CHUNK = 256  # rows turned into columns at a time: they fit the cache of a core, which halves the time
_SHARED = 50_000  # different values of a column of which each is kept once
_ALL_LONG = 100  # rows after which a header that fits none of them is a mistake
_TOLD = 80  # characters of a cell that are told of a row that is listed
_BREAK = re.compile("\r\n|\r|\n")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Lines:
    """The line that each row begins on: most often one further than the row before."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._lines: list[int] = []

    def add(self, row: int, line: int) -> None:
        """Row number `row`, counted from 0, begins on `line`; rows are added in order."""
        if not self._rows or line - row != self._lines[-1] - self._rows[-1]:
            self._rows.append(row)
            self._lines.append(line)

    def of(self, row: int) -> int:
        at = bisect_right(self._rows, row) - 1
        return self._lines[at] + row - self._rows[at]


class _Shared(dict[str, str]):
    """Cell -> the same text without spaces around it, each kept once."""

    def __missing__(self, cell: str) -> str:
        text = cell.strip()
        self[cell] = text = self.setdefault(text, text)
        return text


@dataclass
class CsvRows:
    """The content of a CSV file.

    Attributes:
        header: the names in its first row.
        delimiter: what stands between cells.
        columns: the cells of the rows that have as many as the header, without spaces around them.
        lines: the line of each of these rows.
        long: rows with more cells than the header, with their lines.
        broken: (line, why, with its cells) for each other row.
    """

    header: list[str]
    delimiter: str
    columns: list[list[str]]
    lines: Lines = field(default_factory=Lines)
    long: list[tuple[int, list[str]]] = field(default_factory=list)
    broken: list[tuple[int, str]] = field(default_factory=list)


def read_csv(path: Path) -> CsvRows:
    """Read a CSV file: UTF-8, separated by commas, semicolons, tabs or bars, with a row of names first.

    Raises:
        TableError: the file cannot be read, is not UTF-8, is empty, has a first line of more than 131,071
            characters, or has a quote that is never closed.
    """
    try:
        with path.open(encoding=ENCODING, newline="") as file:
            first = file.readline(_FIRST)
            if len(first) == _FIRST:
                raise TableError(
                    f"Expected a table whose first row names its columns; the first line of {shown(path)} is longer "
                    f"than {_FIRST - 1:,} characters."
                )
            delimiter = max(DELIMITERS, key=lambda each: len(next(csv.reader([first], delimiter=each), [])))
        return _read(path, delimiter)
    except UnicodeDecodeError:
        raise TableError(_wrong_encoding(path)) from None
    except OSError as error:
        raise TableError(f"Expected a table; {shown(path)} cannot be read: {error.strerror or error}.") from error


def _read(path: Path, delimiter: str) -> CsvRows:
    with path.open(encoding=ENCODING, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        header = [name.strip() for row in _next(path, reader, 1, 1) for name in row]
        if not any(header):
            raise TableError(f"Expected a table whose first row names its columns; that of {shown(path)} is empty.")
        found = CsvRows(header, delimiter, [[] for _ in header])
        shared: list[_Shared | None] = [_Shared() for _ in header]
        line, last = reader.line_num + 1, 1
        while rows := _next(path, reader, line):
            count, width = len(found.columns[0]), len(header)
            flat = reader.line_num - line + 1 == len(rows)  # one line for each row
            if flat and set(map(len, rows)) == {width}:
                found.lines.add(count, line)
                last = line + len(rows) - 1
            else:
                rows, last = _sorted(path, found, rows, line, flat)
            _append(found.columns, rows, shared)
            line = reader.line_num + 1
    if line - last > 1 or any(_BREAK.search(cells[-1]) for cells in found.columns if cells):
        _check_closed(path, delimiter, last)
    return found


def _next(path: Path, reader: Iterator[list[str]], line: int, count: int = _CHUNK) -> list[list[str]]:
    """The next rows, `count` at most, of which the first begins on this line."""
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, count))
    except csv.Error as error:
        line += sum(map(_height, rows))
        raise TableError(
            f"{shown(path)} cannot be read as a table: {error}, in the row that begins on line {line:,}. Perhaps a "
            f"quote is not closed there."
        ) from error
    return rows


def _height(row: list[str]) -> int:
    """How many lines a row takes."""
    return 1 + sum(len(_BREAK.findall(cell)) for cell in row)


def _sorted(path: Path, found: CsvRows, rows: list[list[str]], line: int, flat: bool) -> tuple[list[list[str]], int]:
    """Those rows that have a cell for each column, and the line of the last row; the others are put aside."""
    width, count = len(found.header), len(found.columns[0])
    whole: list[list[str]] = []
    last = line
    for row in rows:
        height, last = 1 if flat else _height(row), line
        if len(row) > width and not any(map(str.strip, row[width:])):
            del row[width:]  # separators at the end of a line
        if len(row) == width:
            found.lines.add(count + len(whole), line)
            whole.append(row)
        elif any(map(str.strip, row)):
            _set_aside(path, found, line, row, count + len(whole))
        line += height
    return whole, last


def _append(columns: list[list[str]], rows: list[list[str]], shared: list[_Shared | None]) -> None:
    """Append rows to columns; where a column has few different values, each is kept once."""
    for at, cells in enumerate(zip(*rows, strict=True)):
        known = shared[at]
        columns[at].extend(map(str.strip if known is None else known.__getitem__, cells))
        if known is not None and len(known) > _SHARED:
            shared[at] = None


def _set_aside(path: Path, found: CsvRows, line: int, row: list[str], whole: int) -> None:
    """Put a row that is shorter or longer than the header where it belongs."""
    width = len(found.header)
    if len(row) < width:
        why = f"it has {counted(len(row), 'cell')}, and the header has {width}"
        found.broken.append((line, f"{why}: {cells_told(row)}"))
        return
    found.long.append((line, row))
    if not whole and len(found.long) == _ALL_LONG:
        raise TableError(
            f"The header of {shown(path)} names {counted(width, 'column')}, but the rows have {len(row)} cells each: "
            f"is a name missing from the header, or do numbers have commas and no quotes around them?"
        )


def cells_told(row: Sequence[str]) -> str:
    """The cells of a row as they are listed for the user; long ones are cut.

    Example:
        >>> cells_told(["7", "A bag, red ", ""])
        "7 | A bag, red | ''"
    """
    texts = (cell.strip() or "''" for cell in row)
    return " | ".join(text if len(text) <= _TOLD else f"{text[:_TOLD]}…" for text in texts)


def _check_closed(path: Path, delimiter: str, line: int) -> None:
    """Raise TableError if the last row, which begins on this line, ends within quotes."""
    with path.open(encoding=ENCODING, newline="") as file:
        try:
            for _ in csv.reader(islice(file, line - 1, None), delimiter=delimiter, strict=True):
                pass
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise TableError(
                    f"A quote in the row of {shown(path)} that begins on line {line:,} is never closed, so that all "
                    f"that follows would belong to it. Close it, or double it if it is meant."
                ) from error


_OTHERS = {
    b"\xff\xd8\xff": "a picture",
    b"\x89PNG": "a picture",
    b"GIF8": "a picture",
    b"PK\3\4": "an Excel workbook or another archive: save the sheet as CSV UTF-8",
    b"PAR1": "a Parquet file: give it the suffix .parquet",
}
"""How files begin that are taken for tables."""


def _wrong_encoding(path: Path) -> str:
    """A sentence that names the first line that is not UTF-8, or what else the file is."""
    with path.open("rb") as file:
        first = file.read(4)
        for signature, what in _OTHERS.items():
            if first.startswith(signature):
                return f"Expected a table, a .csv or .parquet file; {shown(path)} is {what}."
        if first[:2] in _UTF16:
            return f"Expected a table in UTF-8; {shown(path)} is in UTF-16. Save it as UTF-8."
        file.seek(0)
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                near = line[max(0, error.start - 15) : error.start + 15].decode("latin-1").strip()
                return (
                    f"Expected a table in UTF-8; line {number:,} of {shown(path)} is in another encoding, near "
                    f"{near!r}. Save it as UTF-8; a program may call this CSV UTF-8."
                )
    return f"Expected a table in UTF-8; {shown(path)} is in another encoding. Save it as UTF-8."
