"""The parts of a hybrid score: what a query weighs, in the terms of a store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autoenc.catalog.fields import field_value
from autoenc.catalog.queries import Query
from autoenc.catalog.weights import Boost, Near, Words
from autoenc.errors import ArgumentError
from autoenc.store import Contains, Filter, Or, Scale, Store
from autoenc.store.blending import Closeness, Match, Part, Similarity
from autoenc.store.hybrid import checked_weight
from autoenc.store.records import listed
from autoenc.vectors import Vectors

Product = Sequence[Mapping[str, Any]]
"""The payloads of the stored images that a query names."""

_WORD = re.compile(r"[^\W_]")


def parts_of(
    store: Store,
    query: Query,
    product: Product,
    vectors: Mapping[str, Vectors],
    weights: Mapping[str, float],
    scales: Mapping[str, Scale],
) -> dict[str, Part]:
    """The parts of a hybrid score, each under a name that tells what it is.

    Args:
        store: an open store.
        query: what is asked.
        product: whose values boosts and closeness compare with, where the query gives none.
        vectors: encoder -> what to compare with.
        weights: encoder -> its weight.
        scales: encoder -> its scale.

    Returns:
        `learned` for an encoder, `brand=Nike` for a boost, `price~49` for closeness, `contains red` for a word.

    Raises:
        UnknownFieldError: a field that is not filterable.
        ArgumentError: no value to compare with, a value of another kind, or two parts of one name.
    """
    parts: list[tuple[str, Part]] = [
        (name, Similarity(name, vector, weights[name], scales[name])) for name, vector in vectors.items()
    ]
    parts += [_boosted(store, boost, product) for boost in query.boosts]
    parts += [_close(store, near, product) for near in query.nears]
    parts += _words(store, query)
    named = dict(parts)
    if len(named) < len(parts):
        names = [name for name, _ in parts]
        twice = next(name for name in names if names.count(name) > 1)
        raise ArgumentError(f"A hybrid search weighs each part once; '{twice}' is there twice.")
    return named


def _boosted(store: Store, boost: Boost, product: Product) -> tuple[str, Part]:
    kind = store.kind_of(boost.field)
    if boost.value is not None:
        where: Filter = {boost.field: Contains(str(boost.value)) if kind == "text" else boost.value}
        return f"{boost.field}={boost.value}", Match(where, boost.weight)
    if kind == "text":
        raise ArgumentError(
            f"boost= of field '{boost.field}', which holds text, needs words: {boost.field}:WORDS=WEIGHT."
        )
    values = _values(store, product, boost.field)
    if not values:
        raise _nothing_to_compare("boost", boost.field, product)
    return f"{boost.field}={'|'.join(map(str, values))}", Match({boost.field: values}, boost.weight)


def _close(store: Store, near: Near, product: Product) -> tuple[str, Part]:
    target = near.value
    if target is None:
        numbers = [value for value in _values(store, product, near.field) if _is_number(value)]
        if not numbers:
            store.kind_of(near.field)  # raises if there is no such field
            raise _nothing_to_compare("near", near.field, product)
        target = sum(numbers) / len(numbers)
    scale = abs(target) / 10 if near.scale is None else near.scale
    if near.scale is None and not scale:
        raise ArgumentError(
            f"near= of field '{near.field}' needs a scale where the number is 0: {near.field}~SCALE=WEIGHT."
        )
    return f"{near.field}~{target:g}", Closeness(near.field, target, scale, near.weight)


def _words(store: Store, query: Query) -> Iterable[tuple[str, Part]]:
    wanted = query.wanted
    if wanted is None:
        return
    if not _text_fields(store):
        raise ArgumentError(
            f"words= searches fields of kind text; the filterable fields of collection '{store.collection}' are "
            f"{listed(store.info.fields)}. Use boost= or where= for those."
        )
    words = _terms(wanted)
    if not words:
        raise ArgumentError(f"words= needs a letter or a digit; got {wanted.text!r}.")
    share = checked_weight(wanted.weight) / len(words)
    for word in words:
        yield f"contains {word}", Match(_anywhere(store, word), share)


def unknown_words(store: Store, wanted: Words) -> list[str]:
    """A sentence that names the words that no image has in a field of kind text; none if all are there."""
    if not (unknown := [word for word in _terms(wanted) if not store.count(_anywhere(store, word))]):
        return []
    fields = _text_fields(store)
    where = f"{'field' if len(fields) == 1 else 'fields'} {listed(fields)}"
    return [f"No image has {' or '.join(map(repr, unknown))} in the text of {where}, as a whole word."]


def _terms(wanted: Words) -> list[str]:
    """The words, each once."""
    return list(dict.fromkeys(word for word in wanted.text.lower().split() if _WORD.search(word)))


def _text_fields(store: Store) -> list[str]:
    return [name for name, kind in store.info.fields.items() if kind == "text"]


def _anywhere(store: Store, word: str) -> Filter:
    """A filter for the images that have a word in any field of kind text."""
    return Or(*({field: Contains(word)} for field in _text_fields(store)))


def _values(store: Store, product: Product, field: str) -> list[Any]:
    """What the query product has in a field, each value once."""
    values: list[Any] = []
    for payload in product:
        held = field_value(store, payload, field)
        values += held if isinstance(held, list) else [held]
    return list(dict.fromkeys(value for value in values if isinstance(value, (str, int, float)) and value != ""))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _nothing_to_compare(option: str, field: str, product: Product) -> ArgumentError:
    lacking = "the query product has none" if product else "the query is no stored image"
    return ArgumentError(
        f"{option}= of field '{field}' has no value to compare with: {lacking}. Give one: {field}:VALUE=WEIGHT."
    )
