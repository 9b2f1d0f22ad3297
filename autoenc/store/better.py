"""Which encoder retrieves better than another, as a store remembers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from autoenc.text import counted, short


@dataclass(frozen=True)
class Better:
    """An encoder that retrieves better than another, as a comparison by labels has shown.

    Attributes:
        encoder: the better encoder's name.
        map: its mean average precision.
        than_map: that of the other encoder over the same queries.
        ci_low, ci_high: 95% interval of the paired difference, which lies above zero.
        queries: how many labeled queries there were.
        date: when they were compared, as in 2026-01-31.
        fingerprint, than_fingerprint: of the two encoders.
    """

    encoder: str
    map: float
    than_map: float
    ci_low: float
    ci_high: float
    queries: int
    date: str
    fingerprint: str
    than_fingerprint: str

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError unless every value is one that a comparison can have."""
        if not all(isinstance(text, str) for text in (self.encoder, self.fingerprint, self.than_fingerprint)):
            raise TypeError(f"not the names and fingerprints of encoders: {self!r}")
        for figure in (self.map, self.than_map, self.ci_low, self.ci_high):
            if type(figure) not in (int, float) or not 0 <= figure <= 1:
                raise ValueError(f"not a figure from 0 to 1: {figure!r}")
        if not 0 < self.ci_low <= self.ci_high:
            raise ValueError(f"not an interval above zero: {self.ci_low!r} to {self.ci_high!r}")
        if type(self.queries) is not int or self.queries < 1:
            raise ValueError(f"not a number of queries: {self.queries!r}")
        if date.fromisoformat(self.date).isoformat() != self.date:
            raise ValueError(f"not a date: {self.date!r}")

    def told(self, than: str) -> str:
        """One line about it; `than` is the other encoder.

        Example:
            >>> Better("color", 0.44, 0.17, 0.25, 0.29, 700, "2026-01-31", "c", "l").told("learned")
            'color retrieves better than learned (mAP .440 against .170 on 700 labeled queries, 2026-01-31)'
        """
        queries = counted(self.queries, "labeled query", "labeled queries")
        return (
            f"{self.encoder} retrieves better than {than} (mAP {short(self.map)} against {short(self.than_map)} on "
            f"{queries}, {self.date})"
        )


def read_better(entries: Mapping[str, Any], fingerprints: Mapping[str, str]) -> dict[str, Better]:
    """What a record says of its encoders, without what it says of encoders that the store no longer holds.

    Args:
        entries: encoder -> `Better` of it, as a dictionary; from a record, which anyone may have written.
        fingerprints: encoder -> its fingerprint, for every encoder that the store holds.

    Raises:
        TypeError, ValueError, AttributeError: an entry that cannot be.
    """
    read = {than: Better(**entry) for than, entry in entries.items()}
    return {
        than: better
        for than, better in read.items()
        if (fingerprints.get(better.encoder), fingerprints.get(than)) == (better.fingerprint, better.than_fingerprint)
    }
