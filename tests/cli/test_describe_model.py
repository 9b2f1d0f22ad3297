"""`autoenc describe-model`, and the option that names weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from exported import means_model

from autoenc.cli import main


def test_a_model_is_described_compared_and_indexed(
    capsys: pytest.CaptureFixture[str], bundle_dir: Path, picture_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "features.onnx"
    shutil.copy(bundle_dir / "encoder.onnx", file)
    one = ["--picture", str(picture_folder / "red" / "2.png")]
    assert main(["describe-model", str(file), *one]) == 0
    assert "cosine" not in capsys.readouterr().out  # there is no other picture to compare it with
    assert main(["describe-model", str(file), *one, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cosine"] is None
    assert main(["describe-model", str(file)]) == 0
    out = capsys.readouterr().out
    assert "Checked: the two most similar of the pictures have a cosine of " in out
    assert out.splitlines()[0] == f"{file}.json: encoder features, 32 numbers an image"
    assert "  size     32x32  (read from the model)" in out
    assert "  channels RGB  (assumed)" in out
    assert "  range    0,255  (read from the model)" in out
    assert f"Use it as onnx:{file}" in out
    assert main(["compare", str(picture_folder), "--encoders", f"onnx:{file},color", "--json", "--quiet"]) == 0
    assert list(json.loads(capsys.readouterr().out)["encoders"]) == ["features", "color"]
    store = ["--store", str(tmp_path / "s")]
    assert main(["index", str(picture_folder), *store, "--encoders", f"onnx:{file}", "--quiet"]) == 0
    picture = str(picture_folder / "red" / "2.png")
    capsys.readouterr()
    assert main(["query", picture, *store, "-k", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["using"], found["neighbors"][0]["path"]) == ("features", picture)
    file.rename(tmp_path / "moved.onnx")
    assert main(["query", picture, *store, "-k", "1"]) == 1
    assert "features.onnx is no file" in capsys.readouterr().err
    Path(f"{file}.json").rename(tmp_path / "moved.onnx.json")
    assert main(["query", picture, *store, "-k", "1", "--weights", f"features=onnx:{tmp_path}/moved.onnx"]) == 0


def test_what_has_to_be_said_is_said_in_flags(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = means_model(tmp_path / "m.onnx")
    assert main(["describe-model", str(file)]) == 2
    assert "say with --range what the pixels 0 and 255 become" in capsys.readouterr().err
    options = ["--mean", ".485,.456,.406", "--std", ".229,.224,.225", "--channels", "BGR", "--name", "mine", "--json"]
    assert main(["describe-model", str(file), *options]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["sidecar"]["name"], said["sidecar"]["range"], said["known"]["channels"]) == ("mine", [0, 1], "given")
    assert main(["describe-model", str(file), "--range=-1,1", "--picture", str(tmp_path / "no.png")]) == 1
    with pytest.raises(SystemExit):
        main(["describe-model", str(file), "--range", "wide"])
    assert "expected numbers separated by commas" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["mobilenet"], "expected NAME=FILE, got 'mobilenet'"),
        (["vgg16=random", "vgg16=imagenet"], "'vgg16' is named twice"),
    ],
)
def test_weights_that_are_none(
    capsys: pytest.CaptureFixture[str], picture_folder: Path, given: list[str], said: str
) -> None:
    options = [part for each in given for part in ("--weights", each)]
    with pytest.raises(SystemExit):
        main(["compare", str(picture_folder), *options])
    assert said in capsys.readouterr().err


def test_weights_of_an_encoder_that_takes_none(capsys: pytest.CaptureFixture[str], picture_folder: Path) -> None:
    assert main(["compare", str(picture_folder), "--encoders", "color", "--weights", "color=random"]) == 2
    assert "--weights are for pretrained encoders" in capsys.readouterr().err
