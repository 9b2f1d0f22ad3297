"""Bring a store in line with a folder before anything is encoded: what has moved, what has gone, what is unchanged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path

from autoenc.catalog.moves import find_moves, finish_moves, move_points
from autoenc.catalog.pipeline import Plan
from autoenc.catalog.pruning import Pruning, check_share, not_pruned
from autoenc.catalog.survey import Survey, read_known, survey
from autoenc.images.finding import Found
from autoenc.progress import Progress
from autoenc.store import Store, point_id


@dataclass(frozen=True)
class Synced:
    """What came out.

    Attributes:
        survey: what is known of the files; None where there is no whole folder, or no store yet.
        moved: the ids, as they are now, of the points whose files were moved or renamed.
        gone: id -> file, of the points whose files do not exist any more.
        to_prune: those of `gone` whose points are to be removed.
        note: why nothing is removed though that was asked for; or empty.
    """

    survey: Survey | None = None
    moved: Collection[str] = frozenset()
    gone: Mapping[str, Path] = field(default_factory=dict)
    to_prune: Mapping[str, Path] = field(default_factory=dict)
    note: str = ""


def sync(found: Found, plan: Plan, store: Store | None, pruning: Pruning, tell: Progress) -> Synced:
    """Compare a whole folder with a store, and move the points of files that were moved.

    Raises:
        StoreError: more is to be pruned than allowed. Nothing was written.
    """
    if store is None or not found.whole:
        return Synced()
    place = plan.place
    known = read_known(store, place.source, place.within, plan.asked)
    if known.moving:
        finish_moves(known, place.root, store)
    surveyed = survey(found, plan.relative(found.items), store, place.source, place.root, known)
    moves = []
    if surveyed.gone:
        new = (surveyed.rows < 0).tolist()
        paths = found.paths
        names = compress(plan.relative(found.items), new)
        moves = find_moves(dict(zip(names, compress(paths, new), strict=True)), surveyed.gone)
    left = surveyed.gone.keys() - {move.old for move in moves}
    gone = {id: place.root / str(own["path"]) for id, own in surveyed.gone.items() if id in left}
    note = not_pruned(found, surveyed.unsure) if pruning.asked and (gone or surveyed.unsure) else ""
    to_prune: dict[str, Path] = {}
    if pruning.asked and gone and not note:
        check_share(list(gone.values()), len(known), pruning.limit, found.root or place.root)
        if pruning.confirm is None or pruning.confirm(list(gone.values())):
            to_prune = gone
    move_points(moves, place.source, store, tell)
    moved = {point_id(place.source, move.path) for move in moves}
    return Synced(surveyed, moved, gone, to_prune, note)
