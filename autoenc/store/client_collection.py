"""A collection behind Qdrant's client: its record, vectors, fields and counts, and waiting for its server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import sleep
from typing import Any

from qdrant_client import QdrantClient, models

from autoenc.errors import StoreError
from autoenc.store.answers import OLDEST_SERVER, OLDEST_TO_DROP_VECTORS, ServerVersion, talking
from autoenc.store.client_ann import quantization_change
from autoenc.store.client_filters import client_filter
from autoenc.store.client_generations import ClientGenerations
from autoenc.store.engine import Engine, Generations
from autoenc.store.filters import Conditions, HasId, HasVector, json_path
from autoenc.store.kinds import FieldKind
from autoenc.store.metadata import as_metadata, record_in
from autoenc.store.records import MEMORY
from autoenc.store.settings import Quantization
from autoenc.store.status import VectorBytes
from autoenc.text import counted

INDEX_SECONDS = 600
"""How long a server may take to index a field of a collection that is there."""

OPTIMIZE_SECONDS = 600
"""How long a server may take to merge and index what it holds before a vector is added."""

CHECKED_AT_ONCE = 10_000
"""Points asked for in one request whether they still have their vector."""

_TYPES: dict[FieldKind, models.PayloadSchemaType | models.TextIndexParams] = {
    "keyword": models.PayloadSchemaType.KEYWORD,
    "integer": models.PayloadSchemaType.INTEGER,
    "float": models.PayloadSchemaType.FLOAT,
    "datetime": models.PayloadSchemaType.DATETIME,
    "bool": models.PayloadSchemaType.BOOL,
    "text": models.TextIndexParams(type=models.TextIndexType.TEXT, tokenizer=models.TokenizerType.WORD, lowercase=True),
}


class ClientCollection:
    """The part of `ClientEngine` that keeps the collection. The record lies in the collection's metadata."""

    def __init__(
        self,
        client: QdrantClient,
        location: str,
        collection: str,
        version: ServerVersion,
        at: str,
        another: Callable[[str, bool], Engine],
    ) -> None:
        """Take over a client.

        Args:
            client: of the server or of memory.
            location: as for `Store`.
            collection: as for `Store`.
            version: of the server.
            at: the name of the collection there, where `collection` may be an alias.
            another: opens another collection there, given its name, and whether to make it.
        """
        self.location = location
        self.collection = collection
        self.generations: Generations = ClientGenerations(lambda: self._client, location, collection, at, another)
        self._at = at
        self._open: QdrantClient | None = client
        self._remote = location != MEMORY
        self._version = version
        there = self._info()
        self._points = there.points_count or 0  # near enough to choose the effort of a search by
        self._vectors = _vectors_of(there)
        self._fields = set(there.payload_schema)
        self._unchecked: dict[str, set[str]] = {}  # vector added to points that were there -> ids written with it

    @property
    def _client(self) -> QdrantClient:
        if self._open is None:
            raise StoreError(f"The store {self.location} has been closed. Open it again.")
        return self._open

    def read_record(self) -> Any:
        return record_in(self._info())

    def merge_record(self, changes: Mapping[str, Any]) -> None:
        with talking(self.location, writing=True):
            self._client.update_collection(self._at, metadata=as_metadata(changes, self.read_record()))

    def create_vector(self, name: str, dim: int) -> None:
        if name in self._vectors:
            return
        self._version.check(OLDEST_SERVER, "adding an encoder")
        holds_points = self._info().points_count != 0
        if holds_points and not self._optimized():
            raise StoreError(
                f"The server at {self.location} is still optimizing collection '{self.collection}' after "
                f"{OPTIMIZE_SECONDS} seconds; a vector added meanwhile could be lost. Run the same command again once "
                f"the collection's status is green."
            )
        dense = models.DenseVectorConfig(size=dim, distance=models.Distance.COSINE)
        with talking(self.location, writing=True):
            self._client.create_vector_name(self._at, name, models.DenseVectorNameConfig(dense=dense))
        self._vectors = _vectors_of(self._info())
        if name not in self._vectors:
            raise StoreError(
                f"The server at {self.location} said that it added vector '{name}' to collection '{self.collection}', "
                f"but has not. Run the same command again."
            )
        if holds_points:
            self._unchecked[name] = set()

    def quantize(self, kinds: Mapping[str, Quantization | None]) -> None:
        if self._remote:  # in memory every search is exact
            with talking(self.location, writing=True):
                self._client.update_collection(self._at, vectors_config=quantization_change(kinds))

    def drop_vector(self, name: str) -> None:
        self._version.check(OLDEST_TO_DROP_VECTORS, "removing an encoder")
        with talking(self.location, writing=True):
            self._client.delete_vector_name(self._at, name)
        self._vectors.discard(name)
        self._unchecked.pop(name, None)

    def create_field(self, field: str, kind: FieldKind) -> None:
        path = json_path(field)
        if self._remote and path not in self._fields:  # in memory an index has no effect, and the client warns of it
            with talking(self.location, writing=True):
                self._client.create_payload_index(
                    self._at, path, field_schema=_TYPES[kind], wait=True, timeout=INDEX_SECONDS
                )
            self._fields.add(path)

    def drop_field(self, field: str) -> None:
        path = json_path(field)
        if self._remote and path in self._fields:
            with talking(self.location, writing=True):
                self._client.delete_payload_index(self._at, path, wait=True)
            self._fields.discard(path)

    # ---- what the server does by itself --------------------------------------------------------

    def optimize(self) -> None:
        """Check the vectors that this engine added to a collection which held points; there is nothing else to do.

        A server builds its index by itself, and in memory every search is exact. But where a vector is added, a merge
        of segments that began before may leave it out: once the merges are done, the points written must have it.
        """
        done = not self._unchecked or self._optimized()
        for name, ids in self._unchecked.items():
            written = list(ids)
            some = (written[start : start + CHECKED_AT_ONCE] for start in range(0, len(written), CHECKED_AT_ONCE))
            lacking = sum(self.count(Conditions((HasId(tuple(part)),), (HasVector(name),))) for part in some)
            if lacking:
                raise StoreError(
                    f"Collection '{self.collection}' of {self.location} has lost vector '{name}' of "
                    f"{counted(lacking, 'point')}: the server merged segments while the vector was being added. Index "
                    f"again with encoders={name}; only these images are encoded."
                )
        if done:
            self._unchecked.clear()

    def _optimized(self) -> bool:
        """Wait until the server merges and indexes nothing; False if it still does at the end of the time."""
        waited, pause = 0.0, 0.1
        while (there := self._info()).status == models.CollectionStatus.YELLOW:  # grey: will not begin by itself
            if waited >= OPTIMIZE_SECONDS:
                return False
            sleep(pause)
            waited, pause = waited + pause, min(2 * pause, 5.0)
        if there.status == models.CollectionStatus.RED:
            raise StoreError(
                f"The server at {self.location} cannot optimize collection '{self.collection}' "
                f"({_failure(there.optimizer_status)}). Repair it there, or index into another collection with "
                f"collection=."
            )
        return True

    # ---- the collection as a whole ------------------------------------------------------------

    def count(self, where: Conditions) -> int:
        with talking(self.location):
            return self._client.count(self._at, count_filter=client_filter(where), exact=True).count

    def flush(self) -> None:
        """Nothing to do: a server answers a write once it is in its log, and memory has no disk."""

    def verify(self) -> bool:
        return False

    def disk_bytes(self) -> int | None:
        return None if self._remote else 0

    def vector_bytes(self, name: str) -> VectorBytes | None:
        return None

    def close(self) -> None:
        if self._open is not None:
            if self._remote:  # in memory, other generations are in the same client
                self._open.close()
            self._open = None

    def drop(self) -> None:
        with talking(self.location, writing=True):
            self._client.delete_collection(self._at)
        self.close()

    def _info(self) -> models.CollectionInfo:
        with talking(self.location):
            return self._client.get_collection(self._at)


def _vectors_of(there: models.CollectionInfo) -> set[str]:
    vectors = there.config.params.vectors
    return set(vectors) if isinstance(vectors, dict) else set()


def _failure(status: models.OptimizersStatus) -> str:
    return status.error if isinstance(status, models.OptimizersStatusOneOf1) else "status red"
