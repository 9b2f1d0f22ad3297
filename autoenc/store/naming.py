"""The names of collections and of their generations: `NAME`, and `NAME@2` for the second that was built of it."""

from __future__ import annotations

import re

from autoenc.errors import ArgumentError

_COLLECTION = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_GENERATION = re.compile(r"(.+)@([1-9][0-9]{0,8})", re.DOTALL)


def split_name(collection: str) -> tuple[str, int | None]:
    """The name of a collection, and the number of the generation that is named with it, if one is.

    Example:
        >>> split_name("images@2"), split_name("images")
        (('images', 2), ('images', None))
    """
    found = _GENERATION.fullmatch(collection)
    return (found[1], int(found[2])) if found else (collection, None)


def generation_name(collection: str, number: int) -> str:
    """The name of one generation of a collection."""
    return f"{collection}@{number}"


def check_collection(collection: str) -> None:
    """Raise ArgumentError for what is no name of a collection or of one of its generations."""
    if not (isinstance(collection, str) and _COLLECTION.fullmatch(split_name(collection)[0])):
        raise ArgumentError(
            f"A collection's name holds up to 100 letters, digits, '_', '-' and '.', and does not begin with '.'; "
            f"got {collection!r}."
        )
