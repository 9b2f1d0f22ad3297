"""An unfinished training on disk: its state, replaced whole after each epoch, and what its teacher made."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.errors import TrainingError
from autoenc.files import remove_folder
from autoenc.models.manifest import unfinished
from autoenc.text import printable, shown
from autoenc.training.state import Arrays, State, arrays_of, opened, read_state
from autoenc.vectors import Vectors

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_VECTORS = "teacher.npz"
_FILES = ("lock", "state.npz", "state.npz.partial", _VECTORS, f"{_VECTORS}.partial")
_COLUMNS = ("epoch", "loss", "val_loss", "seconds")


class Checkpoint:
    """Where the state of a training is saved until its bundle is written: a hidden folder beside the bundle's.

    Args:
        bundle: the folder that the bundle will be written to.
        columns: of the history, "epoch", "loss", "val_loss" and "seconds" among them.
        files: names of what the training keeps in the folder besides its state.
    """

    def __init__(self, bundle: Path, *, columns: Sequence[str] = _COLUMNS, files: Sequence[str] = ()) -> None:
        self.bundle = bundle
        self.folder = unfinished(bundle)
        self._columns = frozenset(columns)
        self._files = frozenset((*_FILES, *files))

    def check(self, *, resume: bool) -> None:
        """Find out early that a training must not begin, or cannot be resumed.

        Raises:
            TrainingError: an unfinished training is there and is not to be resumed, or a finished one is; or
                something else is where the state would be saved.
        """
        if os.path.lexists(self.folder) and not self._is_ours():
            raise TrainingError(
                f"The state of the training is saved in {shown(self.folder)}, where something else is. Move it away, "
                f"or name another folder with model=."
            )
        if self.exists() and not resume:
            raise TrainingError(
                f"An unfinished training of this model is in {shown(self.folder)}. Continue it with resume=True, or "
                f"delete that folder to start anew."
            )
        if resume and not self.exists() and self.bundle.exists() and any(self.bundle.iterdir()):
            raise TrainingError(
                f"There is nothing to resume: the training of {shown(self.bundle)} is finished. Train without "
                f"resume=True to replace the model, or name another folder with model=."
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training the same model.

        Raises:
            TrainingError: one is training it now, or the folder cannot be created.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("a")
        except OSError as error:
            raise TrainingError(f"{shown(self.folder)} cannot be written: {error.strerror}.") from error
        with lock:
            try:
                if fcntl is not None:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # released by the system when we end, or die
            except BlockingIOError as error:
                raise TrainingError(
                    f"Another process is training this model now (in {shown(self.folder)}). Wait for it, or name "
                    f"another folder with model=."
                ) from error
            except OSError as error:
                raise TrainingError(f"{shown(self.folder)} cannot be locked: {error.strerror}.") from error
            try:
                yield
            finally:
                if not self.exists() and not (self.folder / _VECTORS).exists():  # stopped before its first epoch ended
                    self.remove()

    def _is_ours(self) -> bool:
        if self.folder.is_symlink() or not self.folder.is_dir():
            return False
        return all(
            file.name in self._files and file.is_file() and not file.is_symlink() for file in self.folder.iterdir()
        )

    def exists(self) -> bool:
        return (self.folder / "state.npz").is_file()

    def save(self, state: State) -> None:
        """Replace the saved state.

        Raises:
            TrainingError: the folder cannot be written.
        """
        self._replace("state.npz", arrays_of(state))

    def keep_vectors(self, key: str, vectors: Vectors) -> None:
        """Save what a teacher made of the images, so that it is not run again before the bundle is written.

        Args:
            key: says which teacher and which images.
            vectors: (N, D) float32.

        Raises:
            TrainingError: the folder cannot be written.
        """
        self._replace(_VECTORS, {"key": np.frombuffer(key.encode(), np.uint8), "vectors": vectors})

    def kept_vectors(self, key: str, shape: tuple[int, int]) -> Vectors | None:
        """What `keep_vectors` saved for this key; None if nothing was, or something that cannot be read."""
        try:
            with opened(self.folder / _VECTORS) as arrays:
                if arrays["key"].tobytes() != key.encode():
                    return None
                vectors = arrays["vectors"]
        except Exception:  # as in `state`: here the teacher is asked again
            return None
        fits = vectors.shape == shape and vectors.dtype == np.float32 and bool(np.isfinite(vectors).all())
        return np.asarray(vectors, np.float32) if fits else None

    def _replace(self, name: str, arrays: dict[str, npt.NDArray[np.generic]]) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self.folder / f"{name}.partial"
            with partial.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            partial.replace(self.folder / name)
        except OSError as error:
            raise TrainingError(f"{shown(self.folder)} cannot be written: {error.strerror}.") from error

    def state(self, settings: dict[str, Any]) -> State:
        """The saved state, or a new one if none was saved.

        Args:
            settings: as in `State`.

        Raises:
            TrainingError: the saved state is of other settings or of another version, or cannot be read.
        """
        if not self.exists():
            return State(settings)
        try:
            state = read_state(self.folder / "state.npz", self._columns)
        except Exception as error:  # zip, NumPy and JSON have a dozen kinds for a file that is not what it says
            raise self.unreadable(str(error)) from error
        if settings.keys() != state.settings.keys():
            raise TrainingError(
                f"Cannot resume: the unfinished training in {shown(self.folder)} was started by another version of "
                f"autoenc. Delete that folder to start anew."
            )
        other = [name for name in settings if settings[name] != state.settings[name]]
        if other:
            then = ", ".join(f"{name} {_spelled(state.settings[name])}" for name in other)
            now = ", ".join(f"{name} {_spelled(settings[name])}" for name in other)
            raise TrainingError(
                f"Cannot resume: the unfinished training in {shown(self.folder)} had {then}; this one has {now}. "
                f"Resume with the same settings and images, or delete that folder to start anew."
            )
        return state

    def check_fits(self, state: State, current: Arrays, best: Arrays | None = None) -> None:
        """Find out before training goes on that a saved state is not one of this trainer.

        Args:
            state: as saved.
            current: what the trainer's own state looks like.
            best: what is kept of the best epoch, if that is less.

        Raises:
            TrainingError: its arrays differ in number, shape or type, or hold NaN or infinity.
        """
        for arrays, expected in ((state.current, current), (state.best, current if best is None else best)):
            if [(array.shape, array.dtype) for array in arrays] != [(array.shape, array.dtype) for array in expected]:
                raise self.unreadable("its weights are not those of this model")
            if not all(np.isfinite(array).all() for array in arrays):
                raise self.unreadable("its weights hold NaN or infinity")

    def unreadable(self, reason: str) -> TrainingError:
        """The error to raise for a saved state that is not what it says."""
        return TrainingError(
            f"The unfinished training in {shown(self.folder)} cannot be read ({printable(reason)[:300]}). "
            f"Delete that folder to start anew."
        )

    def diverged(self, loss: float, val_loss: float, epoch: int, rate: str, value: float) -> TrainingError:
        """The error to raise for a loss that is not finite; a saved state keeps the rate, so it has to go.

        Args:
            loss: of the epoch, in training.
            val_loss: of the epoch, in validation.
            epoch: counted from 1.
            rate: the name of the parameter to lower.
            value: what it was.
        """
        remedy = f"Delete {shown(self.folder)}, then train" if self.exists() else "Train"
        return TrainingError(
            f"The loss became {loss} in training and {val_loss} in validation, in epoch {epoch}. {remedy} with "
            f"{rate}= below {value}."
        )

    def remove(self) -> None:
        remove_folder(self.folder)


def _spelled(value: Any) -> str:
    """A setting, for a message; objectives as "reconstruction (weight 1.0) + structure (weight 0.5, …)"."""
    if not isinstance(value, list) or not all(isinstance(term, dict) and "name" in term for term in value):
        return reprlib.repr(value)
    terms = [(term["name"], [f"{key} {reprlib.repr(term[key])}" for key in term if key != "name"]) for term in value]
    return printable(" + ".join(f"{name} ({', '.join(settings)})" for name, settings in terms))[:300]
