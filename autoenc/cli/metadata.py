"""The options that name a table of metadata, and what is said of it."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import TYPE_CHECKING

from autoenc.cli.common import LISTED, as_flags, names, put, say

if TYPE_CHECKING:
    from autoenc.catalog.metadata import Metadata, TableReport

KINDS = "keyword, integer, float, datetime, bool, text, keywords"
_NEEDING = ("id_column", "path_column", "filterable", "product_column", "null_values")


def add_metadata(parser: argparse.ArgumentParser) -> None:
    """Add the options of a table whose columns become fields; `metadata_of` reads them."""
    add_table(parser, "whose columns become fields of the images")
    parser.add_argument(
        "--filterable",
        type=names,
        metavar="A,B,…",
        help="the columns to filter by (default: numbers, dates, text and keywords with few values)",
    )
    parser.add_argument("--product-column", metavar="NAME", help="the column that names the product an image shows")


def add_table(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add the options that name a table, and say how to read it; `metadata_of` reads them."""
    parser.add_argument("--metadata", metavar="FILE", help=f"a table (.csv, or .parquet) {purpose}")
    parser.add_argument(
        "--id-column",
        metavar="NAME",
        help="the column that names images by the stem of their file name (default: path, or else id)",
    )
    parser.add_argument(
        "--path-column", metavar="NAME", help="the column that names images by a path relative to their source"
    )
    parser.add_argument(
        "--type",
        action="append",
        type=_type,
        default=[],
        metavar="NAME=KIND",
        help=f"the kind of a column or field, if not the one that is found: {KINDS} (a list); may be repeated",
    )
    parser.add_argument(
        "--list-separator",
        default="|",
        metavar="CHARACTER",
        help="what stands between the keywords of a list (default: |)",
    )
    parser.add_argument(
        "--null-values",
        type=names,
        metavar="A,B,…",
        help="cells that count as empty ones, for example 'on request,tba' among prices",
    )


def metadata_of(options: argparse.Namespace, fields: Collection[str] = ()) -> Metadata | None:
    """The table that the options name; None if they name none. Types of `fields` are not for its columns."""
    types = {name: kind for name, kind in options.type if name not in fields}
    if options.metadata is None:
        for name in _NEEDING:
            if getattr(options, name, None) is not None:
                options.parser.error(f"--{name.replace('_', '-')} needs a table; name one with --metadata FILE")
        for name in types:
            options.parser.error(f"--type {name}={types[name]} needs a table; name one with --metadata FILE")
        return None
    from autoenc.catalog.metadata import Metadata

    return Metadata(
        options.metadata,
        id_column=options.id_column,
        path_column=options.path_column,
        types=types,
        filterable=getattr(options, "filterable", None),
        product_column=getattr(options, "product_column", None),
        list_separator=options.list_separator,
        null_values=options.null_values or (),
    )


def show_table(table: TableReport, *, all_with: str, first: bool = False, images: bool = True) -> None:
    """Print what came of a table; `all_with` lists every row and image that has no counterpart.

    Args:
        table: what came of it.
        all_with: options, or a file.
        first: whether no image was stored before, so that no stored one can have changed.
        images: whether images without a row are listed, beside being counted.
    """
    from autoenc.text import counted

    columns = [f"{name} {kind}{'*' if name in table.filterable else ''}" for name, kind in table.columns.items()]
    put(f"{table.file}: {counted(table.rows, 'row')}, joined by column '{table.joined_by}'; {', '.join(columns)}")
    put("  * can be filtered by" if table.filterable else "  no column can be filtered by; see --filterable")
    put(
        f"  {counted(table.joined, 'image')} with a row, {len(table.images_without_row):,} without; "
        f"{counted(len(table.rows_without_image), 'row')} without an image"
        + ("" if first else f"; fields of {counted(table.updated, 'stored image')} changed")
    )
    for what, lines in (("mended", table.mended), ("left out", table.left_out)):
        for line in lines[:LISTED]:
            say(f"{what} {line}")
        if len(lines) > LISTED:
            say(f"… and {len(lines) - LISTED:,} more {what}; {all_with} lists them all")
    without = table.images_without_row if images else []
    for what, listed in (("no row", without), ("no image", table.rows_without_image)):
        if listed:
            more = f", … and {len(listed) - LISTED:,} more; {all_with} lists them all" if len(listed) > LISTED else ""
            say(f"{what}: {', '.join(listed[:LISTED])}{more}")
    for note in table.notes:
        say(as_flags(note))


def _type(text: str) -> tuple[str, str]:
    """Option type: a column and its kind."""
    name, equals, kind = text.rpartition("=")
    if not equals or not name or kind not in KINDS.split(", "):
        raise argparse.ArgumentTypeError(f"expected NAME=KIND, with a kind of {KINDS}; got {text!r}")
    return name, kind
