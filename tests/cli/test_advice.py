"""What `compare` advises, what a store is told of it, and what `query` then suggests."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from autoenc import index_images, open_store
from autoenc.cli import main

HINT = r"color retrieves better than learned \(mAP 1\.000 against \.\d+ on 12 labeled queries, \d{4}-\d\d-\d\d\)"


@pytest.fixture
def store(picture_folder: Path, tmp_path: Path) -> Path:
    """Pictures in folders named by their color; a model of shapes and color histograms."""
    encoders = ["learned", "color"]
    index_images(picture_folder, tmp_path / "store", model="clothing-32", encoders=encoders, progress=False)
    return tmp_path / "store"


def said(*command: str | Path, capsys: pytest.CaptureFixture[str], code: int = 0) -> tuple[str, str]:
    """What a command prints on standard output and on standard error."""
    assert main([str(argument) for argument in command]) == code
    return capsys.readouterr()


def compared(photos: Path, *more: str | Path) -> list[str | Path]:
    return ["compare", photos, "--model", "clothing-32", "--encoders", "learned,color", "--quiet", *more]


def test_compare_names_the_better_encoder_and_what_to_do(
    picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = said(*compared(picture_folder, "--out", tmp_path / "out"), capsys=capsys)
    *_, empty, advice, _, report = out.splitlines()
    assert (empty, report) == ("", f"Report: {tmp_path / 'out' / 'report.html'}")
    assert re.match(r"color retrieves better than learned: its mAP is higher by 0\.\d+ \(95% interval", advice)
    assert advice.endswith(", or index with --encoders color and search with --using color.")
    assert err == ""
    told = json.loads((tmp_path / "out" / "compare.json").read_text())["advice"]
    assert told.endswith("search with using=color.")
    assert told in (tmp_path / "out" / "report.html").read_text()
    out, _ = said("compare", picture_folder, "--encoders", "color,edges", "--quiet", capsys=capsys)
    assert out.endswith("excludes zero\n"), "nothing was trained"


def test_a_store_that_knows_suggests_the_better_encoder(
    store: Path, picture_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = ["query", picture_folder / "red" / "1.png", "--store", store]
    assert said(*query, capsys=capsys)[1] == ""
    assert "retrieves" not in said("status", "--store", store, capsys=capsys)[0]
    _, err = said(*compared(picture_folder, "--store", store, "--json"), capsys=capsys)
    assert re.fullmatch(rf"The store remembers: {HINT}\.\n", err)
    out, err = said(*query, capsys=capsys)
    assert re.fullmatch(rf"{HINT}: --using color\n", err)
    assert len(out.splitlines()) == 6
    for explicit in (["--using", "learned"], ["--using", "color"], ["--json"]):
        assert said(*query, *explicit, capsys=capsys)[1] == ""
    assert re.search(rf"^  {HINT}$", said("status", "--store", store, capsys=capsys)[0], re.MULTILINE)
    status = json.loads(said("status", "--store", store, "--json", capsys=capsys)[0])
    assert status["collections"]["images"]["better"]["learned"]["encoder"] == "color"
    with open_store(store) as opened:
        opened.drop_vector("color")
    assert said(*query, capsys=capsys)[1] == ""


def test_a_store_that_is_not_there_is_said_before_the_comparison(
    picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoenc.comparison.run.compare", lambda *_, **__: pytest.fail("compared in vain"))
    out, err = said(*compared(picture_folder, "--store", tmp_path / "none"), capsys=capsys, code=1)
    assert out == ""
    assert err.startswith("autoenc: There is no store at ")
    assert not (tmp_path / "none").exists()
