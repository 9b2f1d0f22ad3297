"""The two phases: epochs of steps over the features, then over the activations, each epoch saved, the best one kept."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from autoenc.finetuning.network import Given, Phase
from autoenc.finetuning.session import Session
from autoenc.progress import Progress
from autoenc.training.loop import Forecast
from autoenc.vectors import Indices, Vectors

HEAD, TOP = 1, 2
"""The phases, as the history numbers them."""

_STAGES = {HEAD: "training the head", TOP: "training the top blocks"}
_MEASURED = 256  # held-out images at a time


def fit(session: Session, progress: Progress) -> Vectors:
    """Run what is left of both phases, then restore the weights of the best epoch, the one with the lowest val_loss.

    The session's state and checkpoint are brought up to date after each epoch. An epoch takes each image to train on
    once, in one of its copies; the held-out ones are measured as they are.

    Returns:
        (M, classes) float32, the probabilities of the held-out images.

    Raises:
        TrainingError: the loss is not finite, or the checkpoint cannot be written or is not of this fine-tuning.
    """
    settings, state, features = session.settings, session.state, session.features
    classifier = session.classifier
    per_epoch = math.ceil(len(session.copies.training) / settings.batch_size)
    given: Given = features.features
    reached = max((row["phase"] for row in state.history), default=HEAD)
    if reached == HEAD:
        steps_in_all = settings.epochs * per_epoch
        phase = Phase(classifier, top=False, learning_rate=settings.learning_rate, steps=steps_in_all)
        _resume(session, phase)
        _run(session, phase, HEAD, given, progress)
        phase.restore_weights(state.best)
    if settings.top_epochs:
        given = features.activations
        steps_in_all = settings.top_epochs * per_epoch
        phase = Phase(
            classifier,
            top=True,
            learning_rate=settings.top_learning_rate,
            steps=steps_in_all,
            rising=per_epoch if settings.top_epochs > 1 else 0,
        )
        if reached == HEAD:
            state.best = phase.weights()  # those of the first phase's best epoch, in this one's form
        else:
            _resume(session, phase)
        _run(session, phase, TOP, given, progress)
        phase.restore_weights(state.best)
    return _softmax(_logits(phase, given, session.held_out))


def _resume(session: Session, phase: Phase) -> None:
    state = session.state
    if state.history:
        session.checkpoint.check_fits(state, phase.state(), phase.weights())
        phase.restore(state.current)


def _run(session: Session, phase: Phase, number: int, given: Given, progress: Progress) -> None:
    """The epochs that are left of one phase."""
    settings, state, copies = session.settings, session.state, session.copies
    most, option = (settings.epochs, "learning_rate") if number == HEAD else (settings.top_epochs, "top_learning_rate")
    before = sum(row["phase"] < number for row in state.history)
    phase.warm_up(given[: settings.batch_size])
    per_epoch = math.ceil(len(copies.training) / settings.batch_size)
    forecast = Forecast((len(state.history) - before) * per_epoch, most * per_epoch)
    for epoch in range(len(state.history) + 1, before + most + 1):
        if epoch - 1 - max(state.best_epoch, before) >= settings.patience:
            break
        start = time.perf_counter()
        loss = accuracy = 0.0
        for step, (rows, labels, weights) in enumerate(steps(session, epoch), start=1):
            found = phase.train_step(given[rows], labels, weights)
            share = len(rows) / min(step * settings.batch_size, len(copies.training))
            loss += (found[0] - loss) * share  # the mean of what has been seen, moved toward this batch
            accuracy += (found[1] - accuracy) * share
            done = (epoch - before - 1) * per_epoch + step
            note = f"epoch {epoch}, loss {loss:.4f}, accuracy {accuracy:.3f}{forecast.note(done)}"
            progress(_STAGES[number], done, most * per_epoch, note)
        logits = _logits(phase, given, session.held_out)
        val_loss, val_accuracy = measured(logits, session.labels[session.held_out])
        if not (math.isfinite(loss) and math.isfinite(val_loss)):
            raise session.checkpoint.diverged(loss, val_loss, epoch, option, getattr(settings, option))
        row = {"epoch": epoch, "phase": number, "loss": loss, "accuracy": accuracy}
        seconds = time.perf_counter() - start
        state.history.append({**row, "val_loss": val_loss, "val_accuracy": val_accuracy, "seconds": seconds})
        state.current = phase.state()
        if state.best_epoch == epoch:
            state.best = phase.weights()
        session.checkpoint.save(state)


def steps(session: Session, epoch: int) -> Iterator[tuple[Indices, Indices, Vectors]]:
    """The steps of an epoch: the rows of their copies, the numbers of their classes, and how much each image counts."""
    copies, size = session.copies, session.settings.batch_size
    generator = np.random.default_rng((session.settings.seed, epoch))
    order = generator.permutation(len(copies.training))
    rows = copies.row(order, generator.integers(copies.copies, size=len(order)))
    labels = session.labels[copies.training[order]]
    for at in range(0, len(order), size):
        chosen = labels[at : at + size]
        yield rows[at : at + size], chosen, session.weights[chosen]


def _logits(phase: Phase, given: Given, rows: Indices) -> Vectors:
    pieces = (rows[at : at + _MEASURED] for at in range(0, len(rows), _MEASURED))
    return np.concatenate([phase.predict(given[piece]) for piece in pieces])


def measured(logits: Vectors, labels: Indices) -> tuple[float, float]:
    """The mean cross-entropy in nats, and the accuracy, of (N, classes) logits against (N,) numbers of classes.

    Example:
        >>> logits = np.log(np.array([[0.5, 0.5], [0.25, 0.75]], np.float32))
        >>> loss, accuracy = measured(logits, np.array([0, 1]))
        >>> round(loss, 4), accuracy  # (ln 2 + ln 4/3) / 2
        (0.4904, 1.0)
    """
    likely = np.log(np.maximum(_softmax(logits)[np.arange(len(labels)), labels], np.finfo(np.float32).tiny))
    return float(-likely.mean()), float((logits.argmax(axis=1) == labels).mean())


def _softmax(logits: Vectors) -> Vectors:
    with np.errstate(invalid="ignore"):  # infinity minus infinity: the loss becomes NaN, which is told
        raised = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)
