"""What rows of a file of vectors change in a store: points are added, or brought up to date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from autoenc.catalog.fields import own_of
from autoenc.catalog.importing_rows import NamedRow
from autoenc.store import OWN, Record, Store
from autoenc.vectors import Vectors

_SAME = 1e-6
"""How far the numbers of two vectors of length 1 may lie apart that are the same."""


def write_rows(
    store: Store, source: str, rows: Sequence[NamedRow], vectors: Mapping[str, Vectors]
) -> tuple[Counter[str], dict[str, str]]:
    """Insert the points that there are not, and bring the others up to date.

    Args:
        store: knows the vectors.
        source: the name of the source of the images.
        rows: N rows that can be used, each of another point.
        vectors: named vector -> (N, dim) float32, each row of length 1.

    Returns:
        How many points are "new", "updated" and "unchanged"; and the points that stay as they are, with the reason.
    """
    ids = [row.id for row in rows]
    held = {record.id: record for record in store.retrieve(ids, vectors=list(vectors))}
    new = [at for at, id in enumerate(ids) if id not in held]
    payloads = [{**_fields(rows[at]), OWN: _own(rows[at], source)} for at in new]
    store.upsert([ids[at] for at in new], {name: each[new] for name, each in vectors.items()}, payloads)
    counts = Counter(new=len(new))
    refused = _refused(store, rows, held, vectors)
    changed: list[int] = []
    touched: list[int] = []
    for at, row in enumerate(rows):
        record = held.get(row.id)
        if record is None or row.id in refused:
            continue
        same = all(
            name in record.vectors and np.abs(record.vectors[name] - each[at]).max() < _SAME
            for name, each in vectors.items()
        )
        labeled = row.label is None or record.payload.get("label") == row.label
        counts["unchanged" if same and labeled else "updated"] += 1
        if not same:
            changed.append(at)
        if not labeled or any(own_of(record.payload).get(name) != value for name, value in row.own.items()):
            touched.append(at)
    store.update_vectors([ids[at] for at in changed], {name: each[changed] for name, each in vectors.items()})
    store.set_payloads([ids[at] for at in touched], [rows[at].own for at in touched], key=OWN)
    labeling = [at for at in touched if rows[at].label is not None]
    store.set_payloads([ids[at] for at in labeling], [_fields(rows[at]) for at in labeling])
    return counts, refused


def _refused(
    store: Store, rows: Sequence[NamedRow], held: Mapping[str, Record], names: Collection[str]
) -> dict[str, str]:
    """The points of another version of the picture that have more vectors of it than these: id -> what to do."""
    replaced = [
        row.id
        for row in rows
        if row.id in held
        and row.own
        and own_of(held[row.id].payload).get("digest") not in (None, row.own.get("digest"))
    ]
    of_pictures = [name for name, spec in store.info.vectors.items() if not spec.of_behavior] if replaced else []
    return {
        id: (
            f"The store holds another version of this picture, with a vector of encoder '{name}', which the file "
            f"lacks. Index the folder instead."
        )
        for name in of_pictures
        if name not in names
        for id in store.having_vectors(replaced, [name])
    }


def _fields(row: NamedRow) -> dict[str, Any]:
    return {} if row.label is None else {"label": row.label}


def _own(row: NamedRow, source: str) -> dict[str, Any]:
    folder = row.path.rpartition("/")[0]
    return {"source": source, "path": row.path, "folder": folder, **row.own}
