"""`autoenc compare`: every encoder on the user's own images, with numbers and pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from autoenc.cli.common import add_common, list_skipped, names, print_json
from autoenc.quiet import native_stderr_silenced


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "compare",
        help="compare learned and handcrafted encoders on your own images",
        description="Search a folder with every encoder and measure which finds what belongs together. Labels are "
        "the names of the parent folders or a column of a CSV file; without labels, altered copies are searched for.",
    )
    parser.add_argument("images", metavar="IMAGES", help="folder to search among")
    parser.add_argument("--queries", metavar="DIR", help="folder of queries (default: each image in turn, left out)")
    parser.add_argument("--model", metavar="MODEL", help="trained model for `learned`, or clothing-32")
    parser.add_argument(
        "--encoders",
        type=names,
        metavar="A,B,…",
        help="what to compare, +pcaK for K principal components "
        "(default: learned,color,texture,edges,handcrafted,pixels+pca32,edges+pca32)",
    )
    parser.add_argument("--labels", metavar="FILE.csv", help="table of labels, a row an image")
    parser.add_argument("--label-column", metavar="NAME", help="its column with the label")
    parser.add_argument("--max-queries", type=int, metavar="N", help="draw this many queries")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn (default: 0)")
    parser.add_argument("--out", metavar="DIR", help="write report.html, compare.json and compare.csv here")
    add_common(
        parser,
        json_keys="encoders{name: {dim, p@5, p@10, hit@5, recall@10, map, knn@10, selfrecall@1, ms_per_image, …}}, "
        "differences[{a, b, metric, mean, ci_low, ci_high}]",
    )
    parser.set_defaults(run=run, when_stopped="Nothing was written.")


def run(options: argparse.Namespace) -> int:
    from autoenc.comparison.run import compare
    from autoenc.files import check_makeable
    from autoenc.report.page import write_report
    from autoenc.report.tables import comparison_table, write_comparison_csv, write_comparison_json
    from autoenc.text import shown

    out = Path(options.out) if options.out else None
    if out is not None:
        check_makeable(out)
    with native_stderr_silenced():
        comparison = compare(
            options.images,
            queries=options.queries,
            model=options.model,
            encoders=options.encoders,
            labels=options.labels,
            label_column=options.label_column,
            max_queries=options.max_queries,
            seed=options.seed,
            progress=not options.quiet,
        )
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_comparison_json(comparison, out / "compare.json")
            write_comparison_csv(comparison, out / "compare.csv")
            write_report(comparison, out)
    list_skipped(comparison.skipped)
    if options.json:
        print_json(comparison.to_dict())
    else:
        print(comparison_table(comparison))
        if out is not None:
            print(f"\nReport: {shown(out / 'report.html')}")
    return 0
