"""An unfinished training on disk: everything that the next epoch depends on, replaced whole after every epoch."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.errors import TrainingError
from autoenc.models.bundle import unfinished
from autoenc.text import shown

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Arrays = list[npt.NDArray[np.generic]]


@dataclass
class State:
    """A training after its last finished epoch.

    Attributes:
        settings: what makes two trainings the same: data, architecture, objective, seed and so on.
        history: one row an epoch: epoch, loss, val_loss, seconds.
        current: the trainer's state.
        best: the trainer's state after the epoch with the lowest val_loss.
    """

    settings: dict[str, Any]
    history: list[dict[str, float]] = field(default_factory=list)
    current: Arrays = field(default_factory=list)
    best: Arrays = field(default_factory=list)

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest val_loss, counted from 1; 0 before the first."""
        if not self.history:
            return 0
        return int(min(self.history, key=lambda row: row["val_loss"])["epoch"])


class Checkpoint:
    """Where the state of the training of a bundle lies: a hidden folder beside the bundle's."""

    def __init__(self, bundle: Path) -> None:
        self.folder = unfinished(bundle)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training the same model.

        Raises:
            TrainingError: one is at it, or the folder cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("w")
        except OSError as error:
            raise TrainingError(f"{shown(self.folder)} cannot be written: {error.strerror}.") from error
        with lock:
            try:
                if fcntl is not None:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system lets go of it when we end, or die
            except BlockingIOError as error:
                raise TrainingError(
                    f"Another process is training this model now (in {shown(self.folder)}). Wait for it, or name "
                    f"another folder with --model."
                ) from error
            try:
                yield
            finally:
                if not self.exists():  # stopped before its first epoch ended
                    self.remove()

    def exists(self) -> bool:
        return (self.folder / "state.npz").is_file()

    def save(self, state: State) -> None:
        """Replace the saved state.

        Raises:
            TrainingError: the folder cannot be written.
        """
        header = json.dumps({"settings": state.settings, "history": state.history})
        arrays = {f"current_{i:03}": value for i, value in enumerate(state.current)}
        arrays |= {f"best_{i:03}": value for i, value in enumerate(state.best)}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self.folder / "state.npz.partial"
            with partial.open("wb") as file:
                np.savez(file, header=np.frombuffer(header.encode(), np.uint8), **arrays)  # type: ignore[arg-type]
            partial.replace(self.folder / "state.npz")
        except OSError as error:
            raise TrainingError(f"{shown(self.folder)} cannot be written: {error.strerror}.") from error

    def load(self, settings: dict[str, Any]) -> State:
        """The saved state.

        Raises:
            TrainingError: it was saved by a training with other settings, by another version, or cannot be read.
        """
        try:
            with (self.folder / "state.npz").open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                header = json.loads(file["header"].tobytes())
                state = State(
                    settings=header["settings"],
                    history=header["history"],
                    current=[file[name] for name in sorted(file.files) if name.startswith("current_")],
                    best=[file[name] for name in sorted(file.files) if name.startswith("best_")],
                )
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise TrainingError(
                f"The unfinished training in {shown(self.folder)} cannot be read ({error}). "
                f"Delete that folder and train anew."
            ) from error
        if settings.keys() != state.settings.keys():
            raise TrainingError(
                f"Cannot resume: the unfinished training in {shown(self.folder)} was begun by another version of "
                f"autoenc. Delete that folder and train anew."
            )
        other = [name for name in settings if settings[name] != state.settings[name]]
        if other:
            then = ", ".join(f"{name} {_told(state.settings[name])}" for name in other)
            now = ", ".join(f"{name} {_told(settings[name])}" for name in other)
            raise TrainingError(
                f"Cannot resume: the unfinished training in {shown(self.folder)} had {then}; this one has {now}. "
                f"Resume with the same settings and images, or delete that folder and train anew."
            )
        return state

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _told(value: Any) -> str:
    """A setting, for a message; objectives as "reconstruction (weight 1.0) + structure (weight 0.5, …)"."""
    if not isinstance(value, list):
        return repr(value)
    terms = [(term["name"], [f"{key} {term[key]}" for key in term if key != "name"]) for term in value]
    return " + ".join(f"{name} ({', '.join(settings)})" for name, settings in terms)
