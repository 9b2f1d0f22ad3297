"""`autoenc audit`: how well and how fast a store finds neighbors."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from autoenc.cli.common import add_common, add_store, names, print_json, put, say

if TYPE_CHECKING:
    from autoenc.catalog.auditing import AuditReport
    from autoenc.catalog.measuring import Measurement


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "audit",
        help="measure recall and speed of a store's index",
        description="Measure exact search, the graph (HNSW) and short copies of vectors against one another, on the "
        "store's own vectors: recall@10, time, memory, disk. Suggest settings, and let the store keep them.",
    )
    add_store(parser)
    parser.add_argument(
        "--using", metavar="ENCODER", help="search the vectors of this encoder (default: learned, if stored)"
    )
    parser.add_argument(
        "--min-recall",
        type=float,
        metavar="R",
        help="the recall that is wanted (default: 0.99); if it is given, the exit code is 1 where the store has less",
    )
    parser.add_argument(
        "--apply", action="store_true", help="search by the suggested settings from now on; the store keeps them"
    )
    parser.add_argument(
        "--quantizations",
        type=names,
        metavar="KINDS",
        help="the short copies to try, of int8, turbo4, product16, binary (default: int8,turbo4); or none",
    )
    parser.add_argument(
        "--queries", type=int, default=500, metavar="N", help="how many images to search for (default: 500)"
    )
    add_common(
        parser,
        json_keys="using, points, dim, queries, measured[{settings{exact, ef, quantization, oversampling}, recall, "
        "median_ms, p99_ms, memory_bytes, disk_bytes}], present, suggested, applied, recall, notes, seconds",
    )
    parser.set_defaults(run=run, when_stopped="Run the same command again.")


def run(options: argparse.Namespace) -> int:
    from autoenc.catalog.auditing import TRIED, audit_store
    from autoenc.store import open_store

    kinds = TRIED if options.quantizations is None else options.quantizations
    with open_store(options.store, options.collection, wait=options.wait) as store:
        report = audit_store(
            store,
            using=options.using,
            min_recall=options.min_recall,
            apply=options.apply,
            quantizations=() if kinds == ["none"] else kinds,
            queries=options.queries,
            progress=not options.quiet,
        )
    if options.json:
        print_json(report.to_dict())
    else:
        _show(report)
    low = options.min_recall is not None and report.recall < options.min_recall
    if low:
        say(f"autoenc: recall {_share(report.recall)} is below {options.min_recall:g}.{_remedy(report)}")
    return 1 if low else 0


def _show(report: AuditReport) -> None:
    from autoenc.text import counted

    put(
        f"collection {report.collection}: {counted(report.points, 'image')}, {report.dim} numbers each by "
        f"{report.using}; {report.queries:,} searched for 10 neighbors"
    )
    width = max(len(each.settings.told()) for each in report.measured)
    put(f"  {'':{width}}  recall@10  median ms   p99 ms  memory MB  disk MB")
    for each in report.measured:
        mark = ">" if each is report.suggested else "*" if each is report.present else " "
        found = f"{_share(each.recall):>9}  {each.median_ms:9.3f}  {each.p99_ms:7.3f}"
        sizes = f"{_mb(each.memory_bytes):>9}  {_mb(each.disk_bytes):>7}"
        put(f"{mark} {each.settings.told():{width}}  {found}  {sizes}")
    for note in report.notes:
        say(note)
    put(_verdict(report))


def _verdict(report: AuditReport) -> str:
    if report.suggested is report.present:
        return f"Keep the present settings ({_of(report.present)}): none of the others is much better."
    if report.applied:
        return f"Searches now use: {_of(report.suggested)}. Before (*): {_of(report.present)}."
    return (
        f"Suggested (>): {_of(report.suggested)}, in place of the present (*) {_of(report.present)}.{_remedy(report)}"
    )


def _remedy(report: AuditReport) -> str:
    return "" if report.applied or report.suggested is report.present else " Keep the suggested ones with --apply."


def _of(measured: Measurement) -> str:
    return f"{measured.settings.told()}, recall {_share(measured.recall)}, {measured.median_ms:.3f} ms"


def _share(recall: float) -> str:
    """Cut, not rounded: what is below a limit is never shown as the limit."""
    return f"{int(recall * 10_000) / 10_000:.4f}"


def _mb(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:,.1f}"
