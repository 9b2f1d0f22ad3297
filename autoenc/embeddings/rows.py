"""Rows of a file of vectors, some at a time, so that a file of any length takes little memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from autoenc.vectors import Vectors

ROWS = 512
"""Rows read or written at a time."""

PATH_COLUMNS = ("path", "file", "filename", "image", "id")
"""Columns that may name the image of a row; the first of them that exists does."""

Column = Sequence[Any] | npt.NDArray[Any]


@dataclass(frozen=True)
class Rows:
    """Some rows to be written.

    Attributes:
        paths: N paths relative to the root, with "/" between folders; or names of pictures in memory.
        labels: N labels, None for an image without one; None if the file is to have no labels.
        own: N mappings with a value for each of `OWN_COLUMNS`.
        vectors: encoder's name -> (N, dim) float32.
    """

    paths: Sequence[str]
    labels: Sequence[str | None] | None
    own: Sequence[Mapping[str, Any]]
    vectors: Mapping[str, Vectors]


class Writer(Protocol):
    """Writes a file of one format; closed at the end, finished or not."""

    def add(self, rows: Rows) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Columns:
    """A file as its format shows it: columns of any kind, which nobody has made sense of yet.

    Attributes:
        names: of the columns, in order.
        wide: those that hold a sequence of numbers in each row.
        header: the text of the header, if the file has one.
        total: the number of rows, 0 where it is not known before they are read.
        blocks: returns the rows from the first on, up to `ROWS` at a time: name of a column -> its cells.
        others: what else the file holds: what is no column, or not as long as the one that names the images.
    """

    names: Sequence[str]
    wide: Sequence[str]
    header: str | bytes | None
    total: int
    blocks: Callable[[Sequence[str]], Iterator[dict[str, Column]]]
    others: Sequence[str] = ()


def as_matrix(cells: Column, dim: int) -> tuple[Vectors, dict[int, str]]:
    """Cells as vectors of one length.

    Args:
        cells: N sequences of numbers, or an array (N, D).
        dim: the length that each must have.

    Returns:
        (N, dim) float32, with zeros for cells that are no such vectors; and for each of those its number, counted from
        0, with the reason.

    Example:
        >>> as_matrix([[1, 2], [3], [4, float("nan")], None], 2)[1]
        {1: '1 number, where 2 are expected', 2: 'NaN or infinity', 3: 'nothing'}
    """
    if isinstance(cells, np.ndarray):
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinity
            matrix = np.array(cells, np.float32)
        if matrix.shape[1] != dim:
            many = f"{matrix.shape[1]} numbers, where {dim} are expected"
            return np.zeros((len(cells), dim), np.float32), dict.fromkeys(range(len(cells)), many)
        wrong = dict.fromkeys(np.flatnonzero(~np.isfinite(matrix).all(axis=1)).tolist(), _NOT_FINITE)
    else:
        matrix, wrong = np.zeros((len(cells), dim), np.float32), {}
        for at, cell in enumerate(cells):
            reason = _fill(matrix[at], cell)
            if reason:
                wrong[at] = reason
    matrix[list(wrong)] = 0
    return matrix, wrong


_NOT_FINITE = "NaN or infinity"


def _fill(row: npt.NDArray[np.float32], cell: Any) -> str:
    """Put a cell into a row; the reason if that is not possible."""
    if cell is None:
        return "nothing"
    if not isinstance(cell, (list, np.ndarray)):
        return "no list of numbers"
    if len(cell) != len(row):
        return f"{len(cell)} number{'' if len(cell) == 1 else 's'}, where {len(row)} are expected"
    if isinstance(cell, list) and not all(type(value) in (int, float) for value in cell):
        return "no list of numbers" if any(value is not None for value in cell) else _NOT_FINITE
    try:
        with np.errstate(over="ignore"):
            row[:] = cell
    except (TypeError, ValueError, OverflowError):
        return "no list of numbers"
    return "" if np.isfinite(row).all() else _NOT_FINITE
