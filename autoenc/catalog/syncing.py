"""Bring a store in line with a folder before anything is encoded: what has moved, what has gone, what is unchanged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autoenc.catalog.moves import Move, find_moves, find_moves_out, finish_moves, gone_elsewhere, move_points
from autoenc.catalog.pipeline import Plan
from autoenc.catalog.pruning import Pruning, check_share, not_pruned
from autoenc.catalog.survey import Survey, read_known, survey
from autoenc.errors import NoImagesError
from autoenc.images.finding import Found, find_images, path_of
from autoenc.progress import Progress
from autoenc.store import Store, point_id
from autoenc.text import counted, shown, some


@dataclass(frozen=True)
class Synced:
    """What came out.

    Attributes:
        survey: what is known of the files; None where there is no whole folder, or no store yet.
        moved: the ids, as they are now, of the points whose files were moved or renamed.
        gone: id -> file, of the points whose files do not exist any more.
        to_prune: those of `gone` whose points are to be removed.
        notes: why nothing is removed though that was asked for, and what has moved to elsewhere, in sentences.
    """

    survey: Survey | None = None
    moved: Collection[str] = frozenset()
    gone: Mapping[str, Path] = field(default_factory=dict)
    to_prune: Mapping[str, Path] = field(default_factory=dict)
    notes: Sequence[str] = ()


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
    moves: list[Move] = []
    if surveyed.gone or len(known.others):
        new = [path_of(found.items[at]) for at in np.flatnonzero(surveyed.rows < 0).tolist()]
        files = dict(zip(plan.relative(new), new, strict=True))
        moves = find_moves(files, {**surveyed.gone, **gone_elsewhere(files, known, place.root, store)})
    left = _without(surveyed.gone, moves)
    source = _all_of(place.root) if place.within and left else found
    moves_out = find_moves_out(source, left, plan, store) if source is not found else []
    left = _without(left, moves_out)
    gone = {id: place.root / str(own["path"]) for id, own in left.items()}
    unsure = pruning.asked and (gone or surveyed.unsure)
    note = (not_pruned(found, surveyed.unsure) or not_pruned(source, [])) if unsure else ""
    to_prune: dict[str, Path] = {}
    if pruning.asked and gone and not note:
        check_share(list(gone.values()), len(known), pruning.limit, found.root or place.root)
        if pruning.confirm is None or pruning.confirm(list(gone.values())):
            to_prune = gone
    move_points([*moves, *moves_out], place.source, store, tell)
    moved = {point_id(place.source, move.path) for move in moves}
    return Synced(surveyed, moved, gone, to_prune, [*filter(None, [note]), *_told(moves_out, plan)])


def _without(gone: Mapping[str, Mapping[str, Any]], moves: Sequence[Move]) -> dict[str, Mapping[str, Any]]:
    moved = {move.old for move in moves}
    return {id: own for id, own in gone.items() if id not in moved}


def _all_of(root: Path) -> Found:
    try:
        return find_images(root)
    except NoImagesError:  # all are in hidden folders, which are searched only where they are named
        return Found(root, [], whole=True)


def _told(moves: Sequence[Move], plan: Plan) -> list[str]:
    if not moves:
        return []
    was = (
        "was moved to another folder of it and keeps its"
        if len(moves) == 1
        else ("were moved to other folders of it and keep their")
    )
    return [
        f"{counted(len(moves), 'image')} of source {shown(plan.source)} {was} fields: "
        f"{some([shown(move.path) for move in moves])}."
    ]
