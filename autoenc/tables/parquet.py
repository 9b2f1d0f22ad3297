"""Read a Parquet file as columns of values. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

from autoenc.errors import MissingDependencyError, TableError
from autoenc.tables.kinds import ColumnKind
from autoenc.text import shown

_CHUNK = 4096  # values turned into Python's at a time


class Cells(Sequence[Any]):
    """The cells of a column, which stay in Arrow's memory until they are asked for."""

    def __init__(self, array: Any) -> None:
        self._array = array

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        return self._array[at].to_pylist() if isinstance(at, slice) else self._array[at].as_py()

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self), _CHUNK):
            yield from self._array.slice(start, _CHUNK).to_pylist()


def read_parquet(path: Path) -> tuple[dict[str, tuple[Cells, ColumnKind]], list[str]]:
    """The columns of a Parquet file, each with the kind that its type stands for.

    Returns:
        Name -> (cells, kind); and a sentence for each column whose type no kind stands for, which is left out.

    Raises:
        MissingDependencyError: pyarrow is not installed.
        TableError: the file cannot be read.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingDependencyError(
            "Parquet files need pyarrow: pip install 'autoenc[tables]'. CSV files need nothing."
        ) from error
    try:
        with pq.ParquetFile(path) as file:
            read = file.read()
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise TableError(f"Expected a Parquet file; {shown(path)} cannot be read as one: {reason}.") from error
    columns: dict[str, tuple[Cells, ColumnKind]] = {}
    notes: list[str] = []
    for name, column in zip(read.column_names, read.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        kind = _kind(column.type)
        if kind is None:
            notes.append(f"Column '{name}' of {shown(path)} was left out: no field can hold its type, {column.type}.")
            continue
        if pa.types.is_timestamp(column.type):  # Python's datetimes hold no nanoseconds
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        columns[name] = Cells(pa.concat_arrays(column.chunks) if column.num_chunks != 1 else column.chunk(0)), kind
    return columns, notes


def _kind(type: Any) -> ColumnKind | None:
    from pyarrow import types

    if types.is_list(type) or types.is_large_list(type):
        return "keywords" if _kind(type.value_type) == "keyword" else None
    kinds: list[tuple[ColumnKind, Any]] = [
        ("bool", types.is_boolean),
        ("integer", types.is_integer),
        ("float", types.is_floating),
        ("float", types.is_decimal),
        ("datetime", types.is_date),
        ("datetime", types.is_timestamp),
        ("keyword", types.is_string),
        ("keyword", types.is_large_string),
        ("keyword", types.is_null),
    ]
    return next((kind for kind, holds in kinds if holds(type)), None)
