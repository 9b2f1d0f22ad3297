"""`autoenc duplicates`: groups of the same picture in a store."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoenc.cli.common import add_common, add_overwrite, add_store, list_skipped, names, print_json, put, say

if TYPE_CHECKING:
    from autoenc.catalog.copies import Copy, Duplicates
    from autoenc.store import Store

_GROUPS = 10  # shown on the terminal
_COPIES = 5


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "duplicates",
        help="find the same picture in other sizes, crops and qualities",
        description="Find groups of the same picture in a store: exact copies, and copies that were resized, "
        "recompressed, mirrored, tinted, cropped (most by up to 15% of the area, some by up to 30%) or "
        "framed (by a few percent of a side). A lower --threshold finds more of them, and more that are no copies. "
        "What is found is only shown, unless you ask for more. The "
        "likeness is that to the best image of the group. It may be below --threshold: a group is what is like its "
        "center, the image with the most copies, which need not be the best.",
    )
    add_store(parser)
    parser.add_argument(
        "--using",
        type=names,
        metavar="ENCODERS",
        help="look among the nearest neighbors by these, separated by commas (default: learned,color, if stored)",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="T",
        help="the least likeness of copies, above 0 up to 1 (default: suggested by the data; .86 where copies are few)",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        help=".csv with a row for each image of a group, or .json. exact: it is the best image's file, byte for byte; "
        "missing: the file is gone; worse: --remove worse would take it out",
    )
    parser.add_argument("--sheet", metavar="FILE", help="the groups as a .png, .jpg or .webp picture")
    parser.add_argument(
        "--plot", metavar="FILE", help="the likenesses and the threshold as a .png picture (needs autoenc[plots])"
    )
    parser.add_argument(
        "--remove",
        choices=("worse",),
        help="keep the best image of each group (one with a product, then with the most fields of yours, most pixels, "
        "most bytes) and take the others out of the store, other than those with fields or values that no kept one "
        "holds; the files on the disk stay. They are listed first; on a terminal you are asked, elsewhere --yes is "
        "needed",
    )
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    verdict = parser.add_mutually_exclusive_group()
    verdict.add_argument(
        "--not-duplicates",
        nargs="+",
        metavar="IMAGE",
        help="only remember that these images, given by id or path, are no duplicates of one another, until one of "
        "them changes or is removed",
    )
    verdict.add_argument("--forget", nargs="+", metavar="IMAGE", help="only forget that again")
    add_overwrite(parser, "an --out, --sheet or --plot file that autoenc did not write")
    add_common(
        parser, json_keys="images, using, threshold, suggested, compared, lacking, foreign, groups, unread, removal"
    )
    parser.set_defaults(run=run, when_stopped="Nothing was removed.")


def run(options: argparse.Namespace) -> int:
    from autoenc.store import open_store

    if options.yes and not options.remove:
        options.parser.error("--yes goes with --remove worse")
    with open_store(options.store, options.collection, wait=options.wait) as store:
        if marked := options.not_duplicates or options.forget:
            return _mark(store, marked, options)
        return _find(store, options)


def _mark(store: Store, images: list[str], options: argparse.Namespace) -> int:
    from autoenc.catalog.verdicts import mark_not_duplicates

    options.when_stopped = "Run the same command again to finish."
    ids = mark_not_duplicates(store, images, forget=bool(options.forget))
    if options.json:
        print_json({"ids": ids, "not_duplicates": not options.forget})
    else:
        put(f"{len(ids)} images: {'forgotten' if options.forget else 'remembered'} that they are no duplicates.")
    return 0


def _find(store: Store, options: argparse.Namespace) -> int:
    from autoenc.catalog.duplicates import find_duplicates
    from autoenc.text import shown

    reading = list(filter(None, store.info.sources.values()))
    _check_files(options, reading)
    found = find_duplicates(store, using=options.using, threshold=options.threshold, progress=not options.quiet)
    _write_files(found, options, reading)
    if not options.json:
        _show(found)
        for what, file in (("List", options.out), ("Sheet", options.sheet), ("Plot", options.plot)):
            if file:
                put(f"{what}: {shown(file)}")
    list_skipped(found.unread)
    if found.foreign:
        say(f"Left out: {found.foreign:,} points that autoenc did not index.")
    if found.lacking:
        say(f"{found.lacking:,} images have no vector of {' or '.join(found.using)}; only exact copies are found.")
    removal = _remove(store, found, options) if options.remove else None
    if options.json:
        print_json({**found.to_dict(), "removal": None if removal is None else removal.to_dict()})
    elif removal is not None and removal.done:
        put(f"removed {removal.told()}")
    return 1 if removal is not None and not removal.done else 0


def _remove(store: Store, found: Duplicates, options: argparse.Namespace) -> Any:
    from autoenc.catalog.removing import Removal, remove_images
    from autoenc.cli.confirming import confirmed

    if not found.worse:
        say("There is nothing to remove.")
        return Removal([], [], {}, done=True)

    def confirm(planned: Removal) -> bool:
        agreed = confirmed(planned, options.collection, yes=options.yes)
        if agreed:
            options.when_stopped = "Some copies may have been removed: run the same command again to finish."
        return agreed

    return remove_images(store, ids=found.worse, confirm=confirm)


def _check_files(options: argparse.Namespace, reading: list[str]) -> None:
    """Refuse, before the work is done, what cannot be written after it."""
    told: dict[str, Any] = {"overwrite": options.overwrite, "reading": reading}
    if options.out:
        from autoenc.catalog.duplicate_files import check_duplicates_file

        check_duplicates_file(options.out, **told)
    if options.sheet:
        from autoenc.report.sheet_files import check_sheet

        check_sheet(options.sheet, **told)
    if options.plot:
        from autoenc.figures import need_matplotlib
        from autoenc.outputs import check_output

        need_matplotlib()
        if Path(options.plot).suffix.lower() != ".png":
            options.parser.error("argument --plot: expected a .png file")
        check_output(options.plot, **told)


def _write_files(found: Duplicates, options: argparse.Namespace, reading: list[str]) -> None:
    told: dict[str, Any] = {"overwrite": options.overwrite, "reading": reading}
    if options.out:
        from autoenc.catalog.duplicate_files import write_duplicates

        write_duplicates(found, options.out, **told)
    if options.sheet:
        from autoenc.report.duplicates import duplicates_sheet
        from autoenc.report.sheet_files import write_sheet

        write_sheet(duplicates_sheet(found), options.sheet, **told)
    if options.plot:
        from autoenc.outputs import write_file
        from autoenc.report.duplicates import likeness_plot

        write_file(options.plot, likeness_plot(found), **told)


def _show(found: Duplicates) -> None:
    put(found.told())
    if not found.groups:
        return
    from autoenc.text import table

    rows = []
    for number, group in enumerate(found.groups[:_GROUPS], start=1):
        rows += [_row(number, copy, best=place == 0) for place, copy in enumerate(group[:_COPIES])]
        if len(group) > _COPIES:
            rows.append((str(number), "", "", f"… and {len(group) - _COPIES:,} more"))
    put(table(("group", "likeness to the best", "pixels", "path"), rows))
    if len(found.groups) > _GROUPS:
        put(f"… and {len(found.groups) - _GROUPS:,} more groups; --out FILE lists them all")


def _row(number: int, copy: Copy, *, best: bool) -> tuple[str, str, str, str]:
    from autoenc.text import shown

    likeness = "best" if best else "exact" if copy.exact else f"{copy.likeness:.3f}"
    path = f"(point {copy.id}, from memory)" if copy.path is None else shown(copy.path)
    notes = " (gone)" if copy.missing else ""
    notes += "" if best or copy.worse else " (stays: fields of its own)"
    return str(number), likeness, f"{copy.width}x{copy.height}", path + notes
