"""What users did with items, as vectors of their images: the behavior that a hybrid search weighs beside looks."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from autoenc.catalog.factors import item_factors
from autoenc.catalog.fields import field_value, own_of
from autoenc.catalog.joining import names_of, tidy
from autoenc.catalog.scales import measure_scales
from autoenc.errors import ArgumentError, StoreError, StoreMismatchError, TableError
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import OWN, Record, Store, VectorSpec
from autoenc.store.naming import split_name
from autoenc.store.records import BEHAVIOR
from autoenc.tables.interactions import Interactions, read_interactions
from autoenc.text import composed, shown
from autoenc.vectors import Vectors

JoinedBy = Literal["product", "path", "file", "id"]
"""What an item's name can be of an image: its product, its path relative to its source, its file name or the stem of
it, or its id."""

_MEANING = {"product": "the product", "path": "the path", "file": "the file name", "id": "the id"}

MOST = 1024
"""The most numbers that an item can get."""

_BATCH = 1000


@dataclass(frozen=True)
class BehaviorReport:
    """What `add_behavior` did.

    Attributes:
        file: the table.
        users, items, interactions: how many the table has; several rows of a user and an item are one interaction.
        dim: how many numbers an item got.
        joined_by: what the names of items are of an image.
        images: how many images have a vector now.
        cold: how many have none. In a hybrid search they are compared by their other vectors.
        lost: how many of those had one before this call.
        unknown: items that are no image's.
        unrelated: items of images whose users did something with no other item; they are cold.
        left_out: rows that could not be used, why, and their cells.
        mended: rows with too many cells, what was done about it, and the cells that came of it.
    """

    file: str
    users: int
    items: int
    interactions: int
    dim: int
    joined_by: JoinedBy
    images: int
    cold: int
    lost: int = 0
    unknown: list[str] = field(default_factory=list)
    unrelated: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def __repr__(self) -> str:
        return (
            f"<BehaviorReport {self.images} images with behavior, {self.cold} without, "
            f"{len(self.unknown)} unknown items>"
        )


def add_behavior(
    store: Store,
    file: str | os.PathLike[str],
    *,
    user_column: str = "user",
    item_column: str = "item",
    value_column: str | None = None,
    joined_by: JoinedBy | None = None,
    dim: int = 32,
    progress: ProgressOption = None,
) -> BehaviorReport:
    r"""Give the images of a store vectors of what users did with them, from a table of ratings, clicks or purchases.

    The vectors are called `behavior`: search by them alone, `using="behavior"`, or beside looks,
    `using="learned=1,behavior=0.5"`. An image of an item that nobody did anything with has none: a hybrid search
    compares it by its other vectors, and so does one for a new picture. Those of an earlier call are replaced. If it
    is interrupted, call it again: until then, only some images have theirs. Images that are indexed later have none
    before the next call.

    Args:
        store: an open store.
        file: a CSV file, or a Parquet file (.parquet), which needs `autoenc[tables]`: a row for each interaction. The
            values of several rows of a user and an item are added up. More means more interest; leave out rows that
            mean dislike.
        user_column: the column that names users.
        item_column: the column that names items.
        value_column: the column of numbers, 0 or more, such as clicks or stars; by default `value`, or, where the table
            has none, 1 for every row.
        joined_by: what the names of items are of an image: "product", "path", "file" (its name, or the stem of it) or
            "id"; by default, that by which most items are known.
        dim: how many numbers an item gets, at most.
        progress: as for `index_images`.

    Raises:
        TableError: the table cannot be read, lacks a column, belongs to none of the images, has one user alone, or
            relates no two items: no user did something with two of them.
        StoreMismatchError: the store holds other vectors under this name.
        StoreError: the collection is being reindexed, or that was interrupted; or it cannot be written to.
        ArgumentError: not an open store, or a value that is not allowed. In all these cases nothing is written.

    Source: the vectors are those of `item_factors`.

    Example:
        >>> from pathlib import Path
        >>> clicks = [("ann", 1), ("ann", 2), ("bob", 1), ("bob", 2), ("cem", 3), ("cem", 4)]
        >>> rows = [f"{user},shoe/00{item}.jpg" for user, item in clicks]
        >>> _ = Path("clicks.csv").write_text("\n".join(["user,item", *rows]))
        >>> with autoenc.open_store("store") as store:
        ...     report = autoenc.add_behavior(store, "clicks.csv")
        ...     found = autoenc.search(store, id="shoe/001.jpg", using="learned=1,behavior=1", k=1)
        >>> report, report.joined_by, found[0].path.name
        (<BehaviorReport 4 images with behavior, 44 without, 0 unknown items>, 'path', '002.jpg')
    """
    if not isinstance(store, Store):
        raise ArgumentError(f"Expected an open store (autoenc.open_store); got {store!r}.")
    if isinstance(dim, bool) or not isinstance(dim, int) or not 1 <= dim <= MOST:
        raise ArgumentError(f"dim= must be a whole number from 1 to {MOST:,}; got {dim!r}.")
    if joined_by not in (None, *get_args(JoinedBy)):
        raise ArgumentError(f"joined_by= is one of {', '.join(get_args(JoinedBy))}; got {joined_by!r}.")
    _check_writable(store)
    with telling(progress) as tell:
        tell("reading", 0, 1, shown(file))
        table = read_interactions(file, user_column=user_column, item_column=item_column, value_column=value_column)
        way, images_of = _joined(store, table, joined_by, shown(file))
        tell("relating items", 0, 1, "")
        rows, known = item_factors(
            table.user_of, table.item_of, table.values, (len(table.items), len(table.users)), dim
        )
        if len(table.users) == 1:
            raise TableError(f"{shown(file)} has the interactions of one user alone, to whom all items are alike.")
        related = {item: row for item, row, there in zip(table.items, rows, known, strict=True) if there}
        if not related.keys() & images_of.keys():
            raise TableError(
                f"{shown(file)} relates no two items: no user has done something with two of them, one of which is an "
                f"image's."
            )
        vectors = {id: related[item] for item, ids in images_of.items() if item in related for id in ids}
        lost = _replace(store, vectors, tell)
    return BehaviorReport(
        file=str(file),
        users=len(table.users),
        items=len(table.items),
        interactions=len(table.values),
        dim=rows.shape[1],
        joined_by=way,
        images=len(vectors),
        cold=len(store) - len(vectors),
        lost=lost,
        unknown=[item for item in table.items if item not in images_of],
        unrelated=[item for item in images_of if item not in related],
        left_out=table.left_out,
        mended=table.mended,
    )


def _check_writable(store: Store) -> None:
    held = store.info.vectors.get(BEHAVIOR)
    if held is not None and not held.of_behavior:
        raise StoreMismatchError(
            f"Collection '{store.collection}' holds vectors '{BEHAVIOR}' that were made otherwise, by an encoder or "
            f"elsewhere. Drop them first, or give them another name."
        )
    if split_name(store.collection)[1] is None and any(each.unfinished for each in store.generations()):
        raise StoreError(
            f"Collection '{store.collection}' of {store.location} is being reindexed, or that was interrupted. Finish "
            f"it by the same `autoenc reindex`, or remove what is unfinished with `autoenc reindex --drop-old`."
        )


def _joined(
    store: Store, table: Interactions, asked: JoinedBy | None, file: str
) -> tuple[JoinedBy, dict[str, list[str]]]:
    """What the names of items are of an image, and the images of each item: name -> ids."""
    items = {name: name for name in table.items}
    by: dict[JoinedBy, dict[str, str]] = dict.fromkeys(get_args(JoinedBy), items)
    by["path"] = {tidy(name): name for name in table.items}
    found: dict[JoinedBy, dict[str, list[str]]] = {each: defaultdict(list) for each in by}
    first = ""
    product = store.info.product
    for record in store.scroll(fields=[f"{OWN}.path", *filter(None, [product])], batch=_BATCH):
        first = first or str(own_of(record.payload).get("path", record.id))
        for each, names in _names(store, record).items():
            item = next((by[each][name] for name in names if name in by[each]), None)
            if item is not None:
                found[each][item].append(record.id)
    way = max(found, key=lambda each: len(found[each])) if asked is None else asked
    if not found[way]:
        raise TableError(
            f"No item of {file} is {_MEANING[way] if asked else 'the product, path, file name or id'} of an image. The "
            f"first item is {table.items[0]!r}, and the first image is {shown(first)}. Correct it, or name another "
            f"column with item_column=."
        )
    return way, dict(found[way])


def _names(store: Store, record: Record) -> dict[JoinedBy, tuple[str, ...]]:
    """What an item may call an image."""
    path = own_of(record.payload).get("path")
    names: dict[JoinedBy, tuple[str, ...]] = {"id": (record.id,)}
    if isinstance(path, str):
        names |= {"path": (tidy(path),), "file": names_of(path, whole=False, folders=False)}
    if store.info.product is not None:
        held = field_value(store, record.payload, store.info.product)
        values = [composed(str(value)) for value in (held if isinstance(held, list) else [held]) if value is not None]
        folders = [value.rpartition("/")[2] for value in values if store.info.product_folders]
        names["product"] = (*values, *folders)
    return names


def _replace(store: Store, vectors: Mapping[str, Vectors], tell: Progress) -> int:
    """Replace all vectors of behavior; returns how many images had one and get none."""
    ids = sorted(vectors)
    rows = np.stack([vectors[id] for id in ids])
    digest = hashlib.blake2b("".join(ids).encode() + rows.tobytes(), digest_size=16).hexdigest()
    lost = 0
    if BEHAVIOR in store.info.vectors:
        lost = store.count(having=[BEHAVIOR]) - len(store.having_vectors(ids, [BEHAVIOR]))
        store.drop_vector(BEHAVIOR)
    store.add_vector(BEHAVIOR, VectorSpec(rows.shape[1], f"{BEHAVIOR} {digest}", preprocessing=0))
    for start in range(0, len(ids), _BATCH):
        tell("writing", start, len(ids), "")
        part = slice(start, start + _BATCH)
        store.update_vectors(ids[part], {BEHAVIOR: rows[part]})
    tell("writing", len(ids), len(ids), "")
    store.optimize()
    measure_scales(store, [BEHAVIOR])
    store.flush()
    return lost
