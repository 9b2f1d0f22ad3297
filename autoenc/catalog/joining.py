"""Join a table to images: which row describes which image, and what that changes in its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autoenc.catalog.fields import UNCHANGED, Change, change_of, shadowing
from autoenc.catalog.metadata import Metadata, TableReport
from autoenc.catalog.table_fields import column_types, filterable_fields, retyped_fields
from autoenc.errors import TableError
from autoenc.store import FieldKind, Store
from autoenc.tables.csv_file import cells_told
from autoenc.tables.kinds import ColumnKind, value_of
from autoenc.tables.table import listed, read_table
from autoenc.text import composed, counted, meant, shown, some

_KEYS = ("path", "id")
"""The columns that a table is joined by, if the caller names none; the first that it has."""


class Join:
    """A table, ready to be asked for the row of each image.

    Attributes:
        table: the table.
        key: the column that names the images.
        columns: the columns that become fields.
        kinds: those to filter by, with the kind of field that each becomes.
        product: the column that names products.
        retyped: fields of the store that are to get another kind, because the caller names it.
        nulls: cells that count as empty ones.
    """

    def __init__(self, metadata: Metadata, store: Store | None, *, folders: bool = False) -> None:
        """Read a table, and check it against what a store holds; its ids may name `folders` too.

        Raises:
            TableError: it cannot be read, names a column as no field can be named, or has two rows for one image.
            StoreMismatchError: a column whose values are of another kind than those of the store's field.
            ArgumentError: an option names a column that there is not, or that cannot be what it should be.
        """
        fields: Mapping[str, FieldKind] = {} if store is None else store.info.fields
        self.product = metadata.product_column
        self._folders = folders
        known: dict[str, ColumnKind] = dict(fields.items())
        self.table = read_table(
            metadata.file,
            types=column_types(metadata, fields),
            known=known,
            separator=metadata.list_separator,
            null_values=metadata.null_values,
        )
        self.key, self._by_path = self._key(metadata)
        hidden = self.key if self._by_path else None
        self.columns = [column for column in self.table.columns.values() if column.name != hidden]
        self.nulls = metadata.null_values
        named = None if store is None else store.info.product
        self.retyped = retyped_fields(self.table, self.columns, metadata.types, fields, named)
        self.kinds = filterable_fields(self.table, self.columns, metadata)
        self._shadowing = shadowing(self.kinds, fields)
        self._rows = self._keyed()

    def row_of(self, path: str) -> int | None:
        """The row of the image with this path, relative to its source."""
        for name in names_of(path, whole=self._by_path, folders=self._folders):
            if name in self._rows:
                return self._rows[name]
        return None

    def change(self, path: str, payload: Mapping[str, Any]) -> Change:
        """What makes a payload say what the row of its image says. Fields that are no columns stay as they are."""
        row = self.row_of(path)
        if row is None:
            return UNCHANGED
        return change_of({column.name: column.value(row) for column in self.columns}, payload)

    def report(self, paths: Iterable[str], root: Path | str = "") -> TableReport:
        """Account for every row, and for every image: `paths` are relative to their source, which is at `root`.

        Raises:
            TableError: no row belongs to any image.
        """
        used = bytearray(len(self.table))
        without: list[str] = []
        joined, first = 0, ""
        for path in paths:
            first = first or path
            row = self.row_of(path)
            if row is None:
                without.append(path)
            else:
                joined += 1
                used[row] = True
        hint = self._several_photos(without)
        if not joined:
            raise TableError(" ".join([self._no_match(first, root), *hint]))
        keys = self.table.columns[self.key].cells
        return TableReport(
            file=str(self.table.file),
            rows=len(self.table),
            columns={column.name: column.kind for column in self.columns},
            filterable=list(self.kinds),
            joined_by=self.key,
            joined=joined,
            updated=0,
            images_without_row=without,
            rows_without_image=[str(keys[row]) for row in self._rows.values() if not used[row]],
            mended=[
                f"line {line:,}: its extra cells belong to '{name}': {cells}" for line, name, cells in self.table.mended
            ],
            left_out=[*(f"line {line:,}: {why}" for line, why in self.table.broken), *self._nameless],
            notes=[*self.table.notes, *self._shadowing, *hint],
        )

    # ---- the parts of a table -------------------------------------------------------------------

    def _key(self, metadata: Metadata) -> tuple[str, bool]:
        """The column that names the images, and whether it does by their paths."""
        there = self.table.columns
        asked = metadata.id_column or metadata.path_column
        if asked is None:
            found = next((name for name in _KEYS if name in there), None)
            if found is not None:
                return found, found == "path"
            say = f"has neither a column 'path' nor a column 'id'; its columns are: {listed(there)}."
            remedy = " Name the one that names the images with id_column= or path_column=."
        elif asked in there:
            return asked, metadata.path_column is not None
        else:
            say = f"has no column '{asked}'; its columns are: {listed(there)}."
            remedy = meant(asked, there) or " Name one of them."
        raise TableError(f"{shown(self.table.file)} {say}{remedy}")

    def _keyed(self) -> dict[str, int]:
        """What names an image -> its row."""
        rows: dict[str, int] = {}
        twice: dict[str, list[int]] = {}
        self._nameless: list[str] = []
        column = self.table.columns[self.key]
        for row, cell in enumerate(column.cells):
            name = cell if isinstance(cell, str) else value_of("keyword", cell)
            if not name:
                if any(other.value(row) is not None for other in self.columns):
                    cells = cells_told(["" if c.cells[row] is None else str(c.cells[row]) for c in self.columns])
                    self._nameless.append(f"{self.table.place(row)}: its cell in column '{self.key}' is empty: {cells}")
                continue
            name = tidy(name) if self._by_path else composed(name)
            if rows.setdefault(name, row) != row:
                twice.setdefault(name, [rows[name]]).append(row)
        if twice:
            said = some([f"'{name}' ({self.table.places(there)})" for name, there in twice.items()])
            raise TableError(
                f"{shown(self.table.file)} has more than one row for {counted(len(twice), 'value')} of column "
                f"'{self.key}': {said}. Keep one row of each."
            )
        return rows

    def _several_photos(self, without: Sequence[str]) -> list[str]:
        """A sentence where most images without a row begin with the id of one: further photos of a product."""
        if self._by_path or self._folders:
            return []
        found = [path for path in without if any(name in self._rows for name in _beginnings(path))]
        if len(found) <= len(without) / 2:
            return []
        return [
            f"{counted(len(found), 'image')} without a row {'begins' if len(found) == 1 else 'begin'} with the id of a "
            f"row, such as {shown(found[0])}, but a row names one file. For several photos of a product, give each "
            f"file a row with its path in a column 'path', or name the folder of a product's photos by its id and "
            f"index with products=folders."
        ]

    def _no_match(self, path: str, root: Path | str) -> str:
        name = next(iter(self._rows), None)
        source = shown(root) if str(root) else "their source"
        how = f"paths relative to {source}" if self._by_path else "stems of file names"
        row = f"the first row has '{name}'" if name is not None else "every cell in it is empty"
        other = "path_column=" if not self._by_path else "id_column="
        return (
            f"No row of {shown(self.table.file)} belongs to any image. Column '{self.key}' should hold the {how}; "
            f"{row}, and the first image is {shown(path)}. Correct it, or join by another column with {other}."
        )


def names_of(path: str, *, whole: bool, folders: bool) -> tuple[str, ...]:
    """What a row may call an image: its path; or else the stem of its file name, the file name, or its folder."""
    path = composed(path)
    if whole:
        return (path,)
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return (stem, name, folder, folder.rpartition("/")[2]) if folders else (stem, name)


def _beginnings(path: str) -> Iterator[str]:
    """What the stem of a file name begins with, up to a separator: 101 of 101_b.jpg, and 101.jpg."""
    stem, name, *_ = names_of(path, whole=False, folders=False)
    for separator in re.finditer(r"[\W_]", stem):
        yield stem[: separator.start()]
        yield stem[: separator.start()] + name[len(stem) :]


def tidy(path: str) -> str:
    """A path as a table names it, with "/" between folders."""
    return composed(path).replace("\\", "/").removeprefix("./")
