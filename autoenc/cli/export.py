"""`autoenc export`: a model's encoder as a file that runs elsewhere."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_common, add_overwrite, list_skipped, print_json, put


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "export",
        help="write a model's encoder as ONNX, LiteRT or SavedModel",
        description="Write the encoder of a trained model as a file that runs without autoenc, and compare it with the "
        "original on real images: a file that is too far from it is not kept.",
    )
    parser.add_argument("model", metavar="MODEL", help="a folder that `autoenc train` wrote, or clothing-32-2")
    parser.add_argument("--format", required=True, choices=("onnx", "litert", "saved_model"), help="what to write")
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="a .onnx or .tflite file; for saved_model a new folder"
    )
    parser.add_argument(
        "--quantize",
        choices=("float16", "int8"),
        help="smaller numbers: float16 halves the size, int8 quarters it and computes with whole numbers",
    )
    parser.add_argument(
        "--images",
        metavar="FOLDER",
        help="images to compare on, such as the model is meant for (default: drawings that come with autoenc)",
    )
    add_overwrite(parser, "a file that autoenc did not write")
    add_common(
        parser,
        json_keys="file, format, quantize, encoder, bytes, original_bytes, cosine, top10, images, "
        "skipped[{path, reason}]",
    )
    parser.set_defaults(run=run, when_stopped="Nothing was written.")


def run(options: argparse.Namespace) -> int:
    from autoenc.export.run import export_model
    from autoenc.text import counted, shown

    report = export_model(
        options.model,
        options.out,
        format=options.format,
        quantize=options.quantize,
        images=options.images,
        overwrite=options.overwrite,
        progress=not options.quiet,
    )
    list_skipped(report.skipped)
    if options.json:
        print_json(report.to_dict())
        return 0
    put(
        f"{shown(report.file)}: {report.bytes / 1e6:.2f} MB (the original has {report.original_bytes / 1e6:.2f} MB); "
        f"on {counted(report.images, 'image')} the least cosine with the original is {report.cosine:.6f}, and "
        f"{report.top10:.1%} of the top 10 are the same"
    )
    if report.encoder is not None:
        put(f"As an encoder: --encoders {shown(report.encoder)}")
    return 0
