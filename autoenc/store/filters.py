"""The checked conditions that engines receive, and how they are made from what callers write."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from autoenc.errors import ArgumentError
from autoenc.store.expression import MAX_DEPTH, parse
from autoenc.store.kinds import RANGED, FieldKind, Scalar, of_kind
from autoenc.store.where import And, Comparison, Contains, Filter, Not, Or, Range, values_of

OWN = "_autoenc"
"""The payload key that holds autoenc's own fields; every other key belongs to the user."""

SCANNED = frozenset(f"{OWN}.{name}" for name in ("path", "width", "height"))
"""Filterable fields without an index: they are seldom asked for, and an index of each takes memory and time at every
opening. A filter on one of them reads the payloads."""


class AnyOf(NamedTuple):
    """A payload field has one of these values, each of the kind's Python type (datetimes in UTC)."""

    field: str
    kind: FieldKind
    values: tuple[Any, ...]

    def ranges(self) -> list[Between]:
        """The same as ranges of one value each, for floats and datetimes, which engines match in no other way."""
        return [Between(self.field, self.kind, gte=value, lte=value) for value in self.values]


class Between(NamedTuple):
    """A payload field of numbers or dates lies between bounds; None means no bound."""

    field: str
    kind: FieldKind
    gte: Any = None
    gt: Any = None
    lte: Any = None
    lt: Any = None


class IsEmpty(NamedTuple):
    """A payload field is not there, or holds null or an empty list."""

    field: str


class HasWords(NamedTuple):
    """A payload field of kind text contains every one of these words; each holds a letter or a digit, and no spaces."""

    field: str
    words: tuple[str, ...]


class HasVector(NamedTuple):
    """A point has a vector of this name."""

    name: str


class HasId(NamedTuple):
    """A point's id is one of these."""

    ids: tuple[str, ...]


class Conditions(NamedTuple):
    """All of `must` hold, none of `must_not`, and one of `should` at least, if there are any. A condition itself."""

    must: tuple[Condition, ...] = ()
    must_not: tuple[Condition, ...] = ()
    should: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        return any(self)

    @property
    def narrows(self) -> bool:
        """Whether more than a few single points are left out."""
        return bool(self.must or self.should) or not all(isinstance(each, HasId) for each in self.must_not)

    def without(self, ids: tuple[str, ...]) -> Conditions:
        """The same, for all but these points."""
        return self._replace(must_not=(*self.must_not, HasId(ids))) if ids else self


Condition = AnyOf | Between | IsEmpty | HasWords | HasVector | HasId | Conditions

EVERYTHING = Conditions()

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNQUOTABLE = re.compile(r'["\\\x00-\x1f]')
_LETTER = re.compile(r"[^\W_]")
_BETWEEN_WORDS = re.compile(r"[\x00-/:-@\[-`{-\x7f\s]+")  # in ASCII; what else ends a word is left to the engine


def json_path(field: str) -> str:
    """A field's name as a JSON path. autoenc's own fields lie one level down; a user's name is one key, even with dots.

    Example:
        >>> json_path("price"), json_path("base color"), json_path("_autoenc.folder")
        ('price', '"base color"', '_autoenc.folder')
    """
    if field.startswith(f"{OWN}.") or _PLAIN.fullmatch(field):
        return field
    return f'"{field}"'


def short_name(field: str, fields: Collection[str]) -> str:
    """What a filterable field is called: autoenc's own by their short names, unless the user has such a field."""
    short = field.removeprefix(f"{OWN}.")
    return field if short in fields else short


def check_field_name(name: str) -> None:
    """Raise ArgumentError for a name that no JSON path can hold."""
    own = name.startswith(f"{OWN}.") and not _PLAIN.fullmatch(name.removeprefix(f"{OWN}."))
    if not name or _UNQUOTABLE.search(name) or name == OWN or own:
        raise ArgumentError(
            f"A filterable field's name holds no quotes, backslashes or control characters, and is neither empty "
            f"nor '{OWN}'; got {name!r}."
        )


Resolve = Callable[[str], tuple[str, FieldKind]]
"""A field's name as callers write it -> its full name and its kind; raises UnknownFieldError."""


def conditions_of(where: Filter | None, resolve: Resolve) -> Conditions:
    """The conditions of a filter, with its fields resolved and its values converted to their kinds.

    Raises:
        ArgumentError: an expression that cannot be read, a value of another kind, or something else than a filter.
        UnknownFieldError: from `resolve`.
    """
    return EVERYTHING if where is None else _joined(where, resolve, 0)


def equalities(where: Filter) -> Iterator[tuple[str, Scalar]]:
    """Every field and value that a filter wants to be equal; what stands in a Not is left out."""
    if isinstance(where, str):
        yield from equalities(parse(where))
    elif isinstance(where, (And, Or)):
        for part in where.filters:
            yield from equalities(part)
    elif isinstance(where, Mapping):
        for field, given in where.items():
            if given is not None and not isinstance(given, (Range, Contains)):
                yield from ((field, value) for value in values_of(given))


def _joined(where: Filter, resolve: Resolve, depth: int) -> Conditions:
    if depth > 2 * MAX_DEPTH:
        raise ArgumentError(f"At most {2 * MAX_DEPTH} filters can stand inside one another in where=.")
    if isinstance(where, str):
        where = parse(where)
    if isinstance(where, Mapping):
        return Conditions(tuple(condition_of(*resolve(name), given) for name, given in where.items()))
    if isinstance(where, Not):
        return Conditions(must_not=(only(_joined(where.filter, resolve, depth + 1)),))
    if isinstance(where, (And, Or)):
        parts = tuple(_joined(part, resolve, depth + 1) for part in where.filters)
        if isinstance(where, And):
            return all_of(parts)
        if not parts:
            raise ArgumentError("An autoenc.Or in where= needs at least one part.")
        return Conditions(should=tuple(map(only, parts)))
    raise ArgumentError(
        f"where= maps fields to values, as in {{'folder': 'shoe'}}, or is a text such as 'price < 50', or an "
        f"autoenc.And, Or or Not; got {where!r}."
    )


def all_of(parts: tuple[Conditions, ...]) -> Conditions:
    """One level for several, wherever no `should` stands in the way."""
    flat = [part for part in parts if not part.should]
    nested = tuple(part for part in parts if part.should)
    must = tuple(each for part in flat for each in part.must)
    return Conditions((*must, *nested), tuple(each for part in flat for each in part.must_not))


def only(conditions: Conditions) -> Condition:
    """The condition itself, where there is only one."""
    return conditions.must[0] if len(conditions.must) == 1 and not any(conditions[1:]) else conditions


def condition_of(field: str, kind: FieldKind, given: Comparison) -> Condition:
    """The condition on one field, with values converted to the field's kind: expressions hold text.

    Raises:
        ArgumentError: no value, a value of another kind, a range of what has no order, or words of what is no text.
    """
    name = field.removeprefix(f"{OWN}.")  # the name that callers use
    if given is None:
        return IsEmpty(field)
    if isinstance(given, Contains):
        return _words(field, name, kind, given.words)
    if kind == "text":
        raise ArgumentError(
            f"Field '{name}' holds text, which is searched by words and not compared as a whole: {name} contains "
            f'"WORDS" in an expression, or autoenc.Contains in Python.'
        )
    if isinstance(given, Range):
        if kind not in RANGED:
            numbers = f"; or give the table with metadata= again and types={{{name!r}: 'float'}}, if it holds numbers"
            raise ArgumentError(
                f"Field '{name}' holds {kind} values, which have no range. Filter by values instead"
                f"{numbers if kind == 'keyword' else ''}."
            )
        bounds = {bound: None if value is None else of_kind(name, kind, value) for bound, value in vars(given).items()}
        if all(value is None for value in bounds.values()):
            raise ArgumentError(f"The range on '{name}' needs at least one bound.")
        return Between(field, kind, **bounds)
    values = values_of(given)
    if not values:
        raise ArgumentError(f"The filter on '{name}' needs at least one value to match.")
    return AnyOf(field, kind, tuple(of_kind(name, kind, value) for value in values))


def _words(field: str, name: str, kind: FieldKind, given: str) -> HasWords:
    if kind != "text":
        raise ArgumentError(
            f"Field '{name}' holds {kind} values; words are searched for in fields of kind text. Compare it with a "
            f"value instead."
        )
    words = tuple(word for word in _BETWEEN_WORDS.split(of_kind(name, kind, given)) if _LETTER.search(word))
    if not words:
        raise ArgumentError(f"The words that '{name}' must contain need a letter or a digit; got {given!r}.")
    return HasWords(field, words)
