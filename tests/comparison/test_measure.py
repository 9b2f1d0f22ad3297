"""One encoder on one split: the pixels that it is given, and the differences between two."""

from __future__ import annotations

import dataclasses

import numpy as np
from comparisons import scores

from autoenc.comparison.forward import Forward
from autoenc.comparison.measure import differences, measure
from autoenc.comparison.split import Split
from autoenc.encoders.base import Encoder
from autoenc.images.decoding import resized_batch
from autoenc.progress import silent
from autoenc.vectors import Images, Vectors


class Watcher(Encoder):
    """Keeps the last pictures that it is given."""

    def __init__(self, size: int) -> None:
        self.name, self.dim, self.input_size, self.fingerprint = "watcher", 3, size, "watcher:1"
        self.last: Images | None = None

    def _encode(self, images: Images) -> Vectors:
        self.last = images.copy()
        return images.mean(axis=(1, 2)).astype(np.float32)


def test_an_encoder_is_given_the_pixels_that_indexing_would_give_it() -> None:
    gallery = np.random.default_rng(0).integers(0, 256, (6, 24, 24, 3), dtype=np.uint8)
    numbers = np.arange(6)
    split = Split(
        gallery=gallery,
        queries=None,
        own=numbers,
        gallery_codes=numbers % 2,
        query_codes=numbers % 2,
        labeled=numbers,
        altered=numbers,
        seed=0,
    )
    for size in (12, 24, 32):
        watcher = Watcher(size)
        assert measure(watcher, Forward(split, [watcher]), silent).dim == 3
        assert watcher.last is not None
        np.testing.assert_array_equal(watcher.last[:6], resized_batch(gallery, size))


def test_differences_are_between_the_first_trained_encoder_or_the_first_and_every_other() -> None:
    hard = np.random.default_rng(1).random(200)  # queries differ far more than the encoders do
    encoders = {
        "edges": scores("edges", hard * 0.8),
        "mine": scores("mine", hard * 0.8 + 0.01, origin="models/mine"),
        "same": scores("same", hard * 0.8 + 0.01, origin="models/same"),
    }
    found = {(item.b, item.metric): item for item in differences(encoders)}
    assert {item.a for item in found.values()} == {"mine"}
    ahead, even = found["edges", "map"], found["same", "map"]
    assert (ahead.mean, ahead.ci_low, ahead.ci_high) == (0.01, 0.01, 0.01)
    assert ahead.excludes_zero
    assert (even.mean, even.ci_low, even.ci_high) == (0, 0, 0)
    assert not even.excludes_zero
    untrained = {name: dataclasses.replace(found, origin=None) for name, found in encoders.items()}
    backward = {(item.b, item.metric): item for item in differences(untrained)}["same", "map"]
    assert (backward.a, backward.mean, backward.excludes_zero) == ("edges", -0.01, True)
