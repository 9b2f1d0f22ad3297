"""How long work tells its caller how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int, str], None]
"""Called now and then with what is being done, how many are done, how many there are, and a note such as a loss."""


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """Tell nobody."""
