"""The fields that a store keeps about each image, and which of them filters can use."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

from autoenc.errors import ArgumentError
from autoenc.images.files import LoadedImage
from autoenc.store import OWN, FieldKind, Filter, Record, Store
from autoenc.store.alike import alike
from autoenc.store.filters import equalities
from autoenc.text import counted, no_comma

FILTERABLE: Mapping[str, FieldKind] = {
    f"{OWN}.source": "keyword",
    f"{OWN}.path": "keyword",
    f"{OWN}.folder": "keyword",
    f"{OWN}.width": "integer",
    f"{OWN}.height": "integer",
}
"""autoenc's own fields that `index_images` makes filterable."""

_COMPARED = 10_000  # the most values of a field that a typo is compared with


def own_fields(source: str, path: str, image: LoadedImage) -> dict[str, Any]:
    """What a store keeps about an image under the key `_autoenc`; `path` is relative to its source."""
    return {
        "source": source,
        "path": path,
        "folder": path.rpartition("/")[0],
        "digest": image.digest,
        "size": image.size,
        "mtime_ns": image.mtime_ns,
        "width": image.width,
        "height": image.height,
    }


def own_of(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a payload that is autoenc's own; empty for a point that another program wrote."""
    own = payload.get(OWN)
    return own if isinstance(own, dict) else {}


def same_picture(record: Record, other: Record) -> bool:
    """Whether two points hold the vectors of files with the same content."""
    return bool(own_of(record.payload).get("digest") == own_of(other.payload).get("digest"))


@dataclasses.dataclass(frozen=True)
class Change:
    """What changes in the user's fields of one image: those to set, with their values, and those to remove."""

    set: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    unset: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.set or self.unset)

    def __add__(self, other: Change) -> Change:
        return Change({**self.set, **other.set}, (*self.unset, *other.unset))


UNCHANGED = Change()


def change_of(wanted: Mapping[str, Any], payload: Mapping[str, Any]) -> Change:
    """What makes a payload hold these values; None stands for no such field.

    Example:
        >>> change_of({"price": 5, "color": "red", "size": None}, {"price": 7, "color": "red", "size": 40})
        Change(set={'price': 5}, unset=('size',))
    """
    there = {name: value for name, value in wanted.items() if value is not None}
    changed = {name: value for name, value in there.items() if not alike(value, payload.get(name))}
    gone = tuple(name for name in wanted if name not in there and name in payload)
    return Change(changed, gone) if changed or gone else UNCHANGED


def write_changes(store: Store, changes: Mapping[str, Change]) -> None:
    """Change the fields of points: id -> what changes.

    Raises:
        PointNotFoundError: a point does not exist.
    """
    setting = {id: change.set for id, change in changes.items() if change.set}
    store.set_payloads(list(setting), list(setting.values()))
    removing: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for id, change in changes.items():
        if change.unset:
            removing[change.unset].append(id)
    for names, ids in removing.items():
        store.delete_fields(ids, names)


def field_value(store: Store, payload: Mapping[str, Any], name: str) -> Any:
    """What a payload holds in a field, by the name that filters use; None where there is none."""
    own = name not in store.info.fields and f"{OWN}.{name}" in store.info.fields
    short = name.removeprefix(f"{OWN}.")
    return own_of(payload).get(short) if own or short != name else payload.get(name)


def shadowing(names: Iterable[str], fields: Collection[str]) -> list[str]:
    """A sentence for each name that becomes a filterable field of the user's and is a short name of autoenc's own.

    Args:
        names: the fields that become filterable.
        fields: those that are filterable already.
    """
    return [
        f"Filters mean your field '{name}' by this name from now on; autoenc's own is '{OWN}.{name}'."
        for name in names
        if f"{OWN}.{name}" in FILTERABLE and name not in fields
    ]


def unmatched(store: Store, where: Filter) -> list[str]:
    """One sentence for each value of a filter that no image has, with the most similar values that images do have.

    Args:
        store: an open store.
        where: a filter that matched nothing, or less than expected.
    """
    import difflib  # slow to load, and seldom needed

    sentences = []
    for field, value in dict.fromkeys(equalities(where)):
        if store.count({field: value}):
            continue
        sentence = f"No image has {field} {value!r}."
        known = [word for word in _words(store, field) if word != value]
        near = difflib.get_close_matches(str(value), known, n=3, cutoff=0.5) or known[:3]
        if near:
            sentence += f" The nearest of {counted(len(known), 'value')}: {', '.join(map(repr, near))}."
        sentences.append(sentence + no_comma(str(value)))
    return sentences


def holding(store: Store, value: str) -> str:
    """A sentence that suggests filters for the images of which a field of the user's holds a value; "" if none does.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     store.add_field("sku", "integer")
        ...     store.set_payloads([next(iter(store)).id], [{"sku": 205}])
        ...     holding(store, "205")
        ' Did you mean where="sku = 205"?'
    """
    quoted = value if re.fullmatch(r"\w+", value) else next((f"{q}{value}{q}" for q in "'\"" if q not in value), "")
    found = []
    for field, kind in store.info.fields.items():
        if quoted and kind in ("keyword", "integer") and re.fullmatch(r"[^\W\d]\w*", field):
            with suppress(ArgumentError):  # text that is no integer
                if store.count({field: value}):
                    found.append(f'where="{field} = {quoted}"')
    return f" Did you mean {' or '.join(found)}?" if found else ""


def _words(store: Store, field: str) -> list[str]:
    """The values of a keyword field, most frequent first; none for fields of other kinds."""
    try:
        return [str(value) for value in store.facets(field, limit=_COMPARED) if isinstance(value, str)]
    except ArgumentError:  # a field whose values are not counted
        return []
