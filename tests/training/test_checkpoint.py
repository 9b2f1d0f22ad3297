"""The saved state of a training: read with distrust, since it may be damaged or come from anyone."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoenc.errors import TrainingError
from autoenc.training.checkpoint import Checkpoint
from autoenc.training.state import State

SETTINGS = {"seed": 0, "objectives": [{"name": "reconstruction", "weight": 1.0}]}
ROW = {"epoch": 1, "loss": 0.5, "val_loss": 0.4, "seconds": 2.0}
WEIGHTS: list[Any] = [np.ones((2, 3), np.float32), np.array(7)]


@pytest.fixture
def saved(tmp_path: Path) -> Checkpoint:
    checkpoint = Checkpoint(tmp_path / "m")
    checkpoint.save(State(SETTINGS, [ROW], WEIGHTS, WEIGHTS))
    return checkpoint


def file(checkpoint: Checkpoint) -> Path:
    return checkpoint.folder / "state.npz"


def refusal(checkpoint: Checkpoint) -> str:
    """The error in which reading ends: one line that says what to do."""
    with pytest.raises(TrainingError) as raised:
        checkpoint.check_fits(checkpoint.state(SETTINGS), WEIGHTS)
    message = str(raised.value)
    assert message.isprintable()
    assert len(message) < 700
    assert "elete that folder" in message
    return message


def test_what_was_saved_is_read(saved: Checkpoint) -> None:
    state = saved.state(SETTINGS)
    assert (state.settings, state.history) == (SETTINGS, [ROW])
    for arrays in (state.current, state.best):
        np.testing.assert_array_equal(arrays[0], WEIGHTS[0])
    saved.check_fits(state, WEIGHTS)


# ---- what a teacher made ----------------------------------------------------------------------------

VECTORS = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_a_teachers_vectors_are_read_for_the_same_teacher_and_images(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "m")
    assert checkpoint.kept_vectors("edges of these", (3, 2)) is None
    checkpoint.keep_vectors("edges of these", VECTORS)
    found = checkpoint.kept_vectors("edges of these", (3, 2))
    assert found is not None
    np.testing.assert_array_equal(found, VECTORS)
    assert checkpoint.kept_vectors("edges of those", (3, 2)) is None
    assert checkpoint.kept_vectors("edges of these", (2, 3)) is None


@pytest.mark.parametrize("vectors", [VECTORS.astype(float), np.full((3, 2), np.nan, np.float32), np.zeros(0)])
def test_vectors_that_no_teacher_made_are_made_anew(tmp_path: Path, vectors: Any) -> None:
    checkpoint = Checkpoint(tmp_path / "m")
    checkpoint.keep_vectors("key", vectors)
    assert checkpoint.kept_vectors("key", (3, 2)) is None


def test_damaged_vectors_are_made_anew(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "m")
    checkpoint.keep_vectors("key", VECTORS)
    path = checkpoint.folder / "teacher.npz"
    whole = path.read_bytes()
    for kept in (0, 1, 100, len(whole) - 1):
        path.write_bytes(whole[:kept])
        assert checkpoint.kept_vectors("key", (3, 2)) is None
    np.savez_compressed(path, key=np.frombuffer(b"key", np.uint8), vectors=VECTORS)
    assert checkpoint.kept_vectors("key", (3, 2)) is None


def test_a_teachers_vectors_outlast_a_training_that_is_stopped_before_its_first_epoch_ends(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "m")
    with checkpoint.locked():
        pass
    assert not checkpoint.folder.exists()
    with checkpoint.locked():
        checkpoint.keep_vectors("key", VECTORS)
    assert checkpoint.kept_vectors("key", (3, 2)) is not None
    checkpoint.check(resume=False)  # it is no unfinished training
    with checkpoint.locked():
        checkpoint.remove()
    assert not checkpoint.folder.exists()


# ---- what is none -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        [],
        {},
        {"settings": [], "history": [ROW]},
        {"settings": SETTINGS, "history": []},
        {"settings": SETTINGS, "history": 5},
        {"settings": SETTINGS, "history": [5]},
        {"settings": SETTINGS, "history": [{**ROW, "epoch": 2}]},
        {"settings": SETTINGS, "history": [{**ROW, "loss": "\x1b[31m"}]},
        {"settings": SETTINGS, "history": [{**ROW, "val_loss": float("nan")}]},
        {"settings": SETTINGS, "history": [{"epoch": 1}]},
        {"settings": {**SETTINGS, "objectives": ["\x1b[31m" * 999]}, "history": [ROW]},
        {"settings": {**SETTINGS, "objectives": [{"name": "\x1b" * 999, "\x1b": [[]]}]}, "history": [ROW]},
    ],
)
def test_a_header_that_is_none(saved: Checkpoint, header: object) -> None:
    np.savez(file(saved), header=np.frombuffer(json.dumps(header).encode(), np.uint8), current_0=1, best_0=1)
    refusal(saved)


def test_a_header_nested_too_deeply(saved: Checkpoint) -> None:
    np.savez(file(saved), header=np.frombuffer(b"[" * 100_000, np.uint8))
    assert "recursion" in refusal(saved)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ([], "not those of this model"),
        (WEIGHTS[:1], "not those of this model"),
        ([np.ones((3, 2), np.float32), np.array(7)], "not those of this model"),
        ([np.ones((2, 3)), np.array(7)], "not those of this model"),
        ([np.full((2, 3), np.nan, np.float32), np.array(7)], "NaN or infinity"),
    ],
)
@pytest.mark.parametrize("which", ["current", "best"])
def test_weights_of_another_model(saved: Checkpoint, weights: list[Any], reason: str, which: str) -> None:
    saved.save(State(SETTINGS, [ROW], **{"current": WEIGHTS, "best": WEIGHTS, which: weights}))
    assert reason in refusal(saved)


def test_pickled_objects_are_never_loaded(saved: Checkpoint, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return Path.touch, (tmp_path / "sprung",)

    np.savez(file(saved), header=np.array([Trap()], object), allow_pickle=True)
    assert "allow_pickle=False" in refusal(saved)
    assert not (tmp_path / "sprung").exists()


def test_a_file_that_unpacks_to_more_than_it_is(saved: Checkpoint) -> None:
    np.savez_compressed(file(saved), header=np.zeros(10**7, np.uint8))
    assert "it is compressed" in refusal(saved)


def test_an_array_that_promises_360_gb(saved: Checkpoint) -> None:
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(array, {"descr": "|u1", "fortran_order": False, "shape": (360 * 10**9,)})
    with zipfile.ZipFile(file(saved), "w") as archive:
        archive.writestr("header.npy", array.getvalue())
    refusal(saved)


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_truncated_file(saved: Checkpoint, kept: int) -> None:
    file(saved).write_bytes(file(saved).read_bytes()[:kept])
    refusal(saved)


def test_any_changed_byte(saved: Checkpoint) -> None:
    """What is read after it is a state, or the error says what to do."""
    whole = file(saved).read_bytes()
    for at in range(0, len(whole), 7):
        file(saved).write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            saved.check_fits(saved.state(SETTINGS), WEIGHTS)
        except TrainingError as error:
            said = str(error)
            assert "elete that folder" in said


def test_a_training_may_keep_other_columns_and_files(tmp_path: Path) -> None:
    row = {**ROW, "accuracy": 0.75}
    checkpoint = Checkpoint(tmp_path / "m", columns=[*row], files=["features.bin"])
    checkpoint.save(State(SETTINGS, [row], WEIGHTS, WEIGHTS[:1]))
    (checkpoint.folder / "features.bin").write_bytes(b"")
    checkpoint.check(resume=True)
    state = checkpoint.state(SETTINGS)
    assert state.history == [row]
    checkpoint.check_fits(state, WEIGHTS, WEIGHTS[:1])
    with pytest.raises(TrainingError, match="not those of this model"):
        checkpoint.check_fits(state, WEIGHTS)
    with pytest.raises(TrainingError, match="epoch 1 of its history is missing"):
        Checkpoint(tmp_path / "m", files=["features.bin"]).state(SETTINGS)
    with pytest.raises(TrainingError, match="where something else is"):
        Checkpoint(tmp_path / "m", columns=[*row]).check(resume=True)


def test_a_training_may_be_saved_before_its_first_epoch(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "m")
    with checkpoint.locked():
        checkpoint.save(State(SETTINGS))
    assert checkpoint.state(SETTINGS) == State(SETTINGS)
    with pytest.raises(TrainingError, match="resume=True"):
        checkpoint.check(resume=False)
