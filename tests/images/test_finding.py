"""What pictures a caller means: a folder, files, arrays, PIL images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autoenc.errors import ArgumentError, NoImagesError
from autoenc.images.files import LoadedImage, load_image, load_images
from autoenc.images.finding import Files, SkippedFile, find_images, gather

PICTURE = np.arange(8 * 6 * 3, dtype=np.uint8).reshape(8, 6, 3)


def test_a_folder_is_searched(picture_folder: Path) -> None:
    found = gather(picture_folder)
    assert found.root == picture_folder
    assert found.whole
    assert len(found.items) == 12


def test_a_list_of_files_lies_in_the_folder_that_holds_them_all(picture_folder: Path) -> None:
    files = [picture_folder / "red" / "0.png", str(picture_folder / "blue" / "1.png")]
    found = gather(files)
    assert found.root == picture_folder
    assert found.paths == [picture_folder / "red" / "0.png", picture_folder / "blue" / "1.png"]
    assert not found.whole


def test_a_file_that_is_not_there_is_listed(tmp_path: Path) -> None:
    (loaded,) = load_images(gather([tmp_path / "none.jpg"]).items, 8)
    assert isinstance(loaded, SkippedFile)
    assert loaded.path == tmp_path / "none.jpg"


@pytest.mark.parametrize(
    "images",
    [
        np.stack([PICTURE, PICTURE]),
        [PICTURE, PICTURE],
        [Image.fromarray(PICTURE)] * 2,
        (PICTURE, Image.fromarray(PICTURE)),
    ],
    ids=["array", "arrays", "pil", "both"],
)
def test_pictures_in_memory_are_numbered_or_named(images: Any) -> None:
    assert [path.name for path in gather(images).paths] == ["0", "1"]
    found = gather(images, names=["a/x", "a/y"])
    assert [path.as_posix() for path in found.paths] == ["a/x", "a/y"]
    assert found.root is None
    for loaded in load_images(found.items, 8):
        assert isinstance(loaded, LoadedImage)
        assert (loaded.width, loaded.height, loaded.mtime_ns) == (6, 8, 0)
        assert loaded.pixels.shape == (8, 8, 3)


def test_a_picture_in_memory_is_the_same_wherever_it_comes_from(tmp_path: Path) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "p.png")
    expected = load_image(tmp_path / "p.png", 4)
    digests = set()
    for picture in (PICTURE, Image.fromarray(PICTURE), (tmp_path / "p.png").read_bytes()):
        (loaded,) = load_images(gather([picture]).items, 4)
        assert isinstance(loaded, LoadedImage)
        np.testing.assert_array_equal(loaded.pixels, expected.pixels)
        digests.add(loaded.digest)
    assert len(digests) == 2  # the pixels' and the file's
    assert expected.digest in digests


def test_gray_pictures_in_one_array() -> None:
    assert len(gather(np.zeros((5, 9, 9), np.uint8)).items) == 5


@pytest.mark.parametrize(
    ("images", "names", "message"),
    [
        (np.zeros((2, 8, 8, 3)), None, r"array of shape \(2, 8, 8, 3\) float64. Scale the values to 0..255"),
        ([PICTURE, PICTURE.astype(np.float32)], None, "item 1 is float32. Scale the values"),
        (PICTURE, None, "Put a single picture into a list"),
        (Image.fromarray(PICTURE), None, "Put a single picture into a list"),
        (b"bytes", None, "Put a single picture into a list"),
        ([PICTURE, 7], None, "item 1 is of type int"),
        ([PICTURE, "a.jpg"], None, "not both"),
        (["a.jpg"], ["a"], "not both"),
        (["a.jpg", "./a.jpg"], None, "in the list twice"),
        ([PICTURE, PICTURE], ["a"], "string for each of 2 pictures; got 1 name,"),
        ([PICTURE, PICTURE], ["a", "a"], "1 of them different"),
        ([PICTURE], [""], "non-empty"),
        (".", ["a"], "named by their paths"),
    ],
)
def test_one_clear_sentence(images: Any, names: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        gather(images, names)


def test_nothing_is_no_images() -> None:
    for nothing in ([], np.zeros((0, 8, 8, 3), np.uint8)):
        with pytest.raises(NoImagesError, match="got none"):
            gather(nothing)


def test_many_files_are_a_sequence_of_paths() -> None:
    files = Files(["/a/1.png", "/a/2.png", "/b/3.png"])
    assert list(files) == [Path("/a/1.png"), Path("/a/2.png"), Path("/b/3.png")]
    assert (len(files), files[-1], list(files[:2])) == (3, Path("/b/3.png"), [Path("/a/1.png"), Path("/a/2.png")])
    assert Path("/a/2.png") in files


def test_files_are_found_folder_by_folder_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("a-b/1.png", "a/b/2.png", "a/1.png", "a.png", "B.png", "a/b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_images(tmp_path)
    assert list(found.items) == sorted(found.items)
    assert [str(path.relative_to(tmp_path)) for path in found.paths] == [
        *("B.png", "a/1.png", "a/b/2.png", "a/b.png", "a-b/1.png", "a.png"),
    ]


def test_links_that_lead_nowhere_and_folders_that_cannot_be_listed_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("red/0.png", "blue/0.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "disk").symlink_to("nowhere")
    (tmp_path / "photo.png").symlink_to("nowhere")  # whoever reads it tells
    real = os.scandir

    def listed(path: Path) -> object:
        if Path(path).name == "red":
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", listed)
    found = find_images(tmp_path)
    assert found.unlisted == [tmp_path / "red"]
    assert [skipped.path for skipped in found.skipped] == [tmp_path / "red"]
    assert found.dangling == [tmp_path / "disk"]
    assert found.ignored == 1
