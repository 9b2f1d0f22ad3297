"""The kinds of a table's columns: which one fits some cells, and what a cell means in a column of that kind."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from datetime import date, datetime
from itertools import filterfalse
from operator import methodcaller
from typing import Any, Literal, get_args

ColumnKind = Literal["keyword", "integer", "float", "datetime", "bool", "text", "keywords"]
COLUMN_KINDS: tuple[ColumnKind, ...] = get_args(ColumnKind)
"""keyword: a word or name to filter by; text: a sentence; keywords: a list of keywords in one cell."""

ABSENT = frozenset({"na", "n/a", "nan", "null", "none"})
"""Words that stand for an empty cell, in columns of numbers, dates and bools. Elsewhere they are words."""

FEW = 1000
"""A column of keywords with at most so many different ones has few values: they are worth filtering by."""

_INT64 = range(-(2**63), 2**63)
_CELLS_A_TEXT = 6  # at most, on average
_TEXT_WORDS = 3  # on average, in a column of text
_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

# Narrower than what `value_of` accepts: codes such as 007 and 12E4 are no numbers unless someone says so.
_DATE = r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?"
_WRITTEN: dict[ColumnKind, re.Pattern[str]] = {
    "bool": re.compile("true|false|yes|no", re.IGNORECASE),
    "integer": re.compile("-?(0|[1-9][0-9]*)"),
    "float": re.compile(r"-?(?=\.?[0-9])(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-][0-9]{1,2})?"),
    "datetime": re.compile(_DATE, re.ASCII),
}
_SURE_DIGITS = 18  # what `_WRITTEN` takes for a number is neither infinite nor too large if it is no longer
_WHOLE = re.compile("[+-]?[0-9]+")
_LOCAL = re.compile(r"[+-]?[0-9]+([.\s'][0-9]{3})*(,[0-9]{1,2})?|[+-]?[0-9]+(,[0-9]{3})*(\.[0-9]+)?")
_CURRENCY = re.compile(r"^([$£¥₠-⃏]|[A-Z]{3}(?=\s))\s?|\s?([$£¥₠-⃏]|EUR|USD|GBP|CHF|INR|JPY)$")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def infer(values: Collection[str], cells: int) -> ColumnKind:
    """The narrowest kind that fits every value.

    Args:
        values: the different cells of a column, without empty ones.
        cells: how many cells they fill.

    Example:
        >>> infer({"12", "7"}, 9), infer({"12", "7.5"}, 9), infer({"007", "12"}, 9), infer({"2026-01-31"}, 9)
        ('integer', 'float', 'keyword', 'datetime')
    """
    return next((kind for kind in _WRITTEN if _all_fit(kind, values)), None) or of_words(values, cells)


def _all_fit(kind: ColumnKind, values: Collection[str]) -> bool:
    """`fits` for every value, one of which at least stands for no empty cell."""
    absent = set()
    for value in filterfalse(_WRITTEN[kind].fullmatch, values):
        if value.lower() not in ABSENT:
            return False
        absent.add(value)
    written = [value for value in values if value not in absent] if absent else values
    if kind == "bool" or not written:
        return bool(written)
    if kind in ("integer", "float") and max(map(len, written)) <= _SURE_DIGITS:
        return True
    return all(fits(kind, value) for value in written)


def of_words(values: Collection[str], cells: int) -> ColumnKind:
    """Text if a value fills six cells at most (a product has several photos) and has three words on average."""
    differ = len(values) > max(1, cells / _CELLS_A_TEXT)
    words = sum(map(methodcaller("count", " "), values)) + len(values)
    return "text" if differ and words >= _TEXT_WORDS * len(values) else "keyword"


def fits(kind: ColumnKind, value: str) -> bool:
    """Whether a value is one that `infer` takes for this kind."""
    if not _WRITTEN[kind].fullmatch(value):
        return value.lower() in ABSENT
    try:
        return value_of(kind, value) is not None
    except ValueError:
        return False


def is_local(cell: str) -> bool:
    """Whether a cell looks like a number that is written as in a shop: with a decimal comma, or with a currency.

    Example:
        >>> [is_local(cell) for cell in ("48,68", "48.68 €", "$5", "48.68", "1.299,00 EUR", "M, L", "1,2,3")]
        [True, True, True, False, True, False, False]
    """
    amount = _CURRENCY.sub("", cell)
    return bool(_LOCAL.fullmatch(amount)) and (amount != cell or "," in cell)


def value_of(kind: ColumnKind, cell: Any, separator: str = "|") -> Any:
    """What a cell means: text, int, float, ISO 8601 text, bool or a list of texts; None for an empty cell.

    Args:
        kind: the kind of the column.
        cell: text without spaces around it, or a value of a typed column.
        separator: what stands between the keywords of one cell.

    Raises:
        ValueError: the cell is of another kind.

    Example:
        >>> value_of("float", "12"), value_of("keywords", "red| blue"), value_of("datetime", "2026-01-31T12:00Z")
        (12.0, ['red', 'blue'], '2026-01-31T12:00:00+00:00')
    """
    if cell is None or cell == "":
        return None
    return _CONVERTERS[kind](cell, separator)


def _keyword(cell: Any, separator: str) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float) and cell.is_integer():  # an id, in a column that has gaps
        return str(int(cell))
    if isinstance(cell, bool):
        return str(cell).lower()
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _keywords(cell: Any, separator: str) -> list[str] | None:
    parts = cell.split(separator) if isinstance(cell, str) else cell if isinstance(cell, list) else [cell]
    words = [_keyword(part, separator).strip() for part in parts if part is not None]
    return [word for word in words if word] or None


def _integer(cell: Any, separator: str) -> int | None:
    if isinstance(cell, str):
        if cell.lower() in ABSENT:
            return None
        if not _WHOLE.fullmatch(cell):
            raise ValueError(cell)
        cell = int(cell)
    elif isinstance(cell, float):
        if math.isnan(cell):
            return None
        if not cell.is_integer():
            raise ValueError(cell)
    elif not isinstance(cell, int) or isinstance(cell, bool):
        raise ValueError(cell)
    number = int(cell)
    if number not in _INT64:
        raise ValueError(cell)
    return number


def _float(cell: Any, separator: str) -> float | None:
    if isinstance(cell, str):
        if cell.lower() in ABSENT:
            return None
        if not _NUMBER.fullmatch(cell):
            raise ValueError(cell)
    elif isinstance(cell, (bool, date, list)):
        raise ValueError(cell)
    number = float(cell)
    if math.isinf(number):
        raise ValueError(cell)
    return None if math.isnan(number) else number


def _datetime(cell: Any, separator: str) -> str | None:
    if isinstance(cell, str):
        if cell.lower() in ABSENT:
            return None
        if not _WRITTEN["datetime"].fullmatch(cell):
            raise ValueError(cell)
        cell = (datetime if len(cell) > len("2026-01-31") else date).fromisoformat(cell)
    if not isinstance(cell, date):
        raise ValueError(cell)
    return cell.isoformat()


def _bool(cell: Any, separator: str) -> bool | None:
    if isinstance(cell, str) and cell.lower() in ABSENT:
        return None
    word = str(cell).lower()
    if word not in _BOOLS:
        raise ValueError(cell)
    return _BOOLS[word]


_CONVERTERS: dict[ColumnKind, Callable[[Any, str], Any]] = {
    "keyword": _keyword,
    "integer": _integer,
    "float": _float,
    "datetime": _datetime,
    "bool": _bool,
    "text": _keyword,
    "keywords": _keywords,
}

EXPECTED: dict[ColumnKind, str] = {
    "integer": "a whole number",
    "float": "a number such as 12.5",
    "datetime": "a date such as 2026-01-31 or 2026-01-31T12:00:00Z",
    "bool": "true or false",
}
"""What a cell of each kind that not every cell fits looks like, for messages."""
