"""The gallery and the queries: found, labeled, read, and matched with each other."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoenc.comparison.sides import Side, codes, find_side, positions, sample
from autoenc.errors import ArgumentError, LabelsError, NoImagesError
from autoenc.images.finding import NamedPicture
from autoenc.progress import silent
from autoenc.tables.labels import LabelTable


def picture(number: int) -> np.ndarray:
    return np.full((8, 8, 3), number, np.uint8)


def side(labels: list[str | None]) -> Side:
    return Side([NamedPicture(str(number), picture(number)) for number in range(len(labels))], labels)


# ---- find -------------------------------------------------------------------------------------------


def test_a_folder_is_labeled_by_its_folders(picture_folder: Path) -> None:
    found = find_side(picture_folder, None, "labels=")
    assert found.labels == [path.parent.name for path in found.pictures]  # type: ignore[union-attr]
    assert set(found.labels) == {"red", "green", "blue"}
    assert found.ignored == 1  # the text file


def test_a_list_of_files_is_labeled_by_their_folders_even_if_it_is_one(picture_folder: Path) -> None:
    assert find_side([picture_folder / "red" / "0.png"], None, "labels=").labels == ["red"]
    assert find_side(picture_folder / "red", None, "labels=").labels == [None] * 4  # the folder that was searched


def test_a_list_of_labels_goes_with_a_list_of_pictures() -> None:
    assert find_side([picture(1), picture(2)], ["a", None], "labels=").labels == ["a", None]
    assert find_side([picture(1), picture(2)], ["", np.int64(3)], "labels=").labels == [None, "3"]  # type: ignore[list-item]


def test_a_file_whose_name_is_not_text_takes_its_label_with_it(tmp_path: Path) -> None:
    files = [tmp_path / "1.jpg", Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg")), tmp_path / "2.jpg"]
    found = find_side(files, ["a", "lost", "b"], "labels=")
    assert found.pictures == [files[0], files[2]]
    assert found.labels == ["a", "b"]
    assert [file.path for file in found.skipped] == [files[1]]


def test_a_table_labels_files_and_not_pictures_in_memory(picture_folder: Path) -> None:
    table = LabelTable(Path("labels.csv"), {"red/0.png": "x", "3": "y"}, 0)
    files = [picture_folder / "red" / "0.png", picture_folder / "red" / "1.png", picture_folder / "green" / "3.png"]
    assert find_side(files, table, "labels=").labels == ["x", None, "y"]
    with pytest.raises(LabelsError, match="No row"):
        find_side(files[1:2], table, "labels=")
    with pytest.raises(ArgumentError, match="query_labels="):
        find_side([picture(3)], table, "query_labels=")


# ---- read -------------------------------------------------------------------------------------------


def test_reading_keeps_what_can_be_read_and_tells_how_far_it_is() -> None:
    given = find_side([picture(1), b"broken", Image.fromarray(picture(3))], ["a", "b", "c"], "labels=")
    told: list[tuple[str, int, int, str]] = []
    read, pixels = given.read(4, least=2, stage="reading", tell=lambda *call: told.append(call))
    assert pixels[:, 0, 0, 0].tolist() == [1, 3]
    assert pixels.shape == (2, 4, 4, 3)
    assert (read.labels, [file.path.name for file in read.skipped]) == (["a", "c"], ["1"])
    assert told[-1] == ("reading", 3, 3, "")
    with pytest.raises(
        NoImagesError, match=r"needs 3 images or more; 2 of 3 could be read\. The first .*1: Not an image"
    ):
        given.read(4, least=3, stage="reading", tell=silent)


# ---- sample, positions, codes -----------------------------------------------------------------------


def test_a_sample_is_drawn_without_replacement_in_rising_order() -> None:
    drawn = sample(100, 30, seed=5).tolist()
    assert drawn == sorted(set(drawn))
    assert len(drawn) == 30
    assert drawn == sample(100, 30, seed=5).tolist() != sample(100, 30, seed=6).tolist()
    for limit in (None, 4, 9):
        assert sample(4, limit, seed=0).tolist() == [0, 1, 2, 3]


def test_a_picture_lies_where_its_file_or_its_contents_lie(picture_folder: Path, tmp_path: Path) -> None:
    gallery = find_side(picture_folder, None, "labels=")
    link = tmp_path / "link.png"
    link.symlink_to(gallery.pictures[5])  # type: ignore[arg-type]
    copy = tmp_path / "copy.png"
    copy.write_bytes(gallery.pictures[5].read_bytes())  # type: ignore[union-attr]
    assert positions(find_side([link, copy], None, "labels="), gallery).tolist() == [5, -1]
    numbers = side(["a", "b", "c"])
    assert positions(find_side([picture(2), picture(7), picture(0)], None, "labels="), numbers).tolist() == [2, -1, 0]
    assert positions(numbers, gallery).tolist() == [-1, -1, -1]


def test_a_label_has_one_code_on_both_sides() -> None:
    gallery, queries = codes(side(["shoe", None, "hat"]), side(["watch", "shoe", None]))
    assert (gallery.tolist(), queries.tolist()) == ([1, -1, 0], [2, 1, -1])
