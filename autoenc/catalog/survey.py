"""A folder compared with what the store holds of it, before any file is read: what is unchanged, new and gone.

A look-up of every image in the store would take several times as long as the listing of the folder. So sizes and
modification times of all of a source's points are read in one pass, and kept in arrays: 34 bytes an image.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.catalog.fields import own_of
from autoenc.catalog.sources import file_below
from autoenc.images.finding import Files, Found
from autoenc.store import OWN, Store
from autoenc.store.points import point_key

SOURCE = f"{OWN}.source"
MOVED_FROM = "moved_from"
"""Own field of a point that is being moved: the id that it had before. See `catalog.moves`."""

_READ = 10_000  # points read at a time
_ID_LENGTH = 36
_INT64 = 2**63

Keys = npt.NDArray[np.bytes_]
Rows = npt.NDArray[np.int64]


@dataclass
class Known:
    """What the store knows of the files of one source, in the order of the points' ids.

    Attributes:
        keys: (N,) S16, the ids as bytes, ascending.
        sizes: (N,) int64, in bytes; -1 where it is not known.
        times: (N,) int64, modification times in nanoseconds since 1970.
        ready: (N,) bool, whether a point has every vector that is asked for.
        moving: id of a point -> the id that it had before, where a move was interrupted.
        others: (M,) S16, the ids of the source's points outside of the part that was asked for.
        others_sizes: (M,) int64, as `sizes`.
    """

    keys: Keys
    sizes: Rows
    times: Rows
    ready: npt.NDArray[np.bool_]
    moving: dict[str, str] = field(default_factory=dict)
    others: Keys = field(default_factory=lambda: np.empty(0, "S16"))
    others_sizes: Rows = field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.keys)

    def rows(self, keys: Keys) -> Rows:
        """The row of each id; -1 for those that the store does not hold."""
        if not len(self):
            return np.full(len(keys), -1)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self) - 1)
        return np.where(self.keys[at] == keys, at, -1)

    def ids(self, rows: Rows) -> list[str]:
        """The ids of some rows."""
        return _ids(self.keys[rows])

    def others_of(self, sizes: Collection[int]) -> list[str]:
        """The ids of points outside of the part that was asked for whose files had one of these sizes."""
        return _ids(self.others[np.isin(self.others_sizes, list(sizes))])


def _ids(keys: Keys) -> list[str]:
    texts = (bytes(key).ljust(16, b"\0").hex() for key in keys)
    return [f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" for text in texts]


def read_known(store: Store, source: str, within: str, vectors: Collection[str]) -> Known:
    """Read what the store knows of the files of a source.

    Args:
        store: an open store.
        source: the source's name.
        within: the part of the source that is asked for: the points whose path begins with this.
        vectors: the vectors that are asked for.
    """
    keys, sizes, times, others, others_sizes = bytearray(), array("q"), array("q"), bytearray(), array("q")
    moving: dict[str, str] = {}
    if SOURCE in store.info.fields:
        names = ["size", "mtime_ns", MOVED_FROM, *(["path"] if within else [])]
        fields = [f"{OWN}.{name}" for name in names]
        for record in store.scroll({SOURCE: source}, fields=fields, batch=_READ):
            own, id = own_of(record.payload), record.id
            if len(id) != _ID_LENGTH:
                continue  # a number is no id of ours
            if MOVED_FROM in own:
                moving[id] = own[MOVED_FROM]
            key = bytes.fromhex(id.replace("-", ""))
            size: Any = own.get("size")
            if within and not str(own.get("path")).startswith(within):
                others += key
                others_sizes.append(size if type(size) is int and 0 <= size < _INT64 else -1)
                continue
            keys += key
            time: Any = own.get("mtime_ns")
            whole = type(size) is int and type(time) is int and 0 <= size < _INT64 and 0 <= time < _INT64
            sizes.append(size if whole else -1)
            times.append(time if whole else -1)
    known = Known(
        keys=np.frombuffer(bytes(keys), "S16"),
        sizes=np.array(sizes, np.int64),
        times=np.array(times, np.int64),
        ready=np.ones(len(sizes), np.bool_),
        moving=moving,
        others=np.frombuffer(bytes(others), "S16"),
        others_sizes=np.array(others_sizes, np.int64),
    )
    for name in vectors if len(known) else ():
        if name not in store.info.vectors:
            known.ready[:] = False
            continue
        lacking = store.scroll({SOURCE: source}, fields=[], lacking=name, batch=_READ)
        without = b"".join(bytes.fromhex(r.id.replace("-", "")) for r in lacking if len(r.id) == _ID_LENGTH)
        rows = known.rows(np.frombuffer(without, "S16"))
        known.ready[rows[rows >= 0]] = False
    return known


@dataclass
class Survey:
    """What a folder and the store say of each other.

    Attributes:
        files: the files of the folder.
        known: what the store knows.
        rows: (items,) int64, the row of each file of the folder in `known`; -1 for a new one.
        gone: id -> autoenc's own fields of the points whose file does not exist any more, in the order of their paths.
        unsure: files that the store holds and that could not be looked for.
    """

    files: Sequence[str]
    known: Known
    rows: Rows
    gone: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    unsure: list[Path] = field(default_factory=list)

    def changed(self, start: int, stop: int) -> list[int]:
        """Which of the files from `start` to `stop` are not as the store knows them, counted from `start`."""
        files, rows = self.files[start:stop], self.rows[start:stop]
        there = rows >= 0
        if not there.any():
            return list(range(len(files)))
        sizes, times = np.full(len(files), -1), np.full(len(files), -1)
        for at in np.flatnonzero(there).tolist():
            try:
                status = os.stat(files[at])  # noqa: PTH116  faster
            except (OSError, ValueError):
                continue  # whoever reads it tells why it cannot be read
            sizes[at], times[at] = status.st_size, status.st_mtime_ns
        known = self.known
        same = (known.sizes[rows] == sizes) & (known.times[rows] == times) & known.ready[rows]
        return np.flatnonzero(~(there & same)).tolist()


def survey(found: Found, relative: Iterable[str], store: Store, source: str, root: Path, known: Known) -> Survey:
    """Compare all files of a folder with what the store knows.

    Args:
        found: the files.
        relative: the path of each, relative to the source's root.
        store: an open store.
        source: the source's name.
        root: its folder.
        known: what the store knows of these files.
    """
    keys = np.frombuffer(b"".join(point_key(source, path) for path in relative), "S16")
    rows = known.rows(keys)
    seen = np.zeros(len(known), np.bool_)
    seen[rows[rows >= 0]] = True
    files = found.items.names if isinstance(found.items, Files) else [*map(str, found.paths)]
    made = Survey(files, known, rows)
    unseen = np.flatnonzero(~seen)
    there: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(unseen), _READ):
        records = store.retrieve(known.ids(unseen[start : start + _READ]))
        there |= {record.id: own_of(record.payload) for record in records}
    for id, own in sorted(there.items(), key=lambda item: str(item[1].get("path"))):
        file = file_below(root, own.get("path"))
        if file is None:  # a point that another program wrote
            continue
        state = _state(file, found)
        if state == "gone":
            made.gone[id] = own
        elif state == "unsure":
            made.unsure.append(file)
    return made


def _state(file: Path, found: Found) -> str:
    """Of a file that was not found in the folder: "gone", "there" (links lead to its folder twice) or "unsure"."""
    try:
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        return "unsure" if any(link in file.parents for link in found.dangling) else "gone"
    except OSError:
        return "unsure"
    return "there"
