"""How a trial ends that does not hold."""

from __future__ import annotations


class Fell(Exception):  # noqa: N818
    """autoenc broke a promise; the message says which."""


class NotHere(Exception):  # noqa: N818
    """These trials cannot run on this machine; the message says why."""
