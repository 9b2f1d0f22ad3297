"""Which image of a group of copies is the best one, and which of the others can go without a loss."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autoenc.catalog.copies import Copy
from autoenc.catalog.pictures import Image, Pictures
from autoenc.store import OWN, Store

_EMPTY: tuple[Any, ...] = (None, "", [])


def described(
    store: Store, pictures: Pictures, groups: Sequence[Sequence[int]], compare: Callable[[int, int], float]
) -> Iterator[tuple[Copy, ...]]:
    """What is told of each group, the best image first.

    Args:
        store: holds the fields of the images.
        pictures: all of them.
        groups: numbers of images.
        compare: the likeness of two pictures.
    """
    ids = [pictures.images[number].id for group in groups for number in group]
    fields = {record.id: held(record.payload) for record in store.retrieve(ids)}
    for group in groups:
        images = [pictures.images[number] for number in group]
        gone = {image.id for image in images if image.path and not os.path.isfile(image.path)}
        ordered = best_first(images, gone, fields, store.info.product)
        spared = sparing(ordered, fields)
        best = pictures.number[ordered[0].id]
        copies = []
        for image in ordered:
            picture = pictures.number[image.id]
            value = 1.0 if picture == best else compare(best, picture)
            path = Path(image.path) if image.path else None
            copies.append(
                Copy(
                    *(image.id, path, image.width, image.height, image.bytes, round(value, 4), picture == best),
                    missing=image.id in gone,
                    worse=image.id not in spared,
                )
            )
        yield tuple(copies)


def held(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The user's fields that hold something."""
    return {name: value for name, value in payload.items() if name != OWN and value not in _EMPTY}


def best_first(
    images: Sequence[Image], gone: set[str], fields: Mapping[str, Mapping[str, Any]], product: str | None
) -> list[Image]:
    """Files that are there, then images with a product, with the most fields, with the most pixels, the most bytes.

    Args:
        images: of one group.
        gone: the ids of those whose file is gone.
        fields: id -> the user's fields.
        product: the field that names products, if one does.
    """

    def rank(image: Image) -> tuple[bool, bool, int, int, int, str]:
        own = fields.get(image.id, {})
        return image.id in gone, product not in own, -len(own), -image.width * image.height, -image.bytes, image.id

    return sorted(images, key=rank)


def sparing(ordered: Sequence[Image], fields: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The ids that have to stay, so that no value of a field is lost: the first, and those with fields of their own.

    An image can go if one image that stays holds all of its fields, with the same values.
    """
    kept: dict[str, Mapping[str, Any]] = {}
    for image in ordered:
        own = fields.get(image.id, {})
        if not any(covers(more, own) for more in kept.values()):
            kept[image.id] = own
    return set(kept)


def covers(more: Mapping[str, Any], fewer: Mapping[str, Any]) -> bool:
    """Whether one image holds all fields of another, with the same values.

    Example:
        >>> covers({"price": 5, "sku": "a"}, {"price": 5}), covers({"price": 5}, {"price": 6})
        (True, False)
    """
    return all(name in more and more[name] == value for name, value in fewer.items())
