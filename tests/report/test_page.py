"""The HTML page: what it says, and that it is one whole, harmless file."""

from __future__ import annotations

import base64
import dataclasses
import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from comparisons import HALF, comparison, scores
from pages import Page
from PIL import Image

from autoenc.comparison.records import Comparison
from autoenc.comparison.run import compare
from autoenc.errors import OutputError
from autoenc.images.files import load_thumbnail
from autoenc.images.finding import SkippedFile
from autoenc.report.findings import disagreements, headline
from autoenc.report.page import NO_PLOTS, render, write_report

pytestmark = pytest.mark.usefixtures("empty_plots")


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
