"""A real browser, and the rules of accessibility to judge a page by; both are the system's, and neither is shipped."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_AXE = "axe-core@4.14.1"


@contextmanager
def chromium() -> Iterator[Any]:
    """Headless Chromium. Close it before tests that run event loops of their own."""
    driver = pytest.importorskip(
        "playwright.sync_api", reason="driving a browser needs Playwright: pip install playwright"
    )
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with driver.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


def fetched_axe(folder: Path) -> str:
    """The source of axe-core, from the npm registry."""
    fetch(_AXE, ["axe.min.js"], folder)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


def fetch(package: str, files: Sequence[str], folder: Path) -> None:
    """Put some files of a package of the npm registry, `name@version`, where `npm install` would put them."""
    name = package.rpartition("@")[0]
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"no npm to fetch {name} with: apt-get install npm")
    with tempfile.TemporaryDirectory() as packed:
        command = [npm, "pack", "--silent", "--fetch-retries=0", package]
        try:
            subprocess.run(command, cwd=packed, capture_output=True, timeout=60, check=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"{name} cannot be fetched from the npm registry")
        (archive,) = Path(packed).iterdir()
        with tarfile.open(archive) as opened:
            for file in files:
                to = folder / "node_modules" / name / file
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(opened.extractfile(f"package/{file}").read())  # type: ignore[union-attr]


def serious_faults(page: Any, axe: str, rules: dict[str, Any]) -> dict[str, list[str]]:
    """What axe finds on a page that is serious or critical: rule -> the elements."""
    page.evaluate(axe)
    found = page.evaluate("only => axe.run(document, {resultTypes: ['violations'], ...only})", rules)
    return {
        fault["id"]: [node["html"] for node in fault["nodes"]]
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    }
