"""Files that were moved or renamed keep their points: the fields, and the vectors where the content is the same.

A point's id follows from its path, so that everyone who knows a file knows its point. So a move gives the point another
id: it is written anew under the new one, and then the old one is removed. Until that is done, the new point notes the
old id. A process that is killed leaves both, or the new one alone; the next run sees the note and finishes. There is no
moment at which the fields are not in the store.

Only a new file whose content is that of a file that has gone has moved: a copy, whose original is still there, becomes
a point of its own, and so does a file under a name that is taken already, whose point keeps its fields.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from autoenc.catalog.fields import own_of
from autoenc.catalog.pipeline import Plan
from autoenc.catalog.sources import file_below, file_size
from autoenc.catalog.survey import MOVED_FROM, Known
from autoenc.errors import ImageError
from autoenc.images.files import ImageFile, read_file
from autoenc.images.finding import Found, path_of
from autoenc.parallel import ordered_map
from autoenc.progress import Progress
from autoenc.store import OWN, Record, Store, point_id

_MOVED = 64  # points at a time
_LOOKED_UP = 10_000


@dataclass(frozen=True)
class Move:
    """A file under a new name.

    Attributes:
        old: the id that its point has.
        path: its new path relative to its source.
        size, mtime_ns: of the file, as it is now.
    """

    old: str
    path: str
    size: int
    mtime_ns: int


def find_moves(new: Mapping[str, Path], gone: Mapping[str, Mapping[str, Any]]) -> list[Move]:
    """Find out which new files were moved: those with the content of a file that has gone.

    A new file is read only if one that has gone had as many bytes. Among several of one content, those that kept their
    names belong together, and then the first to the first, in the order of their paths.

    Args:
        new: path relative to the source -> file, of the files that the store does not hold.
        gone: id -> autoenc's own fields, of the points whose files have gone.
    """
    candidates = list(_as_large(new.items(), gone))
    arrived: dict[str, list[tuple[str, ImageFile]]] = defaultdict(list)
    left: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path, file in zip(candidates, ordered_map(_read, [new[path] for path in candidates]), strict=True):
        if file is not None:
            arrived[file.digest].append((path, file))
    for id, own in gone.items():
        left[str(own.get("digest"))].append((id, str(own.get("path"))))
    moves = []
    for digest in arrived.keys() & left.keys():
        for old, (path, file) in _paired(left[digest], arrived[digest]):
            moves.append(Move(old, path, file.size, file.mtime_ns))
    return sorted(moves, key=lambda move: move.path)


def gone_elsewhere(new: Mapping[str, Path], known: Known, root: Path, store: Store) -> dict[str, Mapping[str, Any]]:
    """Points outside of the part of a source that is indexed whose files have gone, perhaps into this part.

    Args:
        new: as for `find_moves`.
        known: what the store knows of the source.
        root: the source's folder.
        store: an open store.

    Returns:
        Those as large as one of the new files, as `find_moves` takes them: id -> autoenc's own fields.
    """
    gone: dict[str, Mapping[str, Any]] = {}
    ids = known.others_of({file_size(file) for file in new.values()}) if len(known.others) else []
    for start in range(0, len(ids), _LOOKED_UP):
        for record in store.retrieve(ids[start : start + _LOOKED_UP]):
            file = file_below(root, own_of(record.payload).get("path"))
            if file is not None and _has_gone(file):
                gone[record.id] = own_of(record.payload)
    return gone


def _has_gone(file: Path) -> bool:
    """Whether there is certainly no such file: a link on the way that leads nowhere may lead to a disk."""
    try:
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        return not any(folder.is_symlink() and not os.path.exists(folder) for folder in file.parents)
    except OSError:
        pass
    return False


def find_moves_out(source: Found, gone: Mapping[str, Mapping[str, Any]], plan: Plan, store: Store) -> list[Move]:
    """Find out which files that have gone from the part of a source that is indexed lie in another part of it.

    Args:
        source: all files of the source.
        gone: as for `find_moves`.
        plan: what is indexed.
        store: an open store.
    """
    files = zip(plan.relative(source.items), map(path_of, source.items), strict=True)
    large = _as_large(((path, file) for path, file in files if not path.startswith(plan.place.within)), gone)
    ids = {path: point_id(plan.source, path) for path in large}
    held = {record.id for record in store.retrieve(list(ids.values()))} if ids else set()
    return find_moves({path: file for path, file in large.items() if ids[path] not in held}, gone)


def _as_large(files: Iterable[tuple[str, Path]], gone: Mapping[str, Mapping[str, Any]]) -> dict[str, Path]:
    """Those files that are as large as one of those that have gone."""
    sizes = {own.get("size") for own in gone.values()}
    return {path: file for path, file in files if file_size(file) in sizes} if gone else {}


def _read(file: Path) -> ImageFile | None:
    try:
        read = read_file(file)
    except ImageError:  # whoever indexes it tells why
        return None
    return ImageFile(read.path, b"", read.digest, read.size, read.mtime_ns)  # only the digest is needed


def _paired(
    left: Sequence[tuple[str, str]], arrived: Sequence[tuple[str, ImageFile]]
) -> list[tuple[str, tuple[str, ImageFile]]]:
    """Ids that left with files that arrived, one for one."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for id, path in sorted(left, key=lambda item: item[1], reverse=True):
        by_name[PurePosixPath(path).name].append(id)
    pairs, rest = [], []
    for path, file in sorted(arrived, key=lambda item: item[0]):
        same = by_name[PurePosixPath(path).name]
        if same:
            pairs.append((same.pop(), (path, file)))
        else:
            rest.append((path, file))
    taken = {id for id, _ in pairs}
    free = [id for id, _ in sorted(left, key=lambda item: item[1]) if id not in taken]
    return [*pairs, *zip(free, rest, strict=False)]


def move_points(moves: Sequence[Move], source: str, store: Store, tell: Progress) -> None:
    """Give the points of moved files the ids and the paths that they have now, with all their fields and vectors."""
    names = list(store.info.vectors)
    for start in range(0, len(moves), _MOVED):
        tell("moving", start, len(moves), "")
        part = {move.old: move for move in moves[start : start + _MOVED]}
        found = store.retrieve(list(part), vectors=names)
        records = {point_id(source, part[record.id].path): record for record in found}
        store.upsert_records([replace(old, id=id, payload=_moved(old, part[old.id])) for id, old in records.items()])
        _finish(store, {id: record.id for id, record in records.items()})
    if moves:
        tell("moving", len(moves), len(moves), "")


def _moved(record: Record, move: Move) -> dict[str, Any]:
    own = {
        **own_of(record.payload),
        "path": move.path,
        "folder": move.path.rpartition("/")[0],
        "size": move.size,
        "mtime_ns": move.mtime_ns,
        MOVED_FROM: record.id,
    }
    return {**record.payload, OWN: own}


def finish_moves(known: Known, root: Path, store: Store) -> None:
    """Finish the moves that a killed process has left: the new points are whole, the old ones may still be there.

    Args:
        known: what the store knows of a source.
        root: the source's folder. A file that has come back to its old name keeps its old point, too.
        store: an open store.
    """
    moving = list(known.moving.items())
    for start in range(0, len(moving), _MOVED):
        part = dict(moving[start : start + _MOVED])
        old = [
            (record.id, file_below(root, own_of(record.payload).get("path")))
            for record in store.retrieve(list(part.values()))
        ]
        back = {id for id, file in old if file is None or os.path.lexists(file)}
        _finish(store, part, keeping=back)


def _finish(store: Store, moved: Mapping[str, str], keeping: Collection[str] = ()) -> None:
    """Remove the old points, then the notes about them; `moved` maps new ids to old ones."""
    store.delete([id for id in moved.values() if id not in keeping])
    store.delete_fields(list(moved), [MOVED_FROM], key=OWN)
