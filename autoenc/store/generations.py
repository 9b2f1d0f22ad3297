"""The generations of a store's collection: a new one is built beside the one that answers, and replaces it at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from autoenc.errors import ArgumentError, StoreError, StoreMismatchError
from autoenc.store.adopting import Adopting
from autoenc.store.naming import generation_name, split_name
from autoenc.store.records import StoreInfo
from autoenc.store.status import Generation


class Generational(Adopting):
    """What a store knows of the generations of its collection."""

    @property
    def generation(self) -> int | None:
        """The number of the generation that is open; None for a collection that cannot have several."""
        return self._engine.generations.number

    def generations(self) -> list[Generation]:
        """The generations of this collection, oldest first; none for a collection that cannot have several.

        Example:
            >>> with autoenc.open_store("store") as store:
            ...     [(each.number, each.current) for each in store.generations()]
            [(1, True)]
        """
        if self.generation is None:
            return []
        all_of_them = self._engine.generations
        current = all_of_them.current()
        return [
            _described(number, number == current, record, all_of_them.disk_bytes(number))
            for number, record in all_of_them.records().items()
        ]

    def beside(self, number: int, *, create: bool = False) -> Self:
        """Open another generation of this collection; close it before this store, unless this store switches to it.

        Args:
            number: of the generation.
            create: make it if it does not exist.

        Raises:
            StoreNotFoundError: it does not exist.
            StoreLockedError: it is open already.
        """
        return type(self)(self._engine.generations.open(number, create))

    def switch_to(self, other: Self) -> None:
        """Let another generation answer to the collection's name from now on, and through this object.

        Args:
            other: from `beside`. It belongs to this store afterward, and need not be closed.

        Raises:
            StoreError: another process has switched the collection meanwhile. Nothing is changed.
        """
        with self._lock:
            other._engine.flush()
            generations, to = self._engine.generations, other.generation
            if generations.current() != self.generation or to is None:
                raise StoreError(
                    f"Collection '{self.collection}' of {self.location} has been switched to another generation "
                    f"meanwhile. Run the same command again."
                )
            generations.switch(to)
            other._engine.collection = self.collection
            before, self._engine, self.info = self._engine, other._engine, other.info
            before.close()

    def follow(self) -> None:
        """Open the generation that answers now, and read again what it remembers: others may have changed either.

        A search that is under way in another thread ends on the generation that it began on. A store that was opened
        as one generation (`images@1`) stays there.
        """
        with self._lock:
            generations = self._engine.generations
            current = generations.current()
            named = split_name(self.collection)[1] is not None
            if not (named or current in (None, self.generation)):
                engine = generations.open(current, False)
                engine.collection = self.collection
                self._engine = engine
            self.refresh()

    def drop_generation(self, number: int) -> None:
        """Remove a generation that is not open.

        Raises:
            ArgumentError: it is the one that answers to the collection's name, or this one.
            StoreLockedError: it is open elsewhere.
        """
        if number in (self.generation, self._engine.generations.current()):
            raise ArgumentError(
                f"Generation {number} of collection '{self.collection}' is the one that answers, or is open. Remove "
                f"the whole collection instead."
            )
        self._engine.generations.drop(number)

    def drop(self) -> None:
        """Delete the whole collection, all generations of it, and close it; of an older generation, that one alone.

        Raises:
            ArgumentError: the store was opened as one generation, and it is the one that answers.
        """
        collection, named = split_name(self.collection)
        generations = self._engine.generations
        if named is not None and named == generations.current():
            raise ArgumentError(
                f"{generation_name(collection, named)} answers to collection '{collection}'. Remove the collection "
                f"'{collection}', or let another generation answer first."
            )
        if named is None and self.generation is not None:
            for number in generations.records():
                if number != self.generation:
                    generations.drop(number)
        self._engine.drop()

    @contextmanager
    def being_replaced(self) -> Iterator[None]:
        """During a `with` block, refuse what would be written through this object: it would be lost."""
        self._replaced = True
        try:
            yield
        finally:
            self._replaced = False


def _described(number: int, current: bool, record: Any, disk_bytes: int | None) -> Generation:
    try:
        info = StoreInfo.from_dict(record, "")
    except StoreMismatchError:  # of another version, or damaged: nothing is to be built in it
        return Generation(number, current, False, {}, disk_bytes)
    unfinished = not current and bool(info.copy_of or not info.vectors)
    return Generation(number, current, unfinished, info.vectors, disk_bytes)
