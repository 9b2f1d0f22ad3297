"""The result of a training, with notes on what deserves attention."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autoenc.images.finding import SkippedFile
from autoenc.models.bundle import Bundle
from autoenc.text import counted, shown, some
from autoenc.training.latents import LatentHealth

if TYPE_CHECKING:
    from autoenc.training.classes import Classes
    from autoenc.training.emphasis import Emphasis

FEW_HELD_OUT = 100
"""Held-out images below which cluster mAP is mostly chance."""

LOW_RANK = 0.25
"""Effective rank, as a share of the dimensions, that trainings of a few epochs stay below."""


@dataclass(frozen=True, repr=False)
class TrainingResult:
    """What `train` did.

    Attributes:
        bundle: the trained model.
        epochs: how many were run, those of earlier sessions included.
        best_epoch: the epoch whose weights were kept: the one with the lowest val_loss.
        seconds: time spent in epochs, validation included, over all sessions.
        images_per_second: training images per second of the time spent in training steps, in this session.
        loss, val_loss: of the best epoch.
        images: how many images were trained and validated on.
        found: how many images there were to draw from; more than `images` if `max_images` drew a sample or some
            could not be read.
        held_out: how many of `images` were validated on and not trained on.
        history: one row per epoch: epoch, loss, val_loss, seconds.
        health: how many of their dimensions the latents use, and whether they have collapsed.
        cluster_map: how well held-out images retrieve, measured without labels; 0 is chance, 1 is perfect.
            Comparable between trainings with the same images, seed and emphasis. See
            `autoenc.training.clusters.cluster_map`.
        emphasis: the weights of edges, color and texture in what was learned, and how they were found; None for the
            objective "reconstruction" alone.
        teacher: what `bundle.json` says of the encoder that it learned from: name, fingerprint, dim, input_size, weight
            and whether its weights are random; None without one.
        classes: what the labels say; None for a training without labels.
        skipped: files that could not be read.
        ignored: how many files of the folder are hidden or not images.
        stopped_early: whether val_loss had not fallen for `patience` epochs.
        resumed_after: the last epoch of the sessions before, 0 if there was none; None if not asked to resume.
    """

    bundle: Bundle
    epochs: int
    best_epoch: int
    seconds: float
    images_per_second: float
    loss: float
    val_loss: float
    images: int
    found: int
    held_out: int
    history: list[dict[str, float]]
    health: LatentHealth
    cluster_map: float
    emphasis: Emphasis | None = None
    teacher: dict[str, Any] | None = None
    classes: Classes | None = None
    skipped: list[SkippedFile] = field(default_factory=list)
    ignored: int = 0
    stopped_early: bool = False
    resumed_after: int | None = None

    @property
    def notes(self) -> list[str]:
        """What deserves attention, one or two sentences each; empty for a training that went well."""
        return [
            note
            for note in (self._resumed(), self._left_out(), self._teacher(), *self._labels(), *self._course())
            if note
        ]

    def _resumed(self) -> str:
        if self.resumed_after is None:
            return ""
        if not self.resumed_after:
            return "There was no finished epoch to resume after, so training started from the beginning."
        return f"Resumed after epoch {self.resumed_after}."

    def _left_out(self) -> str:
        parts = []
        if self.skipped:
            parts.append(f"skipped {counted(len(self.skipped), 'file')} that could not be read")
        if self.ignored:
            parts.append(f"ignored {counted(self.ignored, 'hidden or non-image file')}")
        said = " and ".join(parts)
        return f"{said[:1].upper()}{said[1:]}." if said else ""

    def _teacher(self) -> str:
        if self.teacher is None or not self.teacher["random"]:
            return ""
        return f"The weights of the teacher {self.teacher['name']} are random: there was nothing to learn from it."

    def _labels(self) -> list[str]:
        if self.classes is None:
            return []
        notes = []
        if unlabeled := self.classes.unlabeled:
            notes.append(f"{counted(unlabeled, 'image')} without a label: the term 'supervised' did not count them.")
        if single := self.classes.single:
            notes.append(f"Only one image to train on has the label {some(single)}.")
        if left_out := self.classes.left_out:
            notes.append(f"Only held-out images have the label {some(left_out)}: nothing was learned of it.")
        return notes

    def _course(self) -> list[str]:
        health = self.health
        notes = []
        if self.stopped_early:
            notes.append(f"Stopped early, after epoch {self.epochs}: val_loss was no longer falling.")
        if health.collapsed:
            notes.append(
                "The latents have collapsed: most images cannot be told apart by them. Train on more images or more "
                "varied ones, for more epochs, or with a lower learning rate."
            )
        elif self.best_epoch == self.epochs:
            notes.append("val_loss was lowest after the last epoch: training for more epochs may help.")
            if health.effective_rank < LOW_RANK * health.dim:
                notes.append(
                    f"The latents use few of their dimensions (effective rank {health.effective_rank:.1f} of "
                    f"{health.dim}). This is not a collapse; it is common after a short training."
                )
        if self.held_out < FEW_HELD_OUT:
            images = counted(self.held_out, "held-out image")
            notes.append(f"Cluster mAP was measured on {images}: too few to compare settings by.")
        return notes

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON can hold it, notes included."""
        return {
            **vars(self),
            "bundle": str(self.bundle.path),
            "health": self.health.to_dict(),
            "emphasis": self.emphasis.to_dict() if self.emphasis else None,
            "classes": self.classes.to_dict() if self.classes else None,
            "skipped": [skipped.to_dict() for skipped in self.skipped],
            "notes": self.notes,
        }

    def __repr__(self) -> str:
        return (
            f"<TrainingResult {counted(self.images, 'image')}, best epoch {self.best_epoch} of {self.epochs}, "
            f"val_loss {self.val_loss:.5g} -> {shown(self.bundle.path)}>"
        )
