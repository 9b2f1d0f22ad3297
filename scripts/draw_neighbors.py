"""What several encoders find for the same queries, which are drawn at random, as one picture.

python scripts/draw_neighbors.py --set GALLERY QUERIES MODEL [--set …] [--encoders edges color] --out FILE.jpg

Each set is a folder of images to search, a folder to draw queries from, and a trained model; the sets are drawn one
below the other. Each query is a block with one row per encoder, nearest first. A frame is green where the folder is the
query's.
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


def stacked(sheets: list[Image.Image]) -> Image.Image:
    whole = Image.new("RGB", (max(sheet.width for sheet in sheets), sum(sheet.height for sheet in sheets)), "white")
    top = 0
    for sheet in sheets:
        whole.paste(sheet, (0, top))
        top += sheet.height
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs=3, action="append", required=True, metavar=("GALLERY", "QUERIES", "MODEL"))
    parser.add_argument(
        "--encoders",
        nargs="*",
        default=["edges", "color"],
        help="handcrafted encoders to show as well (default: edges color)",
    )
    parser.add_argument("--count", type=int, default=6, help="queries of each set (default: 6)")
    parser.add_argument("--columns", type=int, default=3, help="blocks side by side (default: 3)")
    parser.add_argument("--shown", type=int, default=5, help="neighbors per row, 10 at most (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    options = parser.parse_args()
    sheets = []
    for gallery, queries, model in options.set:
        encoders = [LearnedEncoder(model), *map(create_encoder, options.encoders)]
        found = compare(
            gallery, queries=queries, encoders=encoders, max_queries=options.count, seed=options.seed, fusion=False
        )
        for name, scores in found.encoders.items():
            print(f"{queries}: {name}: P@5 {scores.figures['p@5'].mean:.2f} of these queries")
        sheets.append(draw(found, options.columns, options.shown))
    stacked(sheets).save(options.out, quality=65, optimize=True)


if __name__ == "__main__":
    main()
