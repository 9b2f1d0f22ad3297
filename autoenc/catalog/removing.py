"""Remove images from a store: by id, by path, by filter, a whole source, or everything."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple, Self

from autoenc.catalog.fields import holding, own_of, unmatched
from autoenc.catalog.scales import refresh_scales
from autoenc.errors import ArgumentError, PointNotFoundError, StoreError
from autoenc.store import OWN, WAIT_SECONDS, And, Filter, Not, Or, Record, Store, open_store
from autoenc.store.checks import MAX_K
from autoenc.store.naming import split_name
from autoenc.store.points import canonical_id
from autoenc.store.records import listed
from autoenc.text import counted, exact, shown

_READ = 10_000  # points at a time
_FIELDS = (f"{OWN}.source", f"{OWN}.path")


@dataclass(frozen=True)
class Removal:
    """What is to be removed, or was.

    Attributes:
        ids: the points, ordered by source and path; none for a whole collection, whose points are only counted.
        paths: the path of each, relative to its source; "" for a point that `index_images` did not write.
        sources: source -> how many of its points; "" for points of no source.
        forgotten: the source that is forgotten, together with its runs, or None.
        whole_collection: whether the collection itself is removed, with all that it remembers.
        generations: of a whole collection, how many of its generations are removed with it.
        done: False after a dry run, or if the removal was not confirmed.
        notes: what else there is to say, in sentences.
    """

    ids: list[str]
    paths: list[str]
    sources: dict[str, int]
    forgotten: str | None = None
    whole_collection: bool = False
    generations: int = 1
    done: bool = False
    notes: tuple[str, ...] = ()

    def told(self) -> str:
        """What it is, in a few words."""
        parts = [f"{n:,} of {f'source {shown(name)}' if name else 'no source'}" for name, n in self.sources.items()]
        said = f" ({', '.join(parts)})" if parts else ""
        return f"{counted(sum(self.sources.values()), 'image')}{said}"

    def to_dict(self) -> dict[str, Any]:
        """The removal as a document for JSON."""
        images = [{"id": id, "path": exact(path)} for id, path in zip(self.ids, self.paths, strict=True)]
        rest = {name: getattr(self, name) for name in ("forgotten", "whole_collection", "generations", "done", "notes")}
        return {"images": images, "sources": self.sources, **rest}

    def __repr__(self) -> str:
        return f"<Removal of {self.told()}, {'done' if self.done else 'not done'}>"


def remove_images(
    store: Store | str | os.PathLike[str],
    *,
    ids: Sequence[str] | None = None,
    paths: Sequence[str | os.PathLike[str]] | None = None,
    where: Filter | None = None,
    source: str | None = None,
    whole_collection: bool = False,
    collection: str = "images",
    wait: float = WAIT_SECONDS,
    dry_run: bool = False,
    confirm: Callable[[Removal], bool] | None = None,
) -> Removal:
    """Remove images from a store, never from the disk. Say which in exactly one way.

    The store mirrors its folders: a file that stays in its folder is added again when that is indexed. To remove an
    image for good, move or delete the file, too.

    The scales of the encoders are measured again where they no longer fit (see `measure_scales`). If the work is
    interrupted, some of them have been removed; call this again to finish it.

    Args:
        store: an open store, or the location of one.
        ids: ids of points.
        paths: files or folders, as they lie on the disk or relative to their source, or patterns such as `red/*.jpg`,
            in which `*` stands for any characters, `?` for one and `[ab]` for one of several. A name that is a file or
            a folder of the store means that alone.
        where: only images whose fields match.
        source: all images of this source, which the store then forgets.
        whole_collection: the collection itself, with all that it remembers and all of its generations; an open store is
            closed. Of the collection `images@1`, only that generation, unless it is the one that answers.
        collection: the collection, if `store` is a location.
        wait: as for `open_store`, if `store` is a location.
        dry_run: remove nothing.
        confirm: is called with what is to be removed, and returns whether to do it.

    Returns:
        what was removed, or with `dry_run` would be.

    Raises:
        StoreError: the store cannot be opened or written to.
        PointNotFoundError: it does not hold one of the ids, one of the paths, or any image of the source.
        UnknownFieldError: `where` names a field that is not filterable.
        ArgumentError: none or several of `ids`, `paths`, `where`, `source` and `whole_collection`; or an empty
            one, such as an empty path, or a filter without conditions, which would match every image.

    Example:
        >>> autoenc.remove_images("store", paths=["shoe/*.jpg"], dry_run=True)
        <Removal of 12 images (12 of source ...), not done>
        >>> autoenc.remove_images("store", where={"folder": "watch"})
        <Removal of 12 images (12 of source ...), done>
    """
    asked = {"ids": ids, "paths": paths, "where": where, "source": source, "whole_collection": whole_collection or None}
    given = [name for name, value in asked.items() if value is not None]
    single = isinstance(ids, str) or isinstance(paths, (str, os.PathLike))
    if len(given) != 1 or single or not asked[given[0]] or "" in (paths or ()) or _matches_all(where):
        raise ArgumentError(
            f"Say what to remove in one way, with ids=, paths=, where=, source= or whole_collection=True, and leave "
            f"nothing in it empty. Got {', '.join(f'{name}={asked[name]!r}' for name in given) or 'nothing'}."
        )
    if not isinstance(store, Store):
        with open_store(store, collection, wait=wait) as opened:
            return _remove(opened, asked, dry_run, confirm)
    return _remove(store, asked, dry_run, confirm)


def _matches_all(where: Filter | None) -> bool:
    """Whether a filter has no conditions, or might as well have none."""
    if isinstance(where, And):
        return all(map(_matches_all, where.filters))
    if isinstance(where, Or):
        return not where.filters or any(map(_matches_all, where.filters))
    return _matches_all(where.filter) if isinstance(where, Not) else where is not None and not where


def _remove(
    store: Store, asked: Mapping[str, Any], dry_run: bool, confirm: Callable[[Removal], bool] | None
) -> Removal:
    if asked["whole_collection"]:
        whole = store.generations() if split_name(store.collection)[1] is None else []
        planned = Removal([], [], _counts(store), whole_collection=True, generations=len(whole) or 1)
    else:
        points = sorted(_chosen(store, asked))
        planned = Removal(
            ids=[point.id for point in points],
            paths=[point.path for point in points],
            sources=dict(sorted(Counter(point.source for point in points).items())),
            forgotten=asked["source"],
            notes=() if points or asked["where"] is None else tuple(unmatched(store, asked["where"])),
        )
    if dry_run or (confirm is not None and not confirm(planned)):
        return planned
    notes = list(planned.notes)
    if planned.whole_collection:
        store.drop()
    else:
        store.delete(planned.ids)
        if planned.forgotten is not None:  # last, so that a kill leaves it to be removed again
            store.forget_source(planned.forgotten)
        try:
            refresh_scales(store, 0)
        except StoreError as error:
            notes.append(f"The images are removed, but the scales of the encoders are as they were: {error}")
        store.flush()
    return replace(planned, done=True, notes=tuple(notes))


def _counts(store: Store) -> dict[str, int]:
    """Source -> how many points the store holds of it."""
    there = store.facets(_FIELDS[0], limit=MAX_K) if _FIELDS[0] in store.info.fields else {}
    counts = {str(source): count for source, count in there.items()}
    if (rest := store.count() - sum(counts.values())) > 0:
        counts[""] = rest
    return dict(sorted(counts.items()))


class _Point(NamedTuple):
    """What is needed of a point that is to be removed: there may be a million of them."""

    source: str
    path: str
    id: str

    @classmethod
    def of(cls, record: Record) -> Self:
        own = own_of(record.payload)
        return cls(sys.intern(str(own.get("source", ""))), str(own.get("path", "")), record.id)


def _chosen(store: Store, asked: Mapping[str, Any]) -> Iterable[_Point]:
    if asked["paths"] is not None:
        return _by_paths(store, asked["paths"])
    if asked["ids"] is not None:
        return map(_Point.of, _by_ids(store, asked["ids"]))
    if asked["source"] is not None:
        return map(_Point.of, _of_source(store, asked["source"]))
    return map(_Point.of, store.scroll(asked["where"], fields=_FIELDS, batch=_READ))


def _by_ids(store: Store, ids: Sequence[str]) -> list[Record]:
    found = store.retrieve(list(dict.fromkeys(ids)))
    there = {record.id for record in found}
    if absent := [id for id in ids if canonical_id(id) not in there]:
        more = f" and {len(absent) - 1:,} more" if len(absent) > 1 else ""
        raise PointNotFoundError(
            f"Collection '{store.collection}' has no point {shown(absent[0])}{more}. Nothing was removed."
            f"{holding(store, absent[0])}"
        )
    return found


def _of_source(store: Store, source: str) -> Iterator[Record]:
    if source not in store.info.sources:
        raise PointNotFoundError(
            f"Collection '{store.collection}' has no source {shown(source)}; its sources are: "
            f"{listed(store.info.sources)}."
        )
    if _FIELDS[0] in store.info.fields:
        yield from store.scroll({_FIELDS[0]: source}, fields=_FIELDS, batch=_READ)


def _by_paths(store: Store, paths: Sequence[str | os.PathLike[str]]) -> set[_Point]:
    """The points that any of the paths means. What names an image or a folder is no pattern.

    Raises:
        PointNotFoundError: one of them matches none.
    """
    wanted = {os.fspath(path): _Wanted(os.fspath(path)) for path in paths}
    named: dict[str, list[_Point]] = {name: [] for name in wanted}
    fitting: dict[str, list[_Point]] = {name: [] for name in wanted}
    for record in store.scroll(fields=_FIELDS, batch=_READ):
        own = own_of(record.payload)
        path, source = own.get("path"), own.get("source")
        if not isinstance(path, str):
            continue
        root = store.info.sources.get(str(source))
        file = Path(root, path).as_posix() if root else None
        for name, each in wanted.items():
            if each.names(path, file):
                named[name].append(_Point.of(record))
            elif each.fits(path, file):
                fitting[name].append(_Point.of(record))
    meant = {name: named[name] or fitting[name] for name in wanted}
    if absent := [name for name, points in meant.items() if not points]:
        raise PointNotFoundError(
            f"Collection '{store.collection}' holds no image {shown(min(absent))}. Expected a file or a folder, as "
            f"it lies on the disk or relative to one of its sources, or a pattern such as 'red/*.jpg'. Nothing was "
            f"removed."
        )
    return {point for points in meant.values() for point in points}


class _Wanted:
    """A path or a pattern, relative to a source or on the disk."""

    def __init__(self, path: str) -> None:
        self._relative = Path(path).as_posix()
        self._absolute = Path(os.path.abspath(path)).as_posix()

    def names(self, relative: str, file: str | None) -> bool:
        """Whether it names an image or its folder; given are the image's path relative to its source, and on disk."""
        return _lies(relative, self._relative) or (file is not None and _lies(file, self._absolute))

    def fits(self, relative: str, file: str | None) -> bool:
        """Whether it is a pattern that an image fits; given as for `names`."""
        return fnmatchcase(relative, self._relative) or (file is not None and fnmatchcase(file, self._absolute))


def _lies(path: str, wanted: str) -> bool:
    """Whether a path is the one that is wanted, or lies in that folder."""
    return path == wanted or path.startswith(f"{wanted.rstrip('/')}/")
