"""`autoenc embed` and `autoenc index --from`: vectors to a file and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from autoenc.cli import main


def called(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = 0) -> tuple[str, str]:
    try:
        found: object = main([str(argument) for argument in arguments])
    except SystemExit as stop:  # wrong usage
        found = stop.code
    captured = capsys.readouterr()
    assert found == code, captured.err
    return captured.out, captured.err


def test_vectors_travel_through_a_file(
    picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (picture_folder / "broken.png").write_bytes(b"no")
    file, store = tmp_path / "v.npz", tmp_path / "s"
    options = ("--encoders", "color,edges", "--labels", "folders", "--out", file, "--quiet")
    out, err = called(capsys, "embed", picture_folder, *options)
    assert out.startswith(f"{file}: 12 images, 12 with a label, by color (126), edges (324); 1 skipped, 1 ignored, in ")
    assert "broken.png: " in err
    document = json.loads(called(capsys, "embed", picture_folder, *options, "--json")[0])
    assert document["encoders"] == {"color": 126, "edges": 324}
    assert [Path(skipped["path"]).name for skipped in document["skipped"]] == ["broken.png"]
    out, _ = called(capsys, "index", "--from", file, "--store", store, "--quiet")
    assert out.startswith("12 indexed, 0 updated, 0 unchanged, 0 missing, 0 skipped, 0 ignored in ")
    out, _ = called(capsys, "query", picture_folder / "red" / "1.png", "--store", store, "-k", "1", "--json")
    assert json.loads(out)["neighbors"][0]["path"].endswith("red/1.png")
    _, err = called(capsys, "index", picture_folder / "red", "--from", file, "--store", tmp_path / "t", code=1)
    assert err.startswith(f"autoenc: None of the 12 images that {file} names is in {picture_folder / 'red'}. ")


def test_vectors_made_elsewhere_get_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "x.npz", id=["a", "b", "c"], vectors=[[1, 2], [2, 1], [np.nan, 0]])
    ends = ("--store", tmp_path / "s", "--source", "shop", "--name", "clip", "--quiet")
    out, err = called(capsys, "index", "--from", tmp_path / "x.npz", *ends)
    assert out.startswith("2 indexed")
    assert "skipped c: row 3: Its vector 'vectors' holds NaN or infinity." in err
    assert "Search by them with stored images (--id, --like) or, in Python, with vectors.\n" in err
    report = ("--report", tmp_path / "r.json")
    called(capsys, "index", "--from", tmp_path / "x.npz", *ends, *report)
    assert json.loads((tmp_path / "r.json").read_text())["unchanged"] == 2
    out, _ = called(capsys, "query", "--id", "a", "--store", tmp_path / "s", "--using", "clip", "-k", "1", "--json")
    assert [hit["score"] for hit in json.loads(out)["neighbors"]] == [pytest.approx(0.8, abs=1e-6)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected IMAGES, a folder, or --from FILE"),
        (("photos", "--name", "x"), "--name goes with --from"),
        (("--from", "v.npz", "--encoders", "color"), "--encoders does not go with --from"),
        (("--from", "v.npz", "--prune"), "--prune does not go with --from"),
        (("--from", "v.npz", "--prune-limit", "0"), "--prune-limit does not go with --from"),
        (("--from", "v.npz", "--id-column", "sku"), "--id-column does not go with --from"),
        (("--from", "v.npz", "--path-column", "file"), "--path-column does not go with --from"),
        (("--from", "v.npz", "--type", "price=float"), "--type does not go with --from"),
        (("--from", "v.npz", "--list-separator", ";"), "--list-separator does not go with --from"),
        (("--from", "v.npz", "--null-values", "tba"), "--null-values does not go with --from"),
        (("--from", "v.npz", "--filterable", "price"), "--filterable does not go with --from"),
        (("--from", "v.npz", "--product-column", "sku"), "--product-column does not go with --from"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in called(capsys, "index", *arguments, "--store", tmp_path / "s", code=2)[1]
