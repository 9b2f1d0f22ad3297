"""The generations of a collection in a folder: STORE/NAME is the first, STORE/NAME@2 the second, and so on.

STORE/NAME@current says which of them answers to NAME. One rename replaces it. Without it, that is the first.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from autoenc.errors import StoreError
from autoenc.files import remove_folder, replace_file, sync_folder
from autoenc.store.engine import Engine
from autoenc.store.lock import lock_folder, unlock
from autoenc.store.manifest import MANIFEST, RECORD
from autoenc.store.naming import generation_name, split_name
from autoenc.store.space import allocated_bytes

DROPPED = ".autoenc-dropped-"
"""Prefix of the folder of a collection that is being removed."""

_POINTER = "@current"


def folder_of(root: Path, collection: str) -> Path:
    """The folder of a collection's current generation, or of the generation that is named.

    Raises:
        StoreError: what says which is the current one is damaged, or names one that is gone.
        OSError: the folder cannot be read.
    """
    name, number = split_name(collection)
    return _folder(root, name, current_number(root, name) if number is None else number)


def is_there(folder: Path) -> bool:
    """Whether a folder is that of a collection, or of one of its generations."""
    return (folder / RECORD).is_file() or (folder / MANIFEST).is_file()


def is_pointer(path: Path) -> bool:
    """Whether a file of a store says which generation of a collection is the current one."""
    return path.name.endswith(_POINTER)


def place_of(root: Path, name: str) -> Path:
    """Where the current generation of a collection belongs, be it there or not; raises StoreError as `folder_of`."""
    return _folder(root, name, _pointed(root, name))


def current_number(root: Path, name: str) -> int:
    """The number of the current generation; raises what `folder_of` does."""
    number = _pointed(root, name)
    if not is_there(_folder(root, name, number)) and (held := numbers(root, name)):
        raise StoreError(
            f"{root} has lost {_folder(root, name, number).name}, the current generation of collection '{name}'. Put "
            f"that folder back, restore the collection from a backup, or name another generation with "
            f"collection={generation_name(name, max(held))}."
        )
    return number


def _pointed(root: Path, name: str) -> int:
    pointer = root / f"{name}{_POINTER}"
    try:
        number = json.loads(pointer.read_bytes())["generation"]
        if type(number) is not int or number < 1:
            raise ValueError(number)
    except (FileNotFoundError, NotADirectoryError):
        number = 1
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(
            f'{pointer} is damaged: expected {{"generation": 1}}, or another number. Write that of the generation '
            f"that shall answer to '{name}'; {root} holds {_listed(root, name)}."
        ) from error
    return number


def numbers(root: Path, name: str) -> list[int]:
    """The numbers of the generations that are there."""
    folders = [root / name, *root.glob(f"{name}@*")]
    parts = [split_name(folder.name) for folder in folders if is_there(folder)]
    return sorted(number or 1 for base, number in parts if base == name)


def forget_pointer(root: Path, name: str, number: int | None) -> None:
    """Remove what says which generation is the current one, if it names this one, which was removed."""
    pointer = root / f"{name}{_POINTER}"
    with suppress(FileNotFoundError, ValueError):
        if json.loads(pointer.read_bytes()) == {"generation": number}:
            pointer.unlink()


def drop_folder(folder: Path) -> None:
    """Remove the folder of a collection that is closed, or whose lock the caller holds.

    Raises:
        StoreError: it cannot be removed.
    """
    gone = folder.with_name(f"{DROPPED}{uuid.uuid4().hex}")
    try:
        folder.rename(gone)  # first, so that a kill leaves no half-removed collection
    except OSError as error:
        raise StoreError(f"Cannot remove {folder}: {error.strerror or error}.") from error
    remove_folder(gone)


class EdgeGenerations:
    """The generations of one collection in a folder; see `engine.Generations`."""

    def __init__(self, root: Path, collection: str, folder: Path, opened: Callable[[Path, str, bool], Engine]) -> None:
        """Take note of the open one.

        Args:
            root: the store's folder.
            collection: the collection's name.
            folder: of the open generation.
            opened: opens a collection, given the store's folder, its name, and whether to make it.
        """
        self._root = root
        self._name = split_name(collection)[0]
        self._opened = opened
        self.number: int | None = split_name(folder.name)[1] or 1

    def current(self) -> int | None:
        return current_number(self._root, self._name)

    def records(self) -> dict[int, Any]:
        found = {}
        for number in numbers(self._root, self._name):
            try:
                found[number] = json.loads((_folder(self._root, self._name, number) / RECORD).read_bytes())
            except (OSError, ValueError, RecursionError):
                found[number] = None
        return found

    def disk_bytes(self, number: int) -> int | None:
        return allocated_bytes(_folder(self._root, self._name, number))

    def open(self, number: int, create: bool) -> Engine:
        return self._opened(self._root, generation_name(self._name, number), create)

    def switch(self, number: int) -> None:
        pointer = self._root / f"{self._name}{_POINTER}"
        try:
            sync_folder(self._root)  # the folder's own name, too, is on disk before anything leads to it
            replace_file(pointer, (json.dumps({"generation": number}) + "\n").encode(), durable=True)
        except OSError as error:
            raise StoreError(f"Cannot write {pointer}: {error.strerror or error}. Nothing was switched.") from error

    def drop(self, number: int) -> None:
        folder = _folder(self._root, self._name, number)
        lock = lock_folder(folder, 0)
        try:
            drop_folder(folder)
        finally:
            if lock is not None:
                unlock(lock)


def _folder(root: Path, name: str, number: int) -> Path:
    return root / (name if number == 1 else generation_name(name, number))


def _listed(root: Path, name: str) -> str:
    return ", ".join(map(str, numbers(root, name))) or "none"
