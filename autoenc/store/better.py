"""What retrieves better than an encoder alone, as a store remembers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

from autoenc.text import counted, short

QueryKind = Literal["picture", "stored"]
"""What is searched for: any picture, or a stored image, whose fields are known and can boost."""


@dataclass(frozen=True)
class Better:
    """What retrieves better than the encoder that a store is searched with, as a comparison by labels has shown.

    Attributes:
        using: the better encoder, or several with their weights, as a query takes them: "learned=1,color=0.5".
        than: the encoder that it is compared with.
        map: mean average precision.
        than_map: that of the other encoder over the same queries.
        ci_low, ci_high: 95% interval of the paired difference, which lies above zero.
        queries: how many labeled queries there were.
        date: when they were compared, as in 2026-01-31.
        fingerprints: of all of these encoders.
        boost, near: the weights of fields, as a query takes them; empty where none count.
        fields: those fields.
    """

    using: str
    than: str
    map: float
    than_map: float
    ci_low: float
    ci_high: float
    queries: int
    date: str
    fingerprints: Mapping[str, str]
    boost: str = ""
    near: str = ""
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError unless every value is one that a comparison can have."""
        told = (self.using, self.than, self.boost, self.near, *self.fields, *self.fingerprints.values())
        if not all(isinstance(text, str) for text in told):
            raise TypeError(f"not the names and fingerprints of encoders: {self!r}")
        if self.than not in self.fingerprints:
            raise ValueError(f"no fingerprint of an encoder: {self.than!r}")
        for figure in (self.map, self.than_map, self.ci_low, self.ci_high):
            if type(figure) not in (int, float) or not 0 <= figure <= 1:
                raise ValueError(f"not a figure from 0 to 1: {figure!r}")
        if not 0 < self.ci_low <= self.ci_high:
            raise ValueError(f"not an interval above zero: {self.ci_low!r} to {self.ci_high!r}")
        if type(self.queries) is not int or self.queries < 1:
            raise ValueError(f"not a number of queries: {self.queries!r}")
        if date.fromisoformat(self.date).isoformat() != self.date:
            raise ValueError(f"not a date: {self.date!r}")
        object.__setattr__(self, "fields", tuple(self.fields))  # JSON makes a list of it

    @property
    def options(self) -> dict[str, str]:
        """What a query takes: `using`, and `boost` and `near` where fields count."""
        found = {"using": self.using, "boost": self.boost, "near": self.near}
        return {name: text for name, text in found.items() if text}

    def told(self) -> str:
        """One line about it.

        Example:
            >>> figures = dict(map=0.44, than_map=0.17, ci_low=0.25, ci_high=0.29, queries=700, date="2026-01-31")
            >>> Better("color", "edges", **figures, fingerprints={"color": "c", "edges": "e"}).told()
            'color retrieves better than edges (mAP .440 against .170 on 700 labeled queries, 2026-01-31)'
            >>> Better("edges", "edges", **figures, fingerprints={"edges": "e"}, boost="brand=1").told()[:54]
            'edges with boost brand=1 retrieves better than edges ('
        """
        queries = counted(self.queries, "labeled query", "labeled queries")
        fields = " and ".join(f"{name} {text}" for name, text in self.options.items() if name != "using")
        return (
            f"{self.using}{f' with {fields}' if fields else ''} retrieves better than {self.than} (mAP "
            f"{short(self.map)} against {short(self.than_map)} on {queries}, {self.date})"
        )


def read_better(
    entries: Mapping[str, Any], fingerprints: Mapping[str, str], fields: Mapping[str, Any]
) -> dict[QueryKind, Better]:
    """What a record says is better, without what it says of encoders and fields that the store no longer holds.

    Args:
        entries: kind of query -> `Better`, as a dictionary; from a record, which anyone may have written.
        fingerprints: encoder -> its fingerprint, for every encoder that the store holds.
        fields: the fields that the store can filter by.

    Raises:
        TypeError, ValueError, AttributeError: an entry that cannot be.
    """
    # Records of earlier versions have entries under the names of encoders: they wait for the next comparison.
    kinds: Sequence[QueryKind] = get_args(QueryKind)
    found = dict(entries.items())
    read = {kind: Better(**found[kind]) for kind in kinds if kind in found}
    return {
        kind: better
        for kind, better in read.items()
        if better.fingerprints.items() <= fingerprints.items() and set(better.fields) <= fields.keys()
    }
