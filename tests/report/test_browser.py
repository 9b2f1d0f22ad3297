"""The report in a real browser: on a wide screen and on a phone, light and dark.

AUTOENC_SCREENSHOTS names a folder in which to keep pictures of it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsers import chromium, fetched_axe, serious_faults
from comparisons import comparison, fusion, pictures, scores

from autoenc.report.page import write_report

KEPT = os.environ.get("AUTOENC_SCREENSHOTS")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison of nine encoders whose costs lie orders of magnitude apart; the weights of one have a long path."""
    folder = tmp_path_factory.mktemp("report")
    paths, labels = pictures(folder / "photos", 24, ["hat", "shoe", "watch"])
    generator = np.random.default_rng(0)
    known = {
        "learned": (32, 0.06, 0.38, 2_104_000),
        "color": (126, 0.017, 0.14, 0),
        "texture": (124, 0.115, 0.15, 0),
        "edges": (324, 0.04, 0.26, 0),
        "handcrafted": (574, 0.17, 0.27, 0),
        "edges+pca32": (32, 0.042, 0.29, 86_000),
        "mobilenet": (1024, 11.6, 0.33, 17_225_924),
        "mobilenet+pca32": (32, 11.6, 0.41, 17_500_000),
        "vgg16": (4096, 210.0, 0.36, 553_467_096),
    }
    encoders = [
        dataclasses.replace(
            scores(name, np.clip(generator.normal(quality, 0.15, 24), 0, 1), dim=dim, ms=ms),
            model_bytes=model,
            origin={"learned": "model", "mobilenet": f"/home/someone/{'models' * 15}/mobilenet.h5"}.get(name),
        )
        for name, (dim, ms, quality, model) in known.items()
    ]
    together = fusion({"learned": 1.0, "edges": 0.5}, [0.4] * 24, {"learned": (0.02, 0.0, 0.04)})
    differences = {name: (0.05, 0.01, 0.09) for name in known if name != "learned"}
    differences["mobilenet"] = (-0.05, -0.09, -0.01)
    found = comparison(paths, labels, encoders, differences, fusion=together)
    return write_report(found, folder / "out")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return fetched_axe(tmp_path_factory.mktemp("axe"))


@pytest.fixture(params=[(1440, "light"), (390, "light"), (390, "dark")], ids=lambda look: f"{look[0]} {look[1]}")
def page(browser: Any, report: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    width, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce")
    opened = context.new_page()
    opened.goto(report.as_uri())
    if KEPT:
        opened.screenshot(path=Path(KEPT) / f"report-{width}-{theme}.png", full_page=True)
        opened.locator(".pair").screenshot(path=Path(KEPT) / f"report-cost-{width}-{theme}.png")
    yield opened
    context.close()


def test_quality_against_cost_can_be_read_at_any_width(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    width = page.viewport_size["width"]
    plots = page.locator(".pair .wide")
    assert plots.count() == 2
    tops = []
    for at in range(2):
        plot, image = plots.nth(at), plots.nth(at).locator("img")
        assert plot.evaluate("it => it.scrollWidth <= it.clientWidth"), "it fits, and does not scroll"
        assert image.evaluate("it => it.clientWidth / it.naturalWidth") > 0.75, "so that 8 pt are 8 px or more"
        caption = page.locator(".pair figcaption").nth(at)
        assert caption.evaluate("it => it.scrollWidth <= it.clientWidth"), "it is whole"
        tops.append(plot.bounding_box()["y"])
    assert (tops[0] == tops[1]) == (width > 1000), "side by side where there is room"
    hints = page.evaluate(
        "[...document.querySelectorAll('.plot figcaption')].map(it => getComputedStyle(it, '::after').content)"
    )
    assert [hint != "none" for hint in hints] == [width < 700] * 3 + [False, False], "only what scrolls says so"


def test_names_of_encoders_break_between_words(page: Any) -> None:
    names = page.locator("tbody th:has(wbr), .row > p:has(wbr)")
    assert names.count() > 10
    broken = names.evaluate_all(
        """them => them.filter(it => [...it.childNodes].some(part => {
            const range = document.createRange();
            range.selectNodeContents(part);
            return part.nodeType === Node.TEXT_NODE && part.textContent.trim() && range.getClientRects().length > 1;
        })).map(it => it.textContent)"""
    )
    assert broken == []


def test_a_result_has_a_frame_and_words_of_the_color_of_its_verdict(page: Any) -> None:
    colors = {}
    for verdict, mark in (("right", "✓"), ("wrong", "✗")):
        result = page.locator(f"figure.{verdict}").first
        words = result.locator("figcaption")
        assert words.inner_text().startswith(mark)
        colors[verdict] = words.evaluate("it => getComputedStyle(it).color")
        assert result.locator("img").evaluate("it => getComputedStyle(it).boxShadow") == (
            f"{colors[verdict]} 0px 0px 0px 3px"
        )
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    green, red = ("rgb(76, 195, 138)", "rgb(255, 138, 128)") if dark else ("rgb(15, 122, 80)", "rgb(200, 62, 56)")
    assert colors == {"right": green, "wrong": red}


def test_axe_finds_no_serious_fault(page: Any, axe: str) -> None:
    assert serious_faults(page, axe, {}) == {}
