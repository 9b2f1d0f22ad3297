"""The labels of a training: from folders, a table, a mapping or a list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoenc.errors import ArgumentError, LabelsError
from autoenc.images.finding import gather
from autoenc.training.classes import classes_of, find_labels, key_of


def found(folder: Path, labels: Any, column: str | None = None) -> list[str | None]:
    return find_labels(labels, column, folder, gather(folder))


def test_folders_name_the_classes(picture_folder: Path) -> None:
    assert found(picture_folder, "folders") == ["blue"] * 4 + ["green"] * 4 + ["red"] * 4


def test_files_of_a_list_have_the_names_of_their_folders(picture_folder: Path) -> None:
    files = [picture_folder / "red" / "1.png", picture_folder / "blue" / "0.png"]
    assert find_labels("folders", None, files, gather(files)) == ["red", "blue"]


def test_a_table_names_the_classes(picture_folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("path,label,kind\nred/1.png,warm,a\nblue/0.png,cold,b\n")
    assert found(picture_folder, table) == ["cold"] + [None] * 8 + ["warm"] + [None] * 2
    assert found(picture_folder, str(table), "kind")[0] == "b"


def test_a_column_is_one_of_a_table(picture_folder: Path) -> None:
    for labels in ("folders", {"0.png": "x"}, ["x"]):
        with pytest.raises(ArgumentError, match="label_column= is a column of a table"):
            found(picture_folder, labels, "kind")


def test_a_mapping_names_images_as_a_table_does(picture_folder: Path) -> None:
    labels = {picture_folder / "red" / "1.png": "warm", "blue/0.png": 7, "green/2.png": None, "green/3.png": ""}
    assert found(picture_folder, labels) == ["7"] + [None] * 8 + ["warm"] + [None] * 2


@pytest.mark.parametrize("name", ["./red/1.png", "red\\1.png"])
def test_a_name_is_read_alike_in_a_mapping_and_in_a_table(picture_folder: Path, tmp_path: Path, name: str) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(f"path,label\n{name},warm\n")
    assert found(picture_folder, {name: "warm"}) == found(picture_folder, table) == [None] * 9 + ["warm"] + [None] * 2


def test_a_list_goes_with_pictures_in_memory() -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    assert find_labels(["a", None, 5], None, images, gather(images)) == ["a", None, "5"]


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ({"other.png": "x"}, LabelsError, "labels= has no label for any of the 12 images"),
        ({"0.png": 1.5}, ArgumentError, r"strings, whole numbers and None as labels; got 1\.5"),
        ({1: "x"}, ArgumentError, "labels= maps images' paths or names to labels; got 1"),
        (["x"] * 12, ArgumentError, "needs a list of pictures in the same order; got a folder"),
        ("absent.csv", LabelsError, "absent.csv"),
    ],
)
def test_labels_that_do_not_go_with_the_images(
    picture_folder: Path, labels: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        found(picture_folder, labels)


def test_pictures_in_memory_lie_in_no_folder() -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    with pytest.raises(LabelsError, match="no label for any of the 3 images"):
        find_labels("folders", None, images, gather(images))


def test_classes_are_those_of_the_images_trained_on() -> None:
    labels = ["shoe", None, "mug", "shoe", "hat", "mug"]
    classes = classes_of(labels, np.array([0, 1, 2, 3]))
    assert classes.names == ["mug", "shoe"]
    assert classes.codes.tolist() == [1, -1, 0, 1, -1, 0]
    assert classes.images == [1, 2]
    assert (classes.single, classes.left_out, classes.unlabeled) == (["mug"], ["hat"], 1)
    assert classes.to_dict() == {"classes": ["mug", "shoe"], "images": [1, 2], "unlabeled": 1, "left_out": ["hat"]}


@pytest.mark.parametrize(("labels", "what"), [(["a", "a", "b"], "'a' alone"), ([None, None, "b"], "none")])
def test_one_class_is_none_to_learn_from(labels: list[str | None], what: str) -> None:
    with pytest.raises(LabelsError, match=f"two classes or more among the 2 images that are trained on; found {what}"):
        classes_of(labels, np.array([0, 1]))


def test_other_labels_have_another_key() -> None:
    assert key_of(["a", None]) == key_of(["a", None])
    assert len({key_of(["a", None]), key_of([None, "a"]), key_of(["a", "a"]), key_of(["b", None])}) == 4
