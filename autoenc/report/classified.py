"""What images are taken for, to look at: a sheet of them with their classes."""

from __future__ import annotations

from PIL import Image

from autoenc.images.finding import NamedPicture
from autoenc.models.classifying import Classification, Classified
from autoenc.report.sheets import Tile, grid_sheet, name_of
from autoenc.text import counted

MOST_IMAGES = 400
"""On one sheet."""


def classification_sheet(found: Classification) -> Image.Image:
    """Draw the images with what they are taken for, ten in a row.

    An image in a folder that is called like another class has a red frame, and "true:" with that class below it, in
    place of its name.

    Args:
        found: what `classify` returned; the first 400 images are drawn, and the title says so.

    Returns:
        An RGB image.
    """
    drawn = found.images[:MOST_IMAGES]
    title = counted(len(found.images), "image")
    if len(drawn) < len(found.images):
        title += f", the first {len(drawn)} of them shown"
    if found.accuracy is not None:
        title += f"; {found.accuracy:.1%} of {found.labeled:,} as their folders say"
    return grid_sheet([_tile(image) for image in drawn], title=title)


def _tile(image: Classified) -> Tile:
    caption = f"{image.label} {image.probability:.0%}"
    if isinstance(image.picture, NamedPicture):
        return Tile(image.picture.picture, caption, image.picture.name)
    wrong = image.folder not in (None, image.label)
    return Tile(image.picture, caption, f"true: {image.folder}" if wrong else name_of(image.picture), wrong)
