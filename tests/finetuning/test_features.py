"""Features computed once for each altered copy, and taken up where an interrupted run left them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from autoenc.errors import TrainingError
from autoenc.finetuning import features
from autoenc.finetuning.features import GAIN, Copies, check_room, compute
from autoenc.images.alterations import altered_copies
from autoenc.progress import silent

IMAGES = np.random.default_rng(0).integers(0, 256, (70, 16, 16, 3), np.uint8)
TRAINING = np.flatnonzero(np.arange(70) % 7)
COPIES = Copies(70, TRAINING, 4)
FORMS = ((2, 2, 3), 3)


def described(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A base that averages: quarters of an image for its activations, all of it for its features."""
    quarters = images.reshape(-1, 2, 8, 2, 8, 3).mean(axis=(2, 4))
    return quarters.astype(np.float16), images.mean(axis=(1, 2)).astype(np.float32)


def expected(image: int, copy: int) -> np.ndarray:
    """A copy of an image, made alone."""
    plain = IMAGES[image : image + 1]
    if copy == 0:
        return plain
    return plain[:, :, ::-1] if copy == 1 else altered_copies(plain, seed=copy, indices=[image], gain=GAIN)


def test_each_row_is_the_copy_that_it_stands_for() -> None:
    rows = np.random.default_rng(1).permutation(COPIES.rows)
    made = COPIES.images(rows, IMAGES)
    where = {int(row): at for at, row in enumerate(rows)}
    assert COPIES.rows == 70 + 3 * 60 == len(where)
    for position, image in enumerate(TRAINING):
        for copy in range(4):
            (row,) = COPIES.row(np.array([position]), np.array([copy]))
            assert np.array_equal(made[where[int(row)]], expected(int(image), copy)[0]), (image, copy)
    for image in np.flatnonzero(np.arange(70) % 7 == 0):  # held out: as they are
        assert np.array_equal(made[where[int(image)]], IMAGES[image])


class Counted(NamedTuple):
    seen: list[int]

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.seen.append(len(images))
        return described(images)


def test_every_copy_is_described_once(tmp_path: Path) -> None:
    base = Counted([])
    found = compute(base, FORMS, COPIES, IMAGES, tmp_path, silent)
    everything = described(COPIES.images(np.arange(COPIES.rows), IMAGES))
    np.testing.assert_array_equal(found.activations, everything[0])
    np.testing.assert_array_equal(found.features, everything[1])
    assert sum(base.seen) == COPIES.rows
    again = compute(base, FORMS, COPIES, IMAGES, tmp_path, silent)
    np.testing.assert_array_equal(again.features, found.features)
    assert sum(base.seen) == COPIES.rows


@pytest.mark.parametrize("cut", [1, 24 * 10 + 5, 24 * 200])
@pytest.mark.parametrize("name", [features.ACTIVATIONS, features.FEATURES])
def test_what_is_missing_is_computed_anew(tmp_path: Path, name: str, cut: int) -> None:
    """A row takes 24 bytes of activations and 12 of features; a row in part is none."""
    whole = compute(described, FORMS, COPIES, IMAGES, tmp_path, silent)
    kept = np.array(whole.activations), whole.features
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[:-cut])
    base = Counted([])
    found = compute(base, FORMS, COPIES, IMAGES, tmp_path, silent)
    np.testing.assert_array_equal(found.activations, kept[0])
    np.testing.assert_array_equal(found.features, kept[1])
    width = 24 if name == features.ACTIVATIONS else 12
    assert sum(base.seen) == min(COPIES.rows, -(-cut // width))


def test_one_copy_is_the_images_themselves(tmp_path: Path) -> None:
    copies = Copies(70, TRAINING, 1)
    found = compute(described, FORMS, copies, IMAGES, tmp_path, silent)
    np.testing.assert_array_equal(found.features, described(IMAGES)[1])


def test_a_disk_without_room_for_what_is_left_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(features.shutil, "disk_usage", lambda _: Usage(100))
    with pytest.raises(TrainingError, match=r"70 images takes .* GB free\. Lower copies=, or free some room"):
        check_room(FORMS, COPIES, tmp_path, begun=False)
    with pytest.raises(TrainingError, match=r"GB free\. Free some room"):
        check_room(FORMS, COPIES, tmp_path, begun=True)
    (tmp_path / features.ACTIVATIONS).write_bytes(bytes(24 * (COPIES.rows - 2)))
    (tmp_path / features.FEATURES).write_bytes(bytes(12 * (COPIES.rows - 2)))
    check_room(FORMS, COPIES, tmp_path, begun=True)  # two rows of 24 + 12 bytes are left


def test_a_disk_that_fills_up_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be written: No space left"):
        compute(_full, FORMS, COPIES, IMAGES, tmp_path, silent)


def _full(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    raise OSError(28, "No space left on device")


def test_progress_counts_rows(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    compute(described, FORMS, COPIES, IMAGES, tmp_path, lambda stage, done, total, _: told.append((stage, done, total)))
    assert told[0] == ("features", 32, 250)
    assert told[-1] == ("features", 250, 250)
