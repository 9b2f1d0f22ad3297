"""The fields of compared images, from a table or from a store, and which of them may boost a search."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoenc.catalog.joining import Join
from autoenc.catalog.metadata import Metadata, as_metadata
from autoenc.catalog.sources import point_path
from autoenc.comparison.attributes import Attribute, Column, Numbers, Values, column_of
from autoenc.comparison.leaks import LEAK, follows, told
from autoenc.comparison.sides import Side
from autoenc.errors import ArgumentError
from autoenc.images.finding import path_of
from autoenc.store import OWN, FieldKind, Store
from autoenc.store.records import listed
from autoenc.text import counted, shown
from autoenc.vectors import Indices


@dataclass(frozen=True, repr=False)
class StoredFields:
    """The fields that a store can filter by, of all its images, as `stored_fields` has read them.

    Attributes:
        kinds: field -> its kind.
        rows: absolute path of an image -> its fields.
        name: what messages call it.
    """

    kinds: dict[str, FieldKind]
    rows: dict[Path, Mapping[str, Any]]
    name: str

    def of(self, side: Side) -> Values:
        """The fields of each picture, none where the store does not hold it."""
        paths = [path_of(picture) for picture in side.pictures]
        return [self.rows.get(path) or self.rows.get(Path(os.path.realpath(path)), {}) for path in paths]

    def __repr__(self) -> str:
        return f"<StoredFields {', '.join(self.kinds) or 'none'} of {counted(len(self.rows), 'image')}>"


def stored_fields(store: Store) -> StoredFields:
    """Read the fields that a store can filter by, for `compare(metadata=…)`; autoenc's own are left out.

    Raises:
        ArgumentError: not an open store.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     autoenc.stored_fields(store)
        <StoredFields none of 48 images>
    """
    if not isinstance(store, Store):
        raise ArgumentError(f"Expected an open store (autoenc.open_store); got {store!r}.")
    kinds = {name: kind for name, kind in store.info.fields.items() if name.partition(".")[0] != OWN}
    rows: dict[Path, Mapping[str, Any]] = {}
    for record in store.scroll(fields=[OWN, *kinds]):
        path = point_path(store, record.payload)
        if path is not None:
            rows[path] = {name: value for name, value in record.payload.items() if name != OWN}
    return StoredFields(kinds, rows, f"collection '{store.collection}'")


class TableFields:
    """The fields of images as a table tells them, read when this is made.

    Raises:
        TableError, ArgumentError: as for `index_images` with a table.
    """

    def __init__(self, metadata: Metadata) -> None:
        self._join = Join(metadata, None)
        self.kinds = self._join.kinds
        self.name = shown(self._join.table.file)
        self._columns = [column for column in self._join.columns if column.name in self.kinds]

    def of(self, side: Side) -> Values:
        """The fields of each picture, none where no row names it.

        Raises:
            TableError: no row names any of the pictures.
            ArgumentError: pictures in memory.
        """
        paths = [path_of(picture) for picture in side.pictures]
        if not all(path.is_absolute() for path in paths):
            raise ArgumentError("A table can only name image files; pictures in memory have no fields.")
        rows = [next((row for name in _names(path, side.folder) if (row := self._join.row_of(name)) is not None), None)
                for path in paths]  # fmt: skip
        if paths and not any(row is not None for row in rows):
            self._join.report([_names(path, side.folder)[0] for path in paths], side.folder or "")  # raises
        return [{} if row is None else {column.name: column.value(row) for column in self._columns} for row in rows]


FieldSource = Metadata | str | os.PathLike[str] | StoredFields
"""A table, or what a store holds."""


def fields_from(source: FieldSource) -> TableFields | StoredFields:
    """Where the fields of images are looked up; a table is read at once, before any long work."""
    return source if isinstance(source, StoredFields) else TableFields(as_metadata(source))


@dataclass(frozen=True)
class Attributes:
    """The fields of compared images that may boost a search.

    Attributes:
        columns: field -> its values.
        tried: what can be weighed.
        follow: the fields that are a part of the label: all images with one label have one value.
        notes: what was left out, in sentences.
    """

    columns: Mapping[str, Column]
    tried: Sequence[Attribute]
    follow: frozenset[str]
    notes: Sequence[str]


def attributes_of(
    fields: TableFields | StoredFields,
    gallery: Side,
    queries: Side,
    labels: Indices,
    *,
    leave_one_out: bool,
    asked: Sequence[str] | None,
    label_column: str | None,
) -> Attributes:
    """The fields that may boost a search; one that tells the label, by which the search is judged, never does.

    Args:
        fields: where they are looked up.
        gallery: the images that are searched.
        queries: the images that are searched for.
        labels: (G,) the label of each image of the gallery, -1 for none.
        leave_one_out: whether the queries are images of the gallery.
        asked: the fields to try; by default, all.
        label_column: the column that holds the labels.

    Raises:
        ArgumentError: `asked` names a field that there is not, one that tells the label, or one that cannot be tried.
    """
    if unknown := [name for name in asked or () if name not in fields.kinds]:
        raise ArgumentError(
            f"boost= names a field '{unknown[0]}'; those of {fields.name} that can be filtered by are: "
            f"{listed(fields.kinds)}."
        )
    there, wanted = fields.of(gallery), fields.of(queries)
    columns: dict[str, Column] = {}
    tried: list[Attribute] = []
    leaks, useless = [], []
    for field, kind in fields.kinds.items():
        if asked is not None and field not in asked:
            continue
        column = column_of(kind, field, there, wanted)
        known = column.attributes(field) if column is not None else []
        if label_column is not None and field.casefold() == label_column.strip().casefold():
            leaks.append(field)
        elif column is None:
            useless.append(f"{field} ({'text' if kind == 'text' else 'dates'})")
        elif kind == "integer" and isinstance(column, Numbers) and column.names_images:
            useless.append(f"{field} (another number for each image, as an id)")
        elif not known:
            useless.append(f"{field} (it tells no images apart, or all)")
        elif told(column, labels) >= LEAK:
            leaks.append(field)
        else:
            columns[field] = column
            tried += known
    if asked is not None and leaks:
        raise ArgumentError(
            f"boost= names the field '{leaks[0]}', which tells the label of an image: results that are judged by their "
            "label must not be chosen by it. Leave it out, or judge by other labels."
        )
    if asked is not None and useless:
        raise ArgumentError(f"boost= names a field that cannot be tried: {useless[0]}.")
    follow = frozenset(field for field, column in columns.items() if follows(column, labels))
    return Attributes(
        columns, tried, follow, list(_notes(fields, there, () if leave_one_out else wanted, leaks, useless))
    )


def _notes(
    fields: TableFields | StoredFields,
    gallery: Values,
    queries: Values,
    leaks: Sequence[str],
    useless: Sequence[str],
) -> Iterator[str]:
    if leaks:
        yield (
            f"Not tried as a boost, because it tells the label by which the results are judged: {listed(leaks)}. A "
            "search that is boosted by it would find the label, not what looks alike."
        )
    if useless:
        yield (
            f"Not tried as a boost either: {', '.join(useless)}."
            if leaks
            else (f"Not tried as a boost: {', '.join(useless)}.")
        )
    for side, what in ((gallery, "image"), (queries, "query")):
        lacking = sum(not values for values in side)
        if lacking:
            yield (
                f"{counted(lacking, what, 'queries' if what == 'query' else None)} of {len(side):,} without fields in "
                f"{fields.name}."
            )


def _names(path: Path, folder: Path | None) -> list[str]:
    """What a row may call an image, the likeliest first: its path below the folder, then every end of its path."""
    below = [path.relative_to(folder).as_posix()] if folder is not None and path.is_relative_to(folder) else []
    return [*below, *("/".join(path.parts[start:]) for start in range(1, len(path.parts)))]
