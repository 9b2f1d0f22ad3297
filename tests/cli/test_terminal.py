"""What reaches the terminal: no control character, no noise, and one sentence where memory runs out."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from autoenc import index_images, open_store
from autoenc.cli import common, main

ESC = "\x1b[2J\x9b1m"


def printed(*command: str | Path, capsys: pytest.CaptureFixture[str], code: int = 0) -> str:
    """What a command prints on both streams, which holds no control character."""
    try:
        found: object = main([str(argument) for argument in command])
    except SystemExit as stop:  # wrong usage
        found = stop.code
    assert found == code
    out, err = capsys.readouterr()
    for line in (out + err).split("\n"):
        assert line.isprintable(), line
    return out + err


@pytest.fixture
def photos(drawn: Path, tmp_path: Path) -> Path:
    """Pictures in folders, and so labels, whose names hold escape sequences."""
    folder = tmp_path / f"photos{ESC}"
    for name in ("shoe", "watch"):
        shutil.copytree(drawn / name, folder / f"{name}{ESC}\n{name}")
    (folder / f"bad{ESC}.jpg").write_bytes(b"bad")
    return folder


def test_names_and_labels(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / f"store{ESC}"
    assert "1 skipped" in printed("index", photos, "--store", store, "--encoders", "color", capsys=capsys)
    picture = next(photos.glob("shoe*/*.jpg"))
    assert r"\x1b[2J\x9b1m\nshoe" in printed("query", picture, "--store", store, capsys=capsys)
    printed("query", picture, "--store", store, "--filter", f"folder=x{ESC}", capsys=capsys)
    printed("status", "--store", store, capsys=capsys)
    assert "color" in printed("compare", photos, "--encoders", "color", "--quiet", capsys=capsys)
    printed("compare", picture.parent, "--encoders", "color", "--quiet", capsys=capsys)
    for verb in (["query", picture, "--store", store], ["status", "--store", store], ["compare", photos]):
        extra = ["--encoders", "color", "--quiet"] if verb[0] == "compare" else []
        assert json.loads(printed(*verb, *extra, "--json", capsys=capsys).split("\nskipped")[0])


def test_errors_that_quote_what_was_given(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index_images(photos, tmp_path / "store", encoders=["color"], progress=False)
    (tmp_path / "labels.csv").write_text(f"file,label{ESC}\n1.jpg,a{ESC}\n")
    label = ["--labels", tmp_path / "labels.csv", "--label-column"]
    cases: list[list[str | Path]] = [
        ["status", "--store", tmp_path / f"none{ESC}"],
        ["status", "--store", f"http://127.0.0.1:9/{ESC}"],
        ["status", "--store", tmp_path / "store", "--collection", "hats"],
        ["query", f"none{ESC}.jpg", "--store", tmp_path / "store"],
        ["query", "--id", f"none{ESC}\n", "--store", tmp_path / "store"],
        ["query", "--id", "x", "--store", tmp_path / "store", "--using", f"none{ESC}"],
        ["query", "--id", "x", "--store", tmp_path / "store", "--sheet", tmp_path / f"no{ESC}" / "n.png"],
        ["compare", photos, "--encoders", "color", *label, "none"],
        ["compare", photos, "--encoders", "color", *label, f"label{ESC}"],
        ["compare", photos, "--encoders", f"none{ESC}"],
    ]
    for command in cases:
        said = printed(*command, capsys=capsys, code=1)
        assert said.startswith("autoenc: "), command
        assert len(said.splitlines()) == 1, said
    for wrong in (["--store", "x", "--collection", f"a{ESC}"], ["--store", "x", f"--none{ESC}"], [f"more{ESC}\n"]):
        printed("status", *wrong, capsys=capsys, code=2)


def test_values_of_a_bundle(bundle_dir: Path, tmp_path: Path, drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Path(shutil.copytree(bundle_dir, tmp_path / f"m{ESC}"))
    info = json.loads((model / "bundle.json").read_text())
    for key, value in {"created": ESC, "objective": ESC, "format": ESC, "architecture": {ESC: ESC}}.items():
        (model / "bundle.json").write_text(json.dumps(info | {key: value}))
        code = 0 if key in ("created", "objective") else 1
        store = tmp_path / f"{key}"
        printed("index", drawn, "--store", store, "--model", model, "--quiet", capsys=capsys, code=code)
        if code == 0:
            printed("status", "--store", store, capsys=capsys)


def test_fields_of_the_users(drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index_images(drawn, tmp_path / "store", encoders=["color"], progress=False)
    with open_store(tmp_path / "store") as store:
        for record in store.scroll():
            store.set_payload(record.id, {f"key{ESC}": f"value{ESC}\nline"})
    assert len(printed("query", drawn / "shoe" / "001.jpg", "--store", tmp_path / "store", capsys=capsys)
               .splitlines()) == 6  # fmt: skip
    printed("status", "--store", tmp_path / "store", capsys=capsys)


def test_what_the_terminals_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    common.put("±1\nlone \ud800")
    assert raw.getvalue().split() == [rb"\xb11", b"lone", rb"\ud800"]


def test_without_a_standard_error_messages_do_not_go_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["status", "--store", "none"]) == 1
    assert capsys.readouterr().out == ""


# ---- noise ------------------------------------------------------------------------------------------


NOISE = """
import os, sys
import autoenc.store
from autoenc.cli import main
real = autoenc.store.open_store
def noisy(*arguments, **options):
    os.write(2, b"native noise")
    import logging
    from autoenc.images import pillow
    logging.getLogger("PIL.TiffImagePlugin").error("logged noise")
    print("from Python", file=sys.stderr)
    return real(*arguments, **options)
autoenc.store.open_store = noisy
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("verb", ["query", "status"])
def test_native_noise_is_not_for_the_terminal(verb: str, drawn: Path, tmp_path: Path) -> None:
    index_images(drawn, tmp_path / "store", encoders=["color"], progress=False)
    picture = [drawn / "shoe" / "001.jpg"] if verb == "query" else []
    for collection, said in (("images", ""), ("hats", "autoenc: ")):
        command = [sys.executable, "-c", NOISE, verb, *picture, "--store", tmp_path / "store", "--collection"]
        done = subprocess.run([*command, collection], capture_output=True, text=True, check=False)
        first, *rest = done.stderr.splitlines()
        assert first == "from Python"
        assert [line[:9] for line in rest] == ([said] if said else [])


def test_a_picture_that_libjpeg_complains_of_is_searched_for_in_silence(drawn: Path, tmp_path: Path) -> None:
    index_images(drawn, tmp_path / "store", encoders=["color"], progress=False)
    (tmp_path / "a.jpg").write_bytes((drawn / "shoe" / "001.jpg").read_bytes()[:-200] + b"\xff\xd9")
    query = [sys.executable, "-m", "autoenc", "query", tmp_path / "a.jpg", "--store", tmp_path / "store"]
    for debug, heard in (("", ""), ("1", "Corrupt JPEG data: premature end of data segment\n")):
        environment = os.environ | {"AUTOENC_DEBUG": debug}
        done = subprocess.run(query, capture_output=True, text=True, check=True, env=environment)
        assert done.stderr == heard


# ---- memory -----------------------------------------------------------------------------------------


def huge() -> None:
    np.empty(2**60, np.uint8)


def opencv() -> None:
    raise cv2.error("OpenCV(4.13.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 9 bytes\n")


def onnx() -> None:
    raise RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer")


def plain() -> None:
    raise MemoryError


@pytest.mark.parametrize("fails", [huge, opencv, onnx, plain])
def test_memory_that_runs_out_is_one_sentence(
    fails: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("autoenc.store.list_collections", lambda location: fails())  # type: ignore[operator]
    assert main(["status", "--store", "s"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("autoenc: There is not enough memory")
    assert len(err.splitlines()) == 1


def test_another_error_is_a_bug_and_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoenc.store.list_collections", lambda location: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["status", "--store", "s"])
