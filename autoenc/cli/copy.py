"""`autoenc copy`: the collections of a store, copied to another one."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_common, add_locations, print_json, put


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "copy",
        help="copy a store to a folder or a server",
        description="Copy the collections of a store to another one: every image's vectors and fields, and what the "
        "store remembers of its encoders and sources. Afterward the copy is compared with the original, point by "
        "point. Images and models stay where they are.",
    )
    add_locations(parser)
    add_common(
        parser,
        json_keys="collections{name: {source, target, collection, points, copied, checksum, seconds}}",
    )
    parser.set_defaults(run=run, when_stopped="What is copied is kept: run the same command again to finish.")


def run(options: argparse.Namespace) -> int:
    from autoenc.store import list_collections
    from autoenc.store.copying import copy_store
    from autoenc.text import counted

    names = [options.collection] if options.collection else list_collections(options.source) or ["images"]
    reports = []
    for name in names:
        report = copy_store(
            options.source, options.target, collection=name, wait=options.wait, progress=not options.quiet
        )
        reports.append(report)
        if not options.json:
            put(
                f"collection {name}: {counted(report.points, 'point')}, {report.copied:,} copied and all compared in "
                f"{report.seconds:.1f} s; sha256 {report.checksum}"
            )
    if options.json:
        print_json({"collections": {report.collection: report.to_dict() for report in reports}})
    return 0
