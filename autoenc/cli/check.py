"""`autoenc check`: is a store whole?"""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_common, add_wait, as_flags, print_json, put, say


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "check",
        help="check that a store is whole",
        description="Check the files, the points and a sample of the vectors of a store, and encode some of its images "
        "again. The exit code is 1 if something is wrong.",
    )
    parser.add_argument(
        "--store", required=True, metavar="LOCATION", help="a folder or the http(s) URL of a Qdrant server"
    )
    parser.add_argument("--collection", metavar="NAME", help="check only this collection")
    add_wait(parser)
    add_common(parser, json_keys="store, collections{name: {points, vectors, encoded, problems, notes, whole}}")
    parser.set_defaults(run=run, when_stopped="Nothing was changed.")


def run(options: argparse.Namespace) -> int:
    from autoenc.catalog.checking import check_store
    from autoenc.store import list_collections, open_store
    from autoenc.text import counted

    reports = []
    for name in [options.collection] if options.collection else list_collections(options.store) or ["images"]:
        with open_store(options.store, name, wait=options.wait) as store:
            reports.append(check_store(store, progress=not options.quiet))
    if options.json:
        print_json({"store": options.store, "collections": {each.collection: each.to_dict() for each in reports}})
    for each in reports:
        if not options.json:
            read = ", ".join(f"{count:,} of {name}" for name, count in each.vectors.items()) or "none"
            again = ", ".join(f"{count:,} by {name}" for name, count in each.encoded.items()) or "none"
            verdict = "whole" if each.whole else "damaged"
            put(f"collection {each.collection}: {verdict}; {counted(each.points, 'point')}")
            put(f"  vectors read again: {read}")
            put(f"  images encoded again: {again}")
        for sentence in (*each.problems, *each.notes):
            say(as_flags(sentence))
    return 0 if all(each.whole for each in reports) else 1
