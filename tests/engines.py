"""Every kind of store, for the tests that each must pass: in memory, in a folder, and on a server.

A stand-in for the server, over HTTP, shows that requests and answers are what they should be; what a server makes of
them is tested where QDRANT_URL names one.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from qdrant_stand_in import Qdrant, serving

from autoenc.errors import StoreNotFoundError
from autoenc.store import Store, open_store

Opener = Callable[[], Store]


_INSECURE = pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")  # not over loopback


ENGINES = ["memory", "edge", "stand-in", pytest.param("server", marks=[pytest.mark.server, _INSECURE])]


@contextmanager
def opening(engine: str, folder: Path) -> Iterator[Opener]:
    """Opens one and the same collection, as often as it is called; the one before it is closed."""
    with ExitStack() as opened:
        if engine == "memory":
            store = open_store(":memory:")
            opened.callback(store.close)
            yield lambda: store
            return
        location, collection = str(folder / "store"), "images"
        if engine == "stand-in":
            opened.enter_context(pytest.MonkeyPatch.context()).setenv("NO_PROXY", "127.0.0.1")
            location = opened.enter_context(serving(Qdrant()))
        if engine == "server":
            if "QDRANT_URL" not in os.environ:
                pytest.skip("QDRANT_URL names no Qdrant server to test against")
            location, collection = os.environ["QDRANT_URL"], f"autoenc-test-{uuid.uuid4().hex}"
            opened.callback(_drop, location, collection)
        last: list[Store] = []

        def open_again() -> Store:
            for before in last:
                before.close()
            last[:] = [open_store(location, collection, create=True)]
            return last[0]

        opened.callback(lambda: [store.close() for store in last])
        yield open_again


def _drop(location: str, collection: str) -> None:
    with suppress(StoreNotFoundError):
        open_store(location, collection).drop()
