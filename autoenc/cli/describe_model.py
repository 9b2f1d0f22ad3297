"""`autoenc describe-model`: make an exported model an encoder."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_overwrite, as_flags, print_json, put, say


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "describe-model",
        help="make an exported embedding model an encoder: write its sidecar",
        description="Write FILE.json beside an exported model, which says what the model takes and returns; then "
        "onnx:FILE or litert:FILE is an encoder. What the model itself says is read from it, and pictures are encoded "
        "as a check. The range of pixels of a model that takes floats has to be said.",
    )
    parser.add_argument("file", metavar="FILE", help="ONNX model (.onnx) or LiteRT model (.tflite)")
    parser.add_argument(
        "--name", metavar="NAME", help="of the encoder, and of its vectors in a store (default: the file's)"
    )
    parser.add_argument("--size", type=int, metavar="PIXELS", help="height and width, where the model leaves them open")
    parser.add_argument(
        "--range",
        type=_numbers,
        metavar="LOW,HIGH",
        help="what the pixels 0 and 255 become, such as 0,1 (negative ones with '=': --range=-1,1)",
    )
    parser.add_argument("--mean", type=_numbers, metavar="A,B,C", help="then subtracted from the three channels")
    parser.add_argument("--std", type=_numbers, metavar="A,B,C", help="what the three channels are then divided by")
    parser.add_argument("--channels", choices=("RGB", "BGR"), help="their order (default: RGB)")
    parser.add_argument("--output", metavar="NAME", help="of the output, where the model has several")
    parser.add_argument(
        "--picture",
        action="append",
        default=[],
        metavar="FILE",
        help="a picture to check; repeat it for more (default: three that are drawn)",
    )
    add_overwrite(parser, "a sidecar that autoenc did not write")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document: encoder, file, sidecar, known, cosine, notes"
    )
    parser.set_defaults(run=run, when_stopped="Nothing was written.")


def _numbers(text: str) -> list[float]:
    """Option type: numbers separated by commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError("expected numbers separated by commas") from None


def run(options: argparse.Namespace) -> int:
    from autoenc.encoders.describing import describe_model
    from autoenc.text import counted, number, shown

    found = describe_model(
        options.file,
        name=options.name,
        size=options.size,
        range=options.range,
        mean=options.mean,
        std=options.std,
        channels=options.channels,
        output=options.output,
        pictures=options.picture,
        overwrite=options.overwrite,
    )
    if options.json:
        print_json(found.to_dict())
    else:
        sidecar = found.sidecar
        put(f"{shown(found.file)}: encoder {sidecar.name}, {counted(sidecar.dim, 'number')} an image")
        rows = {
            "size": f"{sidecar.size}x{sidecar.size}",
            "channels": sidecar.channels,
            "layout": f"{sidecar.layout} {sidecar.dtype}",
            "range": _listed(sidecar.range),
            "output": f"{sidecar.output} {sidecar.output_dtype}",
        }
        if any(sidecar.mean) or sidecar.std != (1, 1, 1):
            rows |= {"mean": _listed(sidecar.mean), "std": _listed(sidecar.std)}
        for key, value in rows.items():
            put(f"  {key:<9}{value}  ({_WORDS[found.known.get(key, 'given')]})")
        if found.cosine is not None:
            put(f"Checked: the two most similar of the pictures have a cosine of {number(found.cosine)}.")
        put(f"Use it as {shown(found.encoder)}")
    for note in found.notes:
        say(as_flags(note))
    return 0


_WORDS = {"read": "read from the model", "given": "as you say", "assumed": "assumed"}


def _listed(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in values)
