"""What `compare` advises, what a store is told of it, and what `query` then suggests."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
    *_, empty, advice, _, command, _, report = out.splitlines()
    assert (empty, report) == ("", f"Report: {tmp_path / 'out' / 'report.html'}")
    assert command == "  autoenc train IMAGES --model DIR"
    assert re.match(r"color retrieves better than learned: its mAP is higher by 0\.\d+ \(95% interval", advice)
    assert advice.endswith(", or index with --encoders color and search with --using color.")
    assert err == ""
    told = json.loads((tmp_path / "out" / "compare.json").read_text())["advice"]
    assert told.endswith("search with using=color.")
    assert f">{advice}<" in (tmp_path / "out" / "report.html").read_text()
    out, _ = said("compare", picture_folder, "--encoders", "color,edges", "--quiet", "--no-fusion", capsys=capsys)
    assert out.endswith("excludes zero\n"), "nothing was trained"


@pytest.fixture
def striped(tmp_path: Path) -> Path:
    """Red and blue stripes, upright and level: neither color nor edges tell all four kinds apart."""
    generator = np.random.default_rng(0)
    for number in range(96):
        blue, level = number % 2, number // 2 % 2
        stripes = np.tile((np.arange(48) + generator.integers(16)) // 8 % 2, (48, 1))
        ground = generator.integers(0, 100, (48, 48, 3)) * generator.random()
        ground[..., 2 * blue] += 155 * (stripes.T if level else stripes)
        file = tmp_path / "striped" / f"{'blue' if blue else 'red'} {'level' if level else 'upright'}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(ground.astype(np.uint8)).save(file)
    return tmp_path / "striped"


def test_the_command_that_compare_prints_searches_by_several_encoders(
    striped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, compare = tmp_path / "a store", ["compare", striped, "--encoders", "color,edges", "--quiet"]
    out, _ = said(*compare, "--json", capsys=capsys)
    using = json.loads(out)["fusion"]["using"]
    *_, told, empty, command = said(*compare, capsys=capsys)[0].splitlines()
    assert told.startswith("The fusion ")
    assert told.endswith(f"search with --using {using}.")
    assert (empty, command) == ("", f"  autoenc query IMAGE --store STORE --using {using}")
    said("index", striped, "--store", place, "--encoders", "color,edges", "--quiet", capsys=capsys)
    command = said(*compare, "--store", place, capsys=capsys)[0].splitlines()[-1]
    _, *words = shlex.split(command)
    words[words.index("IMAGE")] = str(striped / "red level" / "2.png")
    assert words[2:4] == ["--store", str(place)]
    found = json.loads(said(*words, "--json", "-k", "20", capsys=capsys)[0])
    assert found["using"] == using
    assert {Path(neighbor["path"]).parent.name for neighbor in found["neighbors"]} == {"red level"}
    assert "autoenc query" not in said(*compare, "--no-fusion", capsys=capsys)[0]


def test_the_command_that_compare_prints_searches_by_fields_too(
    striped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, place = tmp_path / "shop.csv", tmp_path / "a store"
    files = sorted(striped.rglob("*.png"))
    kinds = sorted({file.parent.name for file in files})
    rows = [
        (file.stem, file.parent.name, 2 * kinds.index(file.parent.name) + int(file.stem) // 4 % 3) for file in files
    ]
    table.write_text("id,kind,shelf\n" + "".join(f"{stem},{kind},{shelf}\n" for stem, kind, shelf in rows))
    compare = ["compare", striped, "--encoders", "color", "--quiet"]
    out, _ = said(*compare, "--metadata", table, capsys=capsys)
    *_, told, empty, command = out.splitlines()
    assert told.startswith("The hybrid color + near shelf~")
    assert "search by stored images with --using color=1, --near shelf~" in told
    assert empty == ""
    assert command.startswith("  autoenc query --id IMAGE --store STORE --using color=1 --near 'shelf~")
    assert "Not tried as a boost, because it tells the label by which the results are judged: 'kind'." in out
    _, err = said(*compare, "--metadata", table, "--boost", "kind", capsys=capsys, code=2)
    assert err.startswith("autoenc: --boost names the field 'kind', which tells the label")

    said(
        "index", striped, "--store", place, "--encoders", "color,pixels", "--metadata", table, "--quiet", capsys=capsys
    )
    ask = ["query", "--store", place, "-k", "3"]
    named = files[0].relative_to(striped).as_posix()
    assert said(*ask, "--id", named, capsys=capsys)[1] == ""
    compare = ["compare", striped, "--encoders", "color,pixels", "--quiet"]
    out, err = said(*compare, "--store", place, "--out", tmp_path / "out", capsys=capsys)
    command = next(line.strip() for line in out.splitlines() if line.startswith("  autoenc query"))
    document = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert document["command"] == command
    assert f"<code>{html.escape(command)}</code>" in (tmp_path / "out" / "report.html").read_text()
    _, *words = shlex.split(command)
    words[words.index("IMAGE")] = named
    found = json.loads(said(*words, "--json", capsys=capsys)[0])
    assert any(part.startswith("shelf~") for part in found["neighbors"][0]["parts"])
    assert "For searches by stored images, it remembers: " in err
    hybrid = document["hybrid"]
    assert said(*ask, "--id", named, capsys=capsys)[1].endswith(
        f"--using {hybrid['using']} --near '{hybrid['near']}'\n"
    )
    assert said(*ask, files[0], capsys=capsys)[1].startswith("pixels")
    assert "for searches by stored images" in said("status", "--store", place, capsys=capsys)[0]
    for explicit in (["--using", "pixels"], ["--json"]):
        assert said(*ask, "--id", named, *explicit, capsys=capsys)[1] == ""


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
    assert status["collections"]["images"]["better"]["picture"]["using"] == "color"
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
