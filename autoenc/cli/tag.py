"""`autoenc tag`: set fields of images that a store holds, without their files."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import (
    add_common,
    add_overwrite,
    add_store,
    add_where,
    print_json,
    put,
    say,
    where_all_are,
    where_of,
)
from autoenc.cli.metadata import add_metadata, metadata_of, show_table


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "tag",
        help="set fields of stored images",
        description="Set or remove fields of the images in a store that match a filter, or those that a table names. "
        "The images themselves are not needed, and nothing is encoded.",
    )
    add_store(parser)
    add_where(parser)
    parser.add_argument("--all", action="store_true", help="every image, where no filter and no table says which")
    parser.add_argument(
        "--set", action="append", type=_field, default=[], metavar="FIELD=VALUE", help="set a field; may be repeated"
    )
    parser.add_argument("--unset", action="append", default=[], metavar="FIELD", help="remove a field; may be repeated")
    add_metadata(parser)
    parser.add_argument("--dry-run", action="store_true", help="count what would change, and write nothing")
    parser.add_argument("--report", metavar="FILE", help="write a report with every row and image, as JSON")
    add_overwrite(parser, "a --report file that autoenc did not write")
    add_common(parser, json_keys="matched, changed, dry_run, notes, table{…} with --metadata")
    parser.set_defaults(run=run, when_stopped="Run the same command again to finish.")


def run(options: argparse.Namespace) -> int:
    where = where_of(options)
    metadata = metadata_of(options, dict(options.set))
    if not (where or metadata or options.all):
        options.parser.error("name the images with --where, --filter or --metadata, or all of them with --all")
    if not (options.set or options.unset or metadata):
        options.parser.error("name what to change: --set FIELD=VALUE, --unset FIELD or --metadata FILE")
    from autoenc.catalog.tagging import tag_images, typed
    from autoenc.outputs import check_output, marked_json, write_file
    from autoenc.store import open_store

    if options.report:
        check_output(options.report, overwrite=options.overwrite, reading=[options.metadata])
    with open_store(options.store, options.collection, wait=options.wait) as store:
        reading = [options.metadata, *filter(None, store.info.sources.values())]
        if options.report:
            check_output(options.report, overwrite=options.overwrite, reading=reading)
        values, kinds = typed(store, dict(options.set), dict(options.type), options.list_separator)
        done = tag_images(
            store,
            set=values,
            filterable=kinds,
            unset=options.unset,
            where=where or None,
            metadata=metadata,
            dry_run=options.dry_run,
            progress=not options.quiet,
        )
    if options.report:
        write_file(options.report, marked_json(done.to_dict()), overwrite=options.overwrite, reading=reading)
    for note in done.notes:
        say(note)
    if options.json:
        print_json(done.to_dict())
        return 0
    verb = "would change" if done.dry_run else "changed"
    put(f"{done.matched:,} matched, {done.changed:,} {verb}{'; nothing was written' if done.dry_run else ''}")
    if done.table is not None:
        show_table(done.table, all_with=where_all_are(options), images=False)
    return 0


def _field(text: str) -> tuple[str, str]:
    """Option type: a field and its value."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"expected FIELD=VALUE, got {text!r}")
    return name, value
