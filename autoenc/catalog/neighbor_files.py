"""Write the neighbors of every indexed image to a file, in parts, so that a run that was stopped continues.

Until the file is complete, its parts lie in a hidden folder beside it, `.FILE.neighbors`: `state.json`, which says what
they are parts of, and `000000`, `000001` …, each in the file's own format and written whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from autoenc.catalog.listing import Asked, Listing
from autoenc.catalog.neighbors import Neighborhood, search_all
from autoenc.catalog.weights import Using
from autoenc.errors import ArgumentError, MissingDependencyError, OutputError
from autoenc.files import TEMPORARY, remove_folder, replace_file, replacing
from autoenc.outputs import MARK, NEIGHBOR_COLUMNS, check_output
from autoenc.progress import ProgressOption, telling
from autoenc.store import Filter, Store
from autoenc.text import shown

PART = 5000
"""Images in a part: what is lost at most when a run is stopped."""

STATE = "state.json"
FORMATS = (".csv", ".jsonl", ".parquet")
_DECIMALS = 6


@dataclass(frozen=True)
class NeighborsReport:
    """What `write_neighbors` did.

    Attributes:
        file: the file.
        using: the encoder whose vectors were compared, or several with their weights.
        images: how many images the file has the neighbors of.
        lacking: images that lack a vector of one of them, and have no neighbors in the file.
        resumed: images whose neighbors an earlier run had found.
        seconds: how long it took.
    """

    file: Path
    using: str
    images: int
    lacking: int
    resumed: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "file": str(self.file)}


def write_neighbors(
    store: Store,
    file: str | os.PathLike[str],
    *,
    k: int = 20,
    using: Using | None = None,
    where: Filter | None = None,
    group_by: str | None = None,
    overwrite: bool = False,
    progress: ProgressOption = None,
) -> NeighborsReport:
    """Write the k nearest neighbors of every image that has a vector to a file.

    CSV and Parquet have one row for each neighbor: id, path, rank (1 for the nearest), neighbor_id, neighbor_path,
    score. JSON Lines have one object for each image: id, path, neighbors[{id, path, score}]. Images are in the order of
    their ids. The file appears when it is complete; until then, the same call continues where an earlier one was
    stopped, at any moment, and begins anew if vectors or fields that count have changed meanwhile. A call with other
    settings is refused until then, unless it may overwrite what is there.

    Args:
        store: an open store.
        file: .csv, .jsonl or .parquet, which needs pyarrow.
        k: how many neighbors of an image at most.
        using: the encoder whose vectors are compared, or several with their weights, as for `search`.
        where: only neighbors that match, as for `search`.
        group_by: one neighbor of each value of this field, as for `neighbors`.
        overwrite: replace a file that autoenc did not write, and what a run with other settings has left.
        progress: as for `index_images`.

    Raises:
        OutputError: the file cannot be written, or a run with other settings is unfinished.
        MissingDependencyError: .parquet, and pyarrow is not installed.
        StoreMismatchError, ArgumentError: as for `neighbors`; or a file of another format.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     report = autoenc.write_neighbors(store, "similar.csv", k=3)
        >>> report.images, len(report.file.read_text().splitlines())
        (48, 145)
    """
    start = time.perf_counter()
    asked = Asked.of(store, k, using, where, group_by)
    kind = Path(file).suffix.lower()
    if kind not in FORMATS:
        raise ArgumentError(f"Neighbors are written to a .csv, .jsonl or .parquet file; got {shown(file)}.")
    if kind == ".parquet":
        _parquet()
    reading = [root for root in store.info.sources.values() if root]
    path = check_output(file, overwrite=overwrite, reading=reading)
    with telling(progress) as tell, _naming(path):
        listing = Listing.of(asked, tell)
        total = len(listing.ids)
        fingerprints = {name: store.info.vectors[name].fingerprint for name in asked.names}
        state = {
            "written_by": MARK,
            "settings": {"store": store.location, "collection": store.collection, "format": kind, **asked.settings()},
            "content": {"fingerprints": fingerprints, "digest": listing.digest, "part": PART},
        }
        folder = path.with_name(f".{path.name}.neighbors")
        parts = [folder / f"{number:06d}" for number in range(-(-total // PART))]
        resumed = _resume(folder, state, overwrite)
        quoted = _Quoted(listing.paths)
        for number, part in enumerate(parts):
            done = min(number * PART, total)
            tell("neighbors", done, total, "")
            if number < resumed:
                continue
            numbers = range(done, min(done + PART, total))
            replace_file(part, _encoded(search_all(asked, listing, numbers), kind, quoted))
        tell("neighbors", total, total, "")
        check_output(path, overwrite=overwrite, reading=reading)
        with replacing(path) as out:
            _join(parts, kind, out)
        remove_folder(folder)
    return NeighborsReport(
        file=path,
        using=asked.searcher.using,
        images=total,
        lacking=listing.lacking,
        resumed=min(resumed * PART, total),
        seconds=time.perf_counter() - start,
    )


def _resume(folder: Path, state: dict[str, Any], overwrite: bool) -> int:
    """How many parts are there of what is to be written; the parts of what has changed since are removed.

    Raises:
        OutputError: a run with other settings is unfinished, and is not to be overwritten.
    """
    if os.path.lexists(folder):
        names = [each.name for each in folder.iterdir()] if folder.is_dir() and not folder.is_symlink() else ["?"]
        ours = [name for name in names if name == STATE or name.startswith(TEMPORARY) or name.isdigit()]
        if names != ours:
            raise OutputError(
                f"Cannot write {shown(folder)}: something is there that autoenc did not write. Name another file."
            )
        found = _read_state(folder / STATE)
        settings = found.get("settings") if isinstance(found, dict) else None
        if isinstance(settings, dict) and settings != state["settings"] and not overwrite:
            asked = state["settings"]
            theirs = ", ".join(f"{key} {settings.get(key)}" for key in asked if settings.get(key) != asked[key])
            raise OutputError(
                f"Cannot write {shown(folder)}: a run with other settings is unfinished there ({theirs}). Run it again "
                f"with these to finish it, or begin anew with overwrite=True."
            )
        if found == state:
            finished = {name for name in names if name.isdigit()}
            return next(number for number in range(len(names) + 1) if f"{number:06d}" not in finished)
        remove_folder(folder)
    folder.mkdir(exist_ok=True)
    replace_file(folder / STATE, json.dumps(state, indent=2).encode())
    return 0


def _read_state(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


# ---- formats ----------------------------------------------------------------------------------


class _Quoted(dict[str, str]):
    """The id of an image -> its id and its path as two fields of CSV, quoted once, however often it is a neighbor."""

    def __init__(self, paths: Mapping[str, str | None]) -> None:
        self._paths = paths

    def __missing__(self, id: str) -> str:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerow((id, self._paths.get(id)))  # quotes both of them in a field
        self[id] = text.getvalue()[:-2]
        return self[id]


def _encoded(found: Iterable[Neighborhood], kind: str, quoted: _Quoted) -> bytes:
    """A part of a file: CSV and JSON Lines as they are in the file, Parquet as a file of its own.

    Neighborhoods are encoded as they come, while others are searched for.
    """
    if kind == ".parquet":
        return _parquet_of(found)
    lines: list[str] = []
    for each in found:
        if kind == ".csv":
            own, ranks = quoted[each.id], range(1, len(each.ids) + 1)
            lines += [
                f"{own},{rank},{quoted[id]},{score:.{_DECIMALS}f}\n"
                for rank, id, score in zip(ranks, each.ids, each.scores, strict=True)
            ]
        else:
            neighbors = [
                {"id": id, "path": path, "score": round(score, _DECIMALS)}
                for id, path, score in zip(each.ids, each.paths, each.scores, strict=True)
            ]
            line = {"id": each.id, "path": each.path, "neighbors": neighbors}
            lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def _parquet_of(found: Iterable[Neighborhood]) -> bytes:
    pa, pq = _parquet()
    columns: tuple[list[Any], ...] = tuple([] for _ in NEIGHBOR_COLUMNS)
    for each in found:
        count = len(each.ids)
        ranks = range(1, count + 1)
        scores = [round(score, _DECIMALS) for score in each.scores]
        fields: tuple[Iterable[Any], ...] = (
            [each.id] * count,
            [each.path] * count,
            ranks,
            each.ids,
            each.paths,
            scores,
        )
        for column, values in zip(columns, fields, strict=True):
            column += values
    out = io.BytesIO()
    pq.write_table(pa.table(list(columns), schema=_schema(pa)), out)
    return out.getvalue()


def _join(parts: Sequence[Path], kind: str, out: BinaryIO) -> None:
    """Write the file from its parts."""
    if kind == ".parquet":
        pa, pq = _parquet()
        with pq.ParquetWriter(out, _schema(pa)) as writer:
            for part in parts:
                writer.write_table(pq.read_table(io.BytesIO(part.read_bytes())))
        return
    if kind == ".csv":
        out.write(",".join(NEIGHBOR_COLUMNS).encode() + b"\n")
    for part in parts:
        with part.open("rb") as file:
            shutil.copyfileobj(file, out)


def _schema(pa: Any) -> Any:
    text, rank, score = pa.string(), pa.int32(), pa.float32()
    kinds = (text, text, rank, text, text, score)
    return pa.schema(list(zip(NEIGHBOR_COLUMNS, kinds, strict=True)), metadata={"written_by": MARK})


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingDependencyError(
            "Parquet files need pyarrow: pip install 'autoenc[tables]'. CSV and JSON Lines need nothing."
        ) from error
    return pa, pq


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"Cannot write {shown(path)}: {error.strerror or error}. What is done is kept; run it again to continue."
        ) from error
