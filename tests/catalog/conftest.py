from __future__ import annotations

import pytest


@pytest.fixture(params=["compared", "searched"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are compared with each other, as in small stores, or searched for by the engine, as in large ones."""
    if request.param == "searched":
        monkeypatch.setattr("autoenc.catalog.listing.COMPARED", 0)
