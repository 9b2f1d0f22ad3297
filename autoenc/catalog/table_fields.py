"""What the columns of a table become: fields of a store, each of a kind that goes with what the store holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoenc.catalog.metadata import Metadata
from autoenc.errors import ArgumentError, StoreMismatchError, TableError
from autoenc.store import OWN, FieldKind
from autoenc.store.filters import check_field_name
from autoenc.store.kinds import PRODUCT_KINDS
from autoenc.tables.kinds import EXPECTED, ColumnKind
from autoenc.tables.table import Column, Table, listed
from autoenc.text import meant, no_comma, shown

_USEFUL: tuple[ColumnKind, ...] = ("integer", "float", "datetime", "bool", "text")
"""Kinds of columns that are worth filtering by, however many different values there are."""


def field_kind(kind: ColumnKind) -> FieldKind:
    """The kind of field that a column of this kind becomes."""
    return "keyword" if kind == "keywords" else kind


def column_types(metadata: Metadata, fields: Mapping[str, FieldKind]) -> dict[str, ColumnKind]:
    """The kinds that columns are to have: those that the caller names, and that of the column that names products.

    Raises:
        StoreMismatchError: the store holds values in that field that cannot name products.
        ArgumentError: the caller names such a kind.
    """
    types, product = dict(metadata.types), metadata.product_column
    if product is not None:
        held = fields.get(product)
        if held not in (None, *PRODUCT_KINDS):
            raise StoreMismatchError(
                f"product_column= names a column of keywords or whole numbers; field '{product}' of the store "
                f"holds {held} values. Name another column, or index into a new collection."
            )
        if types.setdefault(product, held or "keyword") not in PRODUCT_KINDS:
            raise ArgumentError(
                f"product_column= names a column of keywords or whole numbers; '{product}' is to hold others."
            )
    return types


def retyped_fields(
    table: Table,
    columns: Sequence[Column],
    types: Mapping[str, ColumnKind],
    fields: Mapping[str, FieldKind],
    product: str | None,
) -> dict[str, FieldKind]:
    """The fields of a store that are to get the kind of their column, because the caller names it.

    Args:
        table: the table.
        columns: those that become fields.
        types: column -> the kind that the caller names.
        fields: filterable field of the store -> its kind.
        product: the store's field that names products.

    Raises:
        TableError: a column has a name that no field can have.
        StoreMismatchError: a column's values are of another kind than those of the store's field.
    """
    retyped: dict[str, FieldKind] = {}
    for column in columns:
        name, kind = column.name, field_kind(column.kind)
        _check_name(table, name)
        held = fields.get(name)
        if held in (None, kind, "integer" if kind == "float" else kind):
            continue
        if not (name in types and held != "bool" and (name != product or kind in PRODUCT_KINDS)):
            raise _mismatch(table, column, held)
        retyped[name] = kind
    return retyped


def _check_name(table: Table, name: str) -> None:
    if name == OWN or name.startswith(f"{OWN}."):
        raise TableError(f"Column '{name}' of {shown(table.file)} has a name that autoenc keeps for itself. Rename it.")
    try:
        check_field_name(name)
    except ArgumentError:
        raise TableError(
            f"Column {name!r} of {shown(table.file)} has a name that no field can have: quotes, backslashes and "
            f"control characters are not allowed. Rename it."
        ) from None


def _mismatch(table: Table, column: Column, held: FieldKind) -> StoreMismatchError:
    name = column.name
    wider: FieldKind = "float" if held == "integer" else held
    if wider in EXPECTED and (odd := table.odd(column.cells, wider)):
        return StoreMismatchError(
            f"Column '{name}' of {shown(table.file)} should hold {EXPECTED[wider]} in each row, as field '{name}' of "
            f"the store does; {odd}. Correct that, name with null_values= what stands for an empty cell, or rename "
            f"the column."
        )
    return StoreMismatchError(
        f"Column '{name}' of {shown(table.file)} holds {column.kind} values, but field '{name}' of the store holds "
        f"{held} values. Correct the table or rename the column, or index into a new collection."
    )


def filterable_fields(table: Table, columns: Sequence[Column], metadata: Metadata) -> dict[str, FieldKind]:
    """The columns that can be filtered by, each with the kind of field that it becomes.

    Raises:
        ArgumentError: the caller names a column that there is not.
    """
    kinds = {column.name: field_kind(column.kind) for column in columns}
    if metadata.filterable is None:
        chosen = {column.name for column in columns if column.kind in _USEFUL or column.few}
    else:
        chosen = set(metadata.filterable)
    if unknown := sorted(chosen - kinds.keys()):
        raise ArgumentError(
            f"filterable= names a column '{unknown[0]}'; the columns of {shown(table.file)} that become fields are: "
            f"{listed(kinds)}.{no_comma(unknown[0]) or meant(unknown[0], kinds)}"
        )
    return {name: kind for name, kind in kinds.items() if name in chosen or name == metadata.product_column}
