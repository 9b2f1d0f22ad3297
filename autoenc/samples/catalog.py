"""The sample catalog: drawings of watches, T-shirts, bicycles and shoes, for the demo, the docs and the tests.

The pictures stand in for product photos. They have light backgrounds, a soft shadow, and an object whose shape, color,
size, position and tilt vary. Every color is equally frequent in every category, so that no encoder can tell a watch
from a shoe by its color alone.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageFilter

from autoenc.errors import ArgumentError, OutputError
from autoenc.outputs import MARK, carries_mark, write_file
from autoenc.samples.pen import CANVAS, RGB, Pen
from autoenc.samples.shapes import DRAWERS
from autoenc.text import shown
from autoenc.vectors import Vectors

SIZE = 160  # side of a picture, in pixels
CATEGORIES = tuple(DRAWERS)
COLORS: dict[str, RGB] = {
    "black": (44, 44, 50),
    "white": (238, 236, 232),
    "gray": (134, 138, 146),
    "red": (200, 48, 52),
    "orange": (232, 126, 40),
    "yellow": (240, 200, 62),
    "green": (66, 138, 82),
    "teal": (40, 142, 150),
    "blue": (58, 112, 196),
    "purple": (124, 82, 162),
    "pink": (232, 138, 166),
    "brown": (128, 84, 56),
}
# Ranges in euros: invented, and far enough apart that sorting or filtering by price shows something.
_PRICES = {"watch": (60, 400), "t-shirt": (12, 45), "bicycle": (350, 1900), "shoe": (45, 180)}

_BRANDS = ("Alderby", "Brisko", "Corvane", "Dunmira", "Elbano")  # invented
_SEASONS = {
    "short sleeves": "summer",
    "long sleeves": "winter",
    "sneaker": "spring",
    "boot": "winter",
    "heel": "summer",
    "road": "summer",
    "mountain": "summer",
}
_ALL_YEAR = "all year"
_TITLES = {
    "watch": "{style} {color} watch",
    "t-shirt": "{color} T-shirt, {style}",
    "bicycle": "{color} {style} bicycle",
    "shoe": "{color} {style}",
}
_UNTOLD = ("plain", "no extras")  # details that a title leaves out


@dataclass(frozen=True)
class Sample:
    """One picture of the sample catalog, and its attributes.

    Attributes:
        path: the JPEG file.
        title: what a shop would call it: "Red T-shirt, short sleeves, stripes".
        brand: one of five, invented.
        category: one of `CATEGORIES`; also the name of the picture's folder.
        color: the main color of the object, a key of `COLORS`.
        style: its shape, such as "round" for a watch.
        detail: its decoration, such as "stripes" on a T-shirt.
        price: in whole euros, invented.
        season: "summer", "winter", "spring" or "all year", by the style.
    """

    path: Path
    title: str
    brand: str
    category: str
    color: str
    style: str
    detail: str
    price: int
    season: str


def draw_catalog(folder: str | Path, *, per_class: int = 60, seed: int = 0, overwrite: bool = False) -> list[Sample]:
    """Draw the sample catalog into a folder: `<category>/<nnn>.jpg`, 160x160 pixels, and `catalog.csv`.

    Args:
        folder: made if it does not exist. The pictures of an earlier catalog in it are replaced, and no other file.
        per_class: number of pictures per category.
        seed: the same seed always draws the same catalog.
        overwrite: replace other files of these names, too.

    Returns:
        The samples, category by category. `catalog.csv` holds the same, with paths relative to `folder`: a table for
        `index_images(metadata=)`.

    Raises:
        ArgumentError: `per_class` below 1.
        OutputError: the folder cannot be written, or holds other files of these names, and `overwrite` is False.

    Example:
        >>> samples = draw_catalog("catalog", per_class=2)
        >>> len(samples), samples[0].path, samples[0].category
        (8, PosixPath('catalog/watch/000.jpg'), 'watch')
    """
    if per_class < 1:
        raise ArgumentError(f"per_class= must be 1 or more; got {per_class}.")
    folder = Path(folder)
    again = carries_mark(folder / CATEGORIES[0] / "000.jpg")  # the table beside it carries no mark
    try:
        for category in CATEGORIES:
            (folder / category).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The sample catalog cannot be written to {shown(folder)}: {error.strerror or error}."
        ) from error
    samples = [sample for category in CATEGORIES for sample in _drawn(folder, category, per_class, seed, overwrite)]
    table = io.StringIO()
    writer = csv.DictWriter(table, [column.name for column in fields(Sample)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(sample) | {"path": sample.path.relative_to(folder).as_posix()} for sample in samples)
    write_file(folder / "catalog.csv", table.getvalue().encode(), overwrite=overwrite or again)
    return samples


def _drawn(folder: Path, category: str, count: int, seed: int, overwrite: bool) -> Iterator[Sample]:
    """Draw the pictures of one category into its folder."""
    colors = [list(COLORS)[index % len(COLORS)] for index in range(count)]
    Random(f"{seed} {category}").shuffle(colors)
    for index, color in enumerate(colors):
        rng = Random(f"{seed} {category} {index}")
        picture, style, detail = _picture(category, COLORS[color], rng)
        file = io.BytesIO()
        picture.save(file, "jpeg", quality=90, comment=MARK)
        path = write_file(folder / category / f"{index:03d}.jpg", file.getvalue(), overwrite=overwrite)
        yield Sample(
            path=path,
            title=_title(category, color, style, detail),
            brand=Random(f"{seed} {category} {index} brand").choice(_BRANDS),
            category=category,
            color=color,
            style=style,
            detail=detail,
            price=rng.randint(*_PRICES[category]),
            season=_SEASONS.get(style, _ALL_YEAR),
        )


def _title(category: str, color: str, style: str, detail: str) -> str:
    name = _TITLES[category].format(color=color, style=style)
    return name[0].upper() + name[1:] + ("" if detail in _UNTOLD else f", {detail}")


def _picture(category: str, color: RGB, rng: Random) -> tuple[Image.Image, str, str]:
    """(the picture, style, detail): one object on its background."""
    pen = Pen()
    style, detail = DRAWERS[category](pen, rng, color)
    thing = _place(pen.image, rng)
    alpha = thing.getchannel("A")
    picture = _background(rng)
    drop = rng.randint(3, 8)
    shadow = Image.new("L", alpha.size)
    shadow.paste(alpha, (rng.randint(-5, 5), drop))
    shadow = shadow.filter(ImageFilter.GaussianBlur(drop))
    strength = rng.uniform(0.25, 0.5)
    picture.paste((60, 56, 62), mask=shadow.point(lambda value: value * strength))
    picture.paste(thing, mask=alpha)
    light = _slope(rng) * rng.uniform(0.04, 0.16)
    # The light is stronger on the object than on the background, which sets the object off.
    weight = 0.35 + 0.65 * np.asarray(alpha, np.float32) / 255
    grain = np.random.default_rng(rng.getrandbits(64)).normal(0, rng.uniform(1, 3.5), (SIZE, SIZE, 1))
    lit = np.asarray(picture, np.float32) * (1 + light * weight)[..., None] + grain
    return Image.fromarray(lit.clip(0, 255).astype(np.uint8)), style, detail


def _place(image: Image.Image, rng: Random) -> Image.Image:
    """The drawing at the size of the picture: perhaps mirrored, and scaled, tilted a little and moved."""
    scale, tilt = rng.uniform(0.68, 0.97), math.radians(rng.gauss(0, 7))
    mirror = rng.choice((-1, 1))
    room = (1 - scale) * CANVAS / 2 + CANVAS * 0.03
    x, y = rng.uniform(-room, room), rng.uniform(-room, room)
    cos, sin, middle = math.cos(tilt) / scale, math.sin(tilt) / scale, CANVAS / 2
    # Pillow wants the inverse: from a pixel of the result to one of the drawing.
    row_x = (mirror * cos, mirror * sin)
    row_y = (-sin, cos)
    start_x = middle - row_x[0] * (middle + x) - row_x[1] * (middle + y)
    start_y = middle - row_y[0] * (middle + x) - row_y[1] * (middle + y)
    placed = image.transform(
        (CANVAS, CANVAS), Image.Transform.AFFINE, (*row_x, start_x, *row_y, start_y), Image.Resampling.BILINEAR
    )
    return placed.reduce(CANVAS // SIZE)


def _slope(rng: Random) -> Vectors:
    """(SIZE, SIZE) float32 from -1 to 1, rising in a random direction."""
    turn = rng.random() * math.tau
    axis = np.linspace(-1, 1, SIZE, dtype=np.float32)
    across = math.cos(turn) * axis[None, :] + math.sin(turn) * axis[:, None]
    return np.asarray(across / np.abs(across).max(), np.float32)


def _background(rng: Random) -> Image.Image:
    """A light wall with a faint tint: evenly lit, brighter in the middle, or behind a table."""
    base = np.array([rng.uniform(205, 252) for _ in range(3)], np.float32)
    base = base.mean() + (base - base.mean()) * rng.uniform(0.1, 0.8)
    axis = np.linspace(-1, 1, SIZE, dtype=np.float32)
    tone = _slope(rng) * rng.uniform(2, 12)
    kind = rng.choice(("wall", "spot", "table"))
    if kind == "spot":
        tone = tone - (axis[None, :] ** 2 + axis[:, None] ** 2) * rng.uniform(6, 20)
    elif kind == "table":
        edge = rng.uniform(0.2, 0.6)
        tone = tone - rng.uniform(8, 24) / (1 + np.exp((edge - axis[:, None]) * 25))
    return Image.fromarray((base + tone[..., None]).clip(0, 255).astype(np.uint8))
