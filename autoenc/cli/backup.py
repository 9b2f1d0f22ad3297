"""`autoenc backup`: a store in one file."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_collections, add_common, add_overwrite, print_json, put

JSON_KEYS = "store, file, points{collection: number}, bytes, seconds"


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "backup",
        help="back a store up into one file",
        description="Write all collections of a store into one file with checksums, for `autoenc restore`. Images and "
        "models are not part of it.",
    )
    add_collections(parser)
    parser.add_argument("--out", required=True, metavar="FILE", help="the backup; one that is there is replaced")
    add_overwrite(parser, "a file of that name that is no backup")
    add_common(parser, json_keys=JSON_KEYS)
    parser.set_defaults(run=run, when_stopped="No backup was written.")


def run(options: argparse.Namespace) -> int:
    from autoenc.store.backup import backup_store
    from autoenc.text import counted, shown

    report = backup_store(
        options.store,
        options.out,
        collection=options.collection,
        overwrite=options.overwrite,
        wait=options.wait,
        progress=not options.quiet,
    )
    if options.json:
        print_json(report.to_dict())
        return 0
    for name, points in report.points.items():
        put(f"collection {name}: {counted(points, 'point')}")
    put(f"{report.bytes / 2**20:,.1f} MiB written to {shown(report.file)} in {report.seconds:.1f} s")
    return 0
