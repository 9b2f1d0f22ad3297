"""Contact sheets: a query on the left, and its neighbors beside it, nearest first."""

from __future__ import annotations

import importlib.util
import os
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from autoenc.catalog.answers import Neighbor
from autoenc.catalog.queries import several
from autoenc.errors import ArgumentError, ImageError
from autoenc.images.decoding import Picture
from autoenc.images.files import load_thumbnail
from autoenc.images.limits import MAX_PIXELS
from autoenc.text import counted, printable, shown

RGB = tuple[int, int, int]

MAX_NEIGHBORS = 2000
"""On one sheet. Its pixels are limited as well, to MAX_PIXELS: a larger picture is one that autoenc refuses to read."""

QUERY: RGB = (34, 40, 49)
PAPER: RGB = (255, 255, 255)
_INK: RGB = (34, 40, 49)
_FAINT: RGB = (106, 114, 126)
_EDGE: RGB = (222, 225, 230)
_BLANK: RGB = (240, 241, 244)
_WRONG: RGB = (190, 30, 45)


@dataclass(frozen=True)
class Tile:
    """One picture on a sheet.

    Attributes:
        picture: a path, the bytes of an image file, an array or a PIL image, or a function that returns one when it is
            drawn.
        caption: the line below it, such as a score.
        note: the second line, fainter, such as its name.
        wrong: whether it gets a red frame and a red note.
    """

    picture: Picture | Callable[[], Picture]
    caption: str = ""
    note: str = ""
    wrong: bool = False


@dataclass(frozen=True)
class Layout:
    """The positions on a sheet, in pixels.

    Attributes:
        tile: side of a picture.
        title: height of the title.
        frame: width of the border around the query.
        gap: distance between two pictures, borders included.
        margin: on all four sides of the sheet.
        heads: height of the line above a picture.
        text: height of the two lines below it.
        across: neighbors per row.
        grid: whether there is no query: the pictures are numbered from 0, and the first stands at its place.
    """

    tile: int
    title: int
    frame: int = 4
    gap: int = 18
    margin: int = 20
    heads: int = 22
    text: int = 40
    across: int = 10
    grid: bool = False

    def place(self, number: int) -> tuple[int, int]:
        """The top left corner of a picture: 0 is the query, which is followed by two gaps, 1 the nearest neighbor."""
        row, column = divmod(number if self.grid else number - 1, self.across) if number or self.grid else (0, -1)
        beside = 0 if self.grid else self.tile + self.gap + (self.gap if number else 0)
        x = self.margin + self.frame + column * (self.tile + self.gap) + beside
        return x, self.margin + self.title + self.heads + self.frame + row * (
            self.heads + self.tile + self.text + self.gap
        )

    def query_place(self, number: int) -> tuple[int, int]:
        """The top left corner of an image of the query, from 0; they stand one below the other."""
        x, y = self.place(0)
        return x, y + number * (self.heads + self.tile + self.text + self.gap)

    def size(self, count: int, queries: int = 1) -> tuple[int, int]:
        """(width, height) of a sheet of `count` pictures, of the query only the first included."""
        x, _ = self.place(min(count - 1, self.across - 1 if self.grid else self.across))
        y = max(self.place(count - 1)[1], self.query_place(queries - 1)[1])
        return x + self.tile + self.frame + self.margin, y + self.tile + self.text + self.margin


def query_sheet(
    query: Picture | Neighbor | Tile | Sequence[Picture | Neighbor | Tile],
    neighbors: Iterable[Neighbor],
    *,
    using: str = "",
    also: Sequence[str] = (),
    tile: int = 128,
) -> Image.Image:
    """Draw the sheet of one search: the query and its neighbors, with their scores and names.

    Args:
        query: the query: a path, the bytes of an image file, an array or a PIL image; or a stored image, as
            `Searcher.stored` returns it; or a tile; or a list of these, which stand one below the other.
        neighbors: what the search returned.
        using: name of the encoder, for the title.
        also: what else the search went by, for the title, such as "boost brand=0.5".
        tile: side of a picture, in pixels.

    Returns:
        An RGB image.

    Raises:
        ArgumentError: as `contact_sheet`.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     neighbors = autoenc.search(store, "some.jpg", using="edges", k=3)
        >>> sheet = query_sheet("some.jpg", neighbors, using="edges")
        >>> sheet.width, sheet.height
        (632, 268)
    """
    by = "; ".join(filter(None, [using, *also]))
    found = [tile_of(near, f"{near.score:.3f}") for near in neighbors]
    asked = [each if isinstance(each, Tile) else tile_of(each) for each in several(query)]
    return contact_sheet(asked, found, tile=tile, title=f"Nearest by {by}" if by else "")


def tile_of(image: Picture | Neighbor, caption: str = "query") -> Tile:
    """The tile of a picture, or of a stored image; a stored file that is not the one that was indexed is not shown."""
    if not isinstance(image, Neighbor):
        return Tile(image, caption, name_of(image))
    if image.path is None:
        return Tile(image.read, caption, image.id)
    return Tile(partial(_read, image, f"{shown(image.path)}: "), caption, name_of(image.path))


def _read(image: Neighbor, name: str) -> bytes:
    """The bytes of a stored image; the tile has its name already, so the reason does without it."""
    try:
        return image.read()
    except ImageError as error:
        raise type(error)(str(error).removeprefix(name)) from error


def text_tile(text: str, tile: int = 128) -> Tile:
    """The tile of a query without images: its words in place of a picture."""
    picture = Image.new("RGB", (tile, tile), _BLANK)
    lines = textwrap.wrap(printable(text), 16)[:6]
    ImageDraw.Draw(picture).multiline_text(
        (tile / 2, tile / 2), "\n".join(lines), _INK, font(13), anchor="mm", align="center"
    )
    return Tile(picture, "query")


def plan(*, tile: int = 128, title: str = "") -> Layout:
    """The layout that `contact_sheet` uses for the same arguments."""
    return Layout(tile, title=34 if title else 0)


def contact_sheet(
    query: Tile | Sequence[Tile], neighbors: Sequence[Tile], *, tile: int = 128, title: str = "", head: str = "query"
) -> Image.Image:
    """Draw a sheet.

    Args:
        query: the query; of several images, one tile each.
        neighbors: what was found, nearest first; MAX_NEIGHBORS at most.
        tile: side of a picture, in pixels.
        title: drawn above the pictures.
        head: drawn above the query.

    Returns:
        An RGB image. A picture that cannot be read is a gray tile that says why.

    Raises:
        ArgumentError: tiles below 32 pixels, too many neighbors, or a sheet of more than MAX_PIXELS pixels.
    """
    layout, queries = plan(tile=tile, title=title), [query] if isinstance(query, Tile) else query
    _check_size(layout, len(neighbors), len(queries))
    sheet, draw = _paper(layout.size(1 + len(neighbors), len(queries)), layout, title)
    asked = [(item, layout.query_place(row), "" if row else head) for row, item in enumerate(queries)]
    found = [(item, layout.place(rank), str(rank)) for rank, item in enumerate(neighbors, start=1)]
    for number, (item, (x, y), above) in enumerate([*asked, *found]):
        draw.text((x + tile / 2, y - layout.frame - 6), above, _FAINT, font(13), anchor="ms")
        _draw_tile(sheet, draw, item, layout, (x, y), is_query=number < len(asked))
    return sheet


def grid_sheet(tiles: Sequence[Tile], *, title: str = "") -> Image.Image:
    """Draw pictures without a query, ten in a row; arguments and result as for `contact_sheet`."""
    layout = Layout(tile=128, title=34 if title else 0, heads=0, grid=True)
    _check_size(layout, len(tiles) - 1)
    sheet, draw = _paper(layout.size(len(tiles)), layout, title)
    for number, item in enumerate(tiles):
        _draw_tile(sheet, draw, item, layout, layout.place(number), is_query=False)
    return sheet


def _paper(size: tuple[int, int], layout: Layout, title: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A sheet of that size, with its title."""
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        room = sheet.width - 2 * layout.margin
        draw.text((layout.margin, layout.margin), elide(title, font(18, bold=True), room), _INK, font(18, bold=True))
    return sheet, draw


def _check_size(layout: Layout, neighbors: int, queries: int = 1) -> None:
    if layout.tile < 32:
        raise ArgumentError(f"tile= must be 32 pixels or more; got {layout.tile}.")
    if neighbors > MAX_NEIGHBORS:
        raise ArgumentError(
            f"A contact sheet holds {MAX_NEIGHBORS:,} neighbors at most; got {neighbors:,}. Ask for fewer with k=."
        )
    width, height = layout.size(1 + neighbors, queries)
    if width * height > MAX_PIXELS:
        raise ArgumentError(
            f"A contact sheet of {counted(neighbors, 'neighbor')} with tiles of {layout.tile} pixels has {width:,} x "
            f"{height:,} pixels; the limit is {MAX_PIXELS:,} in all. Ask for fewer neighbors with k=, or for smaller "
            "tiles with tile=."
        )


def _draw_tile(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, item: Tile, layout: Layout, place: tuple[int, int], is_query: bool
) -> None:
    x, y = place
    size, frame = layout.tile, layout.frame
    width = frame if is_query or item.wrong else 1
    edge = QUERY if is_query else _WRONG if item.wrong else _EDGE
    draw.rectangle((x - width, y - width, x + size + width - 1, y + size + width - 1), fill=edge)
    try:
        picture = item.picture() if callable(item.picture) else item.picture
        sheet.paste(Image.fromarray(load_thumbnail(picture, size)), (x, y))
    except ImageError as error:
        draw.rectangle((x, y, x + size - 1, y + size - 1), fill=_BLANK)
        lines = textwrap.wrap(printable(str(error)), max(8, size // 8))[: size // 18]
        center = (x + size / 2, y + size / 2)
        draw.multiline_text(center, "\n".join(lines), _FAINT, font(12), anchor="mm", align="center")
    captions = ((item.caption, font(14), _INK), (item.note, font(12), _WRONG if item.wrong else _FAINT))
    for line, (text, face, ink) in enumerate(captions):
        draw.text((x, y + size + frame + 4 + line * 18), elide(text, face, size), ink, face)


@lru_cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans, which covers many scripts, from Matplotlib or the system; without it, Pillow's own font."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    spec = importlib.util.find_spec("matplotlib")  # finds it without importing it, which takes half a second
    folders = (spec.submodule_search_locations or ()) if spec else ()
    for path in (*(str(Path(folder, "mpl-data", "fonts", "ttf", name)) for folder in folders), name):
        try:
            return ImageFont.truetype(path, size)  # a bare name is looked for where the system keeps its fonts
        except OSError:
            continue
    return ImageFont.load_default(size)


def elide(text: str, face: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    """The text; if it is wider than `width` pixels, its middle is replaced by "…"."""
    text = printable(text)
    if face.getlength(text) <= width:
        return text
    keep = min(len(text) - 1, 200)
    while keep > 0:
        head, tail = (keep + 1) // 2, keep // 2
        short = text[:head] + "…" + text[len(text) - tail :]
        if face.getlength(short) <= width:
            return short
        keep -= 1
    return "…"


def name_of(picture: Picture) -> str:
    """folder/name of a file, because the folder is often the category; "" for a picture in memory."""
    if not isinstance(picture, (str, os.PathLike)):
        return ""
    return "/".join(shown(picture).replace(os.sep, "/").split("/")[-2:])
