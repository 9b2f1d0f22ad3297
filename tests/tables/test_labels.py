"""Labels: from folders, and from the CSV files that people really have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoenc.errors import ArgumentError, LabelsError
from autoenc.tables.labels import check_label_column, labels_from_folders, read_labels

ROOT = Path("photos")
PATHS = [ROOT / "hat" / "1.jpg", ROOT / "shoe" / "2.png", ROOT / "3.jpg"]


def table(folder: Path, text: str | bytes) -> Path:
    file = folder / "labels.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_folders() -> None:
    assert labels_from_folders([*PATHS, ROOT / "a" / "b" / "4.jpg"], ROOT) == ["hat", "shoe", None, "b"]


def test_folders_by_absolute_and_relative_path() -> None:
    assert labels_from_folders([path.absolute() for path in PATHS], "photos/") == ["hat", "shoe", None]
    assert labels_from_folders([Path("hat/1.jpg")], "hat") == [None]


def test_files_of_a_list_have_the_names_of_their_folders() -> None:
    assert labels_from_folders([*PATHS, Path("4.jpg")]) == ["hat", "shoe", "photos", None]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["hat/1.jpg", "shoe/2.png", "3.jpg"], ["x", "y", "z"]),  # relative paths
        (["./hat/1.jpg", "shoe\\2.png", "none.jpg"], ["x", "y", None]),  # as other tools write them
        (["photos/hat/1.jpg", "photos/shoe/2.png", "photos/3.jpg"], ["x", "y", "z"]),
        (["1.jpg", "2.png", "4.jpg"], ["x", "y", None]),  # names
        (["1", "2", "3"], ["x", "y", "z"]),  # stems
        (["2", "2.png", "shoe/2.png"], [None, "z", None]),  # the longest end of the path counts, then the stem
    ],
)
def test_csv_keys(tmp_path: Path, keys: list[str], expected: list[str | None]) -> None:
    rows = [f"{key},{label}" for key, label in zip(keys, "xyz", strict=True)]
    assert read_labels(table(tmp_path, "\n".join(["id,kind", *rows])), "kind").match(PATHS) == expected


def test_absolute_path_is_a_key(tmp_path: Path) -> None:
    image = tmp_path / "hat" / "1.jpg"
    file = table(tmp_path, f"path,kind\n{image.as_posix()},x\n")
    assert read_labels(file, "kind").match([image]) == ["x"]


@pytest.mark.parametrize(
    "header",
    ["kind,id", "kind,Image", "kind,FILENAME,", "kind,id,path"],
)
def test_key_column_wherever_it_stands(tmp_path: Path, header: str) -> None:
    cells = {"kind": "x", "path": "hat/1.jpg", "": "", "id": "1"}
    row = ",".join(cells.get(name, "1.jpg") for name in header.split(","))
    assert read_labels(table(tmp_path, f"{header}\n{row}\n"), "kind").match(PATHS)[0] == "x"


def test_path_is_the_key_before_id(tmp_path: Path) -> None:
    file = table(tmp_path, "id,path,kind\n1,shoe/2.png,x\n")
    assert read_labels(file, "kind").match(PATHS) == [None, "x", None]


def test_first_column_is_the_key_without_a_known_one(tmp_path: Path) -> None:
    assert read_labels(table(tmp_path, "sku,kind\n1,x\n"), "kind").match(PATHS) == ["x", None, None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_dialects(tmp_path: Path, delimiter: str, mark: bytes, end: str) -> None:
    rows = [["id", "Kind"], ["1", "café"], ["3", '"x, y; z"']]
    text = end.join(delimiter.join(row) for row in rows) + end
    assert read_labels(table(tmp_path, mark + text.encode()), "kind").match(PATHS) == ["café", None, "x, y; z"]


def test_rows_are_mended_as_those_of_every_table_and_broken_ones_are_counted(tmp_path: Path) -> None:
    file = table(tmp_path, "id,kind,name\n1,hat,Red, with a comma\n2,shoe,Blue\n3\n\n")
    labels = read_labels(file, "kind")
    assert labels.broken == 1
    assert labels.match(PATHS) == ["hat", "shoe", None]


def test_a_comma_in_a_label_is_not_mended_into_a_label_of_its_own(tmp_path: Path) -> None:
    labels = read_labels(table(tmp_path, "id,kind\n1,hat\n2,shoe\n4,hat\n3,hat, and more\n"), "kind")
    assert labels.broken == 1
    assert labels.match(PATHS) == ["hat", "shoe", None]


def test_labels_of_a_parquet_file(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="Parquet files need pyarrow: pip install 'autoenc[tables]'")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"id": [1, 2, 3], "kind": ["hat", None, "shoe"]}), tmp_path / "labels.parquet")
    assert read_labels(tmp_path / "labels.parquet", "kind").match(PATHS) == ["hat", None, "shoe"]


def test_empty_label_is_none_and_the_first_row_counts(tmp_path: Path) -> None:
    file = table(tmp_path, "id,kind\n1,\n2, shoe \n2,boot\n,hat\n")
    assert read_labels(file, "kind").match(PATHS) == [None, "shoe", None]


def test_column_by_exact_name_first(tmp_path: Path) -> None:
    file = table(tmp_path, "id,Kind,kind\n1,a,b\n")
    assert read_labels(file, "kind").match(PATHS)[0] == "b"
    assert read_labels(file, "KIND").match(PATHS)[0] == "a"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"id,color\n1,red\n", r"no column 'kind'. Its columns are: id, color\."),
        (b"id,kinds\n1,red\n", r"Its columns are: id, kinds\. Did you mean 'kinds'\?"),
        (
            b"id,kind\n77,x\n",
            r"No row of .* names any of the 3 images\. The first row names '77'; the first image is photos/hat/1\.jpg",
        ),
        (b"id,kind\n", "has only names of columns"),
        (b"id,kind\n1,caf\xe9\n", "Save it as UTF-8"),
        ("id,kind\n1,x\n".encode("utf-16"), "Save it as UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is a picture"),
        (b"id,kind\n1," + b"x" * 200_000, "cannot be read as a table: field larger"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(LabelsError, match=message):
        read_labels(table(tmp_path, content), "kind").match(PATHS)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match=r"none\.csv cannot be read: No such file"):
        read_labels(tmp_path / "none.csv", "kind").match(PATHS)
    with pytest.raises(LabelsError, match="cannot be read: Is a directory"):
        read_labels(tmp_path, "kind").match(PATHS)


def test_nothing_is_left_open(tmp_path: Path) -> None:
    # A generator that is dropped half way would warn of an open file.
    with pytest.raises(LabelsError):
        read_labels(table(tmp_path, "id,color\n" + "1,red\n" * 10_000), "kind")


@pytest.mark.parametrize("labels", [None, "folders", ["a"], np.array(["a"]), {"a.jpg": "a"}], ids=str)
def test_a_column_is_refused_where_no_table_is_named(labels: object) -> None:
    check_label_column(None, labels)
    with pytest.raises(ArgumentError, match=r"label_column= is a column of a table; name its file with labels=\."):
        check_label_column("kind", labels)
