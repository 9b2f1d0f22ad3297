"""Build a generation of a collection: the points of another one, with the vectors of other encoders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from autoenc.catalog.fields import own_of, same_picture
from autoenc.catalog.pipeline import WORKED
from autoenc.catalog.rebuild_plan import Rebuild
from autoenc.catalog.scales import refresh_scales
from autoenc.catalog.sources import point_path
from autoenc.encoders.base import encode_loaded
from autoenc.errors import ImageError, StoreError
from autoenc.images.files import LoadedImage, decode_file, read_file
from autoenc.images.finding import SkippedFile
from autoenc.parallel import ordered_chunks
from autoenc.progress import Progress
from autoenc.store import OWN, Record, Store
from autoenc.store.copying import AT_ONCE, ROUNDS, batches, is_same, remove_gone
from autoenc.text import counted, shown
from autoenc.vectors import Vectors, unit_rows

_READ = 10_000  # points at a time
_FIELDS = (f"{OWN}.source", f"{OWN}.path")


@dataclass
class Built:
    """What became of the points.

    Attributes:
        points: how many the generation holds.
        encoded: how many images were encoded by this call; others had been before it was interrupted.
        changed: how many of these files hold another picture than when they were indexed.
        missing: files that are gone, and pictures that were never files; their points lack the vectors that are made.
        skipped: files that could not be used; so do theirs.
    """

    points: int = 0
    encoded: int = 0
    changed: int = 0
    missing: list[Path] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)


def missing_files(store: Store) -> tuple[list[Path], int]:
    """The images whose files are gone, or that were never files, and how many images there are."""
    missing, total = [], 0
    for record in store.scroll(fields=_FIELDS, batch=_READ):
        total += 1
        path = _file_of(store, record)
        if not path.is_absolute() or not os.path.lexists(path):
            missing.append(path)
    return missing, total


def check_missing(lost: Sequence[Path], total: int, limit: float, where: str, left: str) -> None:
    """Raise StoreError if more images cannot be encoded than the limit allows.

    Args:
        lost: these images.
        total: how many images there are.
        limit: the largest share.
        where: whose images they are, for the message.
        left: what is left behind, a sentence for the message.
    """
    if len(lost) > limit * total:
        raise StoreError(
            f"{counted(len(lost), 'image')} of {total:,} of {where} cannot be encoded, {shown(min(lost))} among them: "
            f"{len(lost) / total:.0%}, and missing_limit={limit:g} allows {limit:.0%}. {left} Bring the files back, "
            f"or prune them with `autoenc index --prune`; with a higher limit they stay, without the new vectors."
        )


def build(old: Store, new: Store, plan: Rebuild, limit: float, tell: Progress) -> Built:
    """Fill a generation, or finish filling it.

    Args:
        old: the generation that answers.
        new: the one that is built; it is unfinished until this returns.
        plan: what it is to hold.
        limit: the largest share of the images that may remain without the vectors that are made.
        tell: is told the progress.

    Raises:
        StoreError: more than the limit; or others write to `old` faster than it can be read.
    """
    origin = f"generation {old.generation} of collection '{old.collection}'"
    built = Built()
    with new.being_copied(origin):
        for _ in range(ROUNDS):
            new.catch_up(old)
            new.adopt(old, plan.wanted)
            each = _Round(old, new, plan, built, tell)
            written = each.write()
            removed = remove_gone(old, new, each.points)
            if written or removed:
                new.optimize()
                new.flush()
                continue
            lost = [*built.missing, *(file.path for file in built.skipped)]
            what = f"Generation {new.generation} stays unfinished, and generation {old.generation} answers."
            check_missing(lost, each.points, limit, f"collection '{old.collection}'", what)
            refresh_scales(new, 0)
            new.flush()
            return replace(built, points=each.points)
        raise StoreError(
            f"Collection '{old.collection}' of {old.location} has changed again each time it was compared with its new "
            f"generation. Run the same command again once nobody writes to it."
        )


class _Made(NamedTuple):
    """A point of the new generation, and what became of its file: "encoded", "changed", "missing", a reason, or ""."""

    record: Record
    file: Path
    outcome: str


class _Round:
    """One pass over the points of the old generation.

    Attributes:
        points: how many were read.
    """

    def __init__(self, old: Store, new: Store, plan: Rebuild, built: Built, tell: Progress) -> None:
        self.points = 0
        self._old, self._new, self._plan, self._built, self._tell = old, new, plan, built, tell
        self._sizes = sorted({encoder.input_size for encoder in plan.made.values()})

    def write(self) -> int:
        """Write the points that the new generation does not hold as they are to be; how many."""
        written = 0
        made = ordered_chunks(self._make, self._wrong(), WORKED)
        while part := list(islice(made, AT_ONCE)):
            for each in part:
                self._note(each)
            self._new.upsert_records([each.record for each in part])
            written += len(part)
        return written

    def _wrong(self) -> Iterator[tuple[Record, Record | None]]:
        """Points of the old generation that the new one lacks or holds otherwise, with what it holds."""
        fresh, total = len(self._new) == 0, len(self._old)
        tried = {str(path) for path in self._built.missing} | {str(file.path) for file in self._built.skipped}
        for batch in batches(self._old.scroll(vectors=self._plan.kept, batch=AT_ONCE)):
            ids = [record.id for record in batch]
            held = [] if fresh else self._new.retrieve(ids, vectors=list(self._plan.wanted))
            there = {record.id: record for record in held}
            for record in batch:
                other = there.get(record.id)
                if other is None or not self._right(record, other, tried):
                    yield record, other
            self.points += len(batch)
            self._tell("encoding" if fresh else "comparing", self.points, max(total, self.points), "")

    def _right(self, record: Record, other: Record, tried: set[str]) -> bool:
        kept = {name: row for name, row in other.vectors.items() if name in self._plan.kept}
        whole = self._plan.made.keys() <= other.vectors.keys() or str(_file_of(self._old, record)) in tried
        return whole and is_same(record, replace(other, vectors=kept))

    def _make(self, pairs: Sequence[tuple[Record, Record | None]]) -> list[_Made]:
        """Points as the new generation is to hold them. Vectors that it holds of the same picture are kept."""
        held = [_of_same_picture(record, other) for record, other in pairs]
        lacking = [at for at, rows in enumerate(held) if not self._plan.made.keys() <= rows.keys()]
        files = [_file_of(self._old, record) for record, _ in pairs]
        read = {at: self._read(files[at], pairs[at][0]) for at in lacking}
        loaded = {at: found[0] for at, found in read.items() if found[0] is not None}
        made = encode_loaded(list(loaded.values()), self._plan.made)
        rows = {name: unit_rows(matrix) for name, matrix in made.items()}
        vectors = {at: {name: matrix[row] for name, matrix in rows.items()} for row, at in enumerate(loaded)}
        return [
            _Made(
                replace(record, vectors={**record.vectors, **vectors.get(at, self._only_made(held[at]))}),
                files[at],
                read[at][1] if at in read else "",
            )
            for at, (record, _) in enumerate(pairs)
        ]

    def _only_made(self, rows: Mapping[str, Vectors]) -> dict[str, Vectors]:
        return {name: row for name, row in rows.items() if name in self._plan.made}

    def _read(self, path: Path, record: Record) -> tuple[LoadedImage | None, str]:
        """The picture of a point, and what became of its file."""
        if not path.is_absolute():
            return None, "missing"
        try:
            file = read_file(path)
            loaded = decode_file(file, *self._sizes)
        except ImageError as error:
            return None, str(error) if os.path.lexists(path) else "missing"
        return loaded, "encoded" if file.digest == own_of(record.payload).get("digest") else "changed"

    def _note(self, made: _Made) -> None:
        if made.outcome in ("encoded", "changed"):
            self._built.encoded += 1
            self._built.changed += made.outcome == "changed"
        elif made.outcome == "missing":
            self._built.missing.append(made.file)
        elif made.outcome:
            self._built.skipped.append(SkippedFile(made.file, made.outcome))


def _of_same_picture(record: Record, other: Record | None) -> Mapping[str, Vectors]:
    """The vectors that the new generation holds of a point, if they are of the picture that it has now."""
    return other.vectors if other and same_picture(record, other) else {}


def _file_of(store: Store, record: Record) -> Path:
    """The file of a point's image; no absolute path where there never was one."""
    return point_path(store, record.payload) or Path(record.id)
