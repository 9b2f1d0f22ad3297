"""Write a bundle whole: into a temporary folder that takes the place of the old one when all is there."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from autoenc.errors import OutputError
from autoenc.files import remove_folder
from autoenc.images.files import PREPROCESSING_VERSION
from autoenc.models.card import CARD, model_card
from autoenc.models.manifest import FORMAT_VERSION, MANIFEST, parsed
from autoenc.models.ready import ready_folder, ready_name
from autoenc.outputs import check_apart, check_makeable
from autoenc.text import shown

_OLD = ".old"


def check_target(path: str | os.PathLike[str], *, overwrite: bool = False, reading: Iterable[object] = ()) -> Path:
    """The absolute path of a folder that a bundle may be written to: new, empty, or a bundle to replace.

    Args:
        path: the folder.
        overwrite: allow a bundle to be replaced whose files have been changed since autoenc wrote them.
        reading: what is read; a folder in a folder there is refused.

    Raises:
        OutputError: it is a file, holds something else, cannot be made, lies among what is read, or is the name of a
            ready model; or a file of the bundle has changed, and `overwrite` is False.
    """
    folder = ready_folder(path) or Path(os.path.abspath(path))
    if ready := ready_name(folder):
        raise OutputError(
            f"'{ready}' is the name of a model that comes with autoenc. Choose another model=, or './{ready}'."
        )
    if os.path.islink(folder) or (os.path.exists(folder) and not os.path.isdir(folder)):
        raise OutputError(f"Expected a folder for the model; {shown(folder)} is a file or a link.")
    check_apart(folder, reading)
    try:
        inside = list(folder.iterdir()) if os.path.isdir(folder) else []
        written = _files_of_bundle(folder)
        if others := [file.name for file in inside if file.name not in written or not _is_regular(file)]:
            what = "holds more than its bundle" if folder / MANIFEST in inside else "is not empty and not a bundle"
            raise OutputError(
                f"{shown(folder)} {what} ({shown(min(others))}); name a new folder, so that none of your files is lost."
            )
        if not overwrite and (changed := [file.name for file in inside if _changed(file, written[file.name])]):
            raise OutputError(
                f"{shown(folder / min(changed))} is not as autoenc wrote it; name a new folder, or replace this one "
                "with overwrite=True."
            )
    except OSError as error:
        raise OutputError(f"{shown(folder)} cannot be written: {error.strerror}.") from error
    check_makeable(folder)
    return folder


def _files_of_bundle(folder: Path) -> dict[str, str | None]:
    """Name -> checksum of the files of the bundle in this folder; empty if there is no manifest that autoenc wrote."""
    try:
        info = parsed(folder / MANIFEST)
        ours = isinstance(info["format"], int) and "autoenc" in info["versions"]
        return {**info["checksums"], MANIFEST: None} if ours else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _is_regular(file: Path) -> bool:
    return stat.S_ISREG(file.lstat().st_mode)


def _changed(file: Path, checksum: str | None) -> bool:
    return checksum is not None and _sha256(file) != checksum


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` that replaces it when the block succeeds, and is removed when it fails."""
    staging = folder.with_name(f".{folder.name}.writing-{uuid.uuid4().hex}")
    old = staging.with_name(staging.name + _OLD)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _clear_up(folder)
        staging.mkdir()
    except OSError as error:
        raise OutputError(f"{shown(folder)} cannot be written: {error.strerror}.") from error
    try:
        yield staging
        with suppress(FileNotFoundError):
            folder.rename(old)
        try:
            staging.rename(folder)
        except BaseException:
            with suppress(FileNotFoundError):
                old.rename(folder)
            raise
        remove_folder(old)
    except OSError as error:
        raise OutputError(f"{shown(folder)} cannot be written: {error.strerror}.") from error
    finally:
        remove_folder(staging)


def _clear_up(folder: Path) -> None:
    """Remove what killed writers left; a folder that one had moved away but not yet replaced is put back."""
    name = re.compile(re.escape(f".{folder.name}.writing-") + "[0-9a-f]{32}" + f"({re.escape(_OLD)})?")
    for left in [path for path in folder.parent.iterdir() if name.fullmatch(path.name)]:
        if left.suffix == _OLD and not os.path.exists(folder):
            left.rename(folder)
        else:
            remove_folder(left)


def write_manifest(folder: Path, info: dict[str, Any]) -> None:
    """Write MODEL_CARD.md and, last of all, bundle.json: `info` with format, preprocessing and checksums."""
    manifest = {"format": FORMAT_VERSION, "preprocessing": PREPROCESSING_VERSION, **info}
    (folder / CARD).write_text(model_card(manifest), "utf-8")
    files = sorted(file for file in folder.iterdir() if file.is_file())
    manifest["checksums"] = {file.name: _sha256(file) for file in files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
