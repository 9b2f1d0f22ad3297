"""What the last indexing runs of a source did, as a store remembers it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LAST = 5
"""How many runs of each source a store remembers."""

_COUNTS = ("indexed", "moved", "updated", "unchanged", "missing", "pruned", "skipped")


@dataclass(frozen=True)
class Run:
    """One indexing run.

    Attributes:
        finished: when, in UTC, as in 2026-01-31T12:00:00Z.
        seconds: how long it took.
        indexed, moved, updated, unchanged, missing, pruned, skipped: images, as `autoenc.IndexReport` counts them.
    """

    finished: str
    seconds: float
    indexed: int = 0
    moved: int = 0
    updated: int = 0
    unchanged: int = 0
    missing: int = 0
    pruned: int = 0
    skipped: int = 0

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError unless every value is one that a run can have."""
        if _told(datetime.fromisoformat(self.finished)) != self.finished:
            raise ValueError(f"not a time in UTC: {self.finished!r}")
        if type(self.seconds) not in (int, float) or not self.seconds >= 0:
            raise ValueError(f"not a duration: {self.seconds!r}")
        for name in _COUNTS:
            count = getattr(self, name)
            if type(count) is not int or count < 0:
                raise ValueError(f"not a count: {count!r}")

    def told(self) -> str:
        """One line about it.

        Example:
            >>> Run("2026-01-31T12:00:00Z", 3.21, indexed=1200, missing=2).told()
            '2026-01-31T12:00:00Z: 1,200 indexed, 2 missing in 3.2 s'
        """
        counts = [f"{count:,} {name}" for name in _COUNTS if (count := getattr(self, name))]
        return f"{self.finished}: {', '.join(counts) or 'no image'} in {self.seconds:.1f} s"


def now() -> str:
    """The time, as runs note it."""
    return _told(datetime.now(UTC))


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_runs(data: Mapping[str, Any], sources: Collection[str]) -> dict[str, tuple[Run, ...]]:
    """The runs in a record, oldest first, of the sources that there are.

    Raises:
        TypeError, ValueError: they are not as they were written.
    """
    return {source: tuple(Run(**run) for run in runs) for source, runs in data.items() if source in sources}
