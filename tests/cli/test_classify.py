"""`autoenc finetune` and `autoenc classify` as a person and a program use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from classifiers import CLASSES, write
from PIL import Image

import autoenc
from autoenc import classify
from autoenc.cli import main
from autoenc.cli.finetune import SETTINGS


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("classifier") / "m")


def said(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    """Standard output and standard error of a command."""
    try:
        found: object = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        found = stop.code
    out, err = capsys.readouterr()
    assert found == code, err
    return out, err


def test_a_table_has_a_row_for_each_image_and_the_accuracy(
    capsys: pytest.CaptureFixture[str], model: Path, drawn: Path
) -> None:
    found = classify(drawn, model, progress=False)
    header, *rows, last = said(capsys, "classify", drawn, "--model", model, "--quiet")[0].splitlines()
    assert header.split() == ["class", "probability", "next", "path"]
    assert len(rows) == 48
    for row, image in zip(rows, found.images, strict=True):
        assert row.split()[:2] == [image.label, f"{image.probability:.3f}"]
        assert row.endswith(str(image.path))
        assert row.count(",") == 1  # of the second and the third class
    assert last == f"Accuracy: {found.accuracy:.3f} of 48 images in folders called like classes."


def test_several_images_are_classified_at_once(capsys: pytest.CaptureFixture[str], model: Path, drawn: Path) -> None:
    images = [drawn / "shoe" / "001.jpg", drawn / "watch" / "001.jpg"]
    out, err = said(capsys, "classify", *images, "--model", model, "--quiet")
    assert [line.split()[-1] for line in out.splitlines()[1:3]] == [*map(str, images)]
    assert err == ""


def test_json_holds_all_of_it(capsys: pytest.CaptureFixture[str], model: Path, drawn: Path) -> None:
    out, _ = said(capsys, "classify", drawn / "shoe" / "001.jpg", "--model", model, "-k", 1, "--json", "--quiet")
    (image,) = json.loads(out)["results"]
    assert image["path"].endswith("001.jpg")
    assert len(image["labels"]) == 1
    assert image["labels"][0]["label"] in CLASSES


def test_the_sheet_is_written_and_never_over_a_foreign_file(
    capsys: pytest.CaptureFixture[str], model: Path, drawn: Path, tmp_path: Path
) -> None:
    command = ["classify", drawn, "--model", model, "--quiet", "--sheet"]
    said(capsys, *command, tmp_path / "sheet.png")
    assert said(capsys, *command, tmp_path / "sheet.png")[0].splitlines()[-1] == f"Sheet: {tmp_path / 'sheet.png'}"
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 1000
    (tmp_path / "mine.png").write_bytes(b"mine")
    assert "autoenc did not write" in said(capsys, *command, tmp_path / "mine.png", code=1)[1]
    assert (tmp_path / "mine.png").read_bytes() == b"mine"
    assert "where images are read" in said(capsys, *command, drawn / "sheet.png", code=1)[1]
    assert "A sheet is a" in said(capsys, *command, tmp_path / "sheet.txt", code=2)[1]


def test_a_model_that_does_not_classify_is_one_sentence(capsys: pytest.CaptureFixture[str], drawn: Path) -> None:
    _, err = said(capsys, "classify", drawn, "--model", "clothing-32", code=1)
    assert err == "autoenc: clothing-32 has no classifier. Make one with `autoenc finetune`.\n"


def test_files_that_cannot_be_read_are_named(
    capsys: pytest.CaptureFixture[str], model: Path, picture_folder: Path
) -> None:
    (picture_folder / "red" / "broken.jpg").write_bytes(b"no image")
    out, err = said(capsys, "classify", picture_folder, "--model", model, "--quiet")
    assert len(out.splitlines()) == 13
    assert "broken.jpg" in err


# ---- fine-tuning ------------------------------------------------------------------------------------


class Result:
    """What the command line prints of a result."""

    skipped: list[Any] = []  # noqa: RUF012
    images, held_out, classes, epochs, head_epochs, best_epoch = 48, 12, ("a", "b"), 4, 3, 4
    features_seconds, seconds, val_accuracy, val_loss, accuracy, loss = 1.0, 2.0, 0.875, 0.5, 0.9, 0.25
    notes = ("A note.",)
    bundle = type("Bundle", (), {"path": Path("/m")})

    def to_dict(self) -> dict[str, Any]:
        return {"val_accuracy": self.val_accuracy}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `finetune` is called with."""
    calls: list[dict[str, Any]] = []

    def called(images: str, model: str, **options: Any) -> Result:
        calls.append({"images": images, "model": model, **options})
        return Result()

    monkeypatch.setattr(autoenc, "finetune", called, raising=False)
    return calls


def test_options_reach_the_library_and_the_others_are_left_to_it(
    capsys: pytest.CaptureFixture[str], asked: list[dict[str, Any]]
) -> None:
    out, _ = said(
        capsys, "finetune", "photos", "--model", "m", "--weights", "mobilenet=w.h5", "--top-epochs", 0, "--quiet"
    )
    assert asked == [
        {"images": "photos", "model": "m", "weights": {"mobilenet": "w.h5"}, "top_epochs": 0,
         "class_weights": "balanced", "resume": False, "overwrite": False, "progress": False}
    ]  # fmt: skip
    assert out.splitlines() == [
        "Trained on 36 images of 2 classes: 1 s for the features of the frozen base, 2 s for 4 epochs. The best is "
        "epoch 4; the first 3 trained the head alone.",
        "On 12 held-out images: accuracy 0.875, val_loss 0.5000 (in training 0.900 and 0.2500).",
        "A note.",
        "Model: /m (look at training.png and confusion.png in it)",
    ]


@pytest.mark.parametrize(("given", "value"), [("0.2", 0.2), ("held out", "held out"), ("./1", "./1")])
def test_validation_is_a_share_or_a_folder(
    capsys: pytest.CaptureFixture[str], asked: list[dict[str, Any]], given: str, value: object
) -> None:
    out, _ = said(capsys, "finetune", "photos", "--model", "m", "--validation", given, "--class-weights", "none",
                  "--json")  # fmt: skip
    assert (asked[0]["validation"], asked[0]["class_weights"]) == (value, None)
    assert json.loads(out) == {"val_accuracy": 0.875}


def test_every_setting_of_the_library_is_an_option() -> None:
    import inspect

    parameters = set(inspect.signature(autoenc.finetune).parameters)
    apart = {"images", "model", "weights", "validation", "class_weights", "resume", "overwrite", "progress"}
    assert set(SETTINGS) == parameters - apart


def test_errors_speak_of_options(capsys: pytest.CaptureFixture[str], drawn: Path, tmp_path: Path) -> None:
    _, err = said(capsys, "finetune", drawn, "--model", tmp_path / "m", "--top-epochs", -1, code=2)
    assert err == "autoenc: --top-epochs must be a whole number, 0 or more; got -1.\n"


def test_a_class_with_one_image_is_told(
    capsys: pytest.CaptureFixture[str], picture_folder: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tensorflow", reason="fine-tuning needs TensorFlow: pip install 'autoenc[train]'")
    for number in (1, 2, 3):
        (picture_folder / "red" / f"{number}.png").unlink()
    _, err = said(capsys, "finetune", picture_folder, "--model", tmp_path / "m", code=1)
    assert err.startswith("autoenc: Each class needs 2 images or more")
    assert "'red' has 1." in err
    assert not (tmp_path / "m").exists()
