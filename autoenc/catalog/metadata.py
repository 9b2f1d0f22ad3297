"""A table of metadata and how it is joined to images: what a caller asks for, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autoenc.errors import ArgumentError
from autoenc.tables.kinds import ColumnKind
from autoenc.tables.table import SEPARATOR


@dataclass(frozen=True)
class Metadata:
    """A table whose columns become fields of the images.

    A row belongs to an image by one column: an id, which is the stem of the image's file name (1163 for shoe/1163.jpg)
    or the file name itself; or a path relative to the image's source, which is the folder that was indexed, or the one
    around it where that is a source already. If neither is named, it is the column `path`, or else the column `id`.
    Where folders are products, an id can be the name of a folder, too.

    Attributes:
        file: a CSV file, or a Parquet file (.parquet), which needs `autoenc[tables]`.
        id_column: the column of ids.
        path_column: the column of paths. It becomes no field, because autoenc keeps the path of each image.
        types: column -> keyword, integer, float, datetime, bool, text or keywords, where the kind that is found is not
            the one wanted. In a CSV file, only this makes a column one of lists of keywords. A field that the store
            holds with another kind gets this one, if all of its values can be converted.
        filterable: the columns to filter by, beside those that the store's filters know already. The default is those
            of numbers, dates, bools and text, and those of keywords with at most 1,000 different ones.
        product_column: the column that names the product that an image shows; its kind is keyword.
        list_separator: what stands between the keywords of one cell.
        null_values: cells that count as empty ones, in every column, such as "on request" among prices.

    Example:
        >>> metadata = autoenc.Metadata("photos/catalog.csv", types={"price": "float"}, product_column="title")
        >>> autoenc.index_images("photos", "store", metadata=metadata).table
        <TableReport 48 rows, 48 images with a row, 0 without, 0 rows without an image>
    """

    file: str | os.PathLike[str]
    id_column: str | None = None
    path_column: str | None = None
    types: Mapping[str, ColumnKind] = field(default_factory=dict)
    filterable: Sequence[str] | None = None
    product_column: str | None = None
    list_separator: str = SEPARATOR
    null_values: Collection[str] = ()

    def __post_init__(self) -> None:
        if self.id_column is not None and self.path_column is not None:
            raise ArgumentError("A table is joined by one column: name either id_column= or path_column=.")
        if isinstance(self.null_values, str):
            raise ArgumentError(f"null_values= is a list of cells; got {self.null_values!r}.")


@dataclass(frozen=True)
class TableReport:
    """What came of a table.

    Attributes:
        file: the table.
        rows: how many rows it has, without those left out.
        columns: column that becomes a field -> the kind of its cells.
        filterable: the columns that can be filtered by.
        joined_by: the column that names the images.
        joined: how many images have a row.
        updated: how many images that the store held already had fields that changed.
        images_without_row: their paths, relative to their source; skipped files are not among them.
        rows_without_image: what each of these rows names.
        mended: rows with too many cells, what was done about it, and the cells that came of it.
        left_out: rows that could not be used, why, and their cells.
        notes: advice to the user, in sentences.
    """

    file: str
    rows: int
    columns: dict[str, ColumnKind]
    filterable: list[str]
    joined_by: str
    joined: int
    updated: int
    images_without_row: list[str]
    rows_without_image: list[str]
    mended: list[str]
    left_out: list[str]
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def __repr__(self) -> str:
        return (
            f"<TableReport {self.rows} rows, {self.joined} images with a row, {len(self.images_without_row)} without, "
            f"{len(self.rows_without_image)} rows without an image>"
        )


def as_metadata(given: Metadata | str | os.PathLike[str]) -> Metadata:
    """What a caller passed: the path of a table stands for one with no options."""
    if isinstance(given, Metadata):
        return given
    if isinstance(given, (str, os.PathLike)):
        return Metadata(given)
    raise ArgumentError(f"metadata= is the path of a table or an autoenc.Metadata; got {type(given).__name__}.")
