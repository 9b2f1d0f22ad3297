"""What has become of a file since it was indexed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from autoenc.errors import ImageError
from autoenc.images.files import LoadedImage, decode_file, read_file
from autoenc.images.finding import SkippedFile


@dataclass(frozen=True)
class Task:
    """One file, and what the store knows of it.

    Attributes:
        path: the file.
        relative: its path in its source.
        id: of its point.
        known: the payload of its point; None if there is no point.
        lacking: which of the vectors asked for the point does not have.
    """

    path: Path
    relative: str
    id: str
    known: Mapping[str, Any] | None
    lacking: frozenset[str]


@dataclass(frozen=True)
class Outcome:
    """What is to be done about a file.

    Attributes:
        task: the file.
        kind: "new" and "changed": encode and store the whole point; "lacking": encode and add the vectors that it
            lacks; "touched": the same bytes with another date; "unchanged": nothing; "skipped": it cannot be used.
        loaded: the picture, where it has to be encoded.
        touched: payload fields to bring up to date.
        skipped: why it cannot be used.
    """

    task: Task
    kind: Literal["new", "changed", "lacking", "touched", "unchanged", "skipped"]
    loaded: LoadedImage | None = None
    touched: Mapping[str, int] = field(default_factory=dict)
    skipped: SkippedFile | None = None


def examine(task: Task, size: int) -> Outcome:
    """Compare a file with what the store knows, and decode it to size x size if it has to be encoded.

    Size and modification time are compared first; the file is read only where they differ, or where vectors lack.
    """
    known = task.known
    try:
        if known is not None and not task.lacking:
            with suppress(OSError):  # read_file says why
                status = task.path.stat()
                if (status.st_size, status.st_mtime_ns) == (known.get("size"), known.get("mtime_ns")):
                    return Outcome(task, "unchanged")
        file = read_file(task.path)
        if known is None:
            return Outcome(task, "new", decode_file(file, size))
        if file.digest != known.get("digest"):
            return Outcome(task, "changed", decode_file(file, size))
        touched = {"size": file.size, "mtime_ns": file.mtime_ns}
        if task.lacking:
            return Outcome(task, "lacking", decode_file(file, size), touched)
        return Outcome(task, "touched", touched=touched)
    except ImageError as error:
        return Outcome(task, "skipped", skipped=SkippedFile(task.path, str(error)))
