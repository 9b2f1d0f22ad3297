"""The loop: epochs of steps over altered or unaltered pictures, the best one kept, every one saved."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np

from autoenc.errors import TrainingError
from autoenc.images.alterations import Seed, altered_copies
from autoenc.progress import Progress
from autoenc.training.checkpoint import Checkpoint, State
from autoenc.training.objectives import Objective
from autoenc.training.step import Targets, Trainer
from autoenc.vectors import Images, Indices


class Examples:
    """Pictures with what the objectives need of them, computed once.

    Args:
        images: (N, 32, 32, 3) uint8.
        objectives: prepared.

    Attributes:
        altered: whether an objective wants altered copies.
    """

    def __init__(self, images: Images, objectives: Sequence[Objective]) -> None:
        self._images = images
        self.altered = any(objective.altered for objective in objectives)
        made = {objective.name: objective.targets(images) for objective in objectives}
        self._targets = {name: targets for name, targets in made.items() if targets is not None}

    def batch(self, indices: Indices, seed: Seed) -> tuple[Images, Targets]:
        """Those pictures, altered if an objective wants it (in a way that follows from the seed), and their targets."""
        images = self._images[indices]
        if self.altered:
            images = altered_copies(images, seed=seed, indices=indices)
        return images, {name: targets[indices] for name, targets in self._targets.items()}


def split(count: int, validation: float, seed: int) -> tuple[Indices, Indices]:
    """Indices to train on and indices held out, at least one of each."""
    order = np.random.default_rng(seed).permutation(count)
    held_out = min(max(1, round(count * validation)), count - 1)
    return order[held_out:], order[:held_out]


def steps_an_epoch(training: Indices, batch_size: int) -> int:
    return math.ceil(len(training) / batch_size)


def fit(
    trainer: Trainer,
    examples: Examples,
    training: Indices,
    held_out: Indices,
    state: State,
    checkpoint: Checkpoint,
    *,
    epochs: int,
    batch_size: int,
    patience: int,
    seed: int,
    progress: Progress,
) -> float:
    """Run the epochs that are left, keeping `state` and the checkpoint up to date.

    Every epoch alters the pictures anew; the held-out ones are altered the same way each time, so that their losses
    can be compared.

    Returns:
        training images a second, over the time spent in steps; 0 if no epoch was left.
    """
    if state.history:
        trainer.restore(state.current)
    steps = steps_an_epoch(training, batch_size)
    stepping = trained = 0.0
    for epoch in range(len(state.history) + 1, epochs + 1):
        if len(state.history) - state.best_epoch >= patience:
            break
        start = time.perf_counter()
        order = np.random.default_rng((seed, epoch)).permutation(training)
        loss = val_loss = 0.0
        for step, batch in enumerate(_batches(order, batch_size), start=1):
            # The mean of what has been seen, moved toward this batch by its share.
            seen = min(step * batch_size, len(order))
            loss += (trainer.train_step(*examples.batch(batch, seed=(seed, epoch))) - loss) * len(batch) / seen
            progress("training", (epoch - 1) * steps + step, epochs * steps, f"epoch {epoch}, loss {loss:.4f}")
        stepping += time.perf_counter() - start
        trained += len(order)
        for batch in _batches(held_out, batch_size):
            val_loss += trainer.measure(*examples.batch(batch, seed=0)) * len(batch) / len(held_out)
        if not (math.isfinite(loss) and math.isfinite(val_loss)):
            raise TrainingError(f"The loss became {loss} in epoch {epoch}. Train with a lower learning rate.")
        seconds = time.perf_counter() - start
        state.history.append({"epoch": epoch, "loss": loss, "val_loss": val_loss, "seconds": seconds})
        state.current = trainer.state()
        if state.best_epoch == epoch:
            state.best = state.current
        checkpoint.save(state)
    return trained / stepping if stepping else 0.0


def _batches(indices: Indices, size: int) -> Iterator[Indices]:
    return (indices[i : i + size] for i in range(0, len(indices), size))
