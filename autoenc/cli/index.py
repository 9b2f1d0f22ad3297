"""`autoenc index`: put a folder of images into a store."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_common, add_overwrite, add_store, as_flags, list_skipped, names, print_json, put, say


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "index",
        help="put a folder of images into a store",
        description="Encode every image below a folder and store its vectors. A second run does only what has changed.",
    )
    parser.add_argument("images", metavar="IMAGES", help="folder of images, searched recursively")
    add_store(parser)
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="of `learned` and `handcrafted`: a folder, general-32, clothing-32-2 (default: as the store remembers)",
    )
    parser.add_argument(
        "--encoders",
        type=names,
        metavar="A,B,…",
        help="the encoders of the vectors (default: those in the store; at first learned,color,texture,edges)",
    )
    parser.add_argument(
        "--source", metavar="NAME", help="a name for this folder, so that it can move (default: its path)"
    )
    parser.add_argument("--report", metavar="FILE", help="write a report with every skipped file, as JSON")
    add_overwrite(parser, "a --report file that autoenc did not write")
    add_common(
        parser,
        json_keys="indexed, updated, unchanged, missing, ignored, skipped[{path, reason}], seconds, "
        "images_per_second, source, notes",
    )
    parser.set_defaults(run=run, when_stopped="Stored images are kept: run the same command again to finish.")


def run(options: argparse.Namespace) -> int:
    from autoenc.catalog.indexing import index_images
    from autoenc.outputs import check_output, marked_json, write_file
    from autoenc.text import counted

    if options.report:
        check_output(options.report, overwrite=options.overwrite, reading=[options.images])
    report = index_images(
        options.images,
        options.store,
        model=options.model,
        encoders=options.encoders,
        collection=options.collection,
        wait=options.wait,
        source=options.source,
        progress=not options.quiet,
    )
    if options.report:
        document = marked_json(report.to_dict())
        write_file(options.report, document, overwrite=options.overwrite, reading=[options.images])
    list_skipped(report.skipped, all_with="--report FILE or --json")
    if options.json:
        print_json(report.to_dict())
    else:
        put(
            f"{report.indexed} indexed, {report.updated} updated, {report.unchanged} unchanged, "
            f"{report.missing} missing, {len(report.skipped)} skipped, {report.ignored} ignored "
            f"in {report.seconds:.1f} s ({report.images_per_second:.0f} images/s)"
        )
    for note in report.notes:
        say(as_flags(note))
    if not report.usable:
        say(f"autoenc: No image could be used ({counted(len(report.skipped), 'file')} skipped); nothing was stored.")
        return 1
    return 0
