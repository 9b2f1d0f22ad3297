"""`autoenc neighbors`: the neighbors of every indexed image, as a file."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_common, add_overwrite, add_store, add_where, print_json, put, say, where_of


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "neighbors",
        help="write the neighbors of every indexed image to a file",
        description="Find the nearest neighbors of every image in a store, and write them to a file: what a page "
        "of similar products is made from. The file appears when it is complete. --where restricts the neighbors; "
        "every image has its own.",
    )
    add_store(parser)
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help=".csv or .parquet with a row for each neighbor, or .jsonl with a line for each image",
    )
    parser.add_argument("-k", type=int, default=20, metavar="N", help="how many neighbors of an image (default: 20)")
    parser.add_argument(
        "--using",
        metavar="ENCODER",
        help="compare the vectors of this encoder (default: learned, if stored); or of several with their weights, for "
        "example learned=1,color=.5",
    )
    parser.add_argument(
        "--group-by",
        metavar="FIELD",
        help="only the best neighbor of each value of this field but the image's own; `product`: of each other product",
    )
    add_where(parser)
    add_overwrite(parser, "an --out file that autoenc did not write, or an unfinished run with other settings")
    add_common(parser, json_keys="file, using, images, lacking, resumed, seconds")
    parser.set_defaults(run=run, when_stopped="What is done is kept: run the same command again to finish.")


def run(options: argparse.Namespace) -> int:
    from autoenc.catalog.fields import unmatched
    from autoenc.catalog.neighbor_files import write_neighbors
    from autoenc.store import open_store
    from autoenc.text import counted, shown

    where = where_of(options)
    misses: list[str] = []
    with open_store(options.store, options.collection, wait=options.wait) as store:
        report = write_neighbors(
            store,
            options.out,
            k=options.k,
            using=options.using,
            where=where or None,
            group_by=options.group_by,
            overwrite=options.overwrite,
            progress=not options.quiet,
        )
        if where and not store.count(where):
            misses = ["No image matches, so no image has neighbors in the file.", *unmatched(store, where)]
    if options.json:
        print_json(report.to_dict())
    else:
        again = f", {report.resumed:,} of them by an earlier run" if report.resumed else ""
        put(
            f"{shown(report.file)}: the neighbors of {counted(report.images, 'image')} by {report.using}, "
            f"in {report.seconds:.1f} s{again}"
        )
    for sentence in misses:
        say(sentence)
    if report.lacking:
        say(f"Left out: {counted(report.lacking, 'image')} without a vector of {report.using}.")
    return 0
