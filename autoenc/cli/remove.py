"""`autoenc remove`: take images out of a store."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from autoenc.cli.common import add_store, add_where, print_json, put, say, where_of
from autoenc.cli.confirming import confirmed, show_removal

if TYPE_CHECKING:
    from autoenc.catalog.removing import Removal


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "remove",
        help="take images out of a store",
        description="Take images out of a store: by their ids, their paths or a filter, a whole source, or all. The "
        "files on the disk stay, and are added again when their folder is indexed. What is to be removed is shown "
        "first; on a terminal you are asked, elsewhere --yes is needed.",
    )
    add_store(parser)
    parser.add_argument("--id", action="append", metavar="ID", help="the image with this id; repeat it for more")
    parser.add_argument(
        "--path",
        action="append",
        metavar="PATH",
        help="a file or a folder, on the disk or relative to its source, or a pattern such as 'red/*.jpg'; repeat it "
        "for more",
    )
    add_where(parser)
    parser.add_argument("--source", metavar="NAME", help="all images of this source, which the store then forgets")
    parser.add_argument(
        "--whole-collection", action="store_true", help="the collection with all that it holds and remembers"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show what would be removed")
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON document: images[{id, path}], sources, forgotten, whole_collection, "
        "generations, done, notes",
    )
    parser.set_defaults(
        run=run, when_stopped="Some images may have been removed: run the same command again to finish."
    )


def run(options: argparse.Namespace) -> int:
    where = where_of(options)
    ways = [options.id, options.path, where, options.source, options.whole_collection]
    if sum(map(bool, ways)) != 1:
        options.parser.error("say what to remove with one of --id, --path, --where, --source and --whole-collection")
    if "" in (options.path or ()):
        options.parser.error("argument --path: expected a path, got an empty one")
    from autoenc.catalog.removing import remove_images

    removal = remove_images(
        options.store,
        ids=options.id,
        paths=options.path,
        where=where or None,
        source=options.source,
        whole_collection=options.whole_collection,
        collection=options.collection,
        wait=options.wait,
        dry_run=options.dry_run,
        confirm=lambda planned: _confirmed(planned, options),
    )
    if options.json:
        print_json(removal.to_dict())
    elif removal.done:
        put(f"removed {removal.told()}")
    if options.dry_run and not options.json:
        if not _is_empty(removal):
            show_removal(removal, options.collection)
        put("Nothing was removed: this was a dry run.")
    for note in removal.notes:
        say(note)
    return 0 if removal.done or options.dry_run else 1


def _confirmed(removal: Removal, options: argparse.Namespace) -> bool:
    return _is_empty(removal) or confirmed(removal, options.collection, yes=options.yes)


def _is_empty(removal: Removal) -> bool:
    if removal.ids or removal.whole_collection or removal.forgotten is not None:
        return False
    say("No image matches; there is nothing to remove.")
    return True
