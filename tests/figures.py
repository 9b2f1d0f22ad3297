"""Figures that were drawn, kept for a look before they become files."""

from __future__ import annotations

from types import ModuleType

import pytest
from matplotlib.figure import Figure


def kept_figures(monkeypatch: pytest.MonkeyPatch, module: ModuleType, writer: str) -> list[Figure]:
    """The figures that `module` hands to its function `writer` from now on."""
    kept: list[Figure] = []
    write = getattr(module, writer)

    def keep(figure: Figure) -> bytes:
        kept.append(figure)
        return bytes(write(figure))

    monkeypatch.setattr(module, writer, keep)
    return kept
