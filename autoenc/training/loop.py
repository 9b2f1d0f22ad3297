"""The loop: epochs of steps over the images, each epoch saved, the best one kept."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from autoenc.progress import Progress
from autoenc.training.session import Session
from autoenc.vectors import Indices

_STEPS_BEFORE_FORECAST = 10


def fit(session: Session, progress: Progress) -> float:
    """Run the epochs that are left, then restore the weights of the best one.

    The session's state and checkpoint are brought up to date after each epoch. Every epoch alters the training images
    in another way. The held-out ones are altered the same way each time, so that their losses can be compared.

    Returns:
        Training images per second of the time spent in steps; 0 if no epoch was left.

    Raises:
        TrainingError: the loss is not finite, or the checkpoint cannot be written.
    """
    settings, state, trainer, examples = session.settings, session.state, session.trainer, session.examples
    steps = settings.steps_per_epoch(len(session.training))
    forecast = Forecast(session.resumed_after * steps, settings.epochs * steps)
    stepping = trained = 0.0
    for epoch in range(session.resumed_after + 1, settings.epochs + 1):
        if len(state.history) - state.best_epoch >= settings.patience:
            break
        start = time.perf_counter()
        order = np.random.default_rng((settings.seed, epoch)).permutation(session.training)
        loss = val_loss = 0.0
        for step, batch in enumerate(_batches(order, settings.batch_size), start=1):
            # The mean of what has been seen, moved toward this batch by its share.
            seen = min(step * settings.batch_size, len(order))
            loss += (trainer.train_step(*examples.batch(batch, seed=(settings.seed, epoch))) - loss) * len(batch) / seen
            done = (epoch - 1) * steps + step
            note = f"epoch {epoch}, loss {loss:.4f}{forecast.note(done)}"
            progress("training", done, settings.epochs * steps, note)
        stepping += time.perf_counter() - start
        trained += len(order)
        for batch in _batches(session.held_out, settings.batch_size):
            val_loss += trainer.measure(*examples.batch(batch, seed=0)) * len(batch) / len(session.held_out)
        if not (math.isfinite(loss) and math.isfinite(val_loss)):
            raise session.checkpoint.diverged(loss, val_loss, epoch, "learning_rate", settings.learning_rate)
        seconds = time.perf_counter() - start
        state.history.append({"epoch": epoch, "loss": loss, "val_loss": val_loss, "seconds": seconds})
        state.current = trainer.state()
        if state.best_epoch == epoch:
            state.best = state.current
        session.checkpoint.save(state)
    trainer.restore(state.best)
    return trained / stepping if stepping else 0.0


class Forecast:
    """How long this session takes in all, from the steps that it has done; the model is compiled before they start.

    Args:
        done: steps of earlier sessions.
        total: steps of the whole training; it may stop earlier.

    Example:
        >>> Forecast(0, 1000).note(1)  # too early to tell
        ''
    """

    def __init__(self, done: int, total: int) -> None:
        self._first = done
        self._total = total
        self._start = time.perf_counter()

    def note(self, done: int) -> str:
        """What to add to the note on progress after this many steps; empty before enough of them are done."""
        if done - self._first < _STEPS_BEFORE_FORECAST:
            return ""
        per_step = (time.perf_counter() - self._start) / (done - self._first)
        return f", about {_duration(per_step * (self._total - self._first))} in all"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _batches(indices: Indices, size: int) -> Iterator[Indices]:
    return (indices[i : i + size] for i in range(0, len(indices), size))
