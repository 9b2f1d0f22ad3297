"""Duplicates to look at: a sheet of the groups, and a plot of the likenesses with the threshold."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from autoenc.catalog.copies import Copy, Duplicates
from autoenc.errors import ImageDecodeError
from autoenc.images.decoding import Picture
from autoenc.report.sheets import PAPER, QUERY, Tile, contact_sheet, elide, font, name_of
from autoenc.text import counted

MOST_GROUPS = 60
"""On one sheet, so that it fits any format."""

MOST_COPIES = 9
"""Of a group on a sheet, in one row beside the best image."""

_TILE = 128
_HEADER = 44
_LEAST_WIDTH = 900


def duplicates_sheet(found: Duplicates) -> Image.Image:
    """Draw the groups below one another: the best image of each, and its copies with their likeness.

    Returns:
        An RGB image of the 60 largest groups, with nine copies each; the titles say what is left out.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     sheet = duplicates_sheet(autoenc.find_duplicates(store, threshold=0.9))
        >>> sheet.width, sheet.height
        (900, 44)
    """
    strips = [_strip(number, group) for number, group in enumerate(found.groups[:MOST_GROUPS], start=1)]
    width = max(_LEAST_WIDTH, *(strip.width for strip in strips), 0)
    sheet = Image.new("RGB", (width, _HEADER + sum(strip.height for strip in strips)), PAPER)
    more = f"; the {MOST_GROUPS} largest groups" if len(found.groups) > MOST_GROUPS else ""
    title = elide(f"{found.told()}{more}", font(14), width - 40)
    ImageDraw.Draw(sheet).text((20, 16), title, QUERY, font(14))
    top = _HEADER
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    return sheet


def _strip(number: int, group: tuple[Copy, ...]) -> Image.Image:
    best, *copies = group
    more = f", {MOST_COPIES} copies of them shown" if len(copies) > MOST_COPIES else ""
    tiles = [_tile(copy, "exact" if copy.exact else f"{copy.likeness:.3f}") for copy in copies[:MOST_COPIES]]
    title = f"Group {number}: {counted(len(group), 'image')}{more}"
    return contact_sheet(_tile(best, _size(best)), tiles, tile=_TILE, title=title, head="best")


def _tile(copy: Copy, caption: str) -> Tile:
    if copy.path is None:
        return Tile(_no_file, caption, copy.id)
    return Tile(copy.path, caption if caption == _size(copy) else f"{caption}  {_size(copy)}", name_of(copy.path))


def _no_file() -> Picture:
    raise ImageDecodeError("It was indexed from memory.")


def _size(copy: Copy) -> str:
    return f"{copy.width}x{copy.height}"


def likeness_plot(found: Duplicates) -> bytes:
    r"""A histogram of the likenesses of all pairs that were compared, with the threshold, as the bytes of a PNG file.

    Counts are drawn on a logarithmic scale: most pairs are no copies.

    Raises:
        MissingDependencyError: Matplotlib is not installed.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     likeness_plot(autoenc.find_duplicates(store))[:4]
        b'\x89PNG'
    """
    from autoenc.figures import BLUE, FAINT, GRAY, GRID, INK, figure, png

    canvas, (axes,) = figure(8, 3.6)
    edges = np.linspace(0, 1, 101)
    counts, _ = np.histogram(found.likenesses, edges)
    middles = edges[:-1] + 0.005
    axes.bar(middles, counts, 0.008, color=[BLUE if middle >= found.threshold else GRAY for middle in middles])
    if found.likenesses:
        axes.set_yscale("log")
    axes.set_ylim(0.7, max(10, 2 * int(counts.max())))
    axes.set_xlim(min(0.5, *found.likenesses, found.threshold - 0.1), 1.005)
    axes.axvline(found.threshold, color=INK, linewidth=1.3)
    how = "suggested by the data" if found.suggested else "fixed"
    axes.set_title(
        f"{counted(len(found.likenesses), 'pair')} compared; copies from {found.threshold:.2f} on ({how})",
        loc="left", fontsize=10, color=INK, fontweight="bold",
    )  # fmt: skip
    axes.set_xlabel("likeness of a pair", color=FAINT, fontsize=9)
    axes.set_ylabel("pairs (log scale)", color=FAINT, fontsize=9)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    return png(canvas)
