"""Everything that is in a store, to compare it with another."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from torturing.outcomes import Fell
from torturing.processes import child, complaint, run

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Snapshot:
    """The points of a store.

    Attributes:
        points: id -> payload.
        vectors: encoder -> id -> (dim,) float32.
        record: what the store remembers of its encoders, sources and fields.
        twice: how many ids were read more than once.
    """

    points: Mapping[str, Mapping[str, Any]]
    vectors: Mapping[str, Mapping[str, npt.NDArray[np.float32]]]
    record: Mapping[str, Any]
    twice: int = 0

    def difference(self, right: Snapshot) -> str:
        """What is not as in the store that is right; empty if nothing."""
        if self.twice:
            return f"{self.twice} points are there twice"
        if self.points.keys() != right.points.keys():
            lost, added = len(right.points.keys() - self.points.keys()), len(self.points.keys() - right.points.keys())
            return f"{lost} points are missing, and {added} too many"
        if other := sum(self.points[id] != right.points[id] for id in right.points):
            return f"{other} payloads differ"
        if self.record != right.record:
            return f"the record differs: {self.record} instead of {right.record}"
        for name, rows in right.vectors.items():
            found = self.vectors.get(name, {})
            if found.keys() != rows.keys():
                return f"{len(rows.keys() ^ found.keys())} points have no vector '{name}', or one too many"
            if other := sum(not np.allclose(found[id], row, rtol=0, atol=TOLERANCE) for id, row in rows.items()):
                return f"{other} vectors '{name}' differ"
        return ""


NOTHING = Snapshot({}, {}, {})


def snapshot(store: Path) -> Snapshot:
    """Read a store, in a process of its own; a store that does not exist holds nothing.

    Raises:
        Fell: it cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = run(child("snapshot", store, folder))
        if done.code != 0 or complaint(done):
            raise Fell(f"{store} cannot be read (exit code {done.code}): {done.err[-500:]!r}.")
        if done.out.startswith("absent"):
            return NOTHING
        document = json.loads((Path(folder) / "points.json").read_text())
        vectors = {}
        for name, ids in document["having"].items():
            vectors[name] = dict(zip(ids, np.load(Path(folder) / f"{name}.npy"), strict=True))
    return Snapshot(document["points"], vectors, document["record"], document["twice"])
