"""A small shop that is served: 48 drawn products, three encoders, a table with prices, and clients of several kinds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="serving needs FastAPI: pip install 'autoenc[serve]'")
pytest.importorskip("uvicorn", reason="serving needs uvicorn: pip install 'autoenc[serve]'")

from serving import Client
from torturing.copies import copied

from autoenc import Metadata, index_images, open_store
from autoenc.server.app import App
from autoenc.server.settings import Settings
from autoenc.store import Store


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


Serving = Callable[..., Client]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Starts a server for a store, with settings, and returns its client."""
    with ExitStack() as opened:

        def serve(store: Store, headers: dict[str, str] | None = None, **settings: Any) -> Client:
            told: dict[str, Any] = {"cache": tmp_path_factory.mktemp("cache"), "rate": 1e6, "threads": 2, **settings}
            client = Client(App(store, Settings(**told)), headers)
            opened.callback(client.close)
            return client

        yield serve


@pytest.fixture(scope="module")
def client(store: Store, serving: Serving) -> Client:
    """A client of a server that only reads."""
    return serving(store)
