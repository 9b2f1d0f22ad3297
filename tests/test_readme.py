"""The README tells the truth: its Python runs as written, its commands are commands."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from autoenc.cli import build_parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


PAGES = sorted((ROOT / "docs").glob("*.md"))


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_python_examples_run_in_order(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install 'autoenc[train]'")
    shutil.copytree(drawn, tmp_path / "photos")
    shutil.copy(drawn / "shoe" / "003.jpg", tmp_path / "some.jpg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    examples = blocks("python")
    assert len(examples) == 10
    for example in examples:
        exec(compile(example, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "48 indexed, 0 skipped" in printed
    assert re.search(r"^1 1\.0 .*shoe/003\.jpg$", printed, re.MULTILINE)
    assert names["latents"].shape == (2, 32)  # type: ignore[attr-defined]
    assert (tmp_path / "report" / "report.html").is_file()
    assert "<Neighbor 1: b 1.000>" in printed
    assert "1 red\n" in printed  # one image is cheap and on sale
    assert "36 ['learned', 'color', 'edges']" in printed


ALONE = [page for page in PAGES if page.stem != "api"]
"""Pages whose examples need nothing else; those of api.md need a server, see tests/server/test_api_page.py."""


@pytest.mark.parametrize("page", ALONE, ids=[page.stem for page in ALONE])
def test_the_python_examples_of_the_other_pages_run(
    page: Path, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install 'autoenc[train]'")
    shutil.copytree(drawn, tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    for example in blocks("python", page.read_text("utf-8")):
        exec(compile(example, page.name, "exec"), {})


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_shapes_said_in_comments_are_true() -> None:
    import numpy as np

    import baselines

    said = re.findall(r"baselines\.(\w+)\(images\)\.shape +# \((\d+), (\d+)\)", README)
    assert len(said) == 3
    for name, rows, columns in said:
        found = getattr(baselines, name)(np.zeros((10, 32, 32, 3), np.uint8)).shape
        assert found == (int(rows), int(columns))


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_every_autoenc_command_parses(page: Path) -> None:
    commands = [
        shlex.split(line, comments=True)[1:]
        for block in blocks("sh", page.read_text("utf-8"))
        for line in block.splitlines()
        if line.startswith("autoenc ")
    ]
    assert len(commands) >= 6 or page.stem != "README"
    for command in commands:
        build_parser().parse_args(command)


def test_every_option_named_is_an_option() -> None:
    known = {"--help", "--serve"}  # the latter of scripts/demo
    (verbs,) = [a for a in build_parser()._actions if isinstance(getattr(a, "choices", None), dict)]
    for verb in verbs.choices.values():  # type: ignore[union-attr]
        known |= {option for action in verb._actions for option in action.option_strings}
    scripts = r"scripts/(?:bench_\w+|torture)\.py[^`]*`[^|\n]*\|[^|\n]*\|"  # their options are their own
    text = re.sub(scripts, "", README)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= known


def test_no_figure_is_left_blank() -> None:
    table = README.split("## What to expect")[1].split("##")[0]
    rows = re.findall(r"^\| `[\w+]+` \|(.*)\|$", table, re.MULTILINE)
    assert len(rows) == 8
    taught = re.findall(r"^\| .*`mobilenet.* \| [\d,]+ \|(.*)\|$", table, re.MULTILINE)
    assert len(taught) == 3
    for row in rows + taught:
        assert all(re.fullmatch(r" \.\d{3} ± \.\d{3} ", cell) for cell in row.split("|")), row


def test_every_script_named_is_there_and_every_benchmark_is_named() -> None:
    named = set(re.findall(r"scripts/[\w.]+\w", README))
    assert {name for name in named if not (ROOT / name).is_file()} == set()
    assert {f"scripts/{path.name}" for path in (ROOT / "scripts").glob("bench_*.py")} <= named


def test_the_weights_are_counted() -> None:
    pytest.importorskip("keras", reason="the model needs TensorFlow: pip install 'autoenc[train]'")
    from autoenc.training.model import ModelConfig, build_decoder, build_encoder

    counts = [build_encoder(ModelConfig()).count_params(), build_decoder(ModelConfig()).count_params()]
    assert [f"{count:,}" for count in counts] == list(
        re.search(r"([\d,]+) weights in the encoder, ([\d,]+) in the decoder", README).groups()  # type: ignore[union-attr]
    )


@pytest.mark.parametrize("name", ["learned", "color", "texture", "edges", "handcrafted", "pixels"])
def test_the_table_of_encoders_is_true(name: str, bundle_dir: Path) -> None:
    from autoenc.encoders import create_encoder

    (said,) = re.findall(rf"^\| `{name}` \| (\d+) \|", README, re.MULTILINE)
    assert create_encoder(name, model=bundle_dir).dim == int(said)


def test_every_test_that_a_page_names_exists() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    named = re.findall(r"`((?:\w+/)?test_\w+\.py)`", page)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "tests" / name).is_file()] == []
