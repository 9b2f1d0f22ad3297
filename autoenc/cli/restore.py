"""`autoenc restore`: a store from its backup."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.backup import JSON_KEYS
from autoenc.cli.common import add_collections, add_common, add_overwrite, print_json, put


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "restore",
        help="restore a store from its backup",
        description="Put the collections of a backup into a store. Every checksum is compared, and the engine has "
        "opened what was unpacked, before anything is replaced.",
    )
    parser.add_argument("file", metavar="FILE", help="what `autoenc backup` wrote")
    add_collections(parser)
    add_overwrite(parser, "collections that are there")
    add_common(parser, json_keys=JSON_KEYS)
    parser.set_defaults(run=run, when_stopped="Run the same command again to finish.")


def run(options: argparse.Namespace) -> int:
    from autoenc.store.restoring import restore_store
    from autoenc.text import counted

    report = restore_store(
        options.file,
        options.store,
        collection=options.collection,
        overwrite=options.overwrite,
        wait=options.wait,
        progress=not options.quiet,
    )
    if options.json:
        print_json(report.to_dict())
        return 0
    for name, points in report.points.items():
        put(f"collection {name}: {counted(points, 'point')} restored")
    return 0
