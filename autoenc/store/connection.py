"""Connecting to a Qdrant server, or to the client's in-memory mode, and making collections there."""

from __future__ import annotations

import os
import warnings
from urllib.parse import urlsplit

from qdrant_client import QdrantClient, models

from autoenc.errors import ArgumentError, StoreMismatchError
from autoenc.store.ann import EXACT_KB, HNSW_EF_CONSTRUCT, HNSW_M, HNSW_PAYLOAD_M
from autoenc.store.client import KEY_VARIABLE, OLDEST_SERVER, ClientEngine, as_metadata, record_in, talking
from autoenc.store.records import MEMORY, StoreInfo, no_collection

TIMEOUT_SECONDS = 30
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def open_client(location: str, collection: str, create: bool) -> ClientEngine:
    """Open the collection of a server or of memory, or make it; see `autoenc.open_store`."""
    client = _connect(location)
    try:
        with talking(location):
            if not client.collection_exists(collection):
                if not create:
                    raise no_collection(location, collection, _ours(client))
                _make(client, location, collection)
        return ClientEngine(client, location, collection)
    except BaseException:
        client.close()
        raise


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
        host, secret = parts.hostname, parts.username or parts.password or parts.query
    except ValueError:
        host, secret = None, None
    if not host or secret:  # the URL is not quoted: it may hold a key
        raise ArgumentError(f"A server's URL is http://host:6333, or with https; its key goes into {KEY_VARIABLE}.")
    key = os.environ.get(KEY_VARIABLE) or None
    with warnings.catch_warnings():
        if host in LOOPBACK:  # a key sent over http is exposed elsewhere, but not on this machine
            warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
        # Its check of versions warns from a thread of its own; `_make` asks for the version where it matters.
        return QdrantClient(url=location, api_key=key, timeout=TIMEOUT_SECONDS, check_compatibility=False)


def _ours(client: QdrantClient) -> list[str]:
    names = [each.name for each in client.get_collections().collections]
    return sorted(name for name in names if record_in(client.get_collection(name)))


def _make(client: QdrantClient, location: str, collection: str) -> None:
    version = client.info().version
    if tuple(map(int, version.split("-")[0].split(".")[:2])) < tuple(map(int, OLDEST_SERVER.split("."))):
        raise StoreMismatchError(
            f"The Qdrant server at {location} is version {version}; autoenc needs {OLDEST_SERVER} or later, which "
            f"docker-compose.yml starts."
        )
    client.create_collection(
        collection,
        vectors_config={},
        metadata=as_metadata(StoreInfo().to_dict(), {}),
        hnsw_config=models.HnswConfigDiff(
            m=HNSW_M, ef_construct=HNSW_EF_CONSTRUCT, full_scan_threshold=EXACT_KB, payload_m=HNSW_PAYLOAD_M
        ),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=EXACT_KB),
    )
