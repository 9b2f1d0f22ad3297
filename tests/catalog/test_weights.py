"""Weights as text."""

from __future__ import annotations

import pytest

from autoenc.catalog.weights import Boost, Near, Words, boosts_of, encoders_of, nears_of, words_of
from autoenc.errors import ArgumentError


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("learned", {"learned": 1.0}),
        ("none", {}),
        ("learned=1,color=.5", {"learned": 1.0, "color": 0.5}),
        (" edges+pca32 = 2 , my.encoder-2=0 ", {"edges+pca32": 2.0, "my.encoder-2": 0.0}),
        ({"color": 2}, {"color": 2}),
    ],
)
def test_encoders_and_their_weights(text, weights):
    assert encoders_of(text) == weights


@pytest.mark.parametrize(
    ("text", "boosts"),
    [
        ("", []),
        ("articleType=.3,baseColour=.2", [Boost("articleType", 0.3), Boost("baseColour", 0.2)]),
        ("brand:Nike=1", [Boost("brand", 1.0, "Nike")]),
        (
            "'base color':light blue=.2, a.b:\"x,y=z\"=3",
            [Boost("base color", 0.2, "light blue"), Boost("a.b", 3, "x,y=z")],
        ),
        ("added:2026-01-31T12:00:00Z=.1", [Boost("added", 0.1, "2026-01-31T12:00:00Z")]),
        ({"brand": 0.5}, [Boost("brand", 0.5)]),
        ([Boost("brand", 0.5, 7)], [Boost("brand", 0.5, 7)]),
    ],
)
def test_boosts(text, boosts):
    assert boosts_of(text) == boosts


@pytest.mark.parametrize(
    ("text", "nears"),
    [
        ("price=.2", [Near("price", 0.2)]),
        ("price:49=.2", [Near("price", 0.2, 49.0)]),
        ("price~10=.2", [Near("price", 0.2, None, 10.0)]),
        ("price : -4.5 ~ 1e1 = 2, 'unit price'=1", [Near("price", 2.0, -4.5, 10.0), Near("unit price", 1.0)]),
        ([Near("price", 0.2)], [Near("price", 0.2)]),
    ],
)
def test_closeness(text, nears):
    assert nears_of(text) == nears


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, None),
        ("red shoe", Words("red shoe", 1.0)),
        ("red shoe = .3", Words("red shoe", 0.3)),
        ("size=xl", Words("size=xl", 1.0)),
        ("a=b=2", Words("a=b", 2.0)),
        (Words("size=5"), Words("size=5", 1.0)),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("read", "given", "message"),
    [
        (encoders_of, "learned=1,color", "using= takes NAME=WEIGHT, .*; got 'color'"),
        (encoders_of, "learned=x", "using= needs numbers; got 'x'"),
        (encoders_of, "a=1,a=2", "each name once"),
        (encoders_of, "a:b=2", "using= takes NAME=WEIGHT"),
        (boosts_of, "brand", "boost= takes FIELD=WEIGHT or FIELD:VALUE=WEIGHT, .*; got 'brand'"),
        (boosts_of, "brand=", "boost= takes"),
        (boosts_of, "brand=.2 color=.3", "boost= takes"),
        (boosts_of, "brand~3=.2", "boost= takes"),
        (boosts_of, "brand=a lot", "boost= takes"),
        (boosts_of, "brand=much", "boost= needs numbers; got 'much'"),
        (boosts_of, 5, r"boost= takes text, or a list of autoenc\.Boost; got 5"),
        (boosts_of, [Near("price", 1)], r"a list of autoenc\.Boost"),
        (nears_of, "price:cheap=.2", "near= needs numbers; got 'cheap'"),
        (words_of, 5, r"words= takes text, or autoenc\.Words; got 5"),
        (words_of, Words(5), r"words= takes text, or autoenc\.Words; got Words"),
        (nears_of, "price~=.2", "near= takes FIELD"),
    ],
)
def test_what_cannot_be_read_is_told(read, given, message):
    with pytest.raises(ArgumentError, match=message):
        read(given)
