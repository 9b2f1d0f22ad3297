"""`autoenc behavior`, and queries by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoenc import index_images
from autoenc.cli import main


@pytest.fixture
def store(picture_folder: Path, tmp_path: Path) -> str:
    index_images(picture_folder, tmp_path / "store", encoders=["color"], progress=False)
    return str(tmp_path / "store")


@pytest.fixture
def clicks(tmp_path: Path) -> str:
    rows = [f"{user},red/{item}.png,1" for user in ("ann", "bob") for item in range(3)]
    rows += ["ann,blue/9.png,1", "cem,red/3.png,1", "bob,red/0.png,many"]
    (tmp_path / "clicks.csv").write_text("\n".join(["user,item,value", *rows]))
    return str(tmp_path / "clicks.csv")


def test_behavior_is_added_and_searched(store: str, clicks: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["behavior", clicks, "--store", store, "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"{clicks}: 8 interactions of 3 users with 5 items, joined by path",
        "  3 images with behavior, 3 numbers each; 9 without, which a hybrid search compares by other vectors",
    ]
    assert err.splitlines() == [
        "left out line 10: its value 'many' is no finite number: bob | red/0.png | many",
        "no image: blue/9.png",
        "no other item of its users: red/3.png",
    ]
    assert main(["query", "--id", "red/0.png", "--store", store, "--using", "color=.1,behavior=1", "-k", "2"]) == 0
    out, err = capsys.readouterr()
    assert "red/1.png" in out
    assert "red/2.png" in out
    assert "behavior 1.000" in out
    assert err == ""
    assert main(["query", "--id", "green/0.png", "--store", store, "--using", "color=.1,behavior=1"]) == 0
    assert "no vector 'behavior'; it was compared by the rest" in capsys.readouterr().err
    assert main(["query", "--id", "green/0.png", "--store", store, "--using", "behavior"]) == 1
    assert '--using "learned=1,behavior=0.5"' in capsys.readouterr().err


def test_the_document_lists_everything(store: str, clicks: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--dim", "2", "--joined-by", "path", "--value-column", "value", "--json", "--quiet"]
    assert main(["behavior", clicks, "--store", store, *options]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": clicks,
        "users": 3,
        "items": 5,
        "interactions": 8,
        "dim": 2,
        "joined_by": "path",
        "images": 3,
        "cold": 9,
        "lost": 0,
        "unknown": ["blue/9.png"],
        "unrelated": ["red/3.png"],
        "left_out": ["line 10: its value 'many' is no finite number: bob | red/0.png | many"],
        "mended": [],
    }


def test_images_that_a_later_table_does_not_know_are_counted(
    store: str, clicks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of red 0, 1 and 2, the second table knows 1 and 2, and blue 0 beside."""
    later = tmp_path / "later.csv"
    rows = [f"{user},{item}.png" for user in ("ann", "bob") for item in ("red/1", "red/2", "blue/0")]
    later.write_text("\n".join(["user,item", *rows]))
    for table, lost in ((clicks, None), (later, "1 image"), (clicks, "1 image"), (clicks, None)):
        assert main(["behavior", str(table), "--store", store, "--quiet"]) == 0
        out, _ = capsys.readouterr()
        line = f"  {lost} had behavior from an earlier table and have none now\n"
        assert out.endswith(line) if lost else "earlier" not in out


def test_a_column_that_is_not_there(store: str, clicks: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["behavior", clicks, "--store", store, "--user-column", "client"]) == 1
    assert "has no column 'client'; its columns are: user, item, value. Name the right one with --user-column." in (
        capsys.readouterr().err
    )
    assert main(["behavior", clicks, "--store", store, "--dim", "0"]) == 2
    assert "--dim must be a whole number from 1 to 1,024; got 0" in capsys.readouterr().err
