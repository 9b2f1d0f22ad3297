"""What is said of a training that has ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoenc import load_bundle
from autoenc.images.finding import SkippedFile
from autoenc.training.classes import Classes
from autoenc.training.descriptors import Mix
from autoenc.training.emphasis import Emphasis, Score
from autoenc.training.latents import LatentHealth
from autoenc.training.result import TrainingResult

HEALTHY = LatentHealth(0.5, 1.0, 2.0, effective_rank=20.4, dead=0, dim=32)
NARROW = LatentHealth(0.5, 1.0, 2.0, effective_rank=6.59, dead=0, dim=32)
COLLAPSED = LatentHealth(0.0, 0.0, 0.0, effective_rank=1.0, dead=32, dim=32)


def result(**given: Any) -> TrainingResult:
    """One with nothing to say of it, but for what is given."""
    usual: dict[str, Any] = {
        "bundle": load_bundle("clothing-32"),
        "epochs": 80,
        "best_epoch": 75,
        "seconds": 145.0,
        "images_per_second": 1500.0,
        "loss": 0.75,
        "val_loss": 0.8155417,
        "images": 3068,
        "found": 3068,
        "held_out": 307,
        "history": [],
        "health": HEALTHY,
        "cluster_map": 0.54,
    }
    return TrainingResult(**usual | given)


def skipped(count: int) -> list[SkippedFile]:
    return [SkippedFile(Path(f"{number}.jpg"), "Not an image.") for number in range(count)]


def test_a_training_that_went_well_needs_no_notes() -> None:
    assert result().notes == []


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ({"resumed_after": 7}, "Resumed after epoch 7."),
        (
            {"resumed_after": 0},
            "There was no finished epoch to resume after, so training started from the beginning.",
        ),
        ({"skipped": skipped(1)}, "Skipped 1 file that could not be read."),
        ({"ignored": 1}, "Ignored 1 hidden or non-image file."),
        (
            {"skipped": skipped(2), "ignored": 1200},
            "Skipped 2 files that could not be read and ignored 1,200 hidden or non-image files.",
        ),
        (
            {"stopped_early": True, "epochs": 95},
            "Stopped early, after epoch 95: val_loss was no longer falling.",
        ),
        ({"best_epoch": 80}, "val_loss was lowest after the last epoch: training for more epochs may help."),
        (
            {"held_out": 99},
            "Cluster mAP was measured on 99 held-out images: too few to compare settings by.",
        ),
        ({"held_out": 1}, "Cluster mAP was measured on 1 held-out image: too few to compare settings by."),
        (
            {"health": COLLAPSED, "best_epoch": 80},
            "The latents have collapsed: most images cannot be told apart by them. Train on more images or more varied "
            "ones, for more epochs, or with a lower learning rate.",
        ),
    ],
)
def test_what_deserves_a_note(given: dict[str, Any], note: str) -> None:
    assert result(**given).notes == [note]


def test_a_low_rank_after_a_short_training_is_told_from_a_collapse() -> None:
    _, note = result(health=NARROW, best_epoch=3, epochs=3).notes
    assert note == (
        "The latents use few of their dimensions (effective rank 6.6 of 32). This is not a collapse; it is "
        "common after a short training."
    )
    assert result(health=NARROW).notes == []


CODES = np.zeros(3068, np.int64)


@pytest.mark.parametrize(
    ("classes", "notes"),
    [
        (Classes(["hat", "shoe"], CODES, [1400, 1361], 0, []), []),
        (
            Classes(["hat", "shoe"], CODES, [1400, 1300], 61, []),
            ["61 images without a label: the term 'supervised' did not count them."],
        ),
        (
            Classes(["hat", "mug", "shoe"], CODES, [1, 1, 2759], 0, ["sock"]),
            [
                "Only one image to train on has the label hat and mug.",
                "Only held-out images have the label sock: nothing was learned of it.",
            ],
        ),
    ],
)
def test_labels_that_teach_little_are_noted(classes: Classes, notes: list[str]) -> None:
    assert result(classes=classes).notes == notes
    document = json.loads(json.dumps(result(classes=classes).to_dict(), allow_nan=False))
    assert document["classes"] == classes.to_dict()


@pytest.mark.parametrize("random", [False, True])
def test_a_teacher_of_random_weights_is_told(random: bool) -> None:
    notes = result(teacher={"name": "mobilenet", "random": random}).notes
    told = "The weights of the teacher mobilenet are random: there was nothing to learn from it."
    assert notes == [told] * random


def test_a_hundred_held_out_images_are_enough() -> None:
    assert result(held_out=100).notes == []


def test_notes_stand_in_the_order_of_what_happened() -> None:
    notes = result(resumed_after=3, ignored=2, best_epoch=80, held_out=5).notes
    assert [note.split()[0] for note in notes] == ["Resumed", "Ignored", "val_loss", "Cluster"]


def test_as_json_with_its_notes() -> None:
    document = json.loads(json.dumps(result(skipped=skipped(1), resumed_after=2).to_dict(), allow_nan=False))
    assert document["skipped"] == [{"path": "0.jpg", "reason": "Not an image."}]
    assert document["notes"] == ["Resumed after epoch 2.", "Skipped 1 file that could not be read."]
    assert document["health"]["collapsed"] is False
    assert (document["images"], document["found"], document["epochs"]) == (3068, 3068, 80)


def test_the_emphasis_is_told_as_bundle_json_tells_it() -> None:
    mix = Mix(edges=1, texture=0.5)
    emphasis = Emphasis("auto", mix, (Score(mix, 0.5, 0.5),))
    document = json.loads(json.dumps(result(emphasis=emphasis).to_dict(), allow_nan=False))
    assert document["emphasis"] == emphasis.to_dict()
    assert document["emphasis"]["weights"] == {"edges": 1, "color": 0, "texture": 0.5}
    assert result().to_dict()["emphasis"] is None


def test_its_repr_is_one_line() -> None:
    found = repr(result())
    assert found.startswith("<TrainingResult 3,068 images, best epoch 75 of 80, val_loss 0.81554 -> ")
    assert found.endswith("clothing-32>")
