"""The sheet of what images are taken for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from classifiers import write
from PIL import Image

from autoenc import classify
from autoenc.images.files import load_thumbnail
from autoenc.models.classifying import Classification
from autoenc.report import classified, sheets
from autoenc.report.classified import classification_sheet


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Classification:
    return classify(drawn, write(tmp_path_factory.mktemp("classifier") / "m"), progress=False)


@pytest.fixture
def tiles(monkeypatch: pytest.MonkeyPatch) -> list[sheets.Tile]:
    """The tiles that are drawn."""
    kept: list[sheets.Tile] = []
    draw = sheets.grid_sheet

    def keep(drawn: list[sheets.Tile], **options: str) -> Image.Image:
        kept.extend(drawn)
        return draw(drawn, **options)

    monkeypatch.setattr(classified, "grid_sheet", keep)
    return kept


def test_captions_name_the_class_and_notes_the_file_or_the_folder_that_says_otherwise(
    found: Classification, tiles: list[sheets.Tile]
) -> None:
    """A long file name beside the folder's would leave neither to be read."""
    classification_sheet(found)
    assert len(tiles) == 48
    for image, tile in zip(found.images, tiles, strict=True):
        wrong = image.folder != image.label
        assert tile.wrong == wrong
        assert tile.caption == f"{image.label} {image.probability:.0%}"
        folder = image.path.parent.name
        assert tile.note == (f"true: {folder}" if wrong else f"{folder}/{image.path.name}")


def test_a_wrong_class_has_a_red_frame(found: Classification) -> None:
    wrong = next(image for image in found.images if image.folder != image.label)
    right = dataclasses.replace(wrong, folder=wrong.label)
    sheet = np.asarray(classification_sheet(Classification(found.bundle, [right, wrong], []))).astype(int)
    for picture, red in ((0, False), (1, True)):
        x = 20 + 4 + picture * (128 + 18)
        frame = sheet[58:186, x - 4 : x]  # the four pixels left of the picture
        assert ((frame[..., 0] > frame[..., 1] + 100) & (frame[..., 0] > frame[..., 2] + 100)).all() == red


def test_ten_pictures_stand_in_a_row(found: Classification) -> None:
    sheet = classification_sheet(found)
    # margin 20, frame 4, ten tiles of 128 with gaps of 18, frame, margin; title 34, five rows of tile and text 40
    assert sheet.size == (20 + 4 + 10 * 128 + 9 * 18 + 4 + 20, 20 + 34 + 4 + 5 * 168 + 4 * 18 + 20)
    eleventh = np.asarray(sheet)[20 + 34 + 4 + 186 :, 24:][:128, :128]
    assert np.array_equal(eleventh, load_thumbnail(found.images[10].path, 128))


def test_few_pictures_make_a_narrow_sheet(found: Classification) -> None:
    two = Classification(found.bundle, found.images[:2], [])
    assert classification_sheet(two).width == 20 + 4 + 2 * 128 + 18 + 4 + 20


def test_of_many_the_first_are_drawn(
    found: Classification, tiles: list[sheets.Tile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classified, "MOST_IMAGES", 7)
    classification_sheet(found)
    assert len(tiles) == 7


def test_pictures_in_memory_are_drawn(found: Classification) -> None:
    black = np.zeros((40, 40, 3), np.uint8)
    sheet = classification_sheet(classify([black], found.bundle, progress=False))
    assert not np.asarray(sheet)[58:186, 24:152].any()
