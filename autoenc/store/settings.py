"""How the vectors of an encoder are searched: exactly, or by a graph, with or without quantized vectors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from autoenc.errors import ArgumentError
from autoenc.store.ann import search_ef

Quantization = Literal["int8", "turbo4", "product16", "binary"]
"""Kinds of short copies of vectors: 8 bits a number; 4 bits a number, by TurboQuant; 2 bits a number, by product
quantization; 1 bit a number."""

QUANTIZATIONS: tuple[Quantization, ...] = get_args(Quantization)

MOST_EF = 100_000
MOST_OVERSAMPLING = 100.0


@dataclass(frozen=True)
class SearchSettings:
    """How the vectors of one encoder are searched. See `Store.set_settings`; `audit_store` suggests them.

    Attributes:
        exact: compare every vector.
        ef: how many candidates a search in the graph (HNSW) keeps; None for the default, which grows with the store.
        quantization: the short copies of vectors that are compared first; None to compare the vectors themselves.
        oversampling: how many candidates the short copies find for each neighbor asked for, 1 or more. They are
            compared again by the vectors themselves, so that scores are exact.
        points: how many points the store had when `ef` was chosen. In a store that has grown since, more candidates
            are kept, by the cube root; 0 to keep `ef` as it is.
        fingerprint: of the encoder, as the store fills it in.

    Raises:
        ArgumentError: a value that is out of range, or `exact` together with others.

    Example:
        >>> SearchSettings(ef=64, quantization="int8", oversampling=2.0).told()
        'HNSW ef=64, int8 x2'
    """

    exact: bool = False
    ef: int | None = None
    quantization: Quantization | None = None
    oversampling: float = 1.0
    points: int = 0
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if type(self.exact) is not bool or not isinstance(self.fingerprint, str):
            raise ArgumentError(f"Expected exact=True or False, and a fingerprint of text; got {self!r}.")
        if self.ef is not None and not (type(self.ef) is int and 1 <= self.ef <= MOST_EF):
            raise ArgumentError(f"ef= must be a whole number from 1 to {MOST_EF:,}; got {self.ef!r}.")
        if self.quantization is not None and self.quantization not in QUANTIZATIONS:
            raise ArgumentError(f"quantization= is one of {', '.join(QUANTIZATIONS)}; got {self.quantization!r}.")
        if type(self.oversampling) not in (int, float) or not 1 <= self.oversampling <= MOST_OVERSAMPLING:
            raise ArgumentError(
                f"oversampling= is a number from 1 to {MOST_OVERSAMPLING:g}; got {self.oversampling!r}."
            )
        if type(self.points) is not int or self.points < 0:
            raise ArgumentError(f"points= is a whole number, 0 or more; got {self.points!r}.")
        if self.exact and (self.ef, self.quantization, self.oversampling) != (None, None, 1.0):
            raise ArgumentError(
                "exact=True compares every vector: it goes with no ef=, quantization= or oversampling=."
            )

    def told(self) -> str:
        """The settings in a few words."""
        if self.exact:
            return "exact"
        ef = "HNSW" if self.ef is None else f"HNSW ef={self.ef}"
        return ef if self.quantization is None else f"{ef}, {self.quantization} x{self.oversampling:g}"

    def ef_at(self, points: int, *, narrowed: bool = False) -> int:
        """How many candidates a search in the graph keeps.

        Args:
            points: how many the store has now.
            narrowed: the search has a filter. It keeps no fewer candidates than by default, because a graph with gaps
                needs them.

        Example:
            >>> settings = SearchSettings(ef=32, points=100_000)
            >>> settings.ef_at(100_000), settings.ef_at(800_000), settings.ef_at(100_000, narrowed=True)
            (32, 64, 128)
        """
        usual = search_ef(points)
        if self.ef is None:
            return usual
        grown = math.cbrt(points / self.points) if 0 < self.points < points else 1.0
        ef = min(MOST_EF, math.ceil(round(self.ef * grown, 6)))
        return max(ef, usual) if narrowed else ef


USUAL = SearchSettings()
"""For an encoder of which a store remembers nothing else."""


def read_settings(entries: Mapping[str, Any], fingerprints: Mapping[str, str]) -> dict[str, SearchSettings]:
    """What a record says of its encoders' settings, without those of encoders that the store no longer holds.

    Args:
        entries: encoder -> its `SearchSettings`, as a dictionary; from a record, which anyone may have written.
        fingerprints: encoder -> its fingerprint, for every encoder that the store holds.

    Raises:
        TypeError, ArgumentError: an entry that cannot be.
    """
    read = {name: SearchSettings(**entry) for name, entry in entries.items()}
    return {name: each for name, each in read.items() if fingerprints.get(name) == each.fingerprint}


def quantizations_of(record: Any) -> dict[str, Quantization | None]:
    """Encoder -> the kind of its short copies, in a record that has been read before."""
    return {name: each["quantization"] for name, each in (record or {}).get("settings", {}).items()}
