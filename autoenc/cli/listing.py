"""A query by a filter alone: the images that match, in the order of their ids, without scores."""

from __future__ import annotations

import argparse
from itertools import islice
from typing import TYPE_CHECKING, Any

from autoenc.cli.common import print_json, put, say

if TYPE_CHECKING:
    from autoenc.store import Filter, Store

_OF_SEARCHES = ("unlike", "using", "min_score", "min_percentile", "diversity", "group_by", "sheet")
"""Options of a query that compare images, or draw what was compared."""


def list_matching(options: argparse.Namespace, where: Filter, store: Store) -> int:
    """Show up to `-k` images that match a filter, after the first `--offset`.

    Raises:
        ArgumentError, UnknownFieldError: as for `Store.scroll`; or a number that is not allowed.
    """
    from autoenc.catalog.answers import Neighbor
    from autoenc.catalog.fields import unmatched
    from autoenc.catalog.queries import Query
    from autoenc.catalog.sources import point_path
    from autoenc.catalog.weights import NOTHING
    from autoenc.cli.query import told_fields, told_path
    from autoenc.text import counted, table

    Query(words="any", k=options.k, offset=options.offset)  # raises for numbers that are not allowed
    for name in _OF_SEARCHES:
        if getattr(options, name):
            options.parser.error(f"--{name.replace('_', '-')} is of searches; name a picture, --id or --like with it")
    records = islice(store.scroll(where, batch=options.k), options.offset, options.offset + options.k)
    found = [
        Neighbor(rank, record.id, 0.0, point_path(store, record.payload), record.payload)
        for rank, record in enumerate(records, start=options.offset + 1)
    ]
    if options.json:
        listed: list[dict[str, Any]] = [{**each.to_dict(), "score": None} for each in found]
        print_json({"query": [], "using": NOTHING, "neighbors": listed, "novelty": None})
    elif found:
        rows = [(str(each.rank), told_path(each), told_fields(each)) for each in found]
        put(table(["number", "path", "fields"], rows))
    else:
        put("No image matches.")
    total = store.count(where)
    for sentence in [] if total else unmatched(store, where):
        say(sentence)
    if total > options.offset + len(found) and not options.json:
        say(f"{counted(total, 'image')} match; -k and --offset show others.")
    return 0
