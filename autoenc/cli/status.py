"""`autoenc status`: what a store holds."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import print_json


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "status",
        help="show what a store holds",
        description="Collections of a store with their images, encoders and sources.",
    )
    parser.add_argument(
        "--store", required=True, metavar="LOCATION", help="a folder or the http(s) URL of a Qdrant server"
    )
    parser.add_argument("--collection", metavar="NAME", help="only this one")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON document: store, collections{name: {images, encoders, sources, filterable}}",
    )
    parser.set_defaults(run=run, when_stopped="Nothing was changed.")


def run(options: argparse.Namespace) -> int:
    from autoenc.store import list_collections, open_store
    from autoenc.text import printable

    found: dict[str, Any] = {}
    for name in [options.collection] if options.collection else list_collections(options.store) or ["images"]:
        with open_store(options.store, name) as store:
            counts = {source: store.count({"source": source}) for source in store.info.sources}
            found[name] = {
                "images": store.count(),
                "encoders": {vector: vars(spec) for vector, spec in store.info.vectors.items()},
                "sources": {
                    source: {"root": root, "images": counts[source]} for source, root in store.info.sources.items()
                },
                "filterable": store.info.fields,
            }
    if options.json:
        print_json({"store": options.store, "collections": found})
        return 0
    for name, held in found.items():
        print(f"collection {printable(name)}: {held['images']} images")
        for vector, spec in held["encoders"].items():
            bundle = f", bundle {printable(spec['bundle'])}" if spec["bundle"] else ""
            print(f"  encoder {vector}: {spec['dim']}-d{bundle}")
        for source, details in held["sources"].items():
            at = f" at {printable(details['root'])}" if details["root"] != source else ""
            print(f"  source {printable(source)}{at}: {details['images']} images")
        print(f"  filterable: {', '.join(held['filterable'])}")
    return 0
