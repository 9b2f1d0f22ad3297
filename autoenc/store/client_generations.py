"""The generations of a collection on a server or in memory: collections NAME@1, NAME@2 … behind the alias NAME."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qdrant_client import QdrantClient, models

from autoenc.store.answers import talking
from autoenc.store.engine import Engine
from autoenc.store.metadata import record_in
from autoenc.store.naming import generation_name, split_name
from autoenc.store.records import MEMORY


def aliases_of(client: QdrantClient) -> dict[str, str]:
    """Alias -> the collection that it leads to."""
    return {alias.alias_name: alias.collection_name for alias in client.get_aliases().aliases}


def set_alias(client: QdrantClient, collection: str, number: int) -> None:
    """Let a generation answer to its collection's name. Where another one did, this is one step."""
    create = models.CreateAlias(collection_name=generation_name(collection, number), alias_name=collection)
    client.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])


class ClientGenerations:
    """The generations of one collection; see `engine.Generations`."""

    def __init__(
        self,
        client: Callable[[], QdrantClient],
        location: str,
        collection: str,
        at: str,
        opened: Callable[[str, bool], Engine],
    ) -> None:
        """Take note of the open one.

        Args:
            client: gives that of the server or of memory, as long as it is open.
            location: of the server; or `:memory:`.
            collection: the collection's name.
            at: the name of the open generation.
            opened: opens a generation, given its name, and whether to make it.
        """
        self._client = client
        self._location = location
        self._name = split_name(collection)[0]
        self._opened = opened
        base, number = split_name(at)
        self.number = number if base == self._name else None

    def current(self) -> int | None:
        with talking(self._location):
            base, number = split_name(aliases_of(self._client()).get(self._name, ""))
        return number if base == self._name else None

    def records(self) -> dict[int, Any]:
        with talking(self._location):
            names = [each.name for each in self._client().get_collections().collections]
            parts = {name: split_name(name) for name in names}
            found = {number: name for name, (base, number) in parts.items() if base == self._name and number}
            return {number: record_in(self._client().get_collection(found[number])) for number in sorted(found)}

    def disk_bytes(self, number: int) -> int | None:
        return 0 if self._location == MEMORY else None

    def open(self, number: int, create: bool) -> Engine:
        return self._opened(generation_name(self._name, number), create)

    def switch(self, number: int) -> None:
        with talking(self._location, writing=True):
            set_alias(self._client(), self._name, number)

    def drop(self, number: int) -> None:
        with talking(self._location, writing=True):
            self._client().delete_collection(generation_name(self._name, number))
