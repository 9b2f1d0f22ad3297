"""Find every image below a folder, and account for every other file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from autoenc.errors import NoImagesError
from autoenc.text import exact, is_text, printable, shown

EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
    | {".heic", ".heif", ".avif", ".jxl"}  # not read, but told of: whoever has them takes them for images
)


@dataclass(frozen=True)
class SkippedFile:
    """A file, or a folder, that could not be used, and why: a sentence that does not name it again."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return printable(f"{shown(self.path)}: {self.reason}")

    def to_dict(self) -> dict[str, str]:
        return {"path": exact(self.path), "reason": self.reason}


@dataclass(frozen=True)
class Found:
    """What `find_images` found.

    Attributes:
        root: the folder that was searched, absolute.
        paths: files with an image's extension, absolute, sorted.
        ignored: how many other files there are, hidden ones included.
        skipped: files and folders that cannot be named or listed.
    """

    root: Path
    paths: list[Path]
    ignored: int = 0
    skipped: list[SkippedFile] = field(default_factory=list)


def find_images(root: str | os.PathLike[str]) -> Found:
    """Every image file below a folder; links to folders are followed, and no folder is searched twice.

    Raises:
        NoImagesError: no such folder, no file in it with an image's extension, or a path that is not valid UTF-8.
    """
    top = Path(os.path.abspath(root))
    if not os.path.exists(top):
        raise NoImagesError(f"Expected a folder of images; {shown(top)} does not exist or is out of your reach.")
    if not os.path.isdir(top):
        raise NoImagesError(f"Expected a folder of images; {shown(top)} is a file. Name the folder it lies in.")
    if not is_text(str(top)):
        raise NoImagesError(f"The path of {shown(top)} is not valid UTF-8, as stores and reports need it; rename it.")
    paths: list[Path] = []
    skipped: list[SkippedFile] = []
    ignored = 0
    searched: set[tuple[int, int]] = set()

    def unlistable(error: OSError) -> None:
        skipped.append(SkippedFile(Path(error.filename), f"cannot be listed: {error.strerror}"))

    for folder, subfolders, names in os.walk(top, followlinks=True, onerror=unlistable):
        here = Path(folder)
        subfolders.sort()
        status = here.stat()
        if (status.st_dev, status.st_ino) in searched:  # links can lead here again, and in a circle
            subfolders.clear()
            continue
        searched.add((status.st_dev, status.st_ino))
        hidden = any(part.startswith(".") for part in here.relative_to(top).parts)
        for name in names:
            path = here / name
            if hidden or name.startswith(".") or path.suffix.lower() not in EXTENSIONS:
                ignored += 1
            elif not is_text(str(path.relative_to(top))):
                skipped.append(SkippedFile(path, "its name is not valid UTF-8; rename it"))
            else:
                paths.append(path)
    if not paths:
        also = f" ({skipped[0]})" if skipped else ""
        raise NoImagesError(
            f"Found no image in {shown(top)}: {ignored} files, none of them {', '.join(sorted(EXTENSIONS))}{also}."
        )
    return Found(root=top, paths=sorted(paths), ignored=ignored, skipped=skipped)
