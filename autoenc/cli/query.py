"""`autoenc query`: find the nearest neighbors of a picture."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from autoenc.cli.common import (
    add_overwrite,
    add_store,
    add_weights,
    add_where,
    print_json,
    put,
    say,
    weights_of,
    where_of,
)

if TYPE_CHECKING:
    from autoenc.catalog.answers import Neighbor


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "query",
        help="show what looks like a picture",
        description="Show the images in a store that are most similar to a picture, or to a stored image; or those "
        "that match words and attributes best. With --where alone, list the images that match.",
    )
    parser.add_argument("image", metavar="IMAGE", nargs="*", help="a picture; several are averaged")
    parser.add_argument(
        "--id",
        action="append",
        default=[],
        metavar="ID-OR-PATH",
        help="search by a stored image, by its id or its path; repeat it for several, which are averaged",
    )
    parser.add_argument("--product", metavar="NAME", help="search by the average of all images of a product")
    add_store(parser)
    parser.add_argument(
        "--model",
        metavar="DIR",
        help="of `learned` and `handcrafted`: a folder, or clothing-32-2 (default: what the store remembers)",
    )
    add_weights(parser)
    parser.add_argument("-k", type=int, default=5, metavar="N", help="how many neighbors (default: 5)")
    parser.add_argument("--offset", type=int, default=0, metavar="N", help="skip the best N, for a further page")
    add_where(parser)
    _add_parts(parser)
    _add_narrowing(parser)
    parser.add_argument(
        "--sheet", metavar="FILE", help="write a picture of the query and its neighbors: .png, .jpg or .webp"
    )
    add_overwrite(parser, "a --sheet file that autoenc did not write")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON document: query, using, neighbors[{id, path, score (null with --where alone), parts, "
        "payload}], "
        "novelty{percentile, percentiles{encoder: percentile}, cosines{encoder: cosine}, left_out{encoder: reason}, "
        "unlike}",
    )
    parser.set_defaults(run=run, when_stopped="Nothing was changed.")


def _add_parts(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is compared, and what else adds to the score."""
    examples = "a stored image, by id or path, or a picture; repeat it for more"
    parser.add_argument("--like", action="append", default=[], metavar="EXAMPLE", help=f"search toward it: {examples}")
    parser.add_argument("--unlike", action="append", default=[], metavar="EXAMPLE", help=f"away from it: {examples}")
    parser.add_argument(
        "--using",
        metavar="ENCODER",
        help="compare the vectors of this encoder (default: learned, if stored); or of several with their weights, for "
        "example learned=1,color=.5; or none",
    )
    parser.add_argument(
        "--words",
        metavar="TEXT[=WEIGHT]",
        help="add WEIGHT (default: 1) to the score where fields of kind text contain these words, each "
        "a whole one (shoe is not shoes); each adds its share",
    )
    parser.add_argument(
        "--boost",
        action="append",
        default=[],
        metavar="FIELD[:VALUE]=WEIGHT",
        help="add WEIGHT to the score where the field has this value, by default that of the query product; separate "
        "several by commas, or repeat it",
    )
    parser.add_argument(
        "--near",
        action="append",
        default=[],
        metavar="FIELD[:NUMBER][~SCALE]=WEIGHT",
        help="add WEIGHT to the score for the same number, by default that of the query product, half of it for one "
        "that is SCALE away (default: a tenth of the number)",
    )


def _add_narrowing(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose from what is found."""
    parser.add_argument(
        "--min-score",
        type=float,
        metavar="S",
        help="only neighbors with at least this score: a cosine similarity, or with several parts their sum",
    )
    parser.add_argument(
        "--min-percentile",
        type=float,
        metavar="P",
        help="leave out neighbors farther than the nearest one is for all but P%% of the catalog's images",
    )
    parser.add_argument(
        "--diversity",
        type=float,
        default=0.0,
        metavar="D",
        help="0 to 1: show what is like a better neighbor later (default: 0)",
    )
    parser.add_argument(
        "--group-by",
        metavar="FIELD",
        help="only the best image of each value of this field; `product`: of each product",
    )


def run(options: argparse.Namespace) -> int:
    images = [*options.image, *options.id]
    where = where_of(options)
    if not (images or options.product or options.like or options.words or options.boost or options.near):
        if where:
            from autoenc.cli.listing import list_matching
            from autoenc.store import open_store

            with open_store(options.store, options.collection, wait=options.wait) as store:
                return list_matching(options, where, store)
        options.parser.error(
            "name a picture, a stored image with --id, --product, --like, --words, --boost or --near; or list images "
            "with --where"
        )
    if options.sheet:
        from autoenc.report.sheet_files import check_sheet

        check_sheet(options.sheet, overwrite=options.overwrite, reading=[*options.image, *options.like])
    from autoenc.catalog.fields import unmatched
    from autoenc.catalog.queries import Query
    from autoenc.catalog.searching import Searcher
    from autoenc.catalog.weights import NOTHING
    from autoenc.store import open_store

    query = Query(
        picture=options.image, id=options.id, product=options.product, like=options.like, unlike=options.unlike,
        words=options.words, boost=",".join(options.boost), near=",".join(options.near), where=where, k=options.k,
        offset=options.offset, min_score=options.min_score, min_percentile=options.min_percentile,
        diversity=options.diversity, group_by=options.group_by,
    )  # fmt: skip
    store = options.opened.enter_context(open_store(options.store, options.collection, wait=options.wait))
    reading = [*options.image, *options.like, *filter(None, store.info.sources.values())]
    if options.sheet:
        check_sheet(options.sheet, overwrite=options.overwrite, reading=reading)
    searcher = Searcher(store, using=options.using, model=options.model, weights=weights_of(options))
    answer = searcher.answer(query)
    neighbors, verdict = answer.neighbors, answer.novelty
    stored = [searcher.stored(id) for id in options.id]
    pictures = [*options.image, *(str(each.path) for each in stored)]
    misses = [] if neighbors else unmatched(store, where)
    if query.wanted is not None:
        from autoenc.catalog.hybrid import unknown_words

        misses += unknown_words(store, query.wanted)
    for boost in query.boosts:
        if boost.value is not None and store.kind_of(boost.field) != "text":
            misses += unmatched(store, {boost.field: boost.value})
    if options.sheet:
        from autoenc.report.asked import also_counted, query_tiles
        from autoenc.report.sheet_files import write_sheet
        from autoenc.report.sheets import query_sheet

        using = searcher.using if query.looks else ""
        sheet = query_sheet(query_tiles(query, searcher), neighbors, using=using, also=also_counted(query))
        write_sheet(sheet, options.sheet, overwrite=options.overwrite, reading=[*pictures, *reading])
    if options.json:
        print_json(
            {
                "query": pictures[0] if len(pictures) == 1 else pictures,
                "using": searcher.using if query.looks else NOTHING,
                "neighbors": [neighbor.to_dict() for neighbor in neighbors],
                "novelty": None if verdict is None else verdict.to_dict(),
            }
        )
    elif neighbors:
        from autoenc.text import table

        rows = [_row(neighbor) for neighbor in neighbors]
        columns = [c for c, _ in enumerate(_COLUMNS) if c < 3 or any(row[c] for row in rows)]  # the last may be empty
        put(table([_COLUMNS[c] for c in columns], [[row[c] for c in columns] for row in rows]))
    else:
        put("No image matches.")
    if options.sheet and not options.json:
        from autoenc.text import shown

        put(f"Sheet: {shown(options.sheet)}")
    for sentence in misses:
        say(sentence)
    if neighbors and neighbors[0].parts and query.looks:
        for name in searcher.weights.keys() - neighbors[0].parts.keys():
            say(f"The query has no vector '{name}'; it was compared by the rest.")
    if verdict is not None and verdict.unlike and not options.json:
        say(verdict.told())
    if query.looks and options.using is None and not options.json:
        hint = store.info.better.get("picture")
        if options.id and not (options.image or query.boosts or query.nears):  # whose fields are known
            hint = store.info.better.get("stored", hint)
        if hint is not None and hint.than == searcher.using:
            import shlex

            found = " ".join(f"--{name} {shlex.quote(text)}" for name, text in hint.options.items())
            say(f"{hint.told()}: {found}")
    return 0


_COLUMNS = ("rank", "score", "path", "parts", "fields")


def _row(neighbor: Neighbor) -> tuple[str, ...]:
    from autoenc.text import printable

    parts = ", ".join(f"{name} {part:.3f}" for name, part in neighbor.parts.items())
    score = f"{neighbor.score:.4f}"
    return str(neighbor.rank), score, told_path(neighbor), printable(parts), told_fields(neighbor)


def told_path(neighbor: Neighbor) -> str:
    """The path of an image as a person reads it."""
    from autoenc.text import shown

    return f"(point {neighbor.id}, not indexed by autoenc)" if neighbor.path is None else shown(neighbor.path)


def told_fields(neighbor: Neighbor) -> str:
    """The fields of an image that are the user's."""
    from autoenc.store import OWN
    from autoenc.text import printable

    return printable(", ".join(f"{key}={value}" for key, value in neighbor.payload.items() if key != OWN))
