"""Settle a group of copies as a person decided: one image stays, the others go, and no value of a field is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autoenc.catalog.fields import Change, write_changes
from autoenc.catalog.keeping import covers, held
from autoenc.catalog.removing import remove_images
from autoenc.errors import ArgumentError, PointNotFoundError
from autoenc.store import Store


@dataclass(frozen=True)
class Settled:
    """What `keep_copy` did, or with `dry_run` would do.

    Attributes:
        removed: the ids of the images that left the store.
        joined: fields that the kept image lacked, with the values that it took over.
        staying: the id of each image that stays, because it holds other values -> the fields that differ.
    """

    removed: list[str]
    joined: dict[str, Any]
    staying: dict[str, list[str]]


def keep_copy(store: Store, keep: str, others: Sequence[str], *, dry_run: bool = False) -> Settled:
    """Keep one image of a group of copies, and remove the others where nothing is lost with them.

    The kept image takes over the fields that it lacks, of the first of the others that has them. An image with another
    value of a field stays, unless another that stays already holds all of its values. No file is deleted.

    Args:
        store: an open store.
        keep: the id of the image that stays.
        others: ids of its copies.
        dry_run: change nothing.

    Raises:
        PointNotFoundError: the store does not hold one of the images; nothing is changed.
        ArgumentError: no others, or the kept image is one of them.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     best, *worse = [record.id for record in store][:3]
        ...     len(keep_copy(store, best, worse, dry_run=True).removed)
        2
    """
    others = list(dict.fromkeys(others))
    if not others or keep in others:
        raise ArgumentError("Name the image that stays, and others of its group.")
    fields = {record.id: held(record.payload) for record in store.retrieve([keep, *others])}
    if missing := [id for id in (keep, *others) if id not in fields]:
        raise PointNotFoundError(f"The store holds no image {missing[0]}.")
    kept = dict(fields[keep])
    removed: list[str] = []
    staying: dict[str, list[str]] = {}
    for id in others:
        mine = fields[id]
        differing = sorted(name for name, value in mine.items() if name in kept and kept[name] != value)
        if not differing:
            kept |= mine
        if not differing or any(covers(fields[other], mine) for other in staying):
            removed.append(id)
        else:
            staying[id] = differing
    joined = {name: value for name, value in kept.items() if name not in fields[keep]}
    if removed and not dry_run:
        if joined:
            write_changes(store, {keep: Change(joined)})  # first, so that a kill loses nothing
        remove_images(store, ids=removed)
    return Settled(removed, joined, staying)
