"""Check and convert what callers pass to a store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError, VectorError
from autoenc.store.points import canonical_id
from autoenc.vectors import Vectors

BATCH = 500
"""Points passed to an engine at a time, however many the caller passes."""

MAX_K = 1_000_000
"""The most points, or values of a field, that one call may ask for."""


def floats(values: npt.ArrayLike) -> Vectors:
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinity, which is refused later
            return np.asarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise VectorError(
            f"Expected vectors of numbers, all of one length; got {type(values).__name__} ({error})."
        ) from None


def canonical(ids: Collection[str]) -> list[str]:
    """The ids that are UUIDs, in the form that stores use; no point has any other string as its id."""
    return [known for known in map(canonical_id, ids) if known is not None]


def jsonable(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload with its dates as ISO 8601 text."""
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in payload.items()}


def parts(count: int) -> Iterator[slice]:
    return (slice(start, start + BATCH) for start in range(0, count, BATCH))


def check_payloads(ids: Sequence[str], payloads: Sequence[Mapping[str, Any]]) -> None:
    if len(payloads) != len(ids):
        raise ArgumentError(f"Expected one payload for each point: {len(ids)} ids, {len(payloads)} payloads.")
    for payload in payloads:
        if not isinstance(payload, Mapping):
            raise ArgumentError(f"A payload is a mapping of fields to values; got {payload!r}.")


def check_number(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_K:
        raise ArgumentError(f"{name}= must be a whole number from 1 to {MAX_K:,}; got {value!r}.")
