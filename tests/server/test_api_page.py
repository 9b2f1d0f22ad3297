"""The examples of docs/api.md run as they stand, against a server of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from serving import served

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def example(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


def test_the_examples_run(shop: Path, tmp_path: Path) -> None:
    shutil.copy(shop / "photos" / "shoe" / "001.jpg", tmp_path / "some.jpg")
    commands = {"python": [sys.executable, "-"]}
    for name, command in {"bash": ["bash", "-e"], "javascript": ["node", "--input-type=module", "-"]}.items():
        if shutil.which(command[0]) and (name != "bash" or shutil.which("curl")):
            commands[name] = command
    with served(shop / "store") as (_, client):
        environment = {**os.environ, "AUTOENC_URL": str(client.base_url).rstrip("/"), "NO_PROXY": "127.0.0.1"}
        for language, command in commands.items():
            done = subprocess.run(
                command, input=example(language), cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{language}: {done.stderr}"
            assert "shoe/001.jpg" in done.stdout


@pytest.mark.parametrize("language", ["bash", "python", "javascript"])
def test_an_example_has_about_ten_lines(language: str) -> None:
    assert len([line for line in example(language).splitlines() if line and not line.startswith("#")]) <= 10
