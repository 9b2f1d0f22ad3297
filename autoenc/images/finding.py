"""Find the pictures to work on: every image below a folder, a list of files, or pictures in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError, NoImagesError
from autoenc.images.decoding import Picture
from autoenc.images.reading import kernel_devices
from autoenc.text import counted, exact, is_text, printable, shown
from autoenc.vectors import Images, Pixels

if TYPE_CHECKING:
    from PIL import Image

EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
    | {".heic", ".heif", ".avif", ".jxl"}  # cannot be read, but are images to users: listed as skipped
)


Pictures: TypeAlias = "str | os.PathLike[str] | Sequence[Picture] | Images"
"""Any form in which callers may pass many pictures; see `gather`."""

_EXPECTED = (
    "Expected a folder, a list of image files, arrays (H, W, 3) uint8 or PIL images, or one array (N, H, W, 3) uint8;"
)


@dataclass(frozen=True)
class SkippedFile:
    """A file or folder that could not be used, and the reason: a sentence that does not repeat its name."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return printable(f"{shown(self.path)}: {self.reason}")

    def to_dict(self) -> dict[str, str]:
        return {"path": exact(self.path), "reason": self.reason}


@dataclass(frozen=True)
class NamedPicture:
    """A picture in memory, with a name that takes the place of a file's path.

    Attributes:
        name: unique among the pictures passed together.
        picture: (H, W) gray, (H, W, 3) RGB or (H, W, 4) RGBA uint8, the bytes of an image file, or a PIL image.
    """

    name: str
    picture: bytes | Pixels | Image.Image

    @property
    def path(self) -> Path:
        return Path(self.name)


class Files(Sequence[Path]):
    """The paths of many files, kept as text: to make that many Paths would take longer than to list the files.

    Attributes:
        names: the paths.
    """

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, at: int) -> Path: ...
    @overload
    def __getitem__(self, at: slice) -> Files: ...
    def __getitem__(self, at: int | slice) -> Path | Files:
        return Files(self.names[at]) if isinstance(at, slice) else Path(self.names[at])

    def __iter__(self) -> Iterator[Path]:
        return map(Path, self.names)


@dataclass(frozen=True)
class Found:
    """The pictures that a function was given.

    Attributes:
        root: absolute path of the folder that was searched, or that holds all the files; None for pictures in memory.
        items: the absolute path of each image file, or the pictures in memory.
        ignored: the number of other files in the folder, hidden ones included.
        skipped: files whose names are not valid UTF-8, and folders that cannot be listed.
        whole: True if these are all the images of the folder, False for a selection of files.
        unlisted: the folders among `skipped`: what is in them is not known.
        dangling: links in the folder that lead nowhere, perhaps to a folder on a disk that is not mounted.
    """

    root: Path | None
    items: Sequence[Path | NamedPicture]
    ignored: int = 0
    skipped: list[SkippedFile] = field(default_factory=list)
    whole: bool = False
    unlisted: list[Path] = field(default_factory=list)
    dangling: list[Path] = field(default_factory=list)

    @property
    def paths(self) -> list[Path]:
        """The path of each item; for a picture in memory, its name."""
        return [path_of(item) for item in self.items]


def path_of(item: Path | NamedPicture) -> Path:
    """The path of a file; for a picture in memory, its name."""
    return item.path if isinstance(item, NamedPicture) else item


def gather(images: Pictures, names: Sequence[str] | None = None) -> Found:
    """Collect the pictures that a caller passed, in whatever form.

    Args:
        images: a folder, searched recursively; a list of image files; an array (N, H, W, 3) RGB or (N, H, W) gray,
            uint8; or a list of arrays (H, W), (H, W, 3) or (H, W, 4) uint8, of PIL images, or of the bytes of files.
        names: a unique name for each picture in memory; by default the pictures are numbered from 0. Files are named
            by their paths.

    Raises:
        NoImagesError: as for `find_images`, or an empty list.
        ArgumentError: anything else, names for files, or not one unique name for each picture.

    Example:
        >>> gather(np.zeros((2, 8, 8, 3), np.uint8), names=["a", "b"]).paths
        [PosixPath('a'), PosixPath('b')]
    """
    if isinstance(images, (str, os.PathLike)):
        if names is not None:
            raise ArgumentError("Files are named by their paths; names= is for pictures in memory.")
        return find_images(images)
    if isinstance(images, bytes) or not isinstance(images, (Sequence, np.ndarray)):  # a PIL image is no sequence
        raise ArgumentError(f"{_EXPECTED} got {type(images).__name__}. Put a single picture into a list.")
    if len(images) == 0:
        raise NoImagesError("Expected at least one picture; got none.")
    if isinstance(images, np.ndarray):
        images = _split(images)
    files = [item for item in images if isinstance(item, (str, os.PathLike))]
    if not files:
        return _in_memory(images, names)  # type: ignore[arg-type]  # none of them is a path
    if len(files) < len(images) or names is not None:
        raise ArgumentError("Give either files, which are named by their paths, or pictures in memory, not both.")
    return _files(files)


def _split(images: npt.NDArray[np.generic]) -> list[Pixels]:
    color = images.shape[-1:] in ((3,), (4,))
    several = color if images.ndim == 4 else images.ndim == 3 and not color
    if images.dtype == np.uint8 and several:
        return list(images)
    remedy = ""
    if images.dtype != np.uint8:
        remedy = " Scale the values to 0..255 and convert them with .astype(np.uint8)."
    elif images.ndim == 4 and images.shape[-1] == 1:
        remedy = " Drop the last axis of grayscale images with images[..., 0]."
    elif images.ndim == 4 and images.shape[1] == 3:
        remedy = " Move the channels last with np.moveaxis(images, 1, -1)."
    elif images.ndim == 3:
        remedy = " Put a single picture into a list."
    raise ArgumentError(f"{_EXPECTED} got an array of shape {images.shape} {images.dtype}.{remedy}")


def _in_memory(pictures: Sequence[bytes | Pixels | Image.Image], names: Sequence[str] | None) -> Found:
    from PIL import Image

    for at, picture in enumerate(pictures):
        if not isinstance(picture, (bytes, np.ndarray, Image.Image)):
            raise ArgumentError(f"{_EXPECTED} item {at} is of type {type(picture).__name__}.")
        if isinstance(picture, np.ndarray) and picture.dtype != np.uint8:
            raise ArgumentError(
                f"{_EXPECTED} item {at} is {picture.dtype}. Scale the values to 0..255 and convert them with "
                f".astype(np.uint8)."
            )
    chosen = [str(number) for number in range(len(pictures))] if names is None else list(names)
    if len(chosen) != len(pictures) or len(set(chosen)) < len(chosen) or not all(map(_is_name, chosen)):
        raise ArgumentError(
            f"Expected names= with one unique, valid and non-empty string for each of {len(pictures)} pictures; got "
            f"{counted(len(chosen), 'name')}, {len(set(chosen))} of them different."
        )
    return Found(None, [NamedPicture(name, picture) for name, picture in zip(chosen, pictures, strict=True)])


def _is_name(name: object) -> bool:
    return isinstance(name, str) and bool(name) and is_text(name)


def _files(files: Sequence[str | os.PathLike[str]]) -> Found:
    paths = [Path(os.path.abspath(file)) for file in files]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise ArgumentError(f"{shown(twice)} is in the list twice; list each file once.")
    skipped = [SkippedFile(path, "its name is not valid UTF-8; rename it") for path in paths if not is_text(str(path))]
    root = Path(os.path.commonpath([path.parent for path in paths]))
    return Found(root, [path for path in paths if is_text(str(path))], skipped=skipped)


def find_images(root: str | os.PathLike[str]) -> Found:
    """Find every image file below a folder. Links to folders are followed, except to the kernel's own folders such
    as /proc and /sys, and no folder is searched twice.

    Raises:
        NoImagesError: the folder does not exist, holds no file with an image extension, or its path is not valid
            UTF-8.

    Example:
        >>> found = autoenc.find_images("photos")
        >>> len(found.items), found.ignored
        (48, 1)
    """
    if not os.fspath(root):
        raise NoImagesError("Expected a folder of images; got an empty path.")
    top = Path(os.path.abspath(root))
    if not os.path.exists(top):
        raise NoImagesError(f"Expected a folder of images; {shown(top)} does not exist or is not accessible.")
    if not os.path.isdir(top):
        raise NoImagesError(f"Expected a folder of images; {shown(top)} is a file. Name the folder that holds it.")
    if not is_text(str(top)):
        raise NoImagesError(f"The path of {shown(top)} is not valid UTF-8, which stores and reports need; rename it.")
    paths: list[str] = []
    skipped: list[SkippedFile] = []
    unlisted: list[Path] = []
    dangling: list[Path] = []
    ignored = 0
    searched: set[tuple[int, int]] = set()

    def unlistable(folder: Path, reason: str) -> None:
        unlisted.append(folder)
        skipped.append(SkippedFile(folder, reason))

    def failed(error: OSError) -> None:
        unlistable(Path(error.filename), f"cannot be listed: {error.strerror}")

    for folder, subfolders, names in os.walk(top, followlinks=True, onerror=failed):
        here = Path(folder)
        subfolders.sort()
        status = here.stat()
        if (status.st_dev, status.st_ino) in searched:  # links can lead back here, even in a circle
            subfolders.clear()
            continue
        if status.st_dev in kernel_devices():  # /proc has no end
            unlistable(here, "not searched: the kernel makes up this folder's files")
            subfolders.clear()
            continue
        searched.add((status.st_dev, status.st_ino))
        hidden = any(part.startswith(".") for part in here.relative_to(top).parts)
        for name in names:  # as text: a Path takes several times as long
            path = os.path.join(folder, name)  # noqa: PTH118
            if hidden or name.startswith("."):
                ignored += 1
            elif os.path.splitext(name)[1].lower() not in EXTENSIONS:  # noqa: PTH122
                ignored += 1
                if os.path.islink(path) and not os.path.exists(path):
                    dangling.append(Path(path))
            elif not is_text(path):
                skipped.append(SkippedFile(Path(path), "its name is not valid UTF-8; rename it"))
            else:
                paths.append(path)
    if not paths:
        also = f" ({skipped[0]})" if skipped else ""
        raise NoImagesError(
            f"Found no image in {shown(top)} among {counted(ignored, 'file')}; expected files with one of the "
            f"extensions {', '.join(sorted(EXTENSIONS))}{also}."
        )
    paths.sort(key=lambda path: path.replace(os.sep, "\0"))  # folder by folder, as Paths are ordered
    return Found(top, Files(paths), ignored, skipped, True, unlisted, dangling)
