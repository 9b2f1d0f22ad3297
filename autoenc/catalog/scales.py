"""Measure what the cosines of a store's encoders mean: how similar random pairs are, and how similar neighbors are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np

from autoenc.errors import ArgumentError
from autoenc.store import Scale, Store
from autoenc.store.scale import COPY, NEIGHBORS, SAMPLE, scale_from

MOVED = 0.1
"""A scale is measured again when the number of points has changed by more than this share."""


def measure_scales(store: Store, encoders: Iterable[str] | None = None) -> dict[str, Scale]:
    """Measure the scales of a store's encoders, and let the store remember them.

    `index_images` and `remove_images` do this at their end where the store has no scale yet, or where the number of
    images has changed by more than a tenth since it was measured, or where this one run has replaced more than a tenth
    of them. After other changes call it yourself: after `Store.delete`, or where about as many images came as went.

    For each encoder, the 500 images with the lowest ids are compared with one another and searched for their nearest
    neighbors. The ids that autoenc gives are hashes, so these are a random sample, and the same one every time.
    Where the search is approximate, so are the neighbors. Copies of an image, by a cosine of 1, do not count as its
    neighbors, nor as pairs: else a catalog that holds each picture twice would call every new picture far away. An
    image with ten copies or more is left out. If no two images differ, every figure is 1.

    Args:
        store: an open store that can be written to.
        encoders: names of encoders; by default, all that the store holds.

    Returns:
        encoder -> its scale.

    Raises:
        VectorError: the store holds no such encoder.
        StoreError: the store cannot be written to.
        ArgumentError: not an open store.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     scale = autoenc.measure_scales(store, ["learned"])["learned"]
        >>> scale.points, scale.median < scale.nearest, round(scale.scaled(scale.nearest), 6)
        (48, True, 1.0)
    """
    if not isinstance(store, Store):
        raise ArgumentError(f"Expected an open store (autoenc.open_store); got {store!r}.")
    scales = {name: measure(store, name) for name in (store.info.vectors if encoders is None else encoders)}
    store.set_scales(scales)
    return scales


def refresh_scales(store: Store, changed: int) -> None:
    """`measure_scales` for those encoders whose scale is missing or no longer right; `changed` images were replaced."""
    moved = [name for name in store.info.vectors if _moved(store, name, changed)]
    if moved:
        measure_scales(store, moved)


def scale_of(store: Store, name: str) -> Scale:
    """The scale that a store remembers for an encoder; where it remembers none, one measured now, and not remembered.

    Raises:
        VectorError: the store holds no such encoder.
    """
    return store.info.scales.get(name) or measure(store, name)


def measure(store: Store, name: str) -> Scale:
    """The scale of one encoder; see `measure_scales`."""
    points = store.count(having=[name])
    fingerprint = store.info.vectors[name].fingerprint
    records = list(islice(store.scroll(vectors=[name], having=[name], batch=SAMPLE, fields=[]), SAMPLE))
    if not records:
        return Scale(1.0, 1.0, (1.0,) * 101, points, fingerprint)
    rows = np.stack([record.vectors[name] for record in records])
    found = store.search_batch(rows, using=name, k=NEIGHBORS, payload=False)
    nearest = np.array(
        [
            max((hit.score for hit in hits if hit.score < COPY and hit.id != record.id), default=np.nan)
            for record, hits in zip(records, found, strict=True)
        ]
    )
    return scale_from(rows, nearest, points, fingerprint)


def _moved(store: Store, name: str, changed: int) -> bool:
    known = store.info.scales.get(name)
    if known is None:
        return True
    return max(changed, abs(store.count(having=[name]) - known.points)) > MOVED * known.points
