"""Set fields of images that a store holds, without their files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Any

from autoenc.catalog.fields import Change, change_of, own_of, shadowing, unmatched, write_changes
from autoenc.catalog.joining import Join
from autoenc.catalog.metadata import Metadata, TableReport, as_metadata
from autoenc.catalog.retyping import change_kinds
from autoenc.catalog.table_fields import field_kind
from autoenc.errors import ArgumentError, PointNotFoundError
from autoenc.progress import ProgressOption, telling
from autoenc.store import OWN, FieldKind, Filter, Record, Store
from autoenc.store.filters import check_field_name, short_name
from autoenc.store.points import canonical_id
from autoenc.tables.kinds import COLUMN_KINDS, EXPECTED, ColumnKind, infer, value_of
from autoenc.tables.table import SEPARATOR
from autoenc.text import meant

_BATCH = 1000
_ALMOST = 0.8  # of two names: so much of their letters, in the same order


@dataclass(frozen=True)
class TagReport:
    """What `tag_images` did.

    Attributes:
        matched: how many images the filter matched; all of the store without one.
        changed: how many of them had fields that changed, or would have in a dry run.
        dry_run: whether nothing was written.
        table: what came of the table of metadata; None without one.
        notes: advice to the user, in sentences: names and values that are perhaps misspelled.
    """

    matched: int
    changed: int
    dry_run: bool = False
    table: TableReport | None = None
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "table": None if self.table is None else self.table.to_dict()}

    def __repr__(self) -> str:
        return f"<TagReport {self.matched} matched, {self.changed} {'would change' if self.dry_run else 'changed'}>"


def tag_images(
    store: Store,
    *,
    set: Mapping[str, Any] | None = None,
    unset: Sequence[str] = (),
    ids: Sequence[str] | None = None,
    where: Filter | None = None,
    metadata: Metadata | str | os.PathLike[str] | None = None,
    filterable: Mapping[str, FieldKind] | None = None,
    dry_run: bool = False,
    progress: ProgressOption = None,
) -> TagReport:
    """Set and remove fields of the images in a store. Only what differs is written, and no vector changes.

    Args:
        store: an open store.
        set: field -> value, for every image that matches. Where the field is filterable, the value becomes one of its
            kind, as a cell of a table does.
        unset: fields to remove from every image that matches. Once no image has a field of yours that is called like
            one of autoenc's own, filters mean that one again.
        ids: only the images with these ids.
        where: as for `search`; without it and without `ids`, every image matches.
        metadata: a table, as for `index_images`; its rows belong to images by their paths relative to their sources.
            `set` and `unset` come after it.
        filterable: field -> its kind, of those in `set` that are to be filtered by.
        dry_run: count what would change, and write nothing.
        progress: as for `index_images`.

    Raises:
        TableError: the table cannot be read, or belongs to none of the images.
        PointNotFoundError: the store holds no image with one of the ids. Nothing is written.
        UnknownFieldError: `where` names a field that is not filterable.
        StoreError: the store cannot be written to, or holds values of another kind in a field of `filterable`.
        ArgumentError: nothing to set or remove, a field that is both, a value that its field cannot hold, or a name
            that no field can have.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     autoenc.tag_images(store, set={"season": "winter"}, where={"folder": "shoe"})
        <TagReport 12 matched, 12 changed>
    """
    if not isinstance(store, Store):
        raise ArgumentError(f"Expected an open store (autoenc.open_store); got {store!r}.")
    given = _checked(set or {}, [unset] if isinstance(unset, str) else unset)
    if not given and metadata is None:
        raise ArgumentError("Nothing to do: name fields with set= or unset=, or a table with metadata=.")
    if ids is not None:
        if where is not None or metadata is not None:
            raise ArgumentError("ids= names the images itself; leave out where= and metadata=.")
        ids = [record.id for record in _named(store, ids)]
    join = None if metadata is None else Join(as_metadata(metadata), store, folders=store.info.product_folders)
    kinds = {**({} if join is None else join.kinds), **(filterable or {})}
    given = _as_held(given, {**store.info.fields, **kinds})
    notes = _unfamiliar(given, store.info.fields)
    if set:
        notes += shadowing([name for name in filterable or () if name in set], store.info.fields)
    total = store.count(where) if ids is None else len(ids)
    table = None if join is None else join.report(_paths(store, where), _root(store))
    if join is not None:
        notes += change_kinds(
            store,
            join.retyped,
            nulls=join.nulls,
            replaced=lambda record: where is None and _row(join, record) is not None,
            dry_run=dry_run,
        )
    if total and not dry_run:
        store.add_fields(kinds)
        if join is not None and join.product is not None:
            store.set_product(join.product)
    matched = changed = 0
    with telling(progress) as tell:
        for batch in _batches(store, where, ids):
            changes = {record.id: change for record in batch if (change := _change(record, join, given))}
            if changes and not dry_run:
                write_changes(store, changes)
            matched += len(batch)
            changed += len(changes)
            tell("tagging", matched, total, "")
    if not dry_run:
        _forget_empty(store, [name for name, value in given.items() if value is None])
    if changed and not dry_run:
        store.flush()
    if not matched and where is not None:
        notes += unmatched(store, where)
    return TagReport(matched, changed, dry_run, None if table is None else replace(table, updated=changed), notes)


def typed(
    store: Store, given: Mapping[str, str], types: Mapping[str, ColumnKind], separator: str
) -> tuple[dict[str, Any], dict[str, FieldKind]]:
    """Values that were typed, and the kinds of their fields, as `tag_images` takes them.

    Args:
        store: the store, whose filterable fields say of what kind their values are.
        given: field -> what was typed.
        types: field -> its kind; of another field that is not filterable yet, the kind is inferred.
        separator: what stands between the keywords of a list.

    Raises:
        ArgumentError: a value of another kind, an unknown kind, or one that the store's field does not have.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     typed(store, {"price": "12.5", "code": "007"}, {}, "|")
        ({'price': 12.5, 'code': '007'}, {'price': 'float', 'code': 'keyword'})
    """
    values: dict[str, Any] = {}
    kinds: dict[str, FieldKind] = {}
    for name, text in given.items():
        held = store.info.fields.get(name)
        kind: ColumnKind = types.get(name) or held or infer({text.strip()}, 1)
        if kind not in COLUMN_KINDS:
            raise ArgumentError(f"The type of a field is one of {', '.join(COLUMN_KINDS)}; got {kind!r} for '{name}'.")
        kinds[name] = field_kind(kind)
        if held not in (None, kinds[name], "integer" if kind == "float" else kinds[name]):
            raise ArgumentError(f"Field '{name}' of the store holds {held} values, not {kind}; leave out its type.")
        values[name] = _value(name, kind, text.strip(), separator)
    return values, kinds


def _value(name: str, kind: ColumnKind, given: Any, separator: str = SEPARATOR) -> Any:
    """What a field of this kind holds for a value."""
    try:
        value = value_of(kind, given, separator)
    except ValueError:
        raise ArgumentError(f"Field '{name}' holds {EXPECTED[kind]}; got {given!r}.") from None
    if value is None:
        raise ArgumentError(f"Field '{name}' needs a value; remove it with unset=.")
    return value


def _as_held(given: Mapping[str, Any], kinds: Mapping[str, FieldKind]) -> dict[str, Any]:
    """Values as fields of these kinds hold them: one, or a list; None stays, and so does what has no kind."""
    held = dict(given)
    for name, value in given.items():
        if value is None or name not in kinds:
            continue
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            if not isinstance(part, (str, bool, int, float, date)):
                raise ArgumentError(f"Field '{name}' holds {kinds[name]} values; got {part!r}.")
        values = [_value(name, kinds[name], part) for part in parts]
        held[name] = values if isinstance(value, list) else values[0]
    return held


def _checked(given: Mapping[str, Any], unset: Sequence[str]) -> dict[str, Any]:
    """What every image gets: field -> value, None for one to remove."""
    for name in (*given, *unset):
        check_field_name(name)
        if name.startswith(f"{OWN}."):
            raise ArgumentError(f"The fields below '{OWN}' are autoenc's own; choose another name than '{name}'.")
        if name in given and name in unset:
            raise ArgumentError(f"Field '{name}' is to be set and to be removed; choose one of the two.")
    return {**given, **dict.fromkeys(unset)}


def _unfamiliar(given: Iterable[str], fields: Collection[str]) -> list[str]:
    """A sentence for each field that filters do not know and that is called almost like one that they know."""
    there = [short_name(field, fields) for field in fields]
    asked = {name: meant(name, there, cutoff=_ALMOST) for name in given if name not in fields and name not in there}
    return [f"Filters do not know field '{name}' so far.{question}" for name, question in asked.items() if question]


def _forget_empty(store: Store, unset: Sequence[str]) -> None:
    """Let names by which filters knew autoenc's own fields stand for those again, where no image has the user's."""
    for name in unset:
        shadowed = name in store.info.fields and f"{OWN}.{name}" in store.info.fields
        if not shadowed or name == store.info.product:
            continue
        if not any(name in record.payload for record in store.scroll(fields=[name])):
            store.forget_field(name)


def _change(record: Record, join: Join | None, given: Mapping[str, Any]) -> Change:
    told = Change()
    path = own_of(record.payload).get("path")
    if join is not None and isinstance(path, str):
        told = join.change(path, record.payload)
    if not given:
        return told
    left = {name: value for name, value in told.set.items() if name not in given}
    return Change(left, tuple(name for name in told.unset if name not in given)) + change_of(given, record.payload)


def _row(join: Join, record: Record) -> int | None:
    path = own_of(record.payload).get("path")
    return join.row_of(path) if isinstance(path, str) else None


def _named(store: Store, ids: Sequence[str]) -> list[Record]:
    found = store.retrieve(list(dict.fromkeys(ids)))
    there = {record.id for record in found}
    if absent := [id for id in ids if canonical_id(id) not in there]:
        raise PointNotFoundError(f"Collection '{store.collection}' has no point {absent[0]}. Nothing was changed.")
    return found


def _paths(store: Store, where: Filter | None) -> Iterator[str]:
    """The path of each image that matches, relative to its source."""
    for record in store.scroll(where, fields=[f"{OWN}.path"]):
        path = own_of(record.payload).get("path")
        if isinstance(path, str):
            yield path


def _root(store: Store) -> str:
    """The folder that all paths are relative to; "" where there are several."""
    roots = [*store.info.sources.values()]
    return roots[0] if len(roots) == 1 else ""


def _batches(store: Store, where: Filter | None, ids: Sequence[str] | None) -> Iterable[list[Record]]:
    """The points that match, some at a time: their ids are read first, because a change may end the match."""
    if ids is None:
        ids = [record.id for record in store.scroll(where, fields=[])]
    rest = iter(ids)
    while part := list(islice(rest, _BATCH)):
        yield store.retrieve(part)
