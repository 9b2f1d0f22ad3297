"""The result of a fine-tuning, with notes on what deserves attention."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from autoenc.encoders.applications import IMAGENET, RANDOM
from autoenc.images.finding import SkippedFile
from autoenc.models.bundle import Bundle
from autoenc.text import counted, shown

FEW_HELD_OUT = 100
"""Held-out images below which an accuracy is mostly chance."""


@dataclass(frozen=True, repr=False)
class FinetuningResult:
    """What `finetune` did.

    Attributes:
        bundle: the model, with its encoder and its classifier.
        classes: their names, in the order of the confusion matrix.
        epochs: how many were run in both phases, those of earlier sessions included.
        head_epochs: how many of them trained the head alone.
        best_epoch: the epoch whose weights were kept: the one with the lowest val_loss.
        seconds: time spent in epochs, validation included, over all sessions.
        features_seconds: time spent in this session on what the frozen base makes of the images.
        loss, accuracy: of the best epoch, over the altered copies that were trained on; with weights of classes.
        val_loss, val_accuracy: of the best epoch, over the held-out images; without weights.
        images: how many images were trained and validated on.
        held_out: how many of `images` were validated on and not trained on.
        confusion: counts of held-out images, a row for each true class, a column for each predicted class.
        history: one row per epoch: epoch, phase (1 for the head alone, 2 for the top blocks too), loss, accuracy,
            val_loss, val_accuracy, seconds.
        skipped: files that could not be read, and images that lie in no class folder.
        ignored: how many files of the folder are hidden or not images.
        stopped_early: whether a phase ended because val_loss had not fallen for `patience` epochs.
        resumed_after: the last epoch of the sessions before, 0 if there was none; None if not asked to resume.
        weights: what the base began with: a file, "imagenet" or "random".
    """

    bundle: Bundle
    classes: tuple[str, ...]
    epochs: int
    head_epochs: int
    best_epoch: int
    seconds: float
    features_seconds: float
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    images: int
    held_out: int
    confusion: list[list[int]]
    history: list[dict[str, float]]
    skipped: list[SkippedFile] = field(default_factory=list)
    ignored: int = 0
    stopped_early: bool = False
    resumed_after: int | None = None
    weights: str = IMAGENET

    @property
    def notes(self) -> list[str]:
        """What deserves attention, one or two sentences each; empty for a fine-tuning that went well."""
        notes = []
        if self.resumed_after:
            notes.append(f"Resumed after epoch {self.resumed_after}.")
        elif self.resumed_after == 0:
            notes.append("There was no finished epoch to resume after.")
        if self.weights == RANDOM:
            notes.append("The weights of the base were random: it had learned nothing before.")
        if self.skipped:
            notes.append(f"Skipped {counted(len(self.skipped), 'file')} that could not be read or have no class.")
        if self.ignored:
            notes.append(f"Ignored {counted(self.ignored, 'hidden or non-image file')}.")
        if self.best_epoch == self.epochs:
            notes.append("val_loss was lowest after the last epoch: more epochs may help.")
        if self.epochs > self.head_epochs >= self.best_epoch:
            notes.append(
                "Training the top blocks did not lower val_loss, so the best epoch of the head alone was kept. "
                "A lower top_learning_rate= may help."
            )
        if self.held_out < FEW_HELD_OUT:
            images = counted(self.held_out, "held-out image")
            notes.append(f"The accuracy was measured on {images}: too few to rely on.")
        return notes

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON can hold it, notes included."""
        return {
            **vars(self),
            "bundle": str(self.bundle.path),
            "classes": [*self.classes],
            "skipped": [skipped.to_dict() for skipped in self.skipped],
            "notes": self.notes,
        }

    def __repr__(self) -> str:
        return (
            f"<FinetuningResult {counted(self.images, 'image')}, {len(self.classes)} classes, val_accuracy "
            f"{self.val_accuracy:.3f} -> {shown(self.bundle.path)}>"
        )
