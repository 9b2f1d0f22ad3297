"""The file of a backup: collections of an embedded store in one uncompressed ZIP, with their checksums.

Each file of a collection is an entry COLLECTION/PATH that holds its blocks which are not all zeros, one after the
other; where they belong, the last entry tells, `autoenc.backup.json`. So holes take no room, and an archive unpacks to
no more than its own size. Whatever an archive says is checked before anything is written: anyone may have made it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from autoenc.errors import BackupError, StoreError
from autoenc.files import sync_folder
from autoenc.outputs import MARK
from autoenc.store.manifest import MANIFEST, RECORD
from autoenc.store.sparse import BLOCK, files_below, filled_blocks
from autoenc.text import printable, shown

FIRST, LAST = "autoenc.backup.txt", "autoenc.backup.json"
FORMAT = 1

MAX_DIRECTORY = 8 * 2**20
"""Bytes of an archive's directory, and of the entry that tells where the blocks belong: room for tens of thousands of
files, where a collection has some hundreds."""

MAX_FILE = 2**40
"""Bytes of a file, holes included."""

_SHARD = "shard/"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_PART = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]{0,254}")  # what the engine and the names of vectors give


@dataclass(frozen=True)
class Packed:
    """A file in an archive.

    Attributes:
        size: its bytes, holes included.
        filled: (position, length) of each run of blocks that are not all zeros, in order.
        sha256: of these blocks.
    """

    size: int
    filled: tuple[tuple[int, int], ...]
    sha256: str

    @property
    def bytes(self) -> int:
        return sum(length for _, length in self.filled)


@dataclass(frozen=True)
class Collection:
    """A collection in an archive: how many points it has, and its files by their paths, with "/"."""

    points: int
    files: Mapping[str, Packed]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())


# ---- writing ----------------------------------------------------------------------------------------


class Writer:
    """Writes an archive into an open file; use it in a `with` block, which ends with the index."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self._collections: dict[str, Any] = {}
        self._zip.writestr(zipfile.ZipInfo(FIRST), f"{MARK}: a backup, format {FORMAT}\n")

    def add(self, name: str, folder: Path, points: int) -> int:
        """Add a collection from its folder, which nobody writes to meanwhile; how many bytes were added.

        Raises:
            StoreError: a file that reading would refuse. So no backup is written that cannot be restored.
        """
        paths = [path for path in (RECORD, MANIFEST) if (folder / path).is_file()]
        paths += [f"{_SHARD}{path}" for path, status in files_below(folder / "shard") if stat.S_ISREG(status.st_mode)]
        files = {path: self._pack(name, folder, path) for path in sorted(paths)}
        self._collections[name] = {
            "points": points,
            "files": {path: {"size": f.size, "filled": f.filled, "sha256": f.sha256} for path, f in files.items()},
        }
        try:
            return _collection(name, self._collections[name]).bytes
        except ValueError as error:
            raise StoreError(f"Collection '{name}' in {shown(folder)} cannot be backed up: {error}.") from error

    def _pack(self, name: str, folder: Path, path: str) -> Packed:
        digest, runs = hashlib.sha256(), list[list[int]]()
        entry = zipfile.ZipInfo(f"{name}/{path}")
        with (folder / path).open("rb", buffering=0) as file, self._zip.open(entry, "w", force_zip64=True) as packed:
            for at, block in filled_blocks(file):
                packed.write(block)
                digest.update(block)
                if runs and sum(runs[-1]) == at:
                    runs[-1][1] += len(block)
                else:
                    runs.append([at, len(block)])
            size = os.fstat(file.fileno()).st_size
        return Packed(size, tuple((at, length) for at, length in runs), digest.hexdigest())

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            index = {"format": FORMAT, "written_by": MARK, "collections": self._collections}
            self._zip.writestr(zipfile.ZipInfo(LAST), json.dumps(index))
        self._zip.close()


# ---- reading ----------------------------------------------------------------------------------------


class Archive:
    """An archive whose directory and index have been checked.

    Attributes:
        path: the file.
        collections: what it holds, by name.
    """

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        self.path = path
        self._zip = file
        self.collections = self._checked()

    def unpack(self, name: str, folder: Path) -> None:
        """Write the files of a collection into an empty folder, durably, and compare their checksums.

        Raises:
            BackupError: a file is not what was packed.
            OSError: the folder cannot be written to.
        """
        for path, packed in self.collections[name].files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._zip.open(f"{name}/{path}") as entry, target.open("xb") as file:
                found = _unpack(entry, file, packed)
            if found != packed.sha256:
                raise _damaged(self.path, f"the checksum of {name}/{path} is another one")
        for below, _, _ in os.walk(folder):
            sync_folder(Path(below))

    def _checked(self) -> dict[str, Collection]:
        entries = {entry.filename: entry for entry in self._zip.infolist()}
        if len(entries) != len(self._zip.infolist()):
            raise _damaged(self.path, "an entry is there twice")
        room = self.path.stat().st_size
        for entry in entries.values():
            if (
                entry.compress_type != zipfile.ZIP_STORED
                or entry.compress_size != entry.file_size
                or entry.flag_bits & 1
            ):
                raise _damaged(self.path, f"{entry.filename} is compressed or encrypted")
            if not 0 <= entry.header_offset < room:
                raise _damaged(self.path, f"{entry.filename} lies outside of the file")
            if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
                raise _damaged(self.path, f"{entry.filename} is no file")
        if sum(entry.file_size for entry in entries.values()) > room:
            raise _damaged(self.path, "its entries take more than the file has")
        if LAST not in entries or entries[LAST].file_size > MAX_DIRECTORY:
            raise _damaged(self.path, f"{LAST} is missing or too large")
        index = json.loads(self._zip.read(LAST))
        if index["format"] != FORMAT:
            raise BackupError(
                f"{shown(self.path)} is a backup of format {index['format']!r}; this version of autoenc reads format "
                f"{FORMAT}. Use the version that wrote it."
            )
        collections = {name: _collection(name, data) for name, data in index["collections"].items()}
        listed = {f"{name}/{path}": packed for name, held in collections.items() for path, packed in held.files.items()}
        if listed.keys() | {FIRST, LAST} != entries.keys():
            raise _damaged(self.path, f"{LAST} lists other files than are there")
        if wrong := next((name for name, packed in listed.items() if packed.bytes != entries[name].file_size), None):
            raise _damaged(self.path, f"{wrong} has another size than {LAST} says")
        return collections


@contextmanager
def reading(path: Path) -> Iterator[Archive]:
    """Open an archive for a `with` block, in which whatever is wrong with the file becomes a BackupError.

    Raises:
        BackupError: it does not exist, is no archive, or is damaged; nothing of it was trusted so far.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BackupError(f"{shown(path)} is no file. Name the file that `autoenc backup` wrote.")
        opened = path.open("rb")
    except OSError as error:
        raise BackupError(f"Cannot read the backup {shown(path)}: {error.strerror or error}.") from error
    with opened:
        try:
            with zipfile.ZipFile(cast(BinaryIO, _Wary(opened))) as file:
                yield Archive(path, file)
        except zipfile.BadZipFile as error:
            raise _damaged(path, f"it is no ZIP file, or only a part of one ({error})") from error
        except (
            *(EOFError, NotImplementedError, RuntimeError, RecursionError, ValueError, KeyError),
            *(TypeError, AttributeError, OverflowError),
        ) as error:
            raise _damaged(path, f"{type(error).__name__}, {error}") from error


class _Wary:
    """A file of which no more is read at once than the directory of an archive may take."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, MAX_DIRECTORY + 1) if size >= 0 else MAX_DIRECTORY + 1)
        if len(data) > MAX_DIRECTORY:
            raise ValueError(f"its directory takes more than {MAX_DIRECTORY:,} bytes")
        return data


def _unpack(entry: IO[bytes], file: BinaryIO, packed: Packed) -> str:
    """Write an entry's blocks to their places; the checksum of them."""
    digest = hashlib.sha256()
    for at, length in packed.filled:
        file.seek(at)
        while length:
            block = entry.read(min(BLOCK, length))
            if not block:
                raise EOFError("an entry is too short")
            file.write(block)
            digest.update(block)
            length -= len(block)
    if entry.read(1):  # reads to the end, where its CRC is compared
        raise EOFError("an entry is too long")
    file.truncate(packed.size)
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest()


def _collection(name: str, data: Any) -> Collection:
    if not _NAME.fullmatch(name):
        raise ValueError(f"no name of a collection: {name!r}")
    files = {path: _packed(path, file) for path, file in data["files"].items()}
    if RECORD not in files:
        raise ValueError(f"collection '{name}' has no record")
    return Collection(_whole(data["points"], MAX_FILE), files)


def _packed(path: str, data: Any) -> Packed:
    parts = path.removeprefix(_SHARD).split("/")
    if path not in (RECORD, MANIFEST) and not (path.startswith(_SHARD) and all(map(_PART.fullmatch, parts))):
        raise ValueError(f"a file that no collection has: {path!r}")
    size, end = _whole(data["size"], MAX_FILE), 0
    for at, length in data["filled"]:
        if _whole(at, size) < end or _whole(length, size) < 1 or at + length > size:
            raise ValueError(f"blocks of {path!r} that overlap or lie outside of it")
        end = at + length
    return Packed(size, tuple((at, length) for at, length in data["filled"]), str(data["sha256"]))


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"not a whole number up to {most:,}: {value!r}")
    return value


def _damaged(path: Path, what: str) -> BackupError:
    return BackupError(f"{shown(path)} is no whole backup of autoenc: {printable(what)}. Use another backup.")
