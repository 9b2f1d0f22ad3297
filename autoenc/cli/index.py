"""`autoenc index`: put a folder of images, or a file of vectors, into a store."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoenc.cli.common import (
    add_common,
    add_overwrite,
    add_store,
    add_weights,
    as_flags,
    list_skipped,
    list_some,
    names,
    print_json,
    put,
    say,
    weights_of,
    where_all_are,
)
from autoenc.cli.metadata import add_metadata, metadata_of, show_table

if TYPE_CHECKING:
    from autoenc.catalog.index_report import IndexReport


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "index",
        help="put a folder of images, or a file of vectors, into a store",
        description="Encode every image below a folder and store its vectors, or store those of a file. A second run "
        "does only what has changed.",
    )
    parser.add_argument(
        "images",
        nargs="?",
        metavar="IMAGES",
        help="folder of images, searched recursively; with --from: where the images of the file are",
    )
    parser.add_argument(
        "--from",
        dest="file",
        metavar="FILE",
        help="take the vectors from a .parquet, .npz, .csv or .jsonl file: one that `autoenc embed` wrote, or one made "
        "elsewhere, with a column path or id and columns of vectors",
    )
    parser.add_argument(
        "--name", metavar="NAME", help="with --from: what vectors made elsewhere are called (default: as their column)"
    )
    add_store(parser)
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="of `learned` and `handcrafted`: a folder, or clothing-32-2 (default: what the store remembers)",
    )
    parser.add_argument(
        "--encoders",
        type=names,
        metavar="A,B,…",
        help="the encoders of the vectors, also mobilenet, vgg16, onnx:FILE and others as for compare "
        "(default: those in the store; at first learned,color,texture,edges)",
    )
    add_weights(parser)
    parser.add_argument(
        "--source", metavar="NAME", help="a name for this folder, so that it can move (default: its path)"
    )
    add_metadata(parser)
    parser.add_argument(
        "--products", choices=("folders",), help="the images in one folder show one product (field `product`)"
    )
    parser.add_argument(
        "--prune", action="store_true", help="remove the images that are no longer in the folder, after listing them"
    )
    parser.add_argument(
        "--prune-limit",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="the largest share of the folder's stored images to remove (default: 0.2)",
    )
    parser.add_argument("--report", metavar="FILE", help="write a report with every skipped and missing file, as JSON")
    add_overwrite(parser, "a --report file that autoenc did not write")
    add_common(
        parser,
        json_keys="indexed, moved, updated, unchanged, missing[path], pruned[path], ignored, skipped[{path, reason}], "
        "seconds, images_per_second, source, notes, table{file, rows, columns, filterable, joined_by, joined, updated, "
        "images_without_row, rows_without_image, mended, left_out, notes}",
    )
    parser.set_defaults(run=run, when_stopped="Stored images are kept: run the same command again to finish.")


_OF_FOLDERS = (
    "model", "encoders", "weights", "metadata", "id_column", "path_column", "type", "list_separator", "null_values",
    "filterable", "product_column", "products", "prune", "prune_limit",
)  # fmt: skip
"""Options that a file of vectors leaves nothing to do for."""


def run(options: argparse.Namespace) -> int:
    from autoenc.outputs import check_output, marked_json, write_file
    from autoenc.text import counted

    reading = [options.images, options.metadata, options.file]
    if options.report:
        check_output(options.report, overwrite=options.overwrite, reading=reading)
    report = _of_folder(options) if options.file is None else _of_file(options)
    if options.report:
        document = marked_json(report.to_dict())
        write_file(options.report, document, overwrite=options.overwrite, reading=reading)
    all_with = where_all_are(options)
    list_skipped(report.skipped, all_with=all_with)
    if not options.prune:
        list_some("missing", report.missing, all_with=all_with)
    if options.json:
        print_json(report.to_dict())
    else:
        put(f"{report.told()} in {report.seconds:.1f} s ({report.images_per_second:.0f} images/s)")
        if report.table is not None:
            first = report.indexed == report.usable
            show_table(report.table, all_with=all_with, first=first)
    for note in report.notes:
        say(as_flags(note))
    if not report.usable:
        say(f"autoenc: No image could be used ({counted(len(report.skipped), 'file')} skipped); nothing was stored.")
        return 1
    return 0


def _of_folder(options: argparse.Namespace) -> IndexReport:
    from autoenc.catalog.indexing import index_images

    if options.images is None:
        options.parser.error("expected IMAGES, a folder, or --from FILE, a file of vectors")
    if options.name is not None:
        options.parser.error("--name goes with --from")
    metadata = metadata_of(options)
    return index_images(
        options.images,
        options.store,
        model=options.model,
        encoders=options.encoders,
        weights=weights_of(options),
        collection=options.collection,
        wait=options.wait,
        source=options.source,
        metadata=metadata,
        products=options.products,
        prune=options.prune,
        prune_limit=options.prune_limit,
        confirm=partial(_told, all_with=where_all_are(options)),
        progress=not options.quiet,
    )


def _of_file(options: argparse.Namespace) -> IndexReport:
    from autoenc.catalog.importing import index_vectors

    for name in _OF_FOLDERS:
        if getattr(options, name) != options.parser.get_default(name):
            flag = name.replace("_", "-")
            options.parser.error(f"--{flag} does not go with --from, whose file has the vectors already")
    return index_vectors(
        options.file,
        options.store,
        images=options.images,
        name=options.name,
        collection=options.collection,
        wait=options.wait,
        source=options.source,
        progress=not options.quiet,
    )


def _told(gone: Sequence[Path], all_with: str) -> bool:
    """List the images that are about to be removed."""
    list_some("gone", gone, all_with=all_with)
    return True
