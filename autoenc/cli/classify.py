"""`autoenc classify`: what class images are of."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_common, add_overwrite, list_skipped, print_json, put


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "classify",
        help="tell what class images are of",
        description="Give each image the classes that a fine-tuned model takes it for, the likeliest first, with their "
        "probabilities. Where images lie in folders called like classes, the accuracy is given too.",
    )
    parser.add_argument(
        "images", metavar="IMAGE|FOLDER", nargs="+", help="images, or one folder that is searched recursively"
    )
    parser.add_argument("--model", required=True, metavar="DIR", help="folder of a model that `autoenc finetune` made")
    parser.add_argument("-k", type=int, default=3, metavar="N", help="classes of an image, at most (default: 3)")
    parser.add_argument("--sheet", metavar="FILE", help="the images with their classes, a .png, .jpg or .webp file")
    add_overwrite(parser, "a --sheet file that autoenc did not write")
    add_common(
        parser,
        json_keys="model, classes[…], results[{path, label, labels[{label, probability}], folder}], labeled, accuracy, "
        "skipped[{path, reason}], ignored",
    )
    parser.set_defaults(run=run, when_stopped="Nothing was written.")


def run(options: argparse.Namespace) -> int:
    from autoenc.models.classifying import classify
    from autoenc.text import counted, shown, table

    told = {"overwrite": options.overwrite, "reading": [*options.images, options.model]}
    if options.sheet:
        from autoenc.report.sheet_files import check_sheet

        check_sheet(options.sheet, **told)
    images = options.images[0] if len(options.images) == 1 else options.images
    found = classify(images, options.model, k=options.k, progress=not options.quiet)
    if options.sheet:
        from autoenc.report.classified import classification_sheet
        from autoenc.report.sheet_files import write_sheet

        write_sheet(classification_sheet(found), options.sheet, **told)
    list_skipped(found.skipped)
    if options.json:
        print_json(found.to_dict())
        return 0
    rows = [
        (image.label, f"{image.probability:.3f}", ", ".join(f"{name} {value:.3f}" for name, value in image.labels[1:]),
         shown(image.path))
        for image in found.images
    ]  # fmt: skip
    put(table(("class", "probability", "next", "path"), rows))
    if found.accuracy is not None and len(found.images) > 1:
        put(f"Accuracy: {found.accuracy:.3f} of {counted(found.labeled, 'image')} in folders called like classes.")
    if options.sheet:
        put(f"Sheet: {shown(options.sheet)}")
    return 0
