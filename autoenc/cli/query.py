"""`autoenc query`: find the nearest neighbors of a picture."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from autoenc.cli.common import add_overwrite, add_store, print_json, put, say

if TYPE_CHECKING:
    from autoenc.catalog.searching import Neighbor


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "query",
        help="show what looks like a picture",
        description="Show the images in a store that are most similar to a picture, or to a stored image.",
    )
    parser.add_argument("image", metavar="IMAGE", nargs="?", help="a picture")
    parser.add_argument("--id", metavar="ID-OR-PATH", help="search by a stored image instead, by its id or its path")
    add_store(parser)
    parser.add_argument(
        "--model",
        metavar="DIR",
        help="model for `learned` and `handcrafted`: a folder, or clothing-32 (default: what the store remembers)",
    )
    parser.add_argument("-k", type=int, default=5, metavar="N", help="how many neighbors (default: 5)")
    parser.add_argument(
        "--using", metavar="ENCODER", help="compare the vectors of this encoder (default: learned, if stored)"
    )
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="only images whose field has this value; repeat it for more fields, or to allow more values of one field",
    )
    parser.add_argument(
        "--min-score", type=float, metavar="S", help="only neighbors with at least this cosine similarity"
    )
    parser.add_argument(
        "--sheet", metavar="FILE", help="write a picture of the query and its neighbors: .png, .jpg or .webp"
    )
    add_overwrite(parser, "a --sheet file that autoenc did not write")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON document: query, using, neighbors[{id, path, score, payload}], "
        "novelty{percentile, percentiles{encoder: percentile}, cosines{encoder: cosine}, left_out{encoder: reason}, "
        "unlike}",
    )
    parser.set_defaults(run=run, when_stopped="Nothing was changed.", parser=parser)


def run(options: argparse.Namespace) -> int:
    if (options.image is None) == (options.id is None):
        options.parser.error("name either a picture, or a stored image with --id")
    where = _where(options)
    if options.sheet:
        from autoenc.report.sheet_files import check_sheet

        check_sheet(options.sheet, overwrite=options.overwrite, reading=[options.image])
    from autoenc.catalog.fields import unmatched
    from autoenc.catalog.searching import Searcher
    from autoenc.store import open_store

    store = options.opened.enter_context(open_store(options.store, options.collection, wait=options.wait))
    reading = [options.image, *filter(None, store.info.sources.values())]
    if options.sheet:
        check_sheet(options.sheet, overwrite=options.overwrite, reading=reading)
    searcher = Searcher(store, using=options.using, model=options.model)
    asked = {"k": options.k, "where": where, "min_score": options.min_score}
    if options.image is not None:
        answer = searcher.answer(options.image, **asked)
        neighbors, verdict = answer.neighbors, answer.novelty
        query = options.image
    else:
        neighbors = searcher.by_id(options.id, **asked)
        stored = searcher.stored(options.id)
        query = str(stored.path)
        verdict = None  # it is in the catalog
    misses = [] if neighbors else unmatched(store, where)
    if options.sheet:
        from autoenc.report.sheet_files import write_sheet
        from autoenc.report.sheets import query_sheet

        sheet = query_sheet(options.image or stored, neighbors, using=searcher.using)
        write_sheet(sheet, options.sheet, overwrite=options.overwrite, reading=[query, *reading])
    if options.json:
        print_json(
            {
                "query": query,
                "using": searcher.using,
                "neighbors": [neighbor.to_dict() for neighbor in neighbors],
                "novelty": None if verdict is None else verdict.to_dict(),
            }
        )
    elif neighbors:
        from autoenc.text import table

        rows = [_row(neighbor) for neighbor in neighbors]
        shown = 4 if any(row[3] for row in rows) else 3  # leave the last column out if it is empty
        put(table(("rank", "score", "path", "fields")[:shown], [row[:shown] for row in rows]))
    else:
        put("No image matches.")
    for sentence in misses:
        say(sentence)
    if verdict is not None and verdict.unlike and not options.json:
        say(verdict.told())
    better = store.info.better.get(searcher.using)
    if better is not None and options.using is None and not options.json:
        say(f"{better.told(searcher.using)}: --using {better.encoder}")
    return 0


def _row(neighbor: Neighbor) -> tuple[str, str, str, str]:
    from autoenc.store import OWN
    from autoenc.text import printable, shown

    fields = ", ".join(f"{key}={value}" for key, value in neighbor.payload.items() if key != OWN)
    path = f"(point {neighbor.id}, not indexed by autoenc)" if neighbor.path is None else shown(neighbor.path)
    return str(neighbor.rank), f"{neighbor.score:.4f}", path, printable(fields)


def _where(options: argparse.Namespace) -> dict[str, list[str | int]]:
    where: dict[str, list[str | int]] = {}
    for condition in options.filter:
        field, equals, value = condition.partition("=")
        if not equals or not field:
            options.parser.error(f"argument --filter: expected FIELD=VALUE, got {condition!r}")
        where.setdefault(field, []).append(value)
    return where
