"""`autoenc check`: is a store whole?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from autoenc.cli.common import add_collections, add_common, as_flags, print_json, put, say

if TYPE_CHECKING:
    from autoenc.catalog.checking import CheckReport


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "check",
        help="check that a store is whole",
        description="Check the files, the points and a sample of the vectors of a store, and encode some of its images "
        "again. The exit code is 1 if something is wrong.",
    )
    add_collections(parser)
    parser.add_argument("--strict", action="store_true", help="exit with 1 also if something could not be checked")
    add_common(parser, json_keys="store, collections{name: {points, vectors, encoded, problems, notes, whole}}")
    parser.set_defaults(run=run, when_stopped="Nothing was changed.")


def run(options: argparse.Namespace) -> int:
    from autoenc.store import list_collections

    names = [options.collection] if options.collection else list_collections(options.store) or ["images"]
    reports = [report for name in names for report in _checked(options, name)]
    if options.json:
        print_json({"store": options.store, "collections": {each.collection: each.to_dict() for each in reports}})
    for each in reports:
        if not options.json:
            _print(each)
        for sentence in (*each.problems, *each.notes):
            say(as_flags(sentence))
    fine = all(each.whole and not (options.strict and each.notes) for each in reports)
    return 0 if fine else 1


def _checked(options: argparse.Namespace, name: str) -> list[CheckReport]:
    """What a check of a collection found, and of its other generations that are finished."""
    from autoenc.catalog.checking import CheckReport, check_store
    from autoenc.errors import StoreError, StoreNotFoundError
    from autoenc.store import open_store
    from autoenc.store.naming import generation_name, split_name

    others: list[str] = []
    try:
        with open_store(options.store, name, wait=options.wait, verify=True) as store:
            if split_name(name)[1] is None:
                kept = [each.number for each in store.generations() if not (each.current or each.unfinished)]
                others = [generation_name(name, number) for number in kept]
            report = check_store(store, progress=not options.quiet)
        return [report, *(each for other in others for each in _checked(options, other))]
    except StoreNotFoundError:
        raise
    except StoreError as error:  # the other collections are checked all the same
        return [CheckReport(options.store, name, 0, {}, {}, [str(error)])]


def _print(report: CheckReport) -> None:
    from autoenc.text import counted

    read = ", ".join(f"{count:,} of {name}" for name, count in report.vectors.items()) or "none"
    again = ", ".join(f"{count:,} by {name}" for name, count in report.encoded.items()) or "none"
    unsure = "nothing wrong found, but not everything could be checked" if report.notes else "whole"
    verdict = unsure if report.whole else "not whole"
    put(f"collection {report.collection}: {verdict}; {counted(report.points, 'point')}")
    put(f"  vectors read again: {read}")
    put(f"  images encoded again: {again}")
