"""Vector stores: one contract over Qdrant in memory, in this process and on a server."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from os import PathLike
from pathlib import Path

from autoenc.errors import ArgumentError
from autoenc.store.engine import Engine
from autoenc.store.filters import OWN, FieldKind, Filter, Range, Scalar
from autoenc.store.records import MEMORY, Hit, Record, StoreInfo, StoreStatus, VectorSpec, point_id
from autoenc.store.store import Store

__all__ = [
    "OWN",
    "FieldKind",
    "Filter",
    "Hit",
    "Range",
    "Record",
    "Scalar",
    "Store",
    "StoreInfo",
    "StoreStatus",
    "VectorSpec",
    "list_collections",
    "open_store",
    "point_id",
]

_COLLECTION = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def open_store(location: str | PathLike[str], collection: str = "images", *, create: bool = False) -> Store:
    """Open one collection of a store.

    Args:
        location: `:memory:` (new and empty each time, gone when closed), a folder (Qdrant Edge, in this process), or
            `http://` or `https://` and the host of a Qdrant server (1.18.1 or later), whose key is the environment's
            QDRANT_API_KEY. Without a port, http means 6333 and https 443. SSL_CERT_FILE names the certificate of an
            authority of your own.
        collection: letters, digits, '_', '-' and '.', 100 at most, not beginning with '.'.
        create: make what is not there. A folder that holds other things is refused and left as it is.

    Returns:
        The open store; close it, or use it in a `with` statement.

    Raises:
        StoreNotFoundError: no such store or collection, without `create`.
        StoreLockedError: the folder is open already, here or in another process.
        StoreUnreachableError: no server answers there, or it refuses the key or is too busy.
        StoreMismatchError: a collection that another program or version made, or a server that is too old.
        StoreError: a damaged store, or a folder that holds other things or may not be looked into.
        ArgumentError: a name or a location that cannot be one.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     len(store), list(store.info.vectors)
        (48, ['learned', 'color', 'edges'])
    """
    if not _COLLECTION.fullmatch(collection):
        raise ArgumentError(
            f"A collection's name holds letters, digits, '_', '-' and '.', 100 at most, and does not begin with '.'; "
            f"got {collection!r}."
        )
    # Each engine is imported where it is used: qdrant_client alone takes a second.
    place = _located(location)
    if isinstance(place, Path):
        from autoenc.store.edge_folder import open_edge

        return _opened(open_edge(place, collection, create))
    from autoenc.store.connection import open_client

    return _opened(open_client(place, collection, create or place == MEMORY))


def list_collections(location: str | PathLike[str]) -> list[str]:
    """The names of a store's collections, sorted; of a server, those that autoenc made and the key may read.

    Raises:
        StoreNotFoundError: no such folder.
        StoreError: a folder that may not be looked into.
        StoreUnreachableError: no server answers there, or it refuses the key.

    Example:
        >>> autoenc.list_collections("store")
        ['images']
    """
    place = _located(location)
    if isinstance(place, Path):
        from autoenc.store.edge_folder import edge_collections

        return edge_collections(place)
    from autoenc.store.connection import client_collections

    return client_collections(place)


def _opened(engine: Engine) -> Store:
    try:
        return Store(engine)
    except BaseException:
        with suppress(Exception):
            engine.close()
        raise


def _located(location: str | PathLike[str]) -> str | Path:
    """A folder's path, or `:memory:` or a server's URL as a string."""
    text = os.fspath(location)
    scheme = _SCHEME.match(text)
    if text == MEMORY or (scheme and scheme[1].lower() in ("http", "https")):
        return text
    if not text or scheme:
        raise ArgumentError(f"A store is :memory:, a folder, or a server's http:// or https:// URL; got {text!r}.")
    return Path(text)
