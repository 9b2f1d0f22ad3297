"""No verb replaces what autoenc did not write, and each finds that out before the long work."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from autoenc import index_images, load_bundle
from autoenc.catalog import indexing
from autoenc.cli import main
from autoenc.comparison import run as comparing


@pytest.fixture
def desk(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """photos/ (24 pictures in two folders) and a.jpg, in the working directory."""
    for name in ("shoe", "watch"):
        shutil.copytree(drawn / name, tmp_path / "photos" / name)
    shutil.copy(drawn / "shoe" / "001.jpg", tmp_path / "a.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def store(desk: Path) -> None:
    """store/, which holds them."""
    index_images("photos", "store", encoders=["color"], progress=False)


QUERY = ["query", "a.jpg", "--store", "store", "--sheet"]
INDEX = ["index", "photos", "--store", "store", "--quiet", "--report"]
COMPARE = ["compare", "photos", "--encoders", "color", "--quiet", "--out"]


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The long work fails, so that a test sees that the check comes before it."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("the check comes first")

    monkeypatch.setattr(indexing, "index_images", refuse)
    monkeypatch.setattr(comparing, "compare", refuse)
    monkeypatch.setattr("autoenc.store.open_store", refuse)


def refused(command: list[str], said: str, capsys: pytest.CaptureFixture[str], code: int = 1) -> None:
    assert main(command) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err.splitlines()) == 1


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", [QUERY, INDEX], ids=lambda command: command[0])
def test_a_photo_is_not_replaced(command: list[str], desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for suffix in (".jpg", ".png", ".webp"):
        photo = desk / f"holiday{suffix}"
        Image.new("RGB", (9, 9)).save(photo)
        before = photo.read_bytes()
        refused([*command, photo.name], "autoenc did not write. Name another file, or replace it with --over", capsys)
        assert photo.read_bytes() == before


@pytest.mark.usefixtures("no_work")
def test_the_picture_that_is_searched_for_is_never_replaced(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (desk / "a.jpg").read_bytes()
    refused([*QUERY, "a.jpg", "--overwrite"], "Cannot write a.jpg: it is a file that is read", capsys)
    assert (desk / "a.jpg").read_bytes() == before


@pytest.mark.usefixtures("no_work")
@pytest.mark.skipif(os.name != "posix", reason="kinds of files as POSIX has them")
@pytest.mark.parametrize("command", [QUERY, INDEX], ids=lambda command: command[0])
@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_only_a_regular_file_is_replaced(
    command: list[str], kind: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = desk / "out.png"
    {"pipe": lambda: os.mkfifo(place), "link": lambda: place.symlink_to("b.png"), "folder": place.mkdir}[kind]()
    refused([*command, "out.png", "--overwrite"], f"a {kind} is there", capsys)
    refused([*INDEX, os.devnull, "--overwrite"], "a device is there", capsys)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", [INDEX, COMPARE], ids=lambda command: command[0])
def test_nothing_is_written_among_the_images(
    command: list[str], desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "link").symlink_to("photos")
    for place in ("photos/new", "photos/shoe/new", "link/new"):
        refused([*command, place, "--overwrite"], "it lies in photos, where images are read", capsys)
    refused(["compare", "photos/shoe", "--queries", "photos/watch", "--out", "photos/watch/r"], "photos/watch,", capsys)
    refused(["train", "photos", "--model", "photos/model"], "it lies in photos, where", capsys)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("name", ["report.html", "compare.json", "compare.csv", "pareto.png"])
def test_a_report_folder_with_a_file_of_another_is_refused(
    name: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "report").mkdir()
    (desk / "report" / name).write_text("mine")
    refused([*COMPARE, "report"], f"{name}: a file is there that autoenc did not write", capsys)
    assert (desk / "report" / name).read_text() == "mine"


@pytest.mark.usefixtures("no_work")
def test_the_suffix_of_a_sheet_names_its_format(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused([*QUERY, "sheet.tiff"], "A sheet is a .png, .jpg, .jpeg, .webp file; got sheet.tiff", capsys, code=2)


@pytest.mark.usefixtures("store")
def test_every_command_can_be_run_again(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ([*QUERY, "n.png"], [*QUERY, "n.webp"], [*QUERY, "n.jpg"], [*INDEX, "r.json"], [*COMPARE, "report"]):
        for _ in range(2):
            assert main(command) == 0, capsys.readouterr().err


@pytest.mark.usefixtures("store")
def test_overwrite_says_that_it_is_meant(desk: Path) -> None:
    (desk / "report").mkdir()
    report = [f"report/{name}" for name in ("report.html", "compare.json", "compare.csv", "pareto.png")]
    for name in ("n.png", "r.json", *report):
        (desk / name).write_text("mine")
    for command in ([*QUERY, "n.png"], [*INDEX, "r.json"], [*COMPARE, "report"]):
        assert main(command) == 1
        assert main([*command, "--overwrite"]) == 0
    assert "mine" not in {path.read_text("latin-1") for path in (*desk.glob("*.*"), *desk.glob("report/*"))}


def test_a_model_that_was_changed_is_not_replaced(
    desk: Path, bundle_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(bundle_dir, desk / "model")
    (desk / "model" / "reconstructions.png").write_bytes(b"mine")
    before = load_bundle("model").fingerprint
    refused(["train", "photos", "--model", "model"], "is not as autoenc wrote it; ", capsys)
    assert load_bundle("model").fingerprint == before
