"""What several encoders find for the same queries, which are drawn at random, as one picture.

python scripts/draw_neighbors.py GALLERY --queries DIR [--model NAME=MODEL …] [--encoders edges …] --out FILE.jpg

Each query is a block with one row per encoder, nearest first. A frame is green where the folder is the query's. Each
trained model has a name of its own, so that several can stand side by side.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from autoenc import Comparison, compare, create_encoder
from autoenc.encoders.learned import LearnedEncoder
from autoenc.images.files import load_thumbnail
from autoenc.report.sheets import elide, font

TILE, GAP, NAMES = 64, 6, 110
RIGHT, WRONG, NEITHER = (30, 132, 73), (192, 57, 43), (34, 40, 49)


def named_model(text: str) -> LearnedEncoder:
    name, _, model = text.rpartition("=")
    encoder = LearnedEncoder(model)
    encoder.name = name or "learned"
    return encoder


def tile(path: Path, frame: tuple[int, int, int]) -> Image.Image:
    return ImageOps.expand(Image.fromarray(load_thumbnail(path, TILE)), 3, frame)


def draw(comparison: Comparison, columns: int, shown: int) -> Image.Image:
    """One block per query, `columns` blocks side by side, each with `shown` neighbors per encoder."""
    side = TILE + 6
    rows = len(comparison.encoders)
    width, height = NAMES + (shown + 1) * (side + GAP) + 3 * GAP, rows * (side + GAP) + 4 * GAP
    lines = -(-len(comparison.queries) // columns)
    sheet = Image.new("RGB", (columns * width, lines * height), "white")
    pen = ImageDraw.Draw(sheet)
    for number, path in enumerate(comparison.queries):
        left, top = number % columns * width + 2 * GAP, number // columns * height + 2 * GAP
        sheet.paste(tile(path, NEITHER), (left, top))
        label = comparison.query_labels[number]
        pen.text((left, top + side + 4), elide(label or "", font(12), side), NEITHER, font(12))
        for row, (name, scores) in enumerate(comparison.encoders.items()):
            y = top + row * (side + GAP)
            pen.text((left + side + GAP, y + side / 2), elide(name, font(12), NAMES - GAP), NEITHER, font(12), "lm")
            for column, index in enumerate(scores.top[number, :shown]):
                frame = RIGHT if comparison.gallery_labels[index] == label else WRONG
                picture = tile(comparison.gallery[index], NEITHER if label is None else frame)
                sheet.paste(picture, (left + side + NAMES + column * (side + GAP), y))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gallery", type=Path, help="folder of images to search")
    parser.add_argument("--queries", type=Path, required=True, help="folder to draw the queries from")
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME=MODEL",
        help="a trained model and a name for it; may be repeated",
    )
    parser.add_argument(
        "--encoders", nargs="*", default=["edges"], help="handcrafted encoders to show as well (default: edges)"
    )
    parser.add_argument("--count", type=int, default=20, help="queries (default: 20)")
    parser.add_argument("--columns", type=int, default=2, help="blocks side by side (default: 2)")
    parser.add_argument("--shown", type=int, default=6, help="neighbors per row, 10 at most (default: 6)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    options = parser.parse_args()
    encoders = [*map(named_model, options.model), *map(create_encoder, options.encoders)]
    found = compare(
        options.gallery, queries=options.queries, encoders=encoders, max_queries=options.count, seed=options.seed
    )
    draw(found, options.columns, options.shown).save(options.out, quality=65, optimize=True)


if __name__ == "__main__":
    main()
