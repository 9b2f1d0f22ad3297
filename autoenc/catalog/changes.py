"""Find out whether a picture has changed since it was indexed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from autoenc.catalog.fields import UNCHANGED, Change
from autoenc.errors import ImageError
from autoenc.images.files import LoadedImage, decode_file, read_item
from autoenc.images.finding import NamedPicture, SkippedFile, path_of


@dataclass(frozen=True)
class Task:
    """One picture, and what the store knows about it.

    Attributes:
        item: the file, or the picture in memory.
        relative: its path relative to its source.
        id: the id of its point.
        known: what the store keeps about it (`fields.own_of`); None if it has no point.
        lacking: the requested vectors that its point does not have.
        change: what is to change in the user's fields; of a picture that has no point, all that it gets.
    """

    item: Path | NamedPicture
    relative: str
    id: str
    known: Mapping[str, Any] | None
    lacking: frozenset[str]
    change: Change = UNCHANGED


@dataclass(frozen=True)
class Outcome:
    """What to do with a picture.

    Attributes:
        task: the picture.
        kind: "new": store a new point; "changed": encode it again with every encoder whose vectors it has; "lacking":
            add the vectors that its point does not have; "touched": update the file's modification time, because its
            bytes are the same; "unchanged": do nothing; "skipped": it cannot be used.
        loaded: the decoded picture, if it has to be encoded.
        touched: autoenc's own fields to update, with their new values.
        skipped: why it cannot be used.
        dropped: vectors made elsewhere of the picture as it was, which its point has lost.
    """

    task: Task
    kind: Literal["new", "changed", "lacking", "touched", "unchanged", "skipped"]
    loaded: LoadedImage | None = None
    touched: Mapping[str, int] = field(default_factory=dict)
    skipped: SkippedFile | None = None
    dropped: tuple[str, ...] = ()


def examine(task: Task, sizes: Sequence[int]) -> Outcome:
    """Compare a picture with what the store knows, and decode it at some sizes if it has to be encoded.

    A file's size and modification time are compared first. It is read only if they differ or if vectors are missing.
    """
    known = task.known
    try:
        if known is not None and not task.lacking and isinstance(task.item, Path):
            with suppress(OSError):  # read_item reports it
                status = task.item.stat()
                if (status.st_size, status.st_mtime_ns) == (known.get("size"), known.get("mtime_ns")):
                    return Outcome(task, "unchanged")
        file = read_item(task.item)
        if known is None:
            return Outcome(task, "new", decode_file(file, *sizes))
        if file.digest != known.get("digest"):
            return Outcome(task, "changed", decode_file(file, *sizes))
        touched = {"size": file.size, "mtime_ns": file.mtime_ns}
        if task.lacking:
            return Outcome(task, "lacking", decode_file(file, *sizes), touched)
        if all(known.get(name) == value for name, value in touched.items()):
            return Outcome(task, "unchanged")  # a picture in memory
        return Outcome(task, "touched", touched=touched)
    except ImageError as error:
        return Outcome(task, "skipped", skipped=SkippedFile(path_of(task.item), str(error)))
