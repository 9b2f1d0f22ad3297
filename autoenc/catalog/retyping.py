"""Give a filterable field another kind: every stored value is converted, then the field is indexed anew.

The values come first. A process that is killed leaves the old kind with some converted values; the same call finishes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import Any

from autoenc.catalog.fields import change_of, own_of, write_changes
from autoenc.errors import StoreMismatchError
from autoenc.store import OWN, FieldKind, Record, Store
from autoenc.tables.kinds import value_of
from autoenc.text import counted, shown

_BATCH = 1000


def change_kinds(
    store: Store,
    kinds: Mapping[str, FieldKind],
    *,
    nulls: Collection[str] = (),
    replaced: Callable[[Record], bool] = lambda record: False,
    dry_run: bool = False,
) -> list[str]:
    """Convert the values of some fields, and let filters know them by their new kinds.

    Args:
        store: an open store.
        kinds: filterable field -> its new kind.
        nulls: values that count as empty, and are removed.
        replaced: whether the fields of a point, given with autoenc's own, get other values afterwards anyway.
        dry_run: only check the values.

    Returns:
        What changed, in sentences.

    Raises:
        StoreMismatchError: a value that cannot be converted. Nothing is written.
    """
    for name, kind in kinds.items():
        _check(store, name, kind, nulls, replaced)
    if dry_run:
        return []
    notes = []
    for name, kind in kinds.items():
        rest = store.scroll(fields=[name])
        while records := list(islice(rest, _BATCH)):
            changes = {}
            for record in records:
                try:
                    wanted = _converted(kind, record.payload.get(name), nulls)
                except ValueError:  # it is replaced
                    continue
                changes[record.id] = change_of({name: wanted}, record.payload)
            write_changes(store, changes)
        notes.append(f"Field '{name}' held {store.info.fields[name]} values; they are {kind} values now.")
        store.change_field(name, kind)
    return notes


def _check(
    store: Store, name: str, kind: FieldKind, nulls: Collection[str], replaced: Callable[[Record], bool]
) -> None:
    left, first = 0, ""
    for record in store.scroll(fields=[name, f"{OWN}.source", f"{OWN}.path"]):
        value = record.payload.get(name)
        try:
            _converted(kind, value, nulls)
        except ValueError:
            if not replaced(record):
                left += 1
                first = first or f"{value!r} of {shown(str(own_of(record.payload).get('path', record.id)))}"
    if left:
        raise StoreMismatchError(
            f"Field '{name}' of the store cannot hold {kind} values, because those of {counted(left, 'image')} are no "
            f"such values: {first}{', for example' if left > 1 else ''}. Set or remove them first, or name with "
            f"null_values= what counts as an empty cell."
        )


def _converted(kind: FieldKind, value: Any, nulls: Collection[str]) -> Any:
    """A value as a field of this kind holds it; None for no value. Raises ValueError where it cannot."""
    parts = value if isinstance(value, list) else [value]
    if any(isinstance(part, (dict, list)) for part in parts):
        raise ValueError(value)
    converted = [value_of(kind, part) for part in parts if not (isinstance(part, str) and part in nulls)]
    there = [part for part in converted if part is not None]
    return there or None if isinstance(value, list) else next(iter(there), None)
