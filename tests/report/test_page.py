"""The HTML page: what it says, and that it is one whole, harmless file."""

from __future__ import annotations

import base64
import dataclasses
import io
import os
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from comparisons import comparison, fusion, pictures, scores
from PIL import Image

from autoenc.comparison.records import Comparison
from autoenc.comparison.run import compare
from autoenc.errors import OutputError
from autoenc.images.files import load_thumbnail
from autoenc.images.finding import SkippedFile
from autoenc.report import pareto, plots
from autoenc.report.findings import chance, disagreements, evidence, headline, tally
from autoenc.report.page import NO_PLOTS, render, write_report

HALF = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
per_class, forest = plots.per_class_heatmap, plots.difference_forest
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """A page taken apart; it fails where a tag is closed that is not open."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.feed(text)
        self.close()
        assert self.open == [], "every tag is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag in VOID:
            return
        self.open.append(tag)
        self.texts.setdefault(tag, []).append("")
        if tag == "tr":
            self.tables[self.texts["caption"][-1]].append([])
        elif tag in ("td", "th"):
            self.tables[self.texts["caption"][-1]][-1].append("")

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data
        if {"td", "th"} & set(self.open):
            row = self.tables[self.texts["caption"][-1]][-1]
            row[-1] += (" " if row[-1] else "") + data
        elif self.open[-1:] == ["caption"]:
            self.tables[data] = []

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def real_plots() -> None:
    """Asked for by the tests that are about a page with its plots; the others do without, for speed."""


@pytest.fixture(autouse=True)
def _plots(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "real_plots" in request.fixturenames:
        return
    for module, name in (
        (plots, "metric_bars"), (plots, "difference_forest"), (plots, "per_class_heatmap"), (pareto, "pareto_plot")
    ):  # fmt: skip
        real = getattr(module, name)

        def drawn(found: Comparison, *_: object, real: object = real) -> bytes | None:
            nothing = (real is per_class and not found.classes) or (real is forest and not found.differences)
            return None if nothing else b'<svg width="756pt" xmlns="http://www.w3.org/2000/svg"/>'

        monkeypatch.setattr(module, name, drawn)


@pytest.fixture
def known(tmp_path: Path) -> Comparison:
    """Eight pictures, two labels; learned finds the shoes and not the hats."""
    paths, labels = pictures(tmp_path, 8, ["hat", "shoe"])
    encoders = [
        scores("learned", HALF, others=0.5, dim=32, ms=0.125, recalled=[1, 1, 1, 0]),
        scores("edges", [0.75] * 8, others=0.625, dim=324, ms=0.5, recalled=[0, 0, 0, 0]),
        scores("color", [0.25] * 8, others=0.125, dim=128, ms=0.25, recalled=[1, 1, 1, 1]),
    ]
    return comparison(paths, labels, encoders, {"edges": (-0.25, -0.625, 0.125), "color": (0.25, 0.125, 0.375)})


def test_without_matplotlib_everything_but_the_plots_is_there(
    known: Comparison, real_plots: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Page(render(known))
    for module in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    page = Page(render(known))
    assert page.tables == whole.tables
    assert page.texts["h2"] == whole.texts["h2"]
    plots_of_whole = [image for image in whole.all("img") if image["src"].startswith("data:image/svg")]
    assert len(plots_of_whole) == 5
    assert len(page.all("img")) == len(whole.all("img")) - 5
    assert NO_PLOTS in page.texts["p"]
    assert NO_PLOTS not in whole.texts["p"]
    assert page.all("details") == [], "what was the other way to read a plot is the only one now"


def _with(known: Comparison, **differences: tuple[float, float, float]) -> Comparison:
    encoders = [known.encoders["learned"], *(scores(name, [0.5] * 8) for name in differences)]
    return comparison(known.gallery, known.gallery_labels, encoders, differences)


def test_the_main_table_holds_every_figure_with_its_interval(known: Comparison) -> None:
    table = Page(render(known)).tables["Mean over queries, with 95% bootstrap intervals"]
    head, learned, edges, color = table
    assert head == [
        "Encoder", "Precision at 5", "Precision at 10", "Hit rate at 5", "Recall at 10", "Mean average precision",
        "kNN accuracy at 10",
    ]  # fmt: skip
    half = "0.500 0.500 to 0.500"
    # 8 draws of 0 or 1: one success or none has probability .035, so the interval of the mean starts at 1 of 8
    assert learned == ["learned", half, half, half, half, "0.500 0.125 to 0.875", half]
    assert edges == ["edges", *["0.625 0.625 to 0.625"] * 4, "0.750 0.750 to 0.750", "0.625 0.625 to 0.625"]
    assert color[5] == "0.250 0.250 to 0.250"


def test_the_highest_figure_of_a_column_is_marked(known: Comparison) -> None:
    page = Page(render(known))
    assert page.texts["b"][:6] == ["0.625"] * 4 + ["0.750", "0.625"]


def test_differences_show_interval_verdict_and_wins(known: Comparison) -> None:
    table = Page(render(known)).tables["Mean average precision"]
    assert table == [
        ["learned minus", "Difference", "95% interval", "Verdict", "Wins", "Ties", "Losses"],
        ["edges", "-0.250", "-0.625 to +0.125", "no difference shown", "4", "0", "4"],
        ["color", "+0.250", "+0.125 to +0.375", "learned better", "4", "0", "4"],
    ]


def test_a_fusion_stands_beside_the_encoders_with_what_it_is(known: Comparison) -> None:
    found = fusion({"edges": 1.0, "color": 0.5}, [1.0, 0.5] * 4, {"learned": (0.25, 0.125, 0.5)}, others=0.5)
    page = Page(render(dataclasses.replace(known, fusion=found)))
    *_, row = page.tables["Mean over queries, with 95% bootstrap intervals"]
    assert row[0] == "edges + color (1 : 0.5)"
    assert row[1] == "0.500 0.500 to 0.500"
    assert row[5].startswith("0.750 ")
    *_, row = page.tables["Mean average precision"]
    name = "edges + color (1 : 0.5)"
    assert row == [name, "-0.250", "-0.500 to -0.125", f"{name} better", "4", "0", "4"]
    (told,) = [text for text in page.texts["p"] if "is a fusion" in text]
    assert "are edges + color (1 : 0.5) on one half and edges + color (1 : 1) on the other;" in told
    same = dataclasses.replace(found, halves=(found.weights, found.weights))
    assert "are edges + color (1 : 0.5) on both halves;" in render(dataclasses.replace(known, fusion=same))
    assert "is a fusion" not in render(known)


def test_wins_ties_and_losses_count_queries(known: Comparison) -> None:
    known = comparison(
        known.gallery, known.gallery_labels,
        [scores("a", [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5]), scores("b", [0.0, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5, 0.6])],
        {"b": (-0.0375, -0.1, 0.02)},
    )  # fmt: skip
    assert tally(known, known.differences[0]) == (1, 4, 3)


def test_one_table_shows_what_quality_costs_and_what_is_worth_it(known: Comparison) -> None:
    encoders = {**known.encoders, "learned": dataclasses.replace(known.encoders["learned"], model_bytes=2_100_000)}
    fused = fusion({"edges": 1.0, "color": 0.5}, [1.0, 0.5] * 4, {"edges": (0.0, -0.1, 0.1)})
    page = Page(render(dataclasses.replace(known, encoders=encoders, fusion=fused)))
    head, *rows = page.tables["What quality costs"]
    assert head == [
        "Encoder", "Mean average precision", "Numbers per vector", "Bytes per vector", "Milliseconds per image",
        "Bytes of the model", "On the Pareto front",
    ]  # fmt: skip
    assert rows == [
        ["learned", "0.500 0.125 to 0.875", "32", "128", "0.125", "2,100,000", "time and size"],
        ["edges", "0.750 0.750 to 0.750", "324", "1,296", "0.500", "none", "time"],
        ["color", "0.250 0.250 to 0.250", "128", "512", "0.250", "none", "no"],
        ["edges + color (1 : 0.5)", "0.750 0.562 to 0.938", "160", "640", "0.500", "none", "time and size"],
    ]
    (told,) = [text for text in page.texts["p"] if "Pareto front" in text]
    assert "By size, the front is learned and edges + color (1 : 0.5)." in told


def test_labels_and_self_recall_have_their_tables(known: Comparison) -> None:
    tables = Page(render(known)).tables
    assert tables["Precision at 5 by label"] == [
        ["Label", "Queries", "learned", "edges", "color"],
        ["hat", "4", "0.500", "0.625", "0.125"],
        ["shoe", "4", "0.500", "0.625", "0.125"],
    ]
    rows = tables["Share of originals found, with 95% bootstrap intervals"]
    assert [row[1].split()[0] for row in rows[1:]] == ["0.750", "0.000", "1.000"]


@pytest.mark.parametrize(
    ("differences", "sentence"),
    [
        (
            {"a": (0.2, 0.1, 0.3), "b": (0.1, 0.0, 0.2)},
            "learned retrieves better than a, by mAP; no difference from b is shown.",
        ),
        ({"a": (0.2, 0.1, 0.3), "b": (-0.2, -0.3, -0.1)}, "learned retrieves better than a and worse than b, by mAP."),
        ({"a": (-0.2, -0.3, -0.1), "b": (-0.2, -0.3, -0.1)}, "learned retrieves worse than a and b, by mAP."),
        ({"a": (0.1, -0.1, 0.3), "b": (0.0, 0.0, 0.0)}, "No encoder is shown to differ from learned, by mAP."),
        (dict.fromkeys("abcd", (0.2, 0.1, 0.3)), "learned retrieves better than all 4 others, by mAP."),
        (
            {**dict.fromkeys("abcd", (0.2, 0.1, 0.3)), "e": (0.1, -0.1, 0.3)},
            "learned retrieves better than 4 of the 5 others, by mAP; no difference from e is shown.",
        ),
        ({}, "learned reaches an mAP of 0.500 (95% interval 0.125 to 0.875); no other encoder was measured."),
    ],
)
def test_the_headline_claims_what_the_intervals_show(
    known: Comparison, differences: dict[str, tuple[float, float, float]], sentence: str
) -> None:
    found = _with(known, **differences)
    assert headline(found) == sentence
    assert sentence in Page(render(found)).texts["p"]


def test_the_figures_behind_the_headline_stand_below_it(known: Comparison) -> None:
    assert evidence(known) in Page(render(known)).texts["header"][0]
    assert evidence(known) == (
        "Mean average precision: learned 0.500 (95% interval 0.125 to 0.875); best of the others, edges 0.750 (95% "
        "interval 0.750 to 0.750). Paired difference: -0.250 (-0.625 to +0.125)."
    )


def test_chance_leaves_the_query_itself_out(known: Comparison) -> None:
    assert chance(known) == pytest.approx(3 / 7)
    assert chance(dataclasses.replace(known, leave_one_out=False)) == pytest.approx(4 / 8)
    assert "a random ranking would reach a precision of 0.429." in render(known)


def test_examples_are_the_furthest_ahead_and_the_furthest_behind(known: Comparison) -> None:
    found = comparison(
        known.gallery, known.gallery_labels,
        [
            scores("learned", [0.9, 0.8, 0.1, 0.2, 0.5, 0.5, 0.7, 0.5]),
            scores("color", [0.0] * 8),
            scores("edges", [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]),
        ],
        {"color": (0.5, 0.4, 0.6), "edges": (0.0, -0.1, 0.1)},
    )  # fmt: skip
    examples = disagreements(found, count=4)
    assert [example.query for example in examples] == [0, 1, 2, 3], "two leads, two lags; edges is the best other"
    assert examples[0].encoders == ("learned", "edges", "color")
    assert examples[0].reason == "learned is ahead: average precision 0.90, against 0.50 for edges."
    assert examples[2].reason == "learned is behind: average precision 0.10, against 0.50 for edges."
    assert [example.query for example in disagreements(found, count=8)] == [0, 1, 6, 2, 3], "ties are no disagreement"


def test_one_side_fills_the_room_that_the_other_leaves(known: Comparison) -> None:
    encoders = [scores("learned", [0.9, 0.8, 0.7, 0.6, 0.6, 0.6, 0.6, 0.1]), scores("edges", [0.5] * 8)]
    found = comparison(known.gallery, known.gallery_labels, encoders, {"edges": (0.1, 0.0, 0.2)})
    assert [example.query for example in disagreements(found, count=4)] == [0, 1, 2, 7]


def test_without_labels_examples_share_the_fewest_results(known: Comparison) -> None:
    tops = [[[1, 2], [0, 2], [0, 1], [0, 1]], [[1, 2], [2, 3], [3, 4], [1, 0]]]
    encoders = [scores(name, [], top=top, count=4) for name, top in zip(("a", "b"), tops, strict=True)]
    found = comparison(known.gallery[:5], [None] * 5, encoders)
    examples = disagreements(found)
    assert [example.query for example in examples] == [2, 1], "the same results in another order are no disagreement"
    assert examples[1].reason == "On average, two encoders share 1.0 of their first 2 results."


def test_pictures_stand_in_rank_order_framed_by_their_label(known: Comparison) -> None:
    page = Page(render(known))
    example = disagreements(known)[0]
    tiles = [attributes for attributes in page.all("img") if attributes["src"].startswith("data:image/jpeg")]
    query, *found = tiles[:6]
    assert query["alt"] == f"query, {known.query_labels[example.query]}: {known.queries[example.query].name}"
    nearest = known.encoders["learned"].top[example.query, :5]
    for image, index, rank in zip(found, nearest, range(1, 6), strict=True):
        assert image["alt"] == f"{rank}: {known.gallery_labels[index]}"
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2]))), np.int16)
        assert np.abs(pixels - load_thumbnail(known.gallery[index], 96)).max() <= 6, "JPEG of the very thumbnail"
    frames = [attributes.get("class", "") for attributes in page.all("figure")]
    first = frames.index("query")
    own = known.query_labels[example.query]
    assert frames[first + 1 : first + 6] == ["right" if known.gallery_labels[at] == own else "wrong" for at in nearest]


def test_a_picture_that_is_gone_is_said_to_be_so(known: Comparison) -> None:
    assert "not readable" not in render(known)
    for path in known.gallery:
        path.unlink()
    page = Page(render(known))
    assert "not readable" in page.texts["div"]
    assert not [image for image in page.all("img") if image["src"].startswith("data:image/jpeg")]


@pytest.mark.parametrize("labeled", [True, False])
def test_pictures_in_memory_are_shown_and_called_by_their_numbers(labeled: bool) -> None:
    blocks = np.random.default_rng(0).integers(0, 256, (24, 2, 2, 3), dtype=np.uint8)
    images = list(blocks.repeat(24, axis=1).repeat(24, axis=2))
    found = compare(images, labels=[f"{at % 2}" if labeled else None for at in range(24)], encoders=["color", "pixels"])
    page = Page(render(found))
    example = disagreements(found)[0]
    thumbnails = [attributes for attributes in page.all("img") if attributes["src"].startswith("data:image/jpeg")]
    assert page.texts["h3"][0] == (f"{example.query % 2}: {example.query}" if labeled else f"picture {example.query}")
    nearest = found.encoders[example.encoders[0]].top[example.query, :5]
    for thumbnail, index in zip(thumbnails, [example.query, *nearest], strict=False):
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(thumbnail["src"].partition(",")[2]))), np.int16)
        distances = [np.abs(pixels - load_thumbnail(image, 96)).mean() for image in images]
        assert (np.argmin(distances), min(distances) < 4) == (index, True)
    assert "not readable" not in page.texts["div"]


def test_hostile_names_stay_text(tmp_path: Path, real_plots: None) -> None:
    label = "<script>alert('1')</script>&\""
    name = "<img src=x onerror=alert(1)>&amp;\"'.png"
    paths = [tmp_path / f"{number}{name}" for number in range(8)]
    for path in paths:
        Image.new("RGB", (8, 8)).save(path, "png")
    hostile = comparison(
        paths, [label] * 8, [scores("<b>a", HALF, origin="<i>&"), scores('b"&', [0.5] * 8)], {'b"&': (0.0, -0.1, 0.1)},
        skipped=[SkippedFile(Path(os.fsdecode(b"bad\xff.jpg")), "</ul><h1>broken")], notes=["<u>note"],
    )  # fmt: skip
    page = Page(render(hostile))
    assert not {"script", "i", "u"} & {tag for tag, _ in page.tags}
    assert not [attributes for _, attributes in page.tags if "onerror" in attributes]
    assert page.texts["h3"][0] == f"{label}: {paths[1].name}"
    assert 'b"&' in page.tables["Mean over queries, with 95% bootstrap intervals"][2]
    assert page.texts["li"] == ["bad\\xff.jpg: </ul><h1>broken"]
    assert "<i>&" in page.texts["code"]
    assert "<u>note" in page.texts["p"]
    alts = [image["alt"] for image in page.all("img")]
    assert f"query, {label}: {paths[1].name}" in alts


def test_the_page_fetches_nothing(known: Comparison, real_plots: None) -> None:
    text = render(known)
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object")
        assert attributes.get("src", "data:image/").startswith("data:image/")
        assert "href" not in attributes
        assert "url(" not in attributes.get("style", "")
    (style,) = page.texts["style"]
    assert "url(" not in style
    assert "@import" not in style
    assert "http:" not in text
    assert "https:" not in text
    plots_drawn = [image["src"] for image in page.all("img") if "svg" in image["src"][:20]]
    assert len(plots_drawn) == 5
    assert all(len(source) > 10_000 for source in plots_drawn)


def test_the_page_is_readable_by_machine_and_screen_reader(known: Comparison) -> None:
    text = render(known)
    page = Page(text)
    assert text.startswith("<!doctype html>")
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert all(attributes["scope"] in ("col", "row") for attributes in page.all("th"))
    assert all(len(image["alt"]) > 5 for image in page.all("img"))
    assert all(len(row) == len(rows[0]) for rows in page.tables.values() for row in rows)
    assert "prefers-color-scheme: dark" in page.texts["style"][0]


def test_what_may_be_wider_than_the_screen_can_be_scrolled_by_keyboard_and_has_a_name(known: Comparison) -> None:
    page = Page(render(known))
    regions = [attributes for attributes in page.all("div") if attributes.get("class") == "wide"]
    assert len(regions) == len(page.all("table")) + len(
        [f for f in page.all("figure") if "plot" in f.get("class", "").split()]
    )
    for region in regions:
        assert (region["tabindex"], region["role"]) == ("0", "region")
        assert len(region["aria-label"]) > 5


def test_what_was_compared_is_counted(known: Comparison) -> None:
    facts = dataclasses.replace(known, unlabeled=17, ignored=23, left_out=5, notes=["Two rows were left out."])
    page = Page(render(facts))
    counts = dict(zip(page.texts["dt"], page.texts["dd"], strict=True))
    assert counts["images in the gallery"] == "8"
    assert counts["scored by label"] == "8"
    assert counts["labels"] == "2"
    assert counts["images without a label"] == "17"
    assert counts["files that are not images"] == "23"
    assert counts["queries whose label no other image has"] == "5"
    assert "Two rows were left out." in page.texts["p"]
    assert "leave-one-out" in page.texts["p"][3]
    assert "leave-one-out" not in render(dataclasses.replace(facts, leave_one_out=False))


def test_every_metric_is_explained(known: Comparison) -> None:
    page = Page(render(known))
    terms = dict(zip(page.texts["dt"], page.texts["dd"], strict=True))
    for metric in known.metrics:
        (text,) = [text for term, text in terms.items() if term.endswith(f"({metric})")]
        assert len(text) > 60
    assert terms["Precision at 10 (p@10)"].startswith("Of the 10 nearest images")


def test_every_skipped_file_is_listed_up_to_a_limit(known: Comparison) -> None:
    assert "could not be read</h2>" not in render(known)
    files = [SkippedFile(Path(f"/photos/{number}.jpg"), "truncated") for number in range(502)]
    page = Page(render(dataclasses.replace(known, skipped=files)))
    assert page.texts["li"][0] == "/photos/0.jpg: truncated"
    assert len(page.texts["li"]) == 500
    assert "And 2 more; the comparison as JSON lists all of them." in page.texts["p"]


def test_without_labels_the_page_says_what_it_cannot_say(known: Comparison, real_plots: None) -> None:
    tops = [[[1, 2]] * 8, [[3, 4]] * 8]
    encoders = [
        scores(name, [], recalled=recalled, top=top, count=8)
        for name, recalled, top in zip(("learned", "edges"), ([1, 1], [0, 0]), tops, strict=True)
    ]
    found = comparison(known.gallery, [None] * 8, encoders, {"edges": (1.0, 1.0, 1.0)}, unlabeled=8)
    page = Page(render(found))
    assert headline(found) == (
        "learned finds altered copies more often than edges, by self-recall at 1. Without labels, this says nothing "
        "about similarity."
    )
    assert "Scores" not in page.texts["h2"]
    assert "Label by label" not in page.texts["h2"]
    assert page.tables["Self-recall at 1"][1] == [
        "edges",
        "+1.000",
        "+1.000 to +1.000",
        "learned better",
        "2",
        "0",
        "0",
    ]
    assert {attributes.get("class") for attributes in page.all("figure")} == {
        "plot", "plot fits", "query", ""
    }, "no right or wrong"  # fmt: skip


def test_one_encoder_alone_is_reported_without_differences(known: Comparison, real_plots: None) -> None:
    page = Page(render(comparison(known.gallery, known.gallery_labels, [known.encoders["edges"]])))
    assert "Differences" not in page.texts["h2"]
    assert "Where the encoders disagree most" not in page.texts["h2"]
    assert page.tables["Mean over queries, with 95% bootstrap intervals"][1][5] == "0.750 0.750 to 0.750"


def test_a_gallery_of_two_is_enough(known: Comparison, real_plots: None) -> None:
    encoders = [scores("learned", [1.0, 1.0]), scores("edges", [0.5, 0.5])]
    page = Page(render(comparison(known.gallery[:2], ["hat", "hat"], encoders, {"edges": (0.5, 0.5, 0.5)})))
    assert page.tables["Mean average precision"][1][:3] == ["edges", "+0.500", "+0.500 to +0.500"]


def test_forty_labels_and_more_are_all_in_the_table(tmp_path: Path, real_plots: None) -> None:
    paths, labels = pictures(tmp_path, 84, [f"label {number:02d}" for number in range(42)])
    found = comparison(paths, labels, [scores("learned", [0.5] * 84), scores("edges", [0.25] * 84)])
    rows = Page(render(found)).tables["Precision at 5 by label"]
    assert [row[0] for row in rows[1:]] == [f"label {number:02d}" for number in range(42)]


def test_the_page_is_written_whole_into_a_folder_that_is_made(known: Comparison, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "report"
    path = write_report(known, folder)
    assert path == folder / "report.html"
    assert path.read_text("utf-8") == render(known)
    assert [file.name for file in folder.iterdir()] == ["report.html"]


def test_a_page_is_replaced_if_autoenc_wrote_it_or_if_that_is_meant(known: Comparison, tmp_path: Path) -> None:
    assert Page(write_report(known, tmp_path).read_text("utf-8")).all("meta")[1]["content"].startswith("autoenc ")
    path = write_report(known, tmp_path)
    path.write_text("<!doctype html><title>autoenc and I</title>")
    with pytest.raises(OutputError, match="autoenc did not write"):
        write_report(known, tmp_path)
    assert path.read_text() == "<!doctype html><title>autoenc and I</title>"
    assert write_report(known, tmp_path, overwrite=True).read_text("utf-8") == render(known)


def test_a_page_among_the_images_is_refused(known: Comparison, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    with pytest.raises(OutputError, match="where images are read"):
        write_report(dataclasses.replace(known, folders=[tmp_path]), photos)
    assert not photos.exists()


def test_a_folder_that_cannot_be_made_is_an_error(
    known: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="is not a folder that you may write to"):
        write_report(known, tmp_path / "file")

    def refuse(path: Path, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OutputError, match=r"Cannot make the folder .*: No space left"):
        write_report(known, tmp_path / "new")


def test_a_report_of_seven_encoders_on_photos_is_small(drawn: Path, tmp_path: Path, real_plots: None) -> None:
    paths = sorted(drawn.glob("*/*.jpg"))
    rng = np.random.default_rng(0)
    encoders = [
        scores(f"encoder {number}", rng.random(len(paths)), top=rng.integers(0, len(paths), (len(paths), 10)))
        for number in range(7)
    ]
    labels = [path.parent.name for path in paths]
    differences = {item.name: (0.0, -0.1, 0.1) for item in encoders[1:]}
    path = write_report(comparison(paths, labels, encoders, differences), tmp_path)
    assert len([image for image in Page(path.read_text("utf-8")).all("img") if "jpeg" in image["src"][:20]]) == 8 * 36
    assert path.stat().st_size < 3_000_000
