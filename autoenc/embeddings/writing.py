"""Write a file of vectors, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from autoenc.embeddings.header import Header
from autoenc.embeddings.npz_file import NpzWriter
from autoenc.embeddings.parquet_file import ParquetWriter, pyarrow
from autoenc.embeddings.rows import Rows, Writer
from autoenc.embeddings.text_files import HEADER_BESIDE, MOST_IN_A_CELL, CsvWriter, JsonLinesWriter, header_file
from autoenc.errors import ArgumentError, OutputError
from autoenc.files import replace_file, replacing
from autoenc.outputs import check_output
from autoenc.text import shown

FORMATS = (".parquet", ".npz", ".csv", ".jsonl")


class VectorWriter:
    """A file of vectors that is being written; `vector_writer` provides it."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.rows = 0

    def add(self, rows: Rows) -> None:
        self._writer.add(rows)
        self.rows += len(rows.paths)


def check_format(file: str | os.PathLike[str]) -> str:
    """The suffix of a file that vectors can be written to.

    Raises:
        ArgumentError: another one.
        MissingDependencyError: .parquet, and pyarrow is not installed.
    """
    kind = Path(file).suffix.lower()
    if kind not in FORMATS:
        raise ArgumentError(f"Vectors are written to a {', '.join(FORMATS[:-1])} or .jsonl file; got {shown(file)}.")
    if kind == ".parquet":
        pyarrow()
    return kind


def check_vector_file(file: str | os.PathLike[str], *, overwrite: bool, reading: list[object]) -> Path:
    """`check_output` for a file of vectors, and for the header beside it if its format needs one."""
    path = check_output(file, overwrite=overwrite, reading=reading)
    if check_format(path) in HEADER_BESIDE:
        check_output(header_file(path), overwrite=overwrite, reading=reading)
    return path


@contextmanager
def vector_writer(path: Path, header: Header, *, labels: bool) -> Iterator[VectorWriter]:
    """Write a file of vectors, which takes its place when the block succeeds.

    Args:
        path: the file, after `check_vector_file`.
        header: what it says about itself.
        labels: whether its rows have labels.

    Raises:
        ArgumentError: vectors that are too long for a CSV file.
        OutputError: it cannot be written.
    """
    kind = check_format(path)
    for name, info in header.vectors.items():
        if kind == ".csv" and info.dim > MOST_IN_A_CELL:
            raise ArgumentError(
                f"A cell of a CSV file takes {MOST_IN_A_CELL:,} numbers at most; a vector of '{name}' has "
                f"{info.dim:,}. Write .parquet, .npz or .jsonl."
            )
    try:
        with replacing(path) as out:
            with closing(_writer(kind, out, header, labels, path.parent)) as writer:
                yield VectorWriter(writer)
                writer.finish()
            if kind in HEADER_BESIDE:  # never the header of another file, even after a kill
                header_file(path).unlink(missing_ok=True)
        if kind in HEADER_BESIDE:
            replace_file(header_file(path), header.to_text().encode())
    except OSError as error:
        raise OutputError(f"Cannot write {shown(path)}: {error.strerror or error}.") from error


def _writer(kind: str, out: BinaryIO, header: Header, labels: bool, beside: Path) -> Writer:
    if kind == ".parquet":
        return ParquetWriter(out, header, labels)
    if kind == ".npz":
        return NpzWriter(out, header, labels, beside)
    return (CsvWriter if kind == ".csv" else JsonLinesWriter)(out, header, labels)
