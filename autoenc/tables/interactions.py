"""Read a table of interactions: which user did something with which item, and how often or how much."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autoenc.errors import TableError
from autoenc.tables.csv_file import cells_told
from autoenc.tables.kinds import value_of
from autoenc.tables.table import Table, listed, read_table
from autoenc.text import composed, meant, shown
from autoenc.vectors import Indices, Matrix

VALUE = "value"
"""The column of values, where no other is named; without it, every row counts 1."""


@dataclass(frozen=True)
class Interactions:
    """What users did with items; each user and item are one pair, whose values are added up.

    Attributes:
        users: their names, each once.
        items: likewise.
        user_of: (N,) int64, the user of each pair.
        item_of: (N,) int64, its item.
        values: (N,) float64, its value, above 0.
        rows: how many rows the table has, without those left out.
        left_out: rows that could not be used, why, and their cells.
        mended: rows with too many cells, what was done about it, and the cells that came of it.
    """

    users: list[str]
    items: list[str]
    user_of: Indices
    item_of: Indices
    values: Matrix
    rows: int
    left_out: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)


def read_interactions(
    file: str | os.PathLike[str],
    *,
    user_column: str = "user",
    item_column: str = "item",
    value_column: str | None = None,
) -> Interactions:
    r"""Read interactions from a CSV or a Parquet file, with one row for each, or for each user and item.

    Args:
        file: as for `read_table`.
        user_column: the column that names users.
        item_column: the column that names items.
        value_column: the column of numbers, 0 or more, such as clicks or stars; by default `value`, or, where the table
            has none, 1 for every row. 0 is no interaction.

    Raises:
        TableError: the file cannot be read, lacks a column, or has no row that can be used.
        MissingDependencyError: a Parquet file, and pyarrow is not installed.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("clicks.csv").write_text("user,item,value\nann,1163,2\nbob,1163,1\nann,1163,1\nbob,12,none\n")
        >>> read = read_interactions("clicks.csv")
        >>> read.users, read.items, read.values.tolist(), read.left_out
        (['ann', 'bob'], ['1163'], [3.0, 1.0], ['line 5: it has no value: bob | 12 | none'])
    """
    table = read_table(file)
    named = [_cells(table, user_column, "user_column"), _cells(table, item_column, "item_column")]
    valued = value_column is not None or VALUE in table.columns
    values = _cells(table, value_column or VALUE, "value_column") if valued else [1.0] * len(table)
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    found: list[tuple[int, int, float]] = []
    left_out = [f"line {line:,}: {why}" for line, why in table.broken]
    for row, (user, item, value) in enumerate(zip(*named, values, strict=True)):
        who, what = _name(user), _name(item)
        number, why = _number(value)
        if why or not who or not what:
            why = "it has no user" if not who else "it has no item" if not what else why
            cells = ["" if cell is None else str(cell) for cell in ((user, item, value) if valued else (user, item))]
            left_out.append(f"{table.place(row)}: {why}: {cells_told(cells)}")
        elif number:
            found.append((users.setdefault(who, len(users)), items.setdefault(what, len(items)), number))
    if not found:
        raise TableError(f"{shown(table.file)} has no interaction of a user with an item.{_first(left_out)}")
    user_of, item_of, numbers = map(np.array, zip(*found, strict=True))
    pairs, pair_of = np.unique(item_of * len(users) + user_of, return_inverse=True)
    return Interactions(
        users=list(users),
        items=list(items),
        user_of=pairs % len(users),
        item_of=pairs // len(users),
        values=np.bincount(pair_of, numbers).astype(np.float64),
        rows=len(table) - len(left_out) + len(table.broken),
        left_out=left_out,
        mended=[f"line {line:,}: its extra cells belong to '{name}': {cells}" for line, name, cells in table.mended],
    )


def _cells(table: Table, name: str, option: str) -> Iterable[Any]:
    if name not in table.columns:
        raise TableError(
            f"{shown(table.file)} has no column '{name}'; its columns are: {listed(table.columns)}."
            f"{meant(name, table.columns) or f' Name the right one with {option}=.'}"
        )
    return table.columns[name].cells


def _name(cell: Any) -> str:
    return composed(value_of("keyword", cell) or "")


def _number(cell: Any) -> tuple[float, str]:
    """A value, and why it cannot be used; empty if it can."""
    try:
        number = value_of("float", cell)
    except (ValueError, TypeError):
        return 0.0, f"its value {str(cell)!r} is no finite number"
    if number is None:
        return 0.0, "it has no value"
    return (number, "") if number >= 0 else (0.0, f"its value {number:g} is below 0")


def _first(left_out: list[str]) -> str:
    return f" The first row that was left out is {left_out[0]}." if left_out else ""
