"""Remove the points of files that have gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from autoenc.errors import ArgumentError, StoreError
from autoenc.images.finding import Found
from autoenc.store import Store
from autoenc.text import counted, shown, some

PRUNE_LIMIT = 0.2
"""The largest share of the points of a source that is removed without being asked for."""

Confirm = Callable[[Sequence[Path]], bool]
"""Is called with files whose points are to be removed, and returns whether to do it."""


class Pruning(NamedTuple):
    """Whether a caller wants points removed, at most which share of them, and who is asked before."""

    asked: bool
    limit: float
    confirm: Confirm | None = None


def check_pruning(found: Found, limit: float) -> None:
    """Raise ArgumentError for images that do not tell what has gone, or a limit that is no share."""
    if not found.whole:
        raise ArgumentError(
            "prune=True needs a folder: a list of files or pictures does not tell which files have gone."
        )
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not 0 <= limit <= 1:
        raise ArgumentError(f"prune_limit= is a share from 0 to 1, such as 0.2; got {limit!r}.")


def check_share(gone: Sequence[Path], known: int, limit: float, folder: Path) -> None:
    """Raise StoreError if more points would be removed than the limit allows.

    Args:
        gone: the files that have gone, of which there are points.
        known: how many points there are.
        limit: the largest share.
        folder: the folder that is indexed.
    """
    count = len(gone)
    if count > limit * known:
        names = [shown(file.relative_to(folder)) for file in gone]
        raise StoreError(
            f"{counted(count, 'image')} of {known:,} of {shown(folder)} {'is' if count == 1 else 'are'} no longer in "
            f"the folder: {some(names)}. That is {count / known:.0%}, and prune_limit={limit:g} allows {limit:.0%}. "
            f"Nothing was removed or indexed. If they are really gone, and not on a disk that is not mounted, raise "
            f"the limit."
        )


def prune_points(store: Store, gone: Mapping[str, Path]) -> list[Path]:
    """Remove points, except for those whose files have come back; `gone` maps ids to files.

    Returns:
        The files whose points were removed.
    """
    items = [(id, file) for id, file in gone.items() if not os.path.lexists(file)]
    store.delete([id for id, _ in items])
    return [file for _, file in items]


def not_pruned(found: Found, unsure: list[Path]) -> str:
    """Why nothing may be removed, as a sentence; empty if all of the folder could be read."""
    if found.unlisted:
        return f"Nothing was pruned, because {shown(found.unlisted[0])} could not be searched: see the skipped files."
    if unsure:
        return f"Nothing was pruned, because {shown(unsure[0])} could not be looked for: its folder is out of reach."
    return ""
