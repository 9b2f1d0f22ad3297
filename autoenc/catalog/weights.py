"""What a hybrid search weighs, as callers write it: encoders, boosts of fields, closeness of numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from autoenc.encoders import Encoder
from autoenc.errors import ArgumentError
from autoenc.store import Scalar
from autoenc.store.blending import grown
from autoenc.text import no_comma

Using = str | Encoder | Mapping[str, float] | Mapping[Encoder, float] | Mapping[str | Encoder, float]
"""One encoder, several with their weights, or text such as `learned=1,color=0.5`."""


@dataclass(frozen=True)
class Boost:
    """A weight for images that share a value.

    Attributes:
        field: a filterable field.
        weight: what a match adds to the score, 0 or more.
        value: the value, or for a field of kind text the words; by default, those of the query product.

    Example:
        >>> boost = [Boost("articleType", 0.3), Boost("baseColour", 0.2, "Red")]
    """

    field: str
    weight: float
    value: Scalar | None = None


@dataclass(frozen=True)
class Near:
    """A weight for images with a number that is close to another.

    Attributes:
        field: a filterable field of integers or floats.
        weight: what the number itself adds to the score, 0 or more.
        value: the number; by default, that of the query product.
        scale: the distance at which half of the weight is left; by default, a tenth of the number.

    Example:
        >>> near = [Near("price", 0.2, value=49, scale=10)]
    """

    field: str
    weight: float
    value: float | None = None
    scale: float | None = None


@dataclass(frozen=True)
class Words:
    """Words to search for, exactly as they are.

    Attributes:
        text: the words.
        weight: what all of them together add to the score, 0 or more.

    Example:
        >>> words = Words("red shoe", 0.3)
    """

    text: str
    weight: float = 1.0


NOTHING = "none"
"""In place of an encoder: looks do not count."""

T = TypeVar("T")

_SEVERAL = re.compile(r"=\s*\.?\d[\d.]*\s*,.*=")
"""Words with a weight each, as other options take them: red=.3,blue=.2."""

_QUOTED = r""""[^"]*"|'[^']*'"""
_ITEM = rf"""\s*
    (?P<field> {_QUOTED} | [^\s"',:=~] [^"',:=~]*? ) \s*
    (?: : \s* (?P<value> {_QUOTED} | [^\s"',=~] [^"',=~]*? ) \s* )?
    (?: ~ \s* (?P<scale> [^\s,=~]+ ) \s* )?
    = \s* (?P<weight> [^\s,=]+ ) \s* (?: , | $ )"""


def encoders_of(using: Using) -> dict[str | Encoder, float]:
    """Encoders, by name or themselves, with their weights; one alone weighs 1, and `none` is no encoder.

    Raises:
        ArgumentError: text that cannot be read.

    Example:
        >>> encoders_of("learned"), encoders_of("learned=1, color=.5")
        ({'learned': 1.0}, {'learned': 1.0, 'color': 0.5})
    """
    weights: dict[str | Encoder, float] = {}
    if isinstance(using, Mapping):
        for encoder, weight in using.items():
            weights[encoder] = weight
        return weights
    if using == NOTHING:
        return weights
    if isinstance(using, Encoder) or "=" not in using:
        return {using: 1.0}
    for match in _items("using", "NAME=WEIGHT", using):
        name = _unquoted(match["field"])
        if match["value"] or match["scale"] or name in weights:
            raise _unreadable("using", "NAME=WEIGHT, each name once", using)
        weights[name] = _number("using", match["weight"])
    return weights


def shared_weights(weights: Mapping[str, float], there: Collection[str]) -> dict[str, float]:
    """The weights of those vectors that are there, with three quarters of that of the others (see `blending.grown`).

    Args:
        weights: name of a vector -> its weight, above 0.
        there: the vectors that an image has, at least one of these.

    Example:
        >>> shared_weights({"learned": 1.0, "color": 0.25, "behavior": 0.5}, {"learned", "color"})
        {'learned': 1.3, 'color': 0.325}
    """
    kept = {name: weight for name, weight in weights.items() if name in there}
    growth = grown(sum(weights.values()), sum(kept.values()))
    return {name: weight * growth for name, weight in kept.items()}


def boosts_of(boost: str | Mapping[str, float] | Sequence[Boost]) -> list[Boost]:
    """Boosts from text such as `articleType=.3,"base color":light blue=.2`, or from fields and their weights.

    Raises:
        ArgumentError: text that cannot be read, or something else.

    Example:
        >>> boosts_of("articleType=.3, brand:Nike=.2")
        [Boost(field='articleType', weight=0.3, value=None), Boost(field='brand', weight=0.2, value='Nike')]
    """
    if isinstance(boost, Mapping):
        return [Boost(field, weight) for field, weight in boost.items()]
    if not isinstance(boost, str):
        return _all(Boost, "boost", boost)
    form = "FIELD=WEIGHT or FIELD:VALUE=WEIGHT"
    found = []
    for match in _items("boost", form, boost):
        if match["scale"]:
            raise _unreadable("boost", form, boost)
        value = _unquoted(match["value"]) if match["value"] else None
        found.append(Boost(_unquoted(match["field"]), _number("boost", match["weight"]), value))
    return found


def nears_of(near: str | Sequence[Near]) -> list[Near]:
    """Closeness from text such as `price:49~10=.2`: at 39 and at 59, half of the weight is left.

    Raises:
        ArgumentError: text that cannot be read, or something else.

    Example:
        >>> nears_of("price:49~10=.2, year=.1")  # doctest: +NORMALIZE_WHITESPACE
        [Near(field='price', weight=0.2, value=49.0, scale=10.0),
         Near(field='year', weight=0.1, value=None, scale=None)]
    """
    if not isinstance(near, str):
        return _all(Near, "near", near)
    found = []
    for match in _items("near", "FIELD[:NUMBER][~SCALE]=WEIGHT", near):
        value = _number("near", _unquoted(match["value"])) if match["value"] else None
        scale = _number("near", match["scale"]) if match["scale"] else None
        found.append(Near(_unquoted(match["field"]), _number("near", match["weight"]), value, scale))
    return found


def words_of(words: str | Words | None) -> Words | None:
    """Words from text such as `red shoe=.3`; without a number at the end, they weigh 1.

    Raises:
        ArgumentError: several weights, or something else.

    Example:
        >>> words_of("red shoe=.3"), words_of("red shoe")
        (Words(text='red shoe', weight=0.3), Words(text='red shoe', weight=1.0))
    """
    if words is None or (isinstance(words, Words) and isinstance(words.text, str)):
        return words
    if not isinstance(words, str):
        raise ArgumentError(f"words= takes text, or autoenc.Words; got {words!r}.")
    if _SEVERAL.search(words):
        raise ArgumentError(
            f"words= takes one weight at the end, for all words together, such as red blue=0.3; got {words!r}. Weigh "
            f"words apart with boost=."
        )
    text, equals, weight = words.rpartition("=")
    try:
        return Words(text.strip(), float(weight)) if equals else Words(words)
    except ValueError:
        return Words(words)


def _items(name: str, form: str, text: str) -> Iterable[re.Match[str]]:
    item = re.compile(_ITEM, re.VERBOSE)  # here, because it takes a millisecond that most queries can do without
    at = 0
    while at < len(text):
        match = item.match(text, at)
        if match is None:
            raise _unreadable(name, form, text[at:].strip())
        yield match
        at = match.end()


def _all(kind: type[T], name: str, given: object) -> list[T]:
    found = list(given) if isinstance(given, Iterable) else [given]
    known = [each for each in found if isinstance(each, kind)]
    if len(known) < len(found):
        raise ArgumentError(f"{name}= takes text, or a list of autoenc.{kind.__name__}; got {given!r}.")
    return known


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentError(f"{name}= needs numbers; got {text!r}.{no_comma(text)}") from None


def _unquoted(text: str) -> str:
    return text[1:-1] if text[:1] in ("'", '"') else text


def _unreadable(name: str, form: str, text: str) -> ArgumentError:
    return ArgumentError(
        f"{name}= takes {form}, separated by commas, names with other signs in quotes; got {text!r}.{no_comma(text)}"
    )
