"""`autoenc reindex`: the images of a store, encoded with another model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autoenc.cli.common import (
    add_common,
    add_store,
    add_weights,
    as_flags,
    list_skipped,
    list_some,
    names,
    print_json,
    put,
    say,
    weights_of,
)

if TYPE_CHECKING:
    from autoenc.catalog.agreement import Agreement, Standing
    from autoenc.catalog.reindexing import ReindexReport


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "reindex",
        help="encode a store's images with another model",
        description="Encode a store's images with another model, into a new generation of the collection beside the "
        "one that answers; compare the two by a sample of searches; then let the new one answer, at once. Fields, "
        "products, verdicts and the vectors of other encoders are taken over. The old generation is kept.",
    )
    add_store(parser)
    parser.add_argument("--model", metavar="MODEL", help="of `learned` and `handcrafted`: a folder, or clothing-32-2")
    parser.add_argument(
        "--encoders", type=names, metavar="A,B,…", help="the encoders of the new generation (default: those there are)"
    )
    add_weights(parser)
    parser.add_argument(
        "--missing-limit",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="the largest share of the images that may go without new vectors, because they have no usable file "
        "(default: 0.2)",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--no-switch", action="store_true", help="only build and compare; the same command without it switches"
    )
    instead.add_argument(
        "--rollback",
        action="store_true",
        help="let the generation before answer again, with the fields of all images as they are now",
    )
    instead.add_argument("--drop-old", action="store_true", help="remove all generations but the one that answers")
    add_common(
        parser,
        json_keys="collection, before, generation, switched, points, encoded, made, kept, left_out, missing[path], "
        "skipped[{path, reason}], agreement{encoder: {queries, overlap, before, after, copies, gain, verdict}}, "
        "seconds, notes; with --rollback or --drop-old: collection, generation, dropped; with --rollback also "
        "carried, lacking, returned",
    )
    parser.set_defaults(run=run, when_stopped="The old generation answers. Run the same command again to finish.")


def run(options: argparse.Namespace) -> int:
    if options.rollback or options.drop_old:
        if options.model or options.encoders or options.weights:
            options.parser.error("--rollback and --drop-old build nothing: leave --model, --encoders and --weights out")
        return _turn(options)
    if not (options.model or options.encoders or options.weights):
        options.parser.error("say what to encode with: --model, --encoders, --weights; or --rollback, or --drop-old")
    from autoenc.catalog.reindexing import reindex_store

    report = reindex_store(
        options.store,
        model=options.model,
        encoders=options.encoders,
        weights=weights_of(options),
        collection=options.collection,
        wait=options.wait,
        missing_limit=options.missing_limit,
        switch=not options.no_switch,
        progress=not options.quiet,
    )
    list_skipped(report.skipped)
    list_some("missing", report.missing, all_with="--json")
    if options.json:
        print_json(report.to_dict())
    elif report.generation != report.before:
        _show(report)
    for note in report.notes:
        say(as_flags(note))
    return 0


def _turn(options: argparse.Namespace) -> int:
    """Roll back, or drop what is old."""
    from autoenc.catalog.generations import drop_old_generations, roll_back
    from autoenc.text import counted

    notes: Sequence[str] = ()
    document: dict[str, Any] = {"collection": options.collection, "generation": None, "dropped": []}
    if options.rollback:
        report = roll_back(options.store, collection=options.collection, wait=options.wait)
        document |= {name: getattr(report, name) for name in ("generation", "carried", "lacking", "returned", "notes")}
        notes = report.notes
        told = f"generation {report.generation} answers"
        if report.carried:
            told += f", with what was written since the switch to {counted(report.carried, 'image')}"
    else:
        document["dropped"] = drop_old_generations(options.store, collection=options.collection, wait=options.wait)
        told = f"dropped: {', '.join(map(str, document['dropped'])) or 'none, there is only one generation'}"
    if options.json:
        print_json(document)
    else:
        put(f"collection {options.collection}: {told}")
    for note in notes:
        say(note)
    return 0


def _show(report: ReindexReport) -> None:
    from autoenc.text import counted

    put(
        f"collection {report.collection}, generation {report.generation}: {counted(report.points, 'image')}, "
        f"{report.encoded:,} encoded in {report.seconds:.1f} s"
    )
    for what in ("made", "kept", "left_out"):
        if there := getattr(report, what):
            put(f"  {what.replace('_', ' ')}: {', '.join(there)}")
    for name, each in report.agreement.items():
        _show_agreement(name, each, report)
    old = f"generation {report.before}"
    if report.switched:
        put(f"Generation {report.generation} answers now. --rollback returns to {old}, --drop-old removes it.")
    else:
        put(f"{old.capitalize()} still answers. The same command without --no-switch switches.")


def _show_agreement(name: str, each: Agreement, report: ReindexReport) -> None:
    before, after = each.before, each.after
    title = f"{name}, {each.queries} searches in both:"
    put(f"  {title:<52}{f'generation {report.before}':>16}{f'generation {report.generation}':>18}")
    rows = {
        "altered copies that find their original first": (_share(before), _share(after)),
        "cosine with the nearest neighbor: median": (f"{before.nearest[1]:.3f}", f"{after.nearest[1]:.3f}"),
        "  5th to 95th percentile": (_range(before), _range(after)),
        "cosine of two random images: median": (f"{before.random:.3f}", f"{after.random:.3f}"),
        "different images among all neighbors": (f"{before.distinct:,}", f"{after.distinct:,}"),
    }
    for what, (old, new) in rows.items():
        put(f"    {what:<50}{old:>16}{new:>18}")
    mean, low, high = (10 * figure for figure in each.overlap)
    put(f"    neighbors in common, of ten: {mean:.1f} (95% interval {low:.1f} to {high:.1f})")
    put(f"    {_advice(each)}")


def _advice(each: Agreement) -> str:
    if each.gain is None:
        return "The old encoder cannot be loaded, or no image can be read: altered copies were not compared."
    gain = f"{each.gain.mean:+.1%}, 95% interval {each.gain.low:+.1%} to {each.gain.high:+.1%}"
    told = {
        "better": "The new one finds altered copies more often",
        "worse": "The new one finds altered copies LESS often; look at results before you keep it",
        "equal": "By altered copies, neither is better",
    }[each.verdict]
    return f"{told} ({gain}, {each.copies} copies)."


def _share(each: Standing) -> str:
    return "unknown" if each.found is None else f"{each.found:.1%}"


def _range(each: Standing) -> str:
    return f"{each.nearest[0]:.3f} to {each.nearest[2]:.3f}"
