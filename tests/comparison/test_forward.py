"""One forward pass a picture: what is encoded, how often, and what that gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autoenc.comparison import forward as module
from autoenc.comparison.forward import Forward, unit_vectors
from autoenc.comparison.split import Split
from autoenc.comparison.vector_files import VectorFolder
from autoenc.encoders.base import Encoder
from autoenc.encoders.projection import Projection
from autoenc.images.decoding import resized_batch
from autoenc.vectors import Images, Vectors, unit_rows


class Counting(Encoder):
    """Mean and spread of each channel. Keeps all that it is given."""

    def __init__(self, size: int = 12, fingerprint: str = "counting-1") -> None:
        self.name, self.dim, self.input_size, self.fingerprint = "counting", 6, size, fingerprint
        self.model_bytes = 1000
        self.given: list[Images] = []

    @property
    def seen(self) -> int:
        return sum(map(len, self.given))

    def _encode(self, images: Images) -> Vectors:
        self.given.append(images.copy())
        flat = images.reshape(len(images), -1, 3).astype(np.float32)
        return np.concatenate([flat.mean(axis=1), flat.std(axis=1)], axis=1)


def split_of(images: Images, queries: Images | None = None) -> Split:
    count = len(images if queries is None else queries)
    numbers = np.arange(count)
    return Split(
        gallery=images,
        queries=queries,
        own=numbers if queries is None else np.full(count, -1),
        gallery_codes=np.arange(len(images)) % 2,
        query_codes=numbers % 2,
        labeled=numbers,
        altered=np.arange(4),
        seed=0,
    )


@pytest.fixture
def images() -> Images:
    return np.random.default_rng(0).integers(0, 256, (20, 24, 24, 3), dtype=np.uint8)


def test_every_picture_is_encoded_once_and_the_first_once_more_to_warm_up(images: Images) -> None:
    for queries, count in ((None, 20 + 4), (images[:3] // 2, 20 + 3 + 4)):
        encoder, split = Counting(), split_of(images, queries)
        found = Forward(split, [encoder]).vectors(encoder)
        assert encoder.seen == count + 1
        expected = Counting()
        np.testing.assert_array_equal(found.gallery, expected.encode(resized_batch(images, 12)))
        np.testing.assert_array_equal(found.copies, expected.encode(resized_batch(split.copies, 12)))
        if queries is None:
            assert found.queries is None
        else:
            np.testing.assert_array_equal(found.queries, expected.encode(resized_batch(queries, 12)))
        assert found.ms_per_image > 0


def test_an_encoder_and_its_projections_share_a_pass(images: Images) -> None:
    encoder = Counting()
    all_of = [Projection(encoder, 2), encoder, Projection(Projection(encoder, 4), 3)]
    forward = Forward(split_of(images), all_of)
    found = [forward.vectors(each) for each in all_of]
    assert encoder.seen == 20 + 4 + 1
    assert forward._shared == {}, "nothing is held after the last"
    alone = Counting()
    fitted = Projection(alone, 2).fit([resized_batch(images, 12)])
    np.testing.assert_array_equal(found[0].gallery, fitted.encode(resized_batch(images, 12)))
    assert found[0].ms_per_image > found[1].ms_per_image, "the projection takes time of its own"
    assert all_of[0].model_bytes == 1000 + 8 * (6 + 6 * 2), "and has a mean and axes of its own"


def test_a_projection_that_was_fitted_elsewhere_stays_as_it_is(images: Images) -> None:
    encoder = Counting()
    fitted = Projection(encoder, 2).fit([resized_batch(images[:9], 12)])
    expected = fitted.encode(resized_batch(images, 12))
    np.testing.assert_array_equal(Forward(split_of(images), [fitted]).vectors(fitted).gallery, expected)


class Whole(Counting):
    """The pixels themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.dim = 12 * 12 * 3

    def _encode(self, images: Images) -> Vectors:
        self.given.append(images)
        return np.asarray(images.reshape(len(images), -1), np.float32)


def test_vectors_longer_than_pixels_are_not_held(images: Images, tmp_path: Path) -> None:
    for _ in range(2):
        encoder = Whole()
        both = [Projection(encoder, 2), encoder]
        forward = Forward(split_of(images), both, VectorFolder(tmp_path))
        projected, whole = (forward.vectors(each) for each in both)
        small = resized_batch(images, 12)
        np.testing.assert_array_equal(whole.gallery, small.reshape(20, -1))
        expected = Projection(Whole(), 2).fit([small]).encode(small)
        np.testing.assert_allclose(projected.gallery, expected, atol=1e-3)
        assert forward._shared == {}
    (note, *_) = forward.notes()
    assert note.endswith(": 24 of counting+pca2."), "what is projected is short"


def test_batches_run_across_gallery_queries_and_copies(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parts = Counting(), Counting()
    split = split_of(images, images[:3] // 2)
    expected = Forward(split, [whole]).vectors(whole)
    monkeypatch.setattr(module, "BATCH", 7)
    found = Forward(split, [parts]).vectors(parts)
    assert [len(batch) for batch in parts.given] == [1, 7, 7, 7, 6]
    for one, other in zip(found[:3], expected[:3], strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_known_is_not_encoded_again(images: Images, tmp_path: Path) -> None:
    def run(pictures: Images, encoder: Counting) -> tuple[int, Forward, module.Encoded]:
        forward = Forward(split_of(pictures), [encoder, Projection(encoder, 2)], VectorFolder(tmp_path))
        found = forward.vectors(encoder)
        forward.vectors(Projection(encoder, 2))
        return encoder.seen, forward, found

    first, forward, expected = run(images, Counting())
    assert (first, list(forward.notes())) == (20 + 4 + 1, [])
    again, forward, found = run(images, Counting())
    assert again == 0, "not even to warm up"
    for one, other in zip(found[:3], expected[:3], strict=True):
        assert other is one is None or np.array_equal(one, other)
    assert found.ms_per_image == pytest.approx(expected.ms_per_image)
    assert list(forward.notes()) == [
        f"Vectors of an earlier run were taken from {tmp_path}: 24 of counting.",
        "The milliseconds per image of counting are those that it measured.",
    ]
    changed = images.copy()
    changed[17] //= 2
    seen, forward, found = run(changed, Counting())
    assert seen == 1 + 1, "the picture that has changed, and a warm-up"
    np.testing.assert_array_equal(found.gallery, Counting().encode(resized_batch(changed, 12)))
    assert run(images, Counting(fingerprint="counting-2"))[0] == 20 + 4 + 1
    assert run(images, Counting(size=16))[0] == 20 + 4 + 1


def test_many_new_pictures_measure_the_time_anew(
    images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MEASURED", 10)
    for pictures in (images, images // 2):
        encoder = Counting()
        forward = Forward(split_of(np.concatenate([images[:5], pictures])), [encoder], VectorFolder(tmp_path))
        forward.vectors(encoder)
    (note,) = forward.notes()
    assert note == f"Vectors of an earlier run were taken from {tmp_path}: 9 of counting.", "5, and 4 copies of them"


def test_the_time_is_that_of_the_median_batch_in_this_run_and_in_the_next(
    images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 8)
    took = iter([90.0, 2.0, 1.0])  # seconds of three batches of 8

    def timed(function: Callable[[Images], Vectors], batch: Images) -> tuple[Vectors, float]:
        return function(batch), next(took)

    monkeypatch.setattr(module, "_timed", timed)
    for _ in range(2):
        encoder = Counting()
        found = Forward(split_of(images), [encoder], VectorFolder(tmp_path)).vectors(encoder)
        assert found.ms_per_image == pytest.approx(2 / 8 * 1000)


def test_lengths_become_one_in_batches() -> None:
    vectors = np.random.default_rng(0).random((600, 3), dtype=np.float32)
    np.testing.assert_array_equal(unit_vectors(vectors), unit_rows(vectors))
