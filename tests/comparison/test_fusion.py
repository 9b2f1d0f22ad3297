"""The record of a fusion: its names, its figures, and what it claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from comparisons import fusion

from autoenc.catalog.weights import Boost, Near, boosts_of, encoders_of, nears_of
from autoenc.comparison.attributes import Attribute
from autoenc.comparison.fusion import fusion_name


def test_a_reader_sees_the_weights() -> None:
    assert fusion_name({"learned": 1.0, "color": 0.5, "edges": 0.125}) == "learned + color + edges (1 : 0.5 : 0.125)"


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ({"learned": 1.0, "color": 0.5}, "learned=1,color=0.5"),
        ({"my-net.v2": 1.0, "shapes & more": 0.25}, 'my-net.v2=1,"shapes & more"=0.25'),
        ({"a=b,c:d~e": 1.0, 'five"': 0.125}, '"a=b,c:d~e"=1,\'five"\'=0.125'),
        ({"größe": 1.0, "color": 1.0}, "größe=1,color=1"),
    ],
)
def test_a_query_takes_the_weights_as_they_are_written(weights: Mapping[str, float], text: str) -> None:
    found = fusion(weights, [0.5] * 4)
    assert found.using == text
    assert encoders_of(text) == weights


def test_figures_are_means_with_intervals() -> None:
    found = fusion({"a": 1.0, "b": 0.5}, [0.0, 1.0] * 4, others=0.25)
    assert found.figures["map"] == (0.5, 0.125, 0.875)
    assert found.figures["p@5"] == (0.25, 0.25, 0.25)


def test_it_beats_all_where_every_interval_lies_above_zero() -> None:
    ahead, barely, even = (0.25, 0.125, 0.375), (0.0625, 0.01, 0.1), (0.125, 0.0, 0.25)
    weights = {"a": 1.0, "b": 0.5}
    both = fusion(weights, [0.5] * 4, {"a": ahead, "c": barely})
    assert both.beats_all
    assert both.closest.b == "c"
    assert not fusion(weights, [0.5] * 4, {"a": ahead, "c": even}).beats_all


def test_differences_turn_around() -> None:
    found = fusion({"a": 1.0, "b": 0.5}, [0.5] * 4, {"a": (0.25, 0.125, 0.5), "b": (0.0, -0.5, 0.25)})
    (turned,) = found.differences_from("b")
    assert (turned.a, turned.b, turned.metric) == ("b", "a + b (1 : 0.5)", "map")
    assert (turned.mean, turned.ci_low, turned.ci_high) == (0, -0.25, 0.5)


def test_as_json() -> None:
    found = fusion({"a": 1.0, "b": 0.5}, [0.5] * 4, {"a": (0.25, 0.125, 0.5)}).to_dict()
    assert found["weights"] == {"a": 1.0, "b": 0.5}
    assert found["weights_of_halves"] == [{"a": 1.0, "b": 0.5}, {"a": 1.0, "b": 1.0}]
    assert (found["using"], found["map"], found["map_ci"], found["beats_all"]) == ("a=1,b=0.5", 0.5, [0.5, 0.5], True)
    assert found["differences"] == [
        {
            "a": "a + b (1 : 0.5)", "b": "a", "metric": "map", "mean": 0.25, "ci_low": 0.125, "ci_high": 0.5,
            "excludes_zero": True,
        }
    ]  # fmt: skip


def test_a_hybrid_names_its_attributes_as_a_query_takes_them() -> None:
    found = fusion({"learned": 1.0, "color": 0.5}, [0.5] * 4)
    weights = {
        **found.weights, Attribute("brand"): 2.0, Attribute("base color"): 0.25, Attribute("price", 12.5): 0.125,
    }  # fmt: skip
    found = replace(found, weights=weights, halves=(weights, found.weights))
    assert found.options == {
        "using": "learned=1,color=0.5",
        "boost": 'brand=2,"base color"=0.25',
        "near": "price~12.5=0.125",
    }
    assert boosts_of(found.boost) == [Boost("brand", 2.0), Boost("base color", 0.25)]
    assert nears_of(found.near) == [Near("price", 0.125, scale=12.5)]
    assert found.encoders == {"learned": 1.0, "color": 0.5}
    told = found.to_dict()
    assert told["weights"] == {
        "learned": 1.0, "color": 0.5, "boost brand": 2.0, "boost base color": 0.25, "near price~12.5": 0.125,
    }  # fmt: skip
    assert (told["boost"], told["near"]) == (found.boost, found.near)
    assert told["weights_of_halves"][1] == {"learned": 1.0, "color": 0.5}
    assert "boost" not in fusion({"a": 1.0, "b": 1.0}, [0.5] * 4).to_dict()
