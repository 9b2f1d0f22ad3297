"""A store in each engine; a Qdrant server that fails on request, and pauses that take no time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import ENGINES, Opener, opening
from qdrant_stand_in import Qdrant, serving

from autoenc.store import Store

KEY = "a-very-secret-key"


@pytest.fixture(params=ENGINES)
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    with opening(request.param, tmp_path) as opener:
        yield opener


@pytest.fixture
def empty(reopen: Opener) -> Store:
    return reopen()


@pytest.fixture
def key(monkeypatch) -> str:
    """The key that the environment names, for servers on this machine."""
    monkeypatch.setenv("QDRANT_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return KEY


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """Every pause that the store made, in seconds; none of them was waited for."""
    made: list[float] = []
    for module in ("client_collection", "requests"):
        monkeypatch.setattr(f"autoenc.store.{module}.sleep", made.append)
    return made


@pytest.fixture
def qdrant(key, pauses) -> Iterator[Qdrant]:
    """A stand-in for a server, on the air at its `url`."""
    stand_in = Qdrant()
    with serving(stand_in) as stand_in.url:
        yield stand_in
