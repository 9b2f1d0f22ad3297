"""The sections of the page that tell what was measured: their tables, figure by figure."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from comparisons import comparison, fusion, pictures, scores
from pages import Page

from autoenc.comparison.records import Comparison
from autoenc.report.page import render

pytestmark = pytest.mark.usefixtures("empty_plots")


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


def test_forty_labels_and_more_are_all_in_the_table(tmp_path: Path, real_plots: None) -> None:
    paths, labels = pictures(tmp_path, 84, [f"label {number:02d}" for number in range(42)])
    found = comparison(paths, labels, [scores("learned", [0.5] * 84), scores("edges", [0.25] * 84)])
    rows = Page(render(found)).tables["Precision at 5 by label"]
    assert [row[0] for row in rows[1:]] == [f"label {number:02d}" for number in range(42)]


def test_one_encoder_alone_is_reported_without_differences(known: Comparison, real_plots: None) -> None:
    page = Page(render(comparison(known.gallery, known.gallery_labels, [known.encoders["edges"]])))
    assert "Differences" not in page.texts["h2"]
    assert "Where the encoders disagree most" not in page.texts["h2"]
    assert page.tables["Mean over queries, with 95% bootstrap intervals"][1][5] == "0.750 0.750 to 0.750"


def test_a_gallery_of_two_is_enough(known: Comparison, real_plots: None) -> None:
    encoders = [scores("learned", [1.0, 1.0]), scores("edges", [0.5, 0.5])]
    page = Page(render(comparison(known.gallery[:2], ["hat", "hat"], encoders, {"edges": (0.5, 0.5, 0.5)})))
    assert page.tables["Mean average precision"][1][:3] == ["edges", "+0.500", "+0.500 to +0.500"]
