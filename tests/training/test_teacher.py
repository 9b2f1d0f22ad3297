"""What a teacher makes of the images, before a student learns it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoenc import create_encoder
from autoenc.encoders import Encoder
from autoenc.errors import ArgumentError, EncoderError, TrainingError
from autoenc.images.cache import load_pixels
from autoenc.images.finding import gather
from autoenc.progress import silent
from autoenc.training import teacher as teachers
from autoenc.training.teacher import beside, create_teacher, key_of, record_of, taught_rows, teach
from autoenc.vectors import Images, Vectors, unit_rows


class Means(Encoder):
    """The mean color of each image, and what it was given."""

    name, dim, input_size, fingerprint = "means", 3, 48, "means-1"

    def __init__(self) -> None:
        self.seen: list[Images] = []

    def _encode(self, images: Images) -> Vectors:
        self.seen.append(images)
        return np.asarray(images.mean(axis=(1, 2)), np.float32)


class Returns(Encoder):
    """Rows that were made beforehand."""

    name, dim, input_size, fingerprint = "returns", 2, 32, "returns-1"

    def __init__(self, rows: Any) -> None:
        self.rows = np.asarray(rows, np.float32)

    def _encode(self, images: Images) -> Vectors:
        return self.rows


def taught(teacher: Encoder, images: Any, progress: Any = silent) -> Vectors:
    items = [*gather(images).items]
    return teach(teacher, load_pixels(items, 32), items, progress)


# ---- one pass over the images -----------------------------------------------------------------------


def test_each_file_is_read_again_at_the_teachers_size(picture_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teachers, "_BATCH", 5)
    teacher, told = Means(), []
    vectors = taught(teacher, picture_folder, lambda *progress: told.append(progress))
    whole = load_pixels(gather(picture_folder).paths, 48).images
    assert [len(batch) for batch in teacher.seen] == [5, 5, 2]
    np.testing.assert_array_equal(np.concatenate(teacher.seen), whole)
    np.testing.assert_allclose(vectors, whole.mean(axis=(1, 2)), rtol=1e-5)
    assert told == [("teacher means", done, 12, "") for done in (5, 10, 12)]


def test_pictures_in_memory_are_resized_from_their_own_size() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 3), np.uint8)
    teacher = Means()
    taught(teacher, images)
    blocks = images.reshape(3, 48, 2, 48, 2, 3).mean(axis=(2, 4))  # not by way of 32x32
    np.testing.assert_allclose(np.concatenate(teacher.seen), blocks, atol=0.51)


def test_a_teacher_of_the_students_size_sees_what_was_read_for_the_student(picture_folder: Path) -> None:
    items = [*gather(picture_folder).items]
    pixels = load_pixels(items, 32)
    for path in gather(picture_folder).paths:
        path.unlink()
    np.testing.assert_array_equal(
        teach(create_encoder("edges"), pixels, items, silent), create_encoder("edges").encode(pixels.images)
    )


@pytest.mark.parametrize("change", [lambda path: path.unlink(), lambda path: path.write_bytes(b"other")])
def test_a_file_that_changes_between_the_two_readings_is_told(picture_folder: Path, change: Any) -> None:
    items = gather(picture_folder).paths
    pixels = load_pixels(items, 32)
    change(items[3])
    with pytest.raises(TrainingError, match=r"blue/3\.png changed while it was used for training"):
        teach(Means(), pixels, items, silent)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_names_its_image(picture_folder: Path, value: float) -> None:
    rows = np.ones((12, 2))
    rows[4, 1] = value
    with pytest.raises(TrainingError, match=r"'returns' made a vector with NaN or infinity of .*green/0\.png"):
        taught(Returns(rows), picture_folder)


def test_vectors_of_another_shape_than_promised_are_told(picture_folder: Path) -> None:
    with pytest.raises(TrainingError, match=r"'returns' was to make vectors of shape \(12, 2\); it made \(12, 3\)"):
        taught(Returns(np.ones((12, 3))), picture_folder)


# ---- what targets are made of -----------------------------------------------------------------------


def test_rows_are_principal_components_half_whitened_and_of_length_one() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(50, 6)) * [8, 4, 2, 1, 0.5, 0.25] + 7).astype(np.float32)
    fitted = np.arange(40)
    centered = vectors.astype(float) - vectors[fitted].mean(axis=0)
    _, singular, axes = np.linalg.svd(centered[fitted], full_matrices=False)
    deviations = singular / np.sqrt(40)
    expected = centered @ axes.T / np.sqrt(deviations)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    rows = taught_rows(Means(), vectors, fitted)
    np.testing.assert_allclose(rows * np.sign((rows * expected).sum(axis=0)), expected, atol=1e-4)


def test_of_many_numbers_64_components_are_kept() -> None:
    vectors = np.random.default_rng(0).normal(size=(90, 70)).astype(np.float32)
    assert taught_rows(Means(), vectors, np.arange(90)).shape == (90, 64)


@pytest.mark.parametrize("noise", [0, 1e-4])
def test_a_teacher_to_whom_all_images_are_the_same_is_told(noise: float) -> None:
    vectors = (1000 + noise * np.random.default_rng(0).random((20, 3))).astype(np.float32)
    with pytest.raises(
        TrainingError, match=r"'means' makes the same vector of all 20 different images to train on: nothing"
    ):
        taught_rows(Means(), vectors, np.arange(20))


def test_beside_the_descriptors_a_teacher_weighs_as_much_as_they_do_together() -> None:
    rng = np.random.default_rng(0)
    described, taught = (unit_rows(rng.normal(size=(5, size)).astype(np.float32)) for size in (4, 6))
    rows = beside(described, taught)
    np.testing.assert_allclose(rows @ rows.T, (described @ described.T + taught @ taught.T) / 2, atol=1e-6)


# ---- who can teach ----------------------------------------------------------------------------------


def test_a_teacher_is_named_or_given() -> None:
    assert create_teacher("edges").name == "edges"
    assert isinstance(create_teacher(Means()), Means)
    assert record_of(create_teacher(Means())) == {
        "name": "means",
        "fingerprint": "means-1",
        "dim": 3,
        "input_size": 48,
        "weight": 1,
        "random": False,
    }


def test_two_teachers_of_one_name_are_told_apart_by_their_fingerprints() -> None:
    other = Means()
    other.fingerprint = "means-2"
    assert key_of(Means()) == key_of(Means()) != key_of(other)


def test_weights_are_those_of_a_pretrained_teacher() -> None:
    with pytest.raises(ArgumentError, match="weights= are for pretrained encoders"):
        create_teacher("edges", {"edges": "edges.h5"})
    with pytest.raises(ArgumentError, match="weights= names mobilenet, and the encoders are edges: name it among"):
        create_teacher("edges", {"mobilenet": "absent.weights.h5"})
    pytest.importorskip("keras", reason="MobileNet needs TensorFlow: pip install 'autoenc[train]'")
    with pytest.raises(EncoderError, match=r"absent\.weights\.h5"):
        create_teacher("mobilenet", {"mobilenet": "absent.weights.h5"})


@pytest.mark.parametrize(
    ("teacher", "error", "message"),
    [
        ("learned", ArgumentError, r"does not say which model\. .*name onnx:FILE; in Python, pass the Encoder"),
        ("edges+pca32", ArgumentError, "which must be fitted. Name 'edges'"),
        ("magic", EncoderError, "Unknown encoder 'magic'"),
        (5, ArgumentError, "names of encoders, or instances"),
    ],
)
def test_what_cannot_teach_is_refused(teacher: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        create_teacher(teacher)
