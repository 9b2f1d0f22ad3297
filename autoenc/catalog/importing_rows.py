"""What the rows of a file of vectors name: a path or an id becomes a point of a source."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from autoenc.catalog.fields import own_of
from autoenc.catalog.sources import Place, file_below
from autoenc.embeddings.reading import Batch
from autoenc.errors import NoImagesError
from autoenc.store import Store, point_id
from autoenc.store.points import canonical_id
from autoenc.text import counted, is_text, shown


@dataclass
class NamedRow:
    """A row, and the point that it is about.

    Attributes:
        at: its place in the batch, from 0.
        number: its number in the file, from 1.
        path: relative to the source; of a row that cannot be used, what stands there.
        id: the point's.
        label: its label, or None.
        own: what is known of the image file.
        reason: why it cannot be used; empty if it can.
        by_id: whether it names the id of a stored point, of whatever source.
    """

    at: int
    number: int
    path: str
    id: str = ""
    label: str | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    by_id: bool = False


class Naming:
    """Finds the point of each row; which row names an image first is known once all keys were read.

    Args:
        root: the folder that paths are relative to; None if there is none, so that any text is a name.
        keys: what names the image of each row.

    Attributes:
        total: the number of rows.
        relative: the path of each row that names an image.
    """

    def __init__(self, root: Path | None, keys: Iterable[Any]) -> None:
        self._root = root
        self.total = 0
        self._first: dict[str, int] = {}
        self._taken: dict[str, int] = {}  # id of a point -> the row that names it: an id has several spellings
        for self.total, key in enumerate(keys, start=1):
            path, reason = self._path(key)
            if not reason:
                self._first.setdefault(path, self.total)
        self.relative = list(self._first)

    def check_found(self, file: Path, store: Store | None) -> None:
        """Raise NoImagesError if rows name images by paths, and the folder is there and holds none of these."""
        if self._root is None or not self._root.is_dir() or not self.relative:
            return
        if any(os.path.lexists(self._root / path) for path in self.relative):
            return
        ids = [path for path in self.relative if canonical_id(path) is not None]
        if store is not None and store.having_vectors(ids, []):
            return  # rows may name stored images by their ids
        raise NoImagesError(
            f"None of the {counted(len(self.relative), 'image')} that {shown(file)} names is in {shown(self._root)}. "
            f"Expected the folder that its paths are relative to; the first path is {shown(self.relative[0])}."
        )

    def named(self, batch: Batch, place: Place, store: Store | None) -> Iterator[NamedRow]:
        """Each row of a batch with its point."""
        uuids = [id for key in batch.keys if isinstance(key, str) and (id := canonical_id(key)) is not None]
        held = {record.id: record for record in store.retrieve(uuids)} if store is not None and uuids else {}
        for at, key in enumerate(batch.keys):
            number = batch.first + at
            path, reason = self._path(key)
            first = self._first.get(path, number)  # the file may have been replaced meanwhile
            if not reason and first != number:
                reason = f"Row {first:,} names the same image."
            if reason:
                yield NamedRow(at, number, path, reason=reason)
                continue
            path = place.within + path
            known = canonical_id(key) if isinstance(key, str) else None
            if known is not None and known in held:  # the id of a point, not a name
                path = str(own_of(held[known].payload).get("path", path))
            by_id = known is not None and known in held
            id = known if known is not None and by_id else point_id(place.source, path)
            first = self._taken.setdefault(id, number)
            reason = f"Row {first:,} names the same image." if first != number else ""
            own = {} if by_id else batch.own[at]
            yield NamedRow(at, number, path, id, batch.labels[at], own, reason, by_id)

    def _path(self, key: Any) -> tuple[str, str]:
        """The path that a key stands for, and why it stands for none; empty if it does."""
        if isinstance(key, bool) or not isinstance(key, (str, int)) or key == "":
            return "?", "It names no image."
        text = str(key)
        if "\0" in text or not is_text(text):
            return text.replace("\0", "?"), "Its name is no valid text."
        if self._root is None:
            return text, ""
        if Path(text).is_absolute():
            if not Path(text).is_relative_to(self._root):
                return text, f"It does not lie in {shown(self._root)}."
            text = Path(text).relative_to(self._root).as_posix()
        path = str(PurePosixPath(text))
        if file_below(self._root, path) is None or path == ".":
            return text, f"It leads out of {shown(self._root)}."
        return path, ""
