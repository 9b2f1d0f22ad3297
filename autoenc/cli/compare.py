"""`autoenc compare`: every encoder on your own images, with figures and pictures."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from autoenc.cli.common import (
    add_common,
    add_overwrite,
    add_store,
    add_weights,
    as_flags,
    list_skipped,
    names,
    print_json,
    put,
    say,
    weights_of,
)
from autoenc.cli.metadata import add_table, metadata_of


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "compare",
        help="compare learned and handcrafted encoders on your own images",
        description="Search a folder with every encoder and measure which of them finds what belongs together. The "
        "labels are the names of the folders that hold the images, or a column of a table. Without labels, the "
        "encoders are measured by whether an altered copy of an image finds the original.",
    )
    parser.add_argument("images", metavar="IMAGES", help="folder of images to search")
    parser.add_argument(
        "--queries", metavar="DIR", help="folder of queries (default: every image, left out of its own results)"
    )
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="of `learned` and `handcrafted`: a folder, or clothing-32-2 (default: what --store remembers)",
    )
    parser.add_argument(
        "--encoders",
        type=names,
        metavar="A,B,…",
        help="what to compare, also pretrained networks (mobilenet, mobilenetv3, resnet50, efficientnetb0, vgg16) and "
        "exported models (onnx:FILE, litert:FILE, see describe-model); +pcaK stands for K principal components "
        "(default: learned,color,texture,edges,handcrafted,pixels+pca32,edges+pca32)",
    )
    add_weights(parser)
    parser.add_argument(
        "--labels",
        metavar="folders|FILE",
        help="what belongs together: a table (.csv, .parquet) with one row per image, or the names of the folders, as "
        "without this option",
    )
    parser.add_argument(
        "--label-column",
        metavar="NAME",
        help="column of that table that holds the labels; 'label' if it is not given",
    )
    parser.add_argument("--max-queries", type=int, metavar="N", help="take N queries, drawn at random")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of what is drawn at random (default: 0)")
    parser.add_argument(
        "--fusion",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="with labels, also find weights by which encoders retrieve best together; done unless --no-fusion",
    )
    add_table(parser, "whose columns are weighed beside encoders, for searches by stored images (needs labels)")
    parser.add_argument(
        "--boost",
        type=names,
        metavar="A,B,…",
        help="the fields to weigh: of --metadata, or else of --store (default: keywords, bools and numbers; never one "
        "that tells the label)",
    )
    add_store(parser, "a store that shall remember what retrieves best; its fields are weighed beside encoders")
    parser.add_argument("--out", metavar="DIR", help="write report.html, compare.json, compare.csv and pareto.png here")
    parser.add_argument(
        "--vectors",
        metavar="DIR",
        help="keep vectors here, so that the next comparison computes only those of pictures and encoders that have "
        "changed",
    )
    add_overwrite(parser, "files of these names in --out that autoenc did not write")
    add_common(
        parser,
        json_keys="encoders{name: {dim, p@5, p@10, hit@5, recall@10, map, knn@10, selfrecall@1, ms_per_image, …}}, "
        "pareto_front{metric, ms_per_image, bytes_per_image}, differences[{a, b, metric, mean, ci_low, ci_high}], "
        "fusion{weights, using, weights_of_halves, map, …, differences}, hybrid{weights, using, boost, near, …}, "
        "advice, command, …",
    )
    parser.set_defaults(run=run, when_stopped="Nothing was written.")


def run(options: argparse.Namespace) -> int:
    from autoenc.catalog.fields import FILTERABLE
    from autoenc.comparison.fields import FieldSource, stored_fields
    from autoenc.comparison.remembering import remember_comparison
    from autoenc.comparison.run import compare
    from autoenc.figures import can_plot
    from autoenc.outputs import check_folder
    from autoenc.report.advice import STORE, advice, search_command, train_command
    from autoenc.report.page import NO_PLOTS, write_report
    from autoenc.report.pareto import write_pareto_plot
    from autoenc.report.tables import (
        comparison_document,
        comparison_table,
        write_comparison_csv,
        write_comparison_json,
    )
    from autoenc.store import open_store
    from autoenc.text import shown

    out = Path(options.out) if options.out else None
    if out is not None:
        reading = [options.images, options.queries]
        files = ["report.html", "compare.json", "compare.csv", "pareto.png"]
        check_folder(out, files, overwrite=options.overwrite, reading=reading)
    if options.vectors:
        options.when_stopped = "No report was written; the vectors that were computed are kept."
    metadata: FieldSource | None = metadata_of(options)
    place = STORE if options.store is None else shlex.join([options.store, "--collection", options.collection])
    model = options.model
    if options.store:  # before the long work, and open only for a moment: others may search it meanwhile
        with open_store(options.store, options.collection, wait=options.wait) as store:
            held = store.info.vectors
            model = model or next((held[name].origin for name in ("learned", "handcrafted") if name in held), None)
            if metadata is None and options.fusion and (options.boost or store.info.fields.keys() - FILTERABLE.keys()):
                metadata = stored_fields(store)
    comparison = compare(
        options.images,
        queries=options.queries,
        model=model,
        encoders=options.encoders,
        weights=weights_of(options),
        labels=options.labels,
        label_column=options.label_column,
        max_queries=options.max_queries,
        seed=options.seed,
        fusion=options.fusion,
        metadata=metadata,
        boost=options.boost,
        vectors=options.vectors,
        progress=not options.quiet,
    )
    if out is not None:
        write_report(comparison, out, place=place, told=as_flags, overwrite=options.overwrite)  # makes the folder
        write_comparison_json(comparison, out / "compare.json", place=place, overwrite=options.overwrite)
        write_comparison_csv(comparison, out / "compare.csv", overwrite=options.overwrite)
        if can_plot():
            write_pareto_plot(comparison, out / "pareto.png", overwrite=options.overwrite)
        else:
            say(NO_PLOTS)
    list_skipped(comparison.skipped)
    if options.json:
        print_json(comparison_document(comparison, place))
    else:
        put(comparison_table(comparison))
        if sentences := advice(comparison):
            put(f"\n{as_flags(sentences)}")
        for command in filter(None, [train_command(comparison), search_command(comparison, place)]):
            put(f"\n  {command}")
        if out is not None:
            put(f"\nReport: {shown(out / 'report.html')}")
    if options.store:
        with open_store(options.store, options.collection, wait=options.wait) as store:
            say(remember_comparison(store, comparison))
    return 0
