"""Remove the points of files that have gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from autoenc.errors import ArgumentError, StoreError
from autoenc.images.finding import Found
from autoenc.store import Store
from autoenc.text import counted, shown

PRUNE_LIMIT = 0.2
"""The largest share of the points of a source that is removed without being asked for."""

Prune = bool | Callable[[Sequence[Path]], bool]
"""Whether to remove the points of files that have gone; or a function that is told the files first, and decides."""


class Pruning(NamedTuple):
    """What a caller wants removed, and at most which share of the points."""

    asked: Prune
    limit: float


def check_pruning(found: Found, limit: float) -> None:
    """Raise ArgumentError for images that do not tell what has gone, or a limit that is no share."""
    if not found.whole:
        raise ArgumentError(
            "prune=True needs a folder: a list of files or pictures does not tell which files have gone."
        )
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not 0 <= limit <= 1:
        raise ArgumentError(f"prune_limit= is a share from 0 to 1, such as 0.2; got {limit!r}.")


def check_share(gone: int, known: int, limit: float, where: str) -> None:
    """Raise StoreError if more points would be removed than the limit allows.

    Args:
        gone: how many points have lost their files.
        known: how many points there are.
        limit: the largest share.
        where: of what they are points, for the message.
    """
    if gone > limit * known:
        raise StoreError(
            f"{counted(gone, 'image')} of {known:,} of {where} {'is' if gone == 1 else 'are'} no longer in the folder: "
            f"{gone / known:.0%}, and prune_limit={limit:g} allows {limit:.0%}. Nothing was removed or indexed. "
            f"If they are really gone, and not on a disk that is not mounted, raise the limit."
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
