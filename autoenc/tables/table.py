"""A table of metadata: its columns, each of one kind, and where every row stands in its file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoenc.errors import ArgumentError, TableError
from autoenc.tables.csv_file import CsvRows, Lines, cells_told, read_csv
from autoenc.tables.kinds import (
    ABSENT,
    COLUMN_KINDS,
    EXPECTED,
    FEW,
    ColumnKind,
    fits,
    infer,
    is_local,
    of_words,
    value_of,
)
from autoenc.tables.mending import Pattern, mended
from autoenc.text import counted, meant, shown, some

PARQUET = (".parquet", ".pq")
SEPARATOR = "|"
"""What stands between the keywords of one cell, unless the caller names another separator."""

_NEARLY = 0.9  # the share of a column's cells that are of one kind, from which on the others are worth a note
_SAMPLED = 1000  # cells looked at first


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: its name.
        kind: the kind of its cells.
        cells: text as it stands in a CSV file, or the values of a Parquet file; "" or None is an empty cell.
        separator: what stands between the keywords of one cell.
        few: whether it has at most `FEW` different values.
    """

    name: str
    kind: ColumnKind
    cells: Sequence[Any]
    separator: str = SEPARATOR
    few: bool = True

    def value(self, row: int) -> Any:
        """What a cell means, in types that JSON knows; None for an empty one."""
        return value_of(self.kind, self.cells[row], self.separator)


@dataclass(frozen=True)
class Table:
    """A table of metadata; see `read_table`.

    Attributes:
        file: where it was read from.
        columns: column's name -> the column.
        lines: of a CSV file, the line of each row.
        mended: (line, column's name, cells) of each row whose extra cells were joined to that column.
        broken: (line, why, with its cells) of each row that was left out.
        notes: advice to the user, in sentences.
    """

    file: Path
    columns: dict[str, Column]
    lines: Lines | None = None
    mended: list[tuple[int, str, str]] = field(default_factory=list)
    broken: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())).cells)

    def place(self, row: int) -> str:
        """Where a row is in the file: "line 12" or, in a Parquet file, "row 12", counted from 1."""
        return f"row {row + 1:,}" if self.lines is None else f"line {self.lines.of(row):,}"

    def places(self, rows: Sequence[int]) -> str:
        """Where some rows are: "lines 12, 15 and 80"."""
        first, *others = [self.place(row) for row in rows]
        word, _, _ = first.partition(" ")
        return some([first.replace(" ", "s ", 1), *(each.removeprefix(f"{word} ") for each in others)])

    def odd(self, cells: Sequence[Any], kind: ColumnKind, separator: str = SEPARATOR) -> str:
        """The cells of a column that are not of a kind, with their places: "line 3 has 'on request'"; empty if none."""
        rows = [row for row, cell in enumerate(cells) if not _all(kind, [cell], separator)]
        return some([f"{self.place(row)} has {str(cells[row])!r}" for row in rows])


def read_table(
    file: str | os.PathLike[str],
    *,
    types: Mapping[str, ColumnKind] | None = None,
    known: Mapping[str, ColumnKind] | None = None,
    separator: str = SEPARATOR,
    null_values: Collection[str] = (),
) -> Table:
    r"""Read a table from a CSV or a Parquet file, and find out the kind of each column from all of its cells.

    A CSV file is UTF-8, with or without a byte order mark. Commas, semicolons, tabs or bars separate its cells, and its
    first row names the columns. A row with more cells than columns is mended (see `mended`); one that cannot be, or has
    fewer cells, is left out. A Parquet file says itself of what kind its columns are.

    Args:
        file: the file; one that ends in .parquet or .pq is Parquet.
        types: column's name -> its kind, where the inferred one is not wanted.
        known: column's name -> the kind to prefer where every cell allows it.
        separator: what stands between the keywords of one cell.
        null_values: cells that count as empty ones, such as "on request".

    Raises:
        TableError: the file cannot be read; it has no rows; a column has no name that a store can hold, or the name of
            another one; or a cell is not of the kind that `types` gives to its column.
        ArgumentError: `types` names a column or a kind that there is not.
        MissingDependencyError: a Parquet file, and pyarrow is not installed.

    Example:
        >>> _ = Path("shop.csv").write_text("id,price,color\n1,12.5,red\n2,9,red\n")
        >>> {column.name: column.kind for column in read_table("shop.csv").columns.values()}
        {'id': 'integer', 'price': 'float', 'color': 'keyword'}
    """
    path = Path(file)
    types, known, nulls = types or {}, known or {}, frozenset(null_values)
    for name, kind in types.items():
        if kind not in COLUMN_KINDS:
            raise ArgumentError(f"The type of a column is one of {', '.join(COLUMN_KINDS)}; got {kind!r} for '{name}'.")
    if len(separator) != 1:
        raise ArgumentError(f"list_separator= is one character; got {separator!r}.")
    if path.suffix.lower() in PARQUET:
        from autoenc.tables.parquet import read_parquet

        columns, notes = read_parquet(path)
        _check_names(path, list(columns), types)
        table = Table(path, {}, notes=notes)
        for name, (cells, stored) in columns.items():
            given: Sequence[Any] = cells
            if nulls and stored == "keyword":
                given = [None if cell in nulls else cell for cell in cells]
            table.columns[name] = _typed(table, name, given, types.get(name), known.get(name), separator, stored)
    else:
        rows = read_csv(path)
        _check_names(path, rows.header, types)
        table = Table(path, {}, rows.lines, broken=rows.broken)
        _mend(table, rows, types, nulls)
        for name, texts in zip(rows.header, rows.columns, strict=True):
            nulled = not nulls.isdisjoint(texts)
            if nulled:
                texts = ["" if text in nulls else text for text in texts]
            if not name:
                table.notes.append(f"A column of {shown(path)} without a name was left out.")
                continue
            table.columns[name] = _typed(table, name, texts, types.get(name), known.get(name), separator)
            if types.get(name) is None and known.get(name) == "keyword":
                table.notes.extend(_narrower(name, _different(texts), len(texts), nulled))
    if not table.columns or not len(table):
        raise TableError(f"Expected a table with rows; {shown(path)} has only names of columns.")
    return table


def _check_names(path: Path, names: Sequence[str], types: Mapping[str, ColumnKind]) -> None:
    for number, name in enumerate(names, start=1):
        if name and name in names[: number - 1]:
            raise TableError(f"{shown(path)} has two columns '{name}', number {names.index(name) + 1} and {number}.")
    for name in types:
        if name not in names:
            raise ArgumentError(
                f"{shown(path)} has no column '{name}'; its columns are: {listed(names)}.{meant(name, names)}"
            )


def listed(names: Iterable[str]) -> str:
    """The names of columns for a message."""
    return ", ".join(filter(None, names))


def _mend(table: Table, rows: CsvRows, types: Mapping[str, ColumnKind], nulls: Collection[str]) -> None:
    """Append the rows with too many cells to the columns, each as it was meant."""
    if not rows.long:
        return
    patterns = []
    for name, cells in zip(rows.header, rows.columns, strict=True):
        values = _different(cells).difference(nulls)
        patterns.append(Pattern.of(types.get(name) or infer(values, len(cells)), values))
    for line, cells in rows.long:
        cells = ["" if cell.strip() in nulls else cell for cell in cells]
        try:
            at, row = mended(cells, patterns, rows.delimiter)
        except ValueError as error:
            table.broken.append((line, f"{error}: {cells_told(cells)}"))
            continue
        rows.lines.add(len(rows.columns[0]), line)
        for column, cell in zip(rows.columns, row, strict=True):
            column.append(cell)
        table.mended.append((line, rows.header[at], cells_told(row)))
    table.broken.sort()


def _different(cells: Sequence[Any]) -> set[Any]:
    values = set(cells)
    values.discard("")
    values.discard(None)
    return values


def _typed(
    table: Table,
    name: str,
    cells: Sequence[Any],
    asked: ColumnKind | None,
    known: ColumnKind | None,
    separator: str,
    stored: ColumnKind | None = None,
) -> Column:
    """A column with its kind: the one asked for, the one known, the one that its file gives it, or the one inferred."""
    if stored == "keywords":
        if asked not in (None, "keywords"):
            raise TableError(f"Column '{name}' of {shown(table.file)} holds lists, which can only be keywords.")
        words = {word for cell in cells for word in cell or ()}
        return Column(name, stored, cells, separator, len(words) <= FEW)
    values = _different(cells)
    kind = asked
    if kind is None and known is not None and _all(known, values, separator):
        kind = known
    elif kind is None:
        kind = stored
    if kind is None:
        kind = infer(values, len(cells))
        if kind == "keyword":
            table.notes.extend([*_odd_ones(table, name, cells)] or _local(table, name, cells))
    elif kind == "keyword" and asked is None and known is None:
        kind = of_words(values, len(cells))
    elif not _all(kind, values, separator):
        raise TableError(
            f"Column '{name}' of {shown(table.file)} should hold {EXPECTED[kind]} in each row; "
            f"{table.odd(cells, kind, separator)}. Correct that, name with null_values= what stands for an empty cell, "
            f"or give the column another type."
        )
    if kind == "keywords":
        values = {word for value in values for word in value_of(kind, value, separator) or ()}
    return Column(name, kind, cells, separator, len(values) <= FEW)


def _all(kind: ColumnKind, values: Iterable[Any], separator: str) -> bool:
    """Whether every value is one of a kind."""
    try:
        for value in values:
            value_of(kind, value, separator)
    except ValueError:
        return False
    return True


def _narrower(name: str, values: Collection[str], cells: int, nulled: bool) -> Iterator[str]:
    """A sentence for a column of keywords that could be one of numbers or dates now.

    Whole numbers are often codes, except beside cells that are `nulled`, which stand for a missing number.
    """
    kind = infer(values, cells)
    if kind in ("float", "datetime") or (nulled and kind == "integer"):
        yield (
            f"Column '{name}' is taken for keywords, which the store holds in this field, though each cell is "
            f"{EXPECTED[kind]}. types={{{name!r}: {kind!r}}} changes the field."
        )


def _odd_ones(table: Table, name: str, cells: Sequence[str]) -> Iterator[str]:
    """A sentence for a column of keywords that would be one of numbers or dates but for a few cells."""
    for kind in ("float", "datetime"):
        sample = [cell for cell in cells[:_SAMPLED] if cell and cell.lower() not in ABSENT]
        if not sample or sum(fits(kind, cell) for cell in sample) < _NEARLY * len(sample):
            continue
        odd = [row for row, cell in enumerate(cells) if cell and not fits(kind, cell)]
        if 0 < len(odd) <= (1 - _NEARLY) * len(cells):
            others = f", and {counted(len(odd) - 1, 'other row')} something like it" if len(odd) > 1 else ""
            yield (
                f"Column '{name}' of {shown(table.file)} holds keywords, because {table.place(odd[0])} has "
                f"{cells[odd[0]]!r}{others}; the rest of it is {EXPECTED[kind]}. "
                f"Correct that or name with null_values= what counts as an empty cell, and add "
                f"types={{{name!r}: {kind!r}}}."
            )


def _local(table: Table, name: str, cells: Sequence[str]) -> Iterator[str]:
    """A sentence for a column of keywords that are numbers with a decimal comma or a currency."""
    sample = [cell for cell in cells[:_SAMPLED] if cell and cell.lower() not in ABSENT]
    local = [cell for cell in sample if is_local(cell)]
    if local and sum(fits("float", cell) for cell in sample) + len(local) >= _NEARLY * len(sample):
        yield (
            f"Column '{name}' of {shown(table.file)} holds keywords such as {local[0]!r}, which filters do not compare "
            f"by size. If they are numbers, write them with a decimal point and no currency, such as 12.5; if not, "
            f"name types={{{name!r}: 'keyword'}}."
        )
