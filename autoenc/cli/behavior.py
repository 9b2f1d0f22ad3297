"""`autoenc behavior`: give images vectors of what users did with them."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import LISTED, add_common, add_store, print_json, put, say


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "behavior",
        help="add what users rated, clicked or bought",
        description="Give the images of a store vectors of what users did with them, from a table with a row for each "
        "rating, click or purchase. Items are near to one another if the same users like them. Then weigh that beside "
        "looks: autoenc query --using learned=1,behavior=.5. All vectors of an earlier run are replaced: give one "
        "table with everything.",
    )
    parser.add_argument("file", metavar="FILE", help="a table (.csv, or .parquet) of users and items")
    add_store(parser)
    parser.add_argument("--user-column", default="user", metavar="NAME", help="the column of users (default: user)")
    parser.add_argument("--item-column", default="item", metavar="NAME", help="the column of items (default: item)")
    parser.add_argument(
        "--value-column",
        metavar="NAME",
        help="the column of numbers, 0 or more, such as clicks or stars; those of one user and item are added up "
        "(default: value; without it, every row counts 1)",
    )
    parser.add_argument(
        "--joined-by",
        choices=("product", "path", "file", "id"),
        help="what the items' names refer to: an image's product, its path relative to its source, its file name or "
        "the stem of it, or its id (default: that by which most items are known)",
    )
    parser.add_argument("--dim", type=int, default=32, metavar="N", help="numbers of an item, at most (default: 32)")
    add_common(
        parser,
        json_keys="file, users, items, interactions, dim, joined_by, images, cold, lost, unknown, unrelated, left_out, "
        "mended",
    )
    parser.set_defaults(run=run, when_stopped="Run the same command again to finish.")


def run(options: argparse.Namespace) -> int:
    from autoenc.catalog.behavior import add_behavior
    from autoenc.store import open_store
    from autoenc.text import counted

    with open_store(options.store, options.collection, wait=options.wait) as store:
        report = add_behavior(
            store,
            options.file,
            user_column=options.user_column,
            item_column=options.item_column,
            value_column=options.value_column,
            joined_by=options.joined_by,
            dim=options.dim,
            progress=not options.quiet,
        )
    if options.json:
        print_json(report.to_dict())
        return 0
    put(
        f"{report.file}: {counted(report.interactions, 'interaction')} of {counted(report.users, 'user')} with "
        f"{counted(report.items, 'item')}, joined by {report.joined_by}"
    )
    put(
        f"  {counted(report.images, 'image')} with behavior, {counted(report.dim, 'number')} each; {report.cold:,} "
        f"without, which a hybrid search compares by other vectors"
    )
    if report.lost:
        put(f"  {counted(report.lost, 'image')} had behavior from an earlier table and have none now")
    for what, lines in (("mended", report.mended), ("left out", report.left_out)):
        for line in lines[:LISTED]:
            say(f"{what} {line}")
        if len(lines) > LISTED:
            say(f"… and {len(lines) - LISTED:,} more {what}; --json lists them all")
    for what, items in (("no image", report.unknown), ("no other item of its users", report.unrelated)):
        if items:
            more = f", … and {len(items) - LISTED:,} more; --json lists them all" if len(items) > LISTED else ""
            say(f"{what}: {', '.join(items[:LISTED])}{more}")
    return 0
