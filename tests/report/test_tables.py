"""A comparison as text, JSON and CSV: every character of a small one."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparisons import fusion

from autoenc.comparison.records import Comparison, Difference, EncoderScores
from autoenc.errors import OutputError
from autoenc.images.finding import SkippedFile
from autoenc.report.tables import comparison_row, comparison_table, write_comparison_csv, write_comparison_json


def scores(name: str, dim: int, right: list[float], origin: str | None, *, labeled: bool = True) -> EncoderScores:
    return EncoderScores(
        name=name,
        dim=dim,
        ms_per_image=0.25,
        per_query={"p@5": np.array(right)} if labeled else {},
        selfrecall={k: np.ones(3) for k in (1, 5, 10)},
        top=np.zeros((2, 2), np.int64),
        origin=origin,
        model_bytes=2_104_000 if origin else 0,
    )


def comparison(*, labeled: bool = True) -> Comparison:
    encoders = {
        "learned": scores("learned", 32, [0.5, 0.5], "m", labeled=labeled),
        "color": scores("color", 128, [0.25, 0.25], None, labeled=labeled),
    }
    differences = [Difference("learned", "color", "p@5", 0.25, 0.25, 0.25)] if labeled else []
    return Comparison(
        gallery_pictures=[Path("a/1.png"), Path("a/2.png"), Path("b/3.png")],
        query_pictures=[Path("a/9.png"), Path("b/9.png")],
        gallery_labels=["a", "a", "b"],
        query_labels=["a", "b"],
        labeled=np.arange(2 if labeled else 0),
        altered=np.arange(3),
        leave_one_out=False,
        encoders=encoders,
        differences=[*differences, Difference("learned", "color", "selfrecall@1", -0.0625, -0.125, 0.0)],
        unlabeled=0 if labeled else 5,
        skipped=[SkippedFile(Path("a/é.png"), "empty")],
        seconds=1.5,
        notes=[] if labeled else ["No query has a label."],
    )


def test_table() -> None:
    assert comparison_table(comparison()).splitlines() == [
        "3 images, 2 queries; 2 of them scored by label (2 labels); 1 file skipped",
        "",
        "encoder  dim         p@5  selfrecall@1  ms/image  bytes  model MB",
        "learned   32  .500 ±.000   1.000 ±.000     0.250    128     2.104",
        "color    128  .250 ±.000   1.000 ±.000     0.250    512         -",
        "",
        "Pareto front of selfrecall@1 against ms/image: learned, color",
        "Pareto front of selfrecall@1 against bytes: learned",
        "",
        "learned minus           p@5    selfrecall@1",
        "color          +.250 ±.000*  -.0625 ±.0625",
        "",
        "* the 95% interval of the paired difference excludes zero",
    ]


def test_a_fusion_has_rows_and_a_sentence() -> None:
    found = fusion({"learned": 1.0, "color": 0.5}, [0.5, 0.75], others=0.75)
    lead = Difference(found.name, "learned", "p@5", 0.25, 0.125, 0.375)
    fused = replace(comparison(), fusion=replace(found, differences=[lead]))
    lines = comparison_table(fused).splitlines()
    assert lines[2:13] == [
        "encoder                    dim         p@5  selfrecall@1  ms/image  bytes  model MB",
        "learned                     32  .500 ±.000   1.000 ±.000     0.250    128     2.104",
        "color                      128  .250 ±.000   1.000 ±.000     0.250    512         -",
        "learned + color (1 : 0.5)  160  .750 ±.000             -     0.500    640         -",
        "",
        "Pareto front of selfrecall@1 against ms/image: learned, color",
        "Pareto front of selfrecall@1 against bytes: learned",
        "",
        "learned minus                       p@5    selfrecall@1",
        "color                      +.250 ±.000*  -.0625 ±.0625",
        "learned + color (1 : 0.5)  -.250 ±.125*               -",
    ]
    assert lines[-1] == (
        "learned + color (1 : 0.5) is a fusion, the weighted sum of the encoders' scaled cosines: each half of the "
        "labeled queries is scored by the weights that are best on the other half."
    )


def test_a_fusion_in_json_and_csv(tmp_path: Path) -> None:
    found = fusion({"learned": 1.0, "color": 0.5}, [0.5, 0.75], {"learned": (0.25, 0.125, 0.375)})
    found = replace(found, per_query={"p@5": np.array([0.25, 0.25])})
    fused = replace(comparison(), fusion=found)
    write_comparison_json(fused, tmp_path / "json")
    assert json.loads((tmp_path / "json").read_text("utf-8"))["fusion"] == found.to_dict()
    write_comparison_csv(fused, tmp_path / "csv")
    with (tmp_path / "csv").open(encoding="utf-8", newline="") as stream:
        *_, row = csv.DictReader(stream)
    assert (row["encoder"], row["dim"], row["p@5"]) == ("learned + color (1 : 0.5)", "160", "0.25")
    assert (row["p@5_ci_low"], row["selfrecall@1"], row["bytes_per_image"]) == ("0.25", "", "640")


def test_table_without_labels() -> None:
    lines = comparison_table(comparison(labeled=False)).splitlines()
    assert lines[0] == "3 images, 2 queries; 5 images without a label; 1 file skipped"
    assert lines[2] == "encoder  dim  selfrecall@1  ms/image  bytes  model MB"
    assert lines[-1] == "No query has a label."


def test_json(tmp_path: Path) -> None:
    file = tmp_path / "compare.json"
    write_comparison_json(comparison(), file)
    values = json.loads(file.read_text("utf-8"))
    assert values.pop("written_by").startswith("autoenc ")
    assert values == comparison().to_dict() | {"advice": "", "command": ""}
    assert values["encoders"]["color"]["per_class"] == {"a": {"p@5": 0.25}, "b": {"p@5": 0.25}}
    assert values["differences"][0] == {
        "a": "learned", "b": "color", "metric": "p@5", "mean": 0.25, "ci_low": 0.25, "ci_high": 0.25,
        "excludes_zero": True,
    }  # fmt: skip
    assert "é" in file.read_text("utf-8")


def test_csv(tmp_path: Path) -> None:
    file = tmp_path / "compare.csv"
    write_comparison_csv(comparison(), file)
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["encoder"] for row in rows] == ["learned", "color"]
    assert rows[1] == {key: str(value) for key, value in comparison_row(comparison(), "color").items()}
    assert list(rows[0])[:5] == ["encoder", "dim", "p@5", "p@5_ci_low", "p@5_ci_high"]
    assert list(rows[0])[-3:] == ["ms_per_image", "bytes_per_image", "model_bytes"]
    assert rows[0]["model_bytes"] == "2104000"
    assert (rows[1]["p@5_ci_low"], rows[1]["bytes_per_image"]) == ("0.25", "512")


WRITERS = [write_comparison_json, write_comparison_csv]


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_is_replaced_if_autoenc_wrote_it_or_if_that_is_meant(tmp_path: Path, write: Any) -> None:
    file = tmp_path / "out"
    for labeled in (True, False):
        write(comparison(labeled=labeled), file)
    ours = file.read_bytes()
    file.write_text("encoder,dim,my own notes\n")
    with pytest.raises(OutputError, match="autoenc did not write"):
        write(comparison(labeled=False), file)
    assert file.read_text() == "encoder,dim,my own notes\n"
    write(comparison(labeled=False), file, overwrite=True)
    assert file.read_bytes() == ours


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_among_the_images_is_refused(tmp_path: Path, write: Any) -> None:
    with pytest.raises(OutputError, match="where images are read"):
        write(replace(comparison(), folders=[tmp_path]), tmp_path / "out", overwrite=True)
    assert not list(tmp_path.iterdir())


def test_notes_and_names_cannot_write_lines_of_their_own() -> None:
    found = replace(comparison(), notes=["Every image is 'a\n\x1b[2Jb'."])
    assert comparison_table(found).splitlines()[-1] == r"Every image is 'a\n\x1b[2Jb'."


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_that_cannot_be_written(tmp_path: Path, write: object) -> None:
    (tmp_path / "folder").mkdir()
    for file in (tmp_path / "none" / "out", tmp_path / "folder"):
        with pytest.raises(OutputError, match=r"Cannot write "):
            write(comparison(), file)  # type: ignore[operator]
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]
