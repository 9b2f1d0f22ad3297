"""Format paths, numbers and tables as plain text that is safe to print."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence


def shown(path: str | os.PathLike[str]) -> str:
    """A path as one printable line, whatever bytes its name holds."""
    return printable(exact(path))


def printable(text: str) -> str:
    """Any text as one line of valid Unicode: lone surrogates and control characters are escaped."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def exact(path: str | os.PathLike[str]) -> str:
    """A path exactly as it is, except that bytes and surrogates that are not UTF-8 are escaped."""
    try:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a surrogate that no file name holds
        return os.fspath(path).encode("utf-8", "backslashreplace").decode()


def is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def composed(text: str) -> str:
    """One of the ways to write an accented letter: file systems and spreadsheets use different ones.

    Example:
        >>> composed("e\N{COMBINING ACUTE ACCENT}") == "\N{LATIN SMALL LETTER E WITH ACUTE}"
        True
    """
    if text.isascii():
        return text
    import unicodedata  # seldom needed

    return unicodedata.normalize("NFC", text)


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun, in the singular or the plural.

    Args:
        count: how many.
        noun: what, in the singular.
        plural: its plural, where that is not the noun and an "s".

    Example:
        >>> counted(1, "image"), counted(1200, "image"), counted(0, "query", "queries")
        ('1 image', '1,200 images', '0 queries')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def meant(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """A question to append to a message about a name that there is not; empty if no known one is like it.

    Example:
        >>> meant("basecolor", ["season", "baseColour"]), meant("price", ["season"])
        (" Did you mean 'baseColour'?", '')
    """
    import difflib  # slow to load, and seldom needed

    lowered = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=cutoff)
    return f" Did you mean '{lowered[near[0]]}'?" if near else ""


def no_comma(text: str) -> str:
    """A sentence to append to a message about text in which a comma of another script stands; empty without one.

    Example:
        >>> no_comma("learned=1\N{FULLWIDTH COMMA}color=.5"), no_comma("learned=1,color=.5")
        (" '\uff0c' is no comma here; write ','.", '')
    """
    found = next(
        (sign for sign in "\N{FULLWIDTH COMMA}\N{IDEOGRAPHIC COMMA}\N{FULLWIDTH SEMICOLON}" if sign in text), ""
    )
    return f" '{found}' is no comma here; write ','." if found else ""


def some(items: Sequence[str], most: int = 10) -> str:
    """Items as a list for a sentence: the first of them, and how many more there are.

    Example:
        >>> some(["a"]), some(["a", "b", "c"]), some(["a", "b", "c", "d"], most=2)
        ('a', 'a, b and c', 'a, b and 2 more')
    """
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most:,} more"
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def number(value: float, *, like: float | None = None, sign: bool = False) -> str:
    """A number for a table: three decimals, or below .1 as many as show three digits, at most six.

    Args:
        value: the number.
        like: another number, whose count of decimals to use: for a bound of an interval, the mean next to it.
        sign: write the sign of positive numbers too.
    """
    size = abs(value if like is None else like)
    decimals = min(6, 2 - math.floor(math.log10(size))) if 0 < size < 0.1 else 3
    return f"{value:{'+' if sign else ''}.{decimals}f}"


def short(value: float, *, like: float | None = None, sign: bool = False) -> str:
    """`number` without the zero before the decimal point: .512, -.512."""
    text = number(value, like=like, sign=sign)
    return re.sub(r"^([+-]?)0\.", r"\1.", text)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain-text table: columns are two spaces apart, and columns of numbers, or "-" for none, are aligned right."""
    lines = [[printable(cell) for cell in line] for line in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    right = [all(_numeric(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def _numeric(cell: str) -> bool:
    if cell == "-":
        return True
    try:
        float(cell.split()[0])
    except (ValueError, IndexError):
        return False
    return True
