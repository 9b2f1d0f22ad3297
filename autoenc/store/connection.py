"""Connecting to a Qdrant server, or to the client's in-memory mode, and making collections there."""

from __future__ import annotations

import os
import warnings
from urllib.parse import urlsplit

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from autoenc.errors import ArgumentError
from autoenc.store.ann import EXACT_KB, HNSW_EF_CONSTRUCT, HNSW_M, HNSW_PAYLOAD_M
from autoenc.store.answers import CA_VARIABLE, KEY_VARIABLE, OLDEST_SERVER, ServerVersion, talking
from autoenc.store.client import ClientEngine
from autoenc.store.client_generations import aliases_of, set_alias
from autoenc.store.metadata import as_metadata, record_in
from autoenc.store.naming import generation_name, split_name
from autoenc.store.records import MEMORY, StoreInfo, no_collection
from autoenc.store.requests import send_again

TIMEOUT_SECONDS = 30
"""How long a server may take to answer, or to take the next part of a request."""

PORTS = {"http": 6333, "https": 443}
"""Where a URL names none: Qdrant's own, and that of a proxy that does the TLS."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def open_client(location: str, collection: str, create: bool) -> ClientEngine:
    """Open the collection of a server or of memory, or make it; see `autoenc.open_store`."""
    client = _connect(location)
    try:
        return _opened(client, location, collection, create)
    except BaseException:
        client.close()
        raise


def _opened(client: QdrantClient, location: str, collection: str, create: bool) -> ClientEngine:
    version = ServerVersion(client, location)
    with talking(location):
        at = _place(client, collection)
        if at is None:
            if not create:
                raise no_collection(location, collection, _ours(client))
            version.check(OLDEST_SERVER, "autoenc")
            with talking(location, writing=True):
                at = _make(client, collection)

    def another(name: str, create: bool) -> ClientEngine:
        return _opened(client, location, name, create) if location == MEMORY else open_client(location, name, create)

    return ClientEngine(client, location, collection, version, at, another)


def _place(client: QdrantClient, collection: str) -> str | None:
    """The name of a collection on the server: that of its current generation, where it has generations.

    A key that may not see the alias leaves it to the server to follow it.
    """
    if split_name(collection)[1] is None and (at := aliases_of(client).get(collection)) is not None:
        return at
    return collection if client.collection_exists(collection) else None


def client_collections(location: str) -> list[str]:
    """Names of the collections there that autoenc made."""
    client = _connect(location)
    try:
        with talking(location):
            return _ours(client)
    finally:
        client.close()


def _connect(location: str) -> QdrantClient:
    if location == MEMORY:
        return QdrantClient(MEMORY)
    try:
        parts = urlsplit(location)
        host, port, secret = parts.hostname, parts.port, parts.username or parts.password or parts.query
    except ValueError:
        host, port, secret = None, None, None
    if not host or secret:  # the URL is not quoted: it may hold a key
        raise ArgumentError(f"A server's URL is http://host:6333, or with https; its key goes into {KEY_VARIABLE}.")
    key = os.environ.get(KEY_VARIABLE, "").strip() or None
    if key and not (key.isascii() and key.isprintable()):
        raise ArgumentError(f"{KEY_VARIABLE} holds characters that no key has. Copy the key again.")
    with warnings.catch_warnings():
        if host in LOOPBACK:  # a key sent over http is exposed elsewhere, but not on this machine
            warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
        try:
            client = QdrantClient(
                url=location,
                port=port or PORTS[parts.scheme],
                api_key=key,
                timeout=TIMEOUT_SECONDS,
                check_compatibility=False,  # it warns, from a thread of its own; ServerVersion asks where it matters
            )
        except OSError as error:
            named = os.environ.get(CA_VARIABLE)
            raise ArgumentError(
                f"The certificates to trust cannot be read from {CA_VARIABLE}={named} ({error.strerror or error}). "
                f"Name a file in PEM format, or unset the variable."
            ) from error
    client.http.client.add_middleware(send_again)
    return client


def _ours(client: QdrantClient) -> list[str]:
    there = {each.name for each in client.get_collections().collections if _is_ours(client, each.name)}
    names = {name for name, at in aliases_of(client).items() if at in there and split_name(at)[0] == name}
    return sorted(names | {name for name in there if split_name(name)[1] is None})


def _is_ours(client: QdrantClient, name: str) -> bool:
    try:
        return bool(record_in(client.get_collection(name)))
    except UnexpectedResponse as error:
        if error.status_code in (403, 404):  # of others than this key's, or dropped meanwhile
            return False
        raise


def _make(client: QdrantClient, collection: str) -> str:
    """Make the first generation of a collection, or the one that is named; its name."""
    number = split_name(collection)[1]
    at = generation_name(collection, 1) if number is None else collection
    try:
        client.create_collection(
            at,
            vectors_config={},
            metadata=as_metadata(StoreInfo().to_dict(), {}),
            hnsw_config=models.HnswConfigDiff(
                m=HNSW_M, ef_construct=HNSW_EF_CONSTRUCT, full_scan_threshold=EXACT_KB, payload_m=HNSW_PAYLOAD_M
            ),
            optimizers_config=models.OptimizersConfigDiff(indexing_threshold=EXACT_KB),
        )
    except UnexpectedResponse as error:
        if error.status_code != 409:  # made meanwhile, by another process, or by this request before it was repeated
            raise
    if number is None:
        set_alias(client, collection, 1)
    return at
