"""`autoenc embed`: the vectors of a folder of images, as a file."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_common, add_overwrite, add_weights, list_skipped, names, print_json, put, weights_of


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "embed",
        help="write the vectors of a folder of images to a file",
        description="Encode every image below a folder, and write the vectors to a file that other programs read, and "
        "`autoenc index --from`. The file appears when it is complete.",
    )
    parser.add_argument("images", metavar="IMAGES", help="folder of images, searched recursively")
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help=".parquet (lists of float32), .npz (arrays), .jsonl (lists) or .csv (JSON lists); a row for each image",
    )
    parser.add_argument(
        "--encoders", type=names, metavar="A,B,…", help="the encoders, each a column (default: learned)"
    )
    parser.add_argument(
        "--model", metavar="MODEL", help="of `learned` and `handcrafted`: a folder, or clothing-32-2, which comes along"
    )
    add_weights(parser)
    parser.add_argument(
        "--labels", choices=("folders",), help="add the name of the folder that holds each image (column `label`)"
    )
    add_overwrite(parser, "an --out file that autoenc did not write")
    add_common(
        parser,
        json_keys="file, images, encoders{name: dim}, labeled, skipped[{path, reason}], ignored, seconds, "
        "images_per_second",
    )
    parser.set_defaults(run=run, when_stopped="Nothing was written.")


def run(options: argparse.Namespace) -> int:
    from autoenc.catalog.embedding import embed_images
    from autoenc.text import counted, shown

    report = embed_images(
        options.images,
        options.out,
        encoders=options.encoders,
        model=options.model,
        weights=weights_of(options),
        labels=options.labels,
        overwrite=options.overwrite,
        progress=not options.quiet,
    )
    list_skipped(report.skipped)
    if options.json:
        print_json(report.to_dict())
        return 0
    dims = ", ".join(f"{name} ({dim})" for name, dim in report.encoders.items())
    labeled = "" if report.labeled is None else f", {report.labeled:,} with a label"
    put(
        f"{shown(report.file)}: {counted(report.images, 'image')}{labeled}, by {dims}; {len(report.skipped):,} "
        f"skipped, {report.ignored:,} ignored, in {report.seconds:.1f} s ({report.images_per_second:.0f} images/s)"
    )
    return 0
