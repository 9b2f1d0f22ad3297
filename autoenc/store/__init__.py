"""Vector stores: one interface to Qdrant in memory, in this process or on a server."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from os import PathLike
from pathlib import Path

from autoenc.errors import ArgumentError
from autoenc.store.better import Better
from autoenc.store.engine import Engine
from autoenc.store.filters import OWN
from autoenc.store.kinds import FieldKind, Scalar
from autoenc.store.lock import WAIT_SECONDS
from autoenc.store.naming import check_collection, split_name
from autoenc.store.points import Hit, Record, point_id
from autoenc.store.records import MEMORY, StoreInfo, VectorSpec
from autoenc.store.scale import Scale
from autoenc.store.settings import SearchSettings
from autoenc.store.status import StoreStatus, VectorBytes
from autoenc.store.store import Store
from autoenc.store.where import And, Contains, Filter, Not, Or, Range

__all__ = [
    "OWN",
    "WAIT_SECONDS",
    "And",
    "Better",
    "Contains",
    "FieldKind",
    "Filter",
    "Hit",
    "Not",
    "Or",
    "Range",
    "Record",
    "Scalar",
    "Scale",
    "SearchSettings",
    "Store",
    "StoreInfo",
    "StoreStatus",
    "VectorBytes",
    "VectorSpec",
    "is_url",
    "list_collections",
    "open_store",
    "point_id",
]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def open_store(
    location: str | PathLike[str],
    collection: str = "images",
    *,
    create: bool = False,
    wait: float = WAIT_SECONDS,
    verify: bool = False,
) -> Store:
    """Open one collection of a store.

    Args:
        location: `:memory:` (empty when opened, lost when closed), a folder (Qdrant Edge, in this process), or the
            `http://` or `https://` URL of a Qdrant server (1.18.1 or later). The server's API key is read from the
            environment variable QDRANT_API_KEY. The default port is 6333 for http and 443 for https. The environment
            variable SSL_CERT_FILE names the certificate of your own certificate authority.
        collection: its name, up to 100 letters, digits, '_', '-' and '.'; it does not begin with '.'. With `@` and a
            number behind it, that generation of the collection (see `autoenc.reindex_store`), which is never created.
        create: create the store and the collection if they do not exist. A folder that holds other files is refused
            and left as it is.
        wait: for a folder, how many seconds to wait for another process to close the collection.
        verify: for a folder, compute the checksum of every file first, and not only of those whose time has changed.

    Returns:
        The open store; close it, or use it in a `with` statement. A folder that cannot be written to is searched in a
        temporary copy, and nothing can be written to it.

    Raises:
        StoreNotFoundError: the store or the collection does not exist, and `create` is False.
        StoreLockedError: the collection is open already, in this process or, after the wait, in another one.
        StoreUnreachableError: no server answers at the URL, it refuses the key, or it is too busy.
        StoreMismatchError: another program, or another version of autoenc, made the collection; or the server is too
            old.
        StoreError: the store is damaged, the disk is full, or the folder holds other files or cannot be read.
        ArgumentError: an invalid location, collection name or wait.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     len(store), list(store.info.vectors)
        (48, ['learned', 'color', 'edges'])
    """
    check_collection(collection)
    if not (isinstance(wait, (int, float)) and wait >= 0):
        raise ArgumentError(f"wait= must be a number of seconds, 0 or more; got {wait!r}.")
    # Each engine is imported only when it is used: qdrant_client alone takes a second.
    place = _located(location)
    create = (create or place == MEMORY) and split_name(collection)[1] is None
    if isinstance(place, Path):
        from autoenc.store.edge_folder import open_edge

        return _opened(open_edge(place, collection, create, wait, verify))
    from autoenc.store.connection import open_client

    return _opened(open_client(place, collection, create))


def list_collections(location: str | PathLike[str]) -> list[str]:
    """The names of a store's collections, sorted. On a server: those that autoenc made and that the key may read.

    Raises:
        StoreNotFoundError: the folder does not exist.
        StoreError: the folder cannot be read.
        StoreUnreachableError: no server answers at the URL, or it refuses the key.

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


def is_url(location: str | PathLike[str]) -> bool:
    """Whether a location is `:memory:` or a server's URL, and no folder."""
    return not isinstance(_located(location), Path)


def _located(location: str | PathLike[str]) -> str | Path:
    """The location as a Path if it is a folder; `:memory:` and a server's URL stay strings."""
    try:
        text = os.fsdecode(location)
    except TypeError:
        text = ""
    scheme = _SCHEME.match(text)
    if text == MEMORY or (scheme and scheme[1].lower() in ("http", "https")):
        return text
    if not text or scheme:
        raise ArgumentError(f"A store is :memory:, a folder, or a server's http:// or https:// URL; got {location!r}.")
    return Path(text)
