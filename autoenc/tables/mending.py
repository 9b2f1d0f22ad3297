"""Rows of a CSV file with more cells than columns: most often a name with a comma in it and no quotes around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoenc.tables.kinds import FEW, ColumnKind, value_of

JOINABLE: tuple[ColumnKind, ...] = ("text", "keyword")


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


def mended(cells: Sequence[str], patterns: Sequence[Pattern], delimiter: str) -> tuple[int, list[str]] | None:
    """Join the extra cells of a row to one of its columns.

    It is a column of text, or of keywords if there is none, with which every other cell is of its column's kind: the
    one with which the fewest cells are new in columns of few different values, and of several, the last.

    Args:
        cells: the cells of the row, more than there are columns.
        patterns: of each column.
        delimiter: what was taken for a separator.

    Returns:
        (the column, one cell for each column); None if there is no such column.

    Example:
        >>> patterns = [Pattern.of("integer", {"1", "2"}), Pattern.of("text", {"A red bag", "A blue bag"})]
        >>> mended(["3", "A bag", " red"], patterns, ",")
        (1, ['3', 'A bag, red'])
    """
    extra = len(cells) - len(patterns)
    for kind in JOINABLE:
        best: tuple[int, int, list[str]] | None = None
        for at in (at for at in reversed(range(len(patterns))) if patterns[at].kind == kind):
            joined = delimiter.join(cells[at : at + extra + 1])
            row = [cell.strip() for cell in (*cells[:at], joined, *cells[at + extra + 1 :])]
            misfits = [patterns[column].misfit(row[column]) for column in range(len(patterns)) if column != at]
            if None not in misfits and (best is None or sum(filter(None, misfits)) < best[0]):
                best = sum(filter(None, misfits)), at, row
        if best is not None:
            return best[1:]
    return None
