"""A training after an epoch, everything that the next one depends on, and how a file of it is read."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = list[npt.NDArray[np.generic]]


@dataclass
class State:
    """A training after its last finished epoch.

    Attributes:
        settings: what makes two trainings the same: data, architecture, objective, seed and so on.
        history: one row per epoch: epoch, loss, val_loss, seconds.
        current: the trainer's state.
        best: the trainer's state after the epoch with the lowest val_loss.
        emphasis: what was found, as `Emphasis.to_dict` returns it; None for an objective without one.
    """

    settings: dict[str, Any]
    history: list[dict[str, float]] = field(default_factory=list)
    current: Arrays = field(default_factory=list)
    best: Arrays = field(default_factory=list)
    emphasis: dict[str, Any] | None = None

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest val_loss, counted from 1; 0 before the first."""
        if not self.history:
            return 0
        return int(min(self.history, key=lambda row: row["val_loss"])["epoch"])

    @property
    def best_row(self) -> dict[str, float]:
        """The history's row of the best epoch."""
        return self.history[self.best_epoch - 1]

    @property
    def seconds(self) -> float:
        """Time spent in epochs, over all sessions."""
        return sum(row["seconds"] for row in self.history)


@contextmanager
def opened(file: Path) -> Iterator[Any]:
    """The arrays in a file that may hold anything; any exception means that there are none."""
    with file.open("rb") as raw, np.load(raw, allow_pickle=False) as arrays:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in arrays.zip.infolist()):
            raise ValueError("it is compressed")  # a few bytes could unpack to more than memory holds
        yield arrays


def arrays_of(state: State) -> dict[str, npt.NDArray[np.generic]]:
    """What a file holds of a state, by name."""
    header = json.dumps({"settings": state.settings, "history": state.history, "emphasis": state.emphasis})
    arrays: dict[str, npt.NDArray[np.generic]] = {"header": np.frombuffer(header.encode(), np.uint8)}
    arrays |= {f"current_{i:03}": value for i, value in enumerate(state.current)}
    return arrays | {f"best_{i:03}": value for i, value in enumerate(state.best)}


def read_state(file: Path, columns: frozenset[str]) -> State:
    """The state in a file; any exception means that it is none."""
    with opened(file) as arrays:
        header = json.loads(arrays["header"].tobytes())
        settings, history = header["settings"], header["history"]
        if not (isinstance(settings, dict) and isinstance(history, list)):
            raise ValueError("it lacks settings or history")
        for epoch, row in enumerate(history, start=1):
            if row.keys() != columns or row["epoch"] != epoch:
                raise ValueError(f"epoch {epoch} of its history is missing")
            if not all(type(value) in (int, float) and math.isfinite(value) for value in row.values()):
                raise ValueError(f"epoch {epoch} of its history holds something other than finite numbers")
        names = sorted(arrays.files)
        current, best = ([arrays[name] for name in names if name.startswith(kind)] for kind in ("current_", "best_"))
        return State(settings, history, current, best, header.get("emphasis"))
