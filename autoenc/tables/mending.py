"""Rows of a CSV file with more cells than columns: most often a name with a comma in it and no quotes around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter

from autoenc.tables.kinds import FEW, ColumnKind, value_of
from autoenc.text import counted

JOINABLE: tuple[ColumnKind, ...] = ("text", "keyword")

_NUMBER = re.compile(r"\s*[^\w\s]?\s?-?([0-9]+,[0-9]+|[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?)\s?([^\w\s]|[A-Z]{3})?\s*")
"""19,90 or 1,299.50 with or without a currency."""

_CUTS = 4  # commas in a number at most


@dataclass(frozen=True)
class Pattern:
    """What the rows with the right number of cells show about a column.

    Attributes:
        kind: the kind of its cells.
        known: its different cells, if they are few.
    """

    kind: ColumnKind
    known: frozenset[str] | None

    @classmethod
    def of(cls, kind: ColumnKind, values: set[str]) -> Pattern:
        return cls(kind, frozenset(values) if len(values) <= FEW else None)

    def misfit(self, cell: str) -> int | None:
        """0 if a cell looks like the others, 1 if it is new among few different ones, None if it is of another kind."""
        try:
            value_of(self.kind, cell)
        except ValueError:
            return None
        return int(bool(cell) and self.kind == "keyword" and self.known is not None and cell not in self.known)


def mended(cells: Sequence[str], patterns: Sequence[Pattern], delimiter: str) -> tuple[int, list[str]]:
    """Join the extra cells of a row to one of its columns.

    It is a column of text, or of keywords if there is none, with which every other cell is of its column's kind. Of
    several, it is the one with which the fewest cells are new in columns of few different values, and then one whose
    cells after the first begin with a space, as words after a comma do.

    Args:
        cells: the cells of the row as they stand in the file, more than there are columns.
        patterns: of each column.
        delimiter: what was taken for a separator.

    Returns:
        The column, and one cell for each column.

    Raises:
        ValueError: there is no such column, or several; or the separator may be a decimal comma. The message says why.

    Example:
        >>> patterns = [Pattern.of("integer", {"1", "2"}), Pattern.of("text", {"A red bag", "A blue bag"})]
        >>> mended(["3", "A bag", " red"], patterns, ",")
        (1, ['3', 'A bag, red'])
    """
    extra = len(cells) - len(patterns)
    found: list[tuple[tuple[int, int, bool], int, list[str]]] = []
    for at, pattern in enumerate(patterns):
        if pattern.kind not in JOINABLE:
            continue
        joined = cells[at : at + extra + 1]
        row = [cell.strip() for cell in (*cells[:at], delimiter.join(joined), *cells[at + extra + 1 :])]
        misfits = [patterns[column].misfit(row[column]) for column in range(len(patterns)) if column != at]
        if None not in misfits:
            apart = not all(cell.startswith(" ") for cell in joined[1:])
            found.append(((JOINABLE.index(pattern.kind), sum(filter(None, misfits)), apart), at, row))
    more = f"it has {counted(extra, 'cell')} more than the header, and"
    if not found:
        raise ValueError(f"{more} no column that they could belong to")
    found.sort(key=itemgetter(0))
    if len(found) > 1 and found[0][0] == found[1][0]:
        raise ValueError(f"{more} several columns that they could belong to")
    if delimiter == "," and _may_hold_number(cells, patterns):
        raise ValueError(f"{more} a comma that may be part of a number")
    return found[0][1:]


def _may_hold_number(cells: Sequence[str], patterns: Sequence[Pattern]) -> bool:
    """Whether a row can be read with a number that commas have cut, and words in one other column at most."""
    if not any(map(_NUMBER.fullmatch, map(",".join, pairwise(cells)))):
        return False
    extra = len(cells) - len(patterns)
    ways = {(0, False, False)}  # how many extra cells are taken so far, and whether by words and by a number
    for column, pattern in enumerate(patterns):
        further = set()
        for taken, words, number in ways:
            at = column + taken
            if pattern.misfit(cells[at].strip()) is not None:
                further.add((taken, words, number))
            for more in range(1, extra - taken + 1):
                cut = more <= _CUTS and _NUMBER.fullmatch(",".join(cells[at : at + more + 1])) is not None
                if cut and pattern.kind in ("integer", "float", "keyword"):
                    further.add((taken + more, words, True))
                elif pattern.kind in JOINABLE and not words:
                    further.add((taken + more, True, number))
        ways = further
    return any(taken == extra and number for taken, _, number in ways)
