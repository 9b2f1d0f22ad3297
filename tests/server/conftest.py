"""A small shop that is served: 48 drawn products, three encoders, a table with prices, and clients of several kinds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from torturing.copies import copied

from autoenc import Metadata, index_images, open_store
from autoenc.store import Store

if TYPE_CHECKING:  # a module that needs FastAPI asks for it itself, so that each skipped one says why
    from serving import Client


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Path:
    """A folder that holds photos/ and store/."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(drawn, folder / "photos")
    table = Metadata(folder / "photos" / "catalog.csv", types={"price": "float"})
    index_images(
        folder / "photos",
        folder / "store",
        model="clothing-32-2",
        encoders=["learned", "color", "edges"],
        source="shop",
        metadata=table,
        products="folders",
        progress=False,
    )
    return folder


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change. Its source lies in the copy too."""
    copied(built, tmp_path / "shop")
    with open_store(tmp_path / "shop" / "store") as store:
        store.add_source("shop", str(tmp_path / "shop" / "photos"))
    return tmp_path / "shop"


@pytest.fixture(scope="module")
def store(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The shop's store, open for reading."""
    folder = tmp_path_factory.mktemp("read")
    copied(built / "store", folder / "store")
    with open_store(folder / "store") as opened:
        yield opened


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Client]]:
    """Starts a server for a store, with settings, and returns its client."""
    from serving import Client

    from autoenc.server.app import App
    from autoenc.server.settings import Settings

    with ExitStack() as opened:

        def serve(store: Store, headers: dict[str, str] | None = None, **settings: Any) -> Client:
            told: dict[str, Any] = {"cache": tmp_path_factory.mktemp("cache"), "rate": 1e6, "threads": 2, **settings}
            client = Client(App(store, Settings(**told)), headers)
            opened.callback(client.close)
            return client

        yield serve


@pytest.fixture(scope="module")
def client(store: Store, serving: Callable[..., Client]) -> Client:
    """A client of a server that only reads."""
    return serving(store)
