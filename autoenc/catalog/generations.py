"""The generations of a collection: an older one answers again, old ones are removed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from autoenc.catalog.carrying import RollbackReport, carry_over
from autoenc.errors import ArgumentError, StoreError
from autoenc.store import WAIT_SECONDS, Store, open_store
from autoenc.store.naming import split_name


def roll_back(
    store: Store | str | os.PathLike[str], *, collection: str = "images", wait: float = WAIT_SECONDS
) -> RollbackReport:
    """Let the generation before the one that answers answer again. Both are kept.

    The fields of all images are carried over first, as they are now. Images that were indexed since the collection was
    reindexed come along without the vectors that only the older model makes: index their folders again. Images that
    were removed since are there again. Reindexing with the newer model makes the newer generation answer again, with
    what the older one holds then. If the work is interrupted, at any moment, call this again to finish it.

    Args:
        store: an open store, which answers from the older generation afterward; or the location of one.
        collection: the collection, if `store` is a location.
        wait: as for `open_store`, if `store` is a location.

    Returns:
        Which generation answers now, and what was carried over.

    Raises:
        StoreError: there is no older generation, or the store cannot be opened or written to.
        ArgumentError: the name of a generation.

    Example:
        >>> copied = autoenc.copy_store("store", "copy")
        >>> report = autoenc.reindex_store("copy", encoders=["edges"])
        >>> autoenc.roll_back("copy").generation
        1
    """
    with opened_collection(store, collection, wait) as current:
        number = current.generation or 0
        others = current.generations()
        older = [each.number for each in others if each.number < number and not each.unfinished]
        if not older:
            newer = [str(each.number) for each in others if each.number > number]
            told = f" Generation {', '.join(newer)} is newer: reindex with its model." if newer else ""
            raise StoreError(
                f"Collection '{current.collection}' of {current.location} has no generation before {number}.{told}"
            )
        other = current.beside(max(older))
        try:
            with current.being_replaced():
                report = carry_over(current, other)
                current.switch_to(other)
        finally:
            if current.generation != other.generation:  # it does not answer: something failed
                other.close()
        return report


def drop_old_generations(
    store: Store | str | os.PathLike[str], *, collection: str = "images", wait: float = WAIT_SECONDS
) -> list[int]:
    """Remove every generation of a collection but the one that answers, unfinished ones too.

    Args:
        store: an open store, or the location of one.
        collection: the collection, if `store` is a location.
        wait: as for `open_store`, if `store` is a location.

    Returns:
        The numbers of those that were removed.

    Raises:
        StoreLockedError: one of them is open.
        StoreError: the store cannot be opened or written to.
        ArgumentError: the name of a generation.

    Example:
        >>> copied = autoenc.copy_store("store", "other")
        >>> report = autoenc.reindex_store("other", encoders=["edges"])
        >>> autoenc.drop_old_generations("other")
        [1]
    """
    with opened_collection(store, collection, wait) as current:
        numbers = [each.number for each in current.generations() if not each.current]
        for number in numbers:
            current.drop_generation(number)
        return numbers


@contextmanager
def opened_collection(store: Store | str | os.PathLike[str], collection: str, wait: float) -> Iterator[Store]:
    """A collection that can have generations, open during a `with` block.

    Raises:
        ArgumentError: the name of a generation.
        StoreError: the collection was made before there were generations, or cannot be opened.
    """
    if not isinstance(store, Store):
        with open_store(store, collection, wait=wait) as opened, opened_collection(opened, collection, wait) as checked:
            yield checked
        return
    name, number = split_name(store.collection)
    if number is not None:
        raise ArgumentError(f"Expected a collection, such as '{name}'; got {store.collection}, one generation of it.")
    if store.generation is None:
        raise StoreError(
            f"Collection '{name}' of {store.location} was made before collections had generations. Make a backup of "
            f"it with `autoenc backup`, and put it back with `autoenc restore --overwrite`; then it has them."
        )
    yield store
