"""What a report concludes from a comparison: the headline, its evidence, and the queries to look at."""

from __future__ import annotations

import dataclasses

import pytest
from comparisons import comparison, scores
from pages import Page

from autoenc.comparison.records import Comparison
from autoenc.report.findings import chance, disagreements, evidence, headline, tally
from autoenc.report.page import render

pytestmark = pytest.mark.usefixtures("empty_plots")


def _with(known: Comparison, **differences: tuple[float, float, float]) -> Comparison:
    encoders = [known.encoders["learned"], *(scores(name, [0.5] * 8) for name in differences)]
    return comparison(known.gallery, known.gallery_labels, encoders, differences)


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


def test_wins_ties_and_losses_count_queries(known: Comparison) -> None:
    known = comparison(
        known.gallery, known.gallery_labels,
        [scores("a", [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5]), scores("b", [0.0, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5, 0.6])],
        {"b": (-0.0375, -0.1, 0.02)},
    )  # fmt: skip
    assert tally(known, known.differences[0]) == (1, 4, 3)


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
    assert examples[0].reason == "learned is ahead of edges: average precision 0.90, against 0.50."
    assert examples[2].reason == "learned is behind edges: average precision 0.10, against 0.50."
    assert "furthest ahead of edges, over all queries the best of the other encoders" in render(found)
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
