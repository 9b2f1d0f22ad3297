"""Contact sheets: a query at the left, its neighbours beside it, nearest first.

One row shows what a search found; several rows with a name each show what several encoders found for one query.
"""

from __future__ import annotations

import importlib.util
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from autoenc.decoding import Picture
from autoenc.errors import ArgumentError, ImageError
from autoenc.images import load_thumbnail, shown
from autoenc.output import printable, write_file

if TYPE_CHECKING:  # the records of a search, not its machinery
    from autoenc.searching import Neighbour

RGB = tuple[int, int, int]

# Right and wrong also differ in lightness and carry a mark, for readers who do not tell green from red.
RIGHT: RGB = (20, 138, 92)
WRONG: RGB = (200, 62, 56)
QUERY: RGB = (34, 40, 49)
PAPER: RGB = (255, 255, 255)
_INK: RGB = (34, 40, 49)
_FAINT: RGB = (106, 114, 126)
_EDGE: RGB = (222, 225, 230)
_BLANK: RGB = (240, 241, 244)


@dataclass(frozen=True)
class Tile:
    """One picture on a sheet.

    Attributes:
        picture: a path, an array or a PIL image.
        caption: the line under it: a score, say. note: the second line, fainter: its name, say.
        right: whether a label says that it belongs to the query; None without labels.
    """

    picture: Picture
    caption: str = ""
    note: str = ""
    right: bool | None = None


@dataclass(frozen=True)
class Row:
    """A query and its neighbours, nearest first; `name` (the encoder's, say) stands at the left."""

    query: Tile
    neighbours: Sequence[Tile]
    name: str = ""


@dataclass(frozen=True)
class Layout:
    """Where things are on a sheet, in pixels.

    Attributes:
        tile: side of a picture. title: height of the title's line. names: width of the names' column.
        frame: width of the border around a picture. gap: between two pictures, borders included.
    """

    tile: int
    title: int
    names: int
    frame: int = 4
    gap: int = 18
    margin: int = 20
    heads: int = 22
    text: int = 40

    def place(self, row: int, column: int) -> tuple[int, int]:
        """Top left corner of a picture; column 0 is the query, which has twice the gap after it."""
        x = self.margin + self.names + self.frame + column * (self.tile + self.gap) + (self.gap if column else 0)
        y = self.margin + self.title + self.heads + self.frame + row * (self.tile + self.text + self.gap)
        return x, y

    def size(self, rows: int, columns: int) -> tuple[int, int]:
        """(width, height) of the sheet; `columns` counts the query's."""
        x, y = self.place(rows - 1, columns - 1)
        return x + self.tile + self.frame + self.margin, y + self.tile + self.text + self.margin


def query_row(
    query: Picture,
    found: Iterable[tuple[Picture, float]],
    *,
    name: str = "",
    right: Sequence[bool | None] | None = None,
) -> Row:
    """The row of a search's results.

    Args:
        query: the picture searched with.
        found: (picture, score), best first.
        name: to stand at the left.
        right: for each result whether its label is the query's.
    """
    found = list(found)
    tiles = [
        Tile(picture, f"{score:.3f}", _name_of(picture), verdict)
        for (picture, score), verdict in zip(found, right or [None] * len(found), strict=True)
    ]
    return Row(Tile(query, "query", _name_of(query)), tiles, name)


def query_sheet(query: Picture, neighbours: Iterable[Neighbour], *, using: str = "", tile: int = 128) -> Image.Image:
    """The sheet of one search: the query and what was found for it, with scores and names.

    Args:
        query: the picture searched with.
        neighbours: what the search returned.
        using: the encoder, for the title.
        tile: side of a picture, in pixels.
    """
    row = query_row(query, [(neighbour.path, neighbour.score) for neighbour in neighbours])
    return contact_sheet([row], tile=tile, title=f"Nearest by {using}" if using else "")


def plan(rows: Sequence[Row], *, tile: int = 128, title: str = "") -> Layout:
    """The layout that `contact_sheet` uses for the same arguments."""
    widest = max((font(15, bold=True).getlength(printable(row.name)) for row in rows if row.name), default=0)
    return Layout(tile, title=34 if title else 0, names=round(min(widest, 2 * tile)) + 18 if widest else 0)


def contact_sheet(rows: Sequence[Row], *, tile: int = 128, title: str = "") -> Image.Image:
    """Draws a sheet.

    Args:
        rows: at least one; they need not have equally many neighbours.
        tile: side of a picture, in pixels.
        title: above everything.

    Returns:
        An RGB image. A picture that cannot be read is a grey tile that says so.

    Raises:
        ArgumentError: no rows, or tiles below 32 pixels.
    """
    if not rows:
        raise ArgumentError("A contact sheet needs at least one row, and got none.")
    if tile < 32:
        raise ArgumentError(f"The tiles of a contact sheet need at least 32 pixels, not {tile}.")
    layout = plan(rows, tile=tile, title=title)
    columns = 1 + max(len(row.neighbours) for row in rows)
    sheet = Image.new("RGB", layout.size(len(rows), columns), PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        room = sheet.width - 2 * layout.margin
        draw.text((layout.margin, layout.margin), elide(title, font(18, bold=True), room), _INK, font(18, bold=True))
    for column in range(columns):
        x, y = layout.place(0, column)
        head = str(column) if column else "query"
        draw.text((x + tile / 2, y - layout.frame - 6), head, _FAINT, font(13), anchor="ms")
    for index, row in enumerate(rows):
        if row.name:
            middle = layout.place(index, 0)[1] + tile / 2
            name = elide(row.name, font(15, bold=True), layout.names - 12)
            draw.text((layout.margin, middle), name, _INK, font(15, bold=True), anchor="lm")
        for column, item in enumerate([row.query, *row.neighbours]):
            _draw_tile(sheet, draw, item, layout, layout.place(index, column), is_query=column == 0)
    return sheet


def _draw_tile(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, item: Tile, layout: Layout, place: tuple[int, int], is_query: bool
) -> None:
    x, y = place
    size, frame = layout.tile, layout.frame
    verdict = {True: RIGHT, False: WRONG, None: _EDGE}[item.right]
    width = frame if is_query or item.right is not None else 1
    draw.rectangle(
        (x - width, y - width, x + size + width - 1, y + size + width - 1), fill=QUERY if is_query else verdict
    )
    try:
        sheet.paste(Image.fromarray(load_thumbnail(item.picture, size)), (x, y))
    except ImageError:
        draw.rectangle((x, y, x + size - 1, y + size - 1), fill=_BLANK)
        draw.multiline_text(
            (x + size / 2, y + size / 2), "not\nreadable", _FAINT, font(13), anchor="mm", align="center"
        )
    mark = {True: "✓ ", False: "✗ ", None: ""}[item.right]
    lines = ((mark + item.caption, font(14), _INK if item.right is None else verdict), (item.note, font(12), _FAINT))
    for line, (text, face, ink) in enumerate(lines):
        draw.text((x, y + size + frame + 4 + line * 18), elide(text, face, size), ink, face)


def write_png(image: Image.Image, path: str | os.PathLike[str]) -> Path:
    """Writes a picture as PNG, whole or not at all; see `autoenc.output.write_file`."""
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return write_file(path, buffer.getvalue())


@lru_cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans out of Matplotlib's folder, for its many scripts; Pillow's own font where it is not there."""
    spec = importlib.util.find_spec("matplotlib")  # finds, and does not import: that would take half a second
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
        if path.is_file():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)


def elide(text: str, face: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    """The text, with its middle replaced by "…" where it is wider than `width` pixels."""
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


def _name_of(picture: Picture) -> str:
    """folder/name of a path, the folder often being the category; nothing for pixels without a name."""
    if not isinstance(picture, (str, os.PathLike)):
        return ""
    return "/".join(shown(picture).replace(os.sep, "/").split("/")[-2:])
