"""Verdicts of people: these images are no duplicates, however much they look alike.

A verdict lies in the payloads of both images, under `_autoenc.not_duplicates`: each holds the digest of the other, and
only if both do does it count. So it moves with a file that is renamed, is copied with its points, and ends when one
of the two is removed or its picture changes. An image holds 100 at most. Exact copies have one digest: all that hold it
are told apart.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from autoenc.catalog.fields import own_of
from autoenc.catalog.sources import find_point
from autoenc.errors import ArgumentError
from autoenc.store import OWN, Store
from autoenc.text import shown

MOST = 100
"""Verdicts that an image can hold."""

_FIELD = "not_duplicates"


def mark_not_duplicates(store: Store, images: Sequence[str | os.PathLike[str]], *, forget: bool = False) -> list[str]:
    """Remember that images are no duplicates of one another, so that no group of `find_duplicates` holds two of them.

    That holds until one of the two is removed or its file changes, wherever the store is copied to.

    Args:
        store: an open store.
        images: two or more, each an id, a file, or a path relative to its source.
        forget: forget it again instead.

    Returns:
        The ids of the images.

    Raises:
        PointNotFoundError: the store holds no such image.
        ArgumentError: fewer than two different images, more than an image can hold verdicts about (100), a point that
            `index_images` did not write, or not an open store.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     ids = autoenc.mark_not_duplicates(store, ["shoe/000.jpg", "shoe/001.jpg"])
        >>> len(ids)
        2
    """
    if not isinstance(store, Store):
        raise ArgumentError(f"Expected an open store (autoenc.open_store); got {store!r}.")
    if isinstance(images, (str, os.PathLike)):
        raise ArgumentError(f"Expected a list of two images or more; got {images!r}.")
    ids = list(dict.fromkeys(find_point(store, image) for image in images))
    if len(ids) < 2:
        raise ArgumentError(
            f"A verdict is about two different images or more; got {', '.join(map(shown, ids)) or 'none'}."
        )
    owns = {record.id: own_of(record.payload) for record in store.retrieve(ids)}
    changed = {id: _verdicts(id, owns, forget) for id in ids}
    writing = [id for id in ids if changed[id]]
    store.set_payloads(writing, [{_FIELD: changed[id]} for id in writing], key=OWN)
    store.delete_fields([id for id in ids if not changed[id]], [_FIELD], key=OWN)
    store.flush()
    return ids


def verdicts_of(own: Mapping[str, Any]) -> tuple[str, ...]:
    """The digests of the pictures that an image is no duplicate of; from a payload, which anyone may have written."""
    digests = own.get(_FIELD, ())
    return tuple(digest for digest in digests if isinstance(digest, str)) if isinstance(digests, list) else ()


def _verdicts(id: str, owns: Mapping[str, Mapping[str, Any]], forget: bool) -> list[str]:
    """What an image holds once it is no duplicate of the others, or may be one again."""
    others = [own.get("digest") for other, own in owns.items() if other != id]
    if not all(isinstance(digest, str) for digest in (owns[id].get("digest"), *others)):
        raise ArgumentError("A verdict is about images that autoenc indexed; one of these points is not.")
    there = verdicts_of(owns[id])
    if forget:
        return [digest for digest in there if digest not in others]
    told = list(dict.fromkeys([*there, *others]))
    if len(told) > MOST:
        raise ArgumentError(
            f"An image holds {MOST} verdicts at most, and {id} would hold {len(told)}. Remember fewer, or forget some."
        )
    return told  # type: ignore[return-value]  # checked above
