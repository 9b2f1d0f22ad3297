"""The fields that a store keeps about each image, and which of them filters can use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoenc.errors import ArgumentError
from autoenc.images.files import LoadedImage
from autoenc.store import OWN, FieldKind, Filter, Store
from autoenc.store.filters import equalities
from autoenc.text import counted

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


def field_value(store: Store, payload: Mapping[str, Any], name: str) -> Any:
    """What a payload holds in a field, by the name that filters use; None where there is none."""
    own = name not in store.info.fields and f"{OWN}.{name}" in store.info.fields
    short = name.removeprefix(f"{OWN}.")
    return own_of(payload).get(short) if own or short != name else payload.get(name)


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
        sentences.append(sentence)
    return sentences


def _words(store: Store, field: str) -> list[str]:
    """The values of a keyword field, most frequent first; none for fields of other kinds."""
    try:
        return [str(value) for value in store.facets(field, limit=_COMPARED) if isinstance(value, str)]
    except ArgumentError:  # a field whose values are not counted
        return []
