"""Vectors as a Parquet file: a fixed-size list of float32 for each encoder. Needs pyarrow."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from autoenc.embeddings.header import KEY, OWN_COLUMNS, Header
from autoenc.embeddings.rows import ROWS, Column, Columns, Rows
from autoenc.errors import MissingDependencyError

_GROUP = 32 * 2**20
"""Bytes of vectors in a row group, about: what a reader holds at a time."""


def pyarrow() -> tuple[Any, Any]:
    """The package and its Parquet module.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingDependencyError(
            "Parquet files need pyarrow: pip install 'autoenc[tables]'. The formats .npz, .csv and .jsonl need nothing."
        ) from error
    return pa, pq


class ParquetWriter:
    """Writes to a file that is open for writing."""

    def __init__(self, out: BinaryIO, header: Header, labels: bool) -> None:
        self._pa, pq = pyarrow()
        pa = self._pa
        kinds = {"width": pa.int32(), "height": pa.int32(), "digest": pa.string()}
        fields = [pa.field("path", pa.string())]
        fields += [pa.field("label", pa.string())] if labels else []
        fields += [pa.field(name, kinds.get(name, pa.int64())) for name in OWN_COLUMNS]
        fields += [pa.field(name, pa.list_(pa.float32(), info.dim)) for name, info in header.vectors.items()]
        self._schema = pa.schema(fields, metadata={KEY: header.to_text()})
        self._writer = pq.ParquetWriter(out, self._schema)
        self._dims = {name: info.dim for name, info in header.vectors.items()}
        self._waiting: list[Any] = []
        self._most = max(ROWS, _GROUP // (4 * sum(self._dims.values())))

    def add(self, rows: Rows) -> None:
        pa = self._pa
        columns: dict[str, Any] = {"path": rows.paths}
        if rows.labels is not None:
            columns["label"] = rows.labels
        columns |= {name: [each[name] for each in rows.own] for name in OWN_COLUMNS}
        for name, dim in self._dims.items():
            numbers = pa.array(np.ascontiguousarray(rows.vectors[name], np.float32).ravel())
            columns[name] = pa.FixedSizeListArray.from_arrays(numbers, dim)
        self._waiting.append(pa.table(columns, schema=self._schema))
        if sum(len(table) for table in self._waiting) >= self._most:
            self._write()

    def _write(self) -> None:
        self._writer.write_table(self._pa.concat_tables(self._waiting))
        self._waiting.clear()

    def finish(self) -> None:
        if self._waiting:
            self._write()
        self._writer.close()

    def close(self) -> None:
        self._writer.close()  # a second time does nothing


def open_parquet(path: Path) -> Columns:
    """The columns of a Parquet file; lists of numbers are vectors.

    Raises:
        MissingDependencyError: pyarrow is not installed.
        OSError, ValueError: the file cannot be read.
    """
    pa, pq = pyarrow()
    try:
        with pq.ParquetFile(path) as file:
            schema, total = file.schema_arrow, file.metadata.num_rows
    except pa.ArrowException as error:
        raise ValueError(_first_line(error)) from error
    if len(set(schema.names)) < len(schema.names):
        raise ValueError("two of its columns have one name")
    header = (schema.metadata or {}).get(KEY.encode())
    wide = [field.name for field in schema if _is_vector(pa.types, field.type)]
    return Columns(schema.names, wide, header, total, partial(_blocks, path))


def _is_vector(types: Any, kind: Any) -> bool:
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(lists) and bool(types.is_floating(kind.value_type) or types.is_integer(kind.value_type))


def _blocks(path: Path, wanted: Sequence[str]) -> Iterator[dict[str, Column]]:
    pa, pq = pyarrow()
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS, columns=list(wanted)):
                yield {name: _cells(pa, batch.column(name)) for name in wanted}
    except pa.ArrowException as error:
        raise ValueError(_first_line(error)) from error


def _cells(pa: Any, column: Any) -> Column:
    kind = column.type
    if pa.types.is_fixed_size_list(kind) and not column.null_count and pa.types.is_floating(kind.value_type):
        return np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float32).reshape(-1, kind.list_size)
    return list(column.to_pylist())


def _first_line(error: Exception) -> str:
    return io.StringIO(str(error)).readline().strip().rstrip(".")
