"""`autoenc status`: what a store holds."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from autoenc.cli.common import add_collections, print_json, put

if TYPE_CHECKING:
    from autoenc.store import StoreStatus
    from autoenc.store.status import Generation


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "status",
        help="show what a store holds",
        description="Show the collections of a store with their images, encoders and sources.",
    )
    add_collections(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON document: store, collections{name: {images, encoders{name: {dim, fingerprint, origin, "
        "images, lacking}}, sources{name: {root, images, runs[{finished, seconds, indexed, …}]}}, fields{name: {kind, "
        "values[{value, images}], bounds}}, product, better{picture, stored: {using, boost, near, than, map, than_map, "
        "ci_low, ci_high, queries, date, …}}, copy_of, settings{name: {exact, ef, quantization, oversampling, …}}, "
        "disk_bytes, generation, other_generations[{number, current, unfinished, encoders, disk_bytes}]}}",
    )
    parser.set_defaults(run=run, when_stopped="Nothing was changed.")


def run(options: argparse.Namespace) -> int:
    from autoenc.store import list_collections, open_store

    found = []
    for name in [options.collection] if options.collection else list_collections(options.store) or ["images"]:
        with open_store(options.store, name, wait=options.wait) as store:
            found.append(store.status())
    if options.json:
        print_json({"store": options.store, "collections": {each.collection: each.to_dict() for each in found}})
    else:
        for each in found:
            _show(each)
    return 0


def _show(status: StoreStatus) -> None:
    from autoenc.store.filters import short_name
    from autoenc.text import counted

    disk = "" if status.disk_bytes is None else f", {status.disk_bytes / 1e6:,.1f} MB on disk"
    put(f"collection {status.collection}: {counted(status.points, 'image')}{disk}")
    if status.copy_of:
        put(f"  an unfinished copy of {status.copy_of}: run the same copy, restore or reindex again to finish it")
    for other in status.others:
        put(f"  {_told(status, other)}")
    for name, spec in status.encoders.items():
        origin = f", from {spec.origin}" if spec.origin else ""
        lacking = status.points - status.having[name]
        searched = f"; searched by {status.settings[name].told()}" if name in status.settings else ""
        without = f"; {counted(lacking, 'image')} without it" if lacking else ""
        put(f"  encoder {name}: {counted(spec.dim, 'number')} per image{origin}{searched}{without}")
    for asked, better in status.better.items():
        put(f"  {better.told()}{', for searches by stored images' if asked == 'stored' else ''}")
    for name, root in status.sources.items():
        at = f" at {root}" if root not in ("", name) else ""
        put(f"  source {name}{at}: {counted(status.points_of[name], 'image')}")
        for run in reversed(status.runs.get(name, ())):
            put(f"    run {run.told()}")
    if status.product is not None:
        put(f"  products: one for each value of {status.product}")
    for name, kind in status.fields.items():
        values = ", ".join(f"{value} ({count:,})" for value, count in status.values.get(name, {}).items())
        bounds = " to ".join(map(str, status.bounds.get(name, ())))
        told = "; ".join(part for part in (kind, bounds, values) if part)
        put(f"  field {short_name(name, status.fields)}: {told}")


def _told(status: StoreStatus, other: Generation) -> str:
    """One line about another generation of a collection."""
    disk = "" if other.disk_bytes is None else f", {other.disk_bytes / 1e6:,.1f} MB on disk"
    origins = ", ".join(f"{name} from {spec.origin}" for name, spec in other.encoders.items() if spec.origin)
    what = "unfinished: run the same `autoenc reindex` again to finish it, or drop it" if other.unfinished else "kept"
    what = "the one that answers" if other.current else what
    made = f" ({origins})" if origins else ""
    return f"generation {other.number} beside generation {status.generation}{made}: {what}{disk}"
