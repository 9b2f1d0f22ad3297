"""Altered copies: the same every time, mild, and truly altered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoenc.errors import ArgumentError
from autoenc.images.alterations import GAIN, MIN_AREA, altered_copies
from autoenc.images.files import load_image


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3)).astype(np.uint8)


def test_shape_dtype_and_the_original_untouched(pictures: np.ndarray) -> None:
    before = pictures.copy()
    copies = altered_copies(pictures)
    assert copies.shape == pictures.shape
    assert copies.dtype == np.uint8
    np.testing.assert_array_equal(pictures, before)
    assert all(not np.array_equal(copy, picture) for copy, picture in zip(copies, pictures, strict=True))


def test_depends_on_seed_and_number_alone(pictures: np.ndarray) -> None:
    whole = altered_copies(pictures, seed=4)
    np.testing.assert_array_equal(altered_copies(pictures, seed=4), whole)
    order = [7, 2, 11]
    np.testing.assert_array_equal(altered_copies(pictures[order], seed=4, indices=order), whole[order])
    assert not np.array_equal(altered_copies(pictures, seed=5), whole)
    assert not np.array_equal(altered_copies(pictures, seed=(4, 1)), altered_copies(pictures, seed=(5, 1)))
    assert not np.array_equal(altered_copies(pictures, seed=4, indices=range(1, 13)), whole)


def test_read_only_and_odd_shapes() -> None:
    tall = np.full((2, 20, 7, 3), 90, np.uint8)
    tall.flags.writeable = False
    assert altered_copies(tall).shape == (2, 20, 7, 3)
    assert altered_copies(tall[:0]).shape == (0, 20, 7, 3)


@pytest.mark.parametrize("gain", [0.05, GAIN, 1.0])
def test_gains_stay_within_their_limits(gain: float) -> None:
    # On a flat gray picture, crop, flip and contrast change nothing: what is left is brightness times channel.
    copies = altered_copies(np.full((400, 4, 4, 3), 60, np.uint8), gain=gain)
    assert (copies == copies[:, :1, :1]).all()
    colors = copies[:, 0, 0].astype(float)
    low, high = 60 * (1 - gain) ** 2, 60 * (1 + gain) ** 2
    assert colors.min() >= round(low)
    assert colors.max() <= round(high)
    assert colors.min() < low + 0.1 * (high - low)  # and the range is used
    assert colors.max() > high - 0.2 * (high - low)
    assert (np.ptp(colors, axis=1) > 0).mean() > 0.9  # channels differ


def test_the_default_gain_is_what_it_was() -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
    np.testing.assert_array_equal(altered_copies(pictures, seed=2), altered_copies(pictures, seed=2, gain=0.3))
    assert GAIN == 0.3


def test_without_gain_no_color_changes() -> None:
    """A picture of one color stays as it is; of two, a copy has no others but what lies between them."""
    color = np.array([200, 90, 10], np.uint8)
    flat = np.broadcast_to(color, (50, 32, 32, 3))
    np.testing.assert_array_equal(altered_copies(flat, gain=0.0), flat)
    halves = flat.copy()
    halves[:, 16:] = 255 - color
    copies = altered_copies(halves, gain=0.0).astype(int)
    assert (copies >= np.minimum(color, 255 - color)).all()
    assert (copies <= np.maximum(color, 255 - color)).all()
    shares = (copies - (255 - color)) / (2.0 * color - 255)  # of the upper half's color, by channel
    assert np.ptp(shares, axis=3).max() < 0.03


def test_the_gain_changes_neither_crop_nor_flip(pictures: np.ndarray) -> None:
    """What is drawn for a picture is drawn alike: where a little is recolored, the same is cut and mirrored."""
    plain = altered_copies(pictures, seed=4, gain=0.0).astype(float)
    recolored = altered_copies(pictures, seed=4, gain=0.05).astype(float)
    assert not np.array_equal(plain, recolored)
    for one, other in zip(plain, recolored, strict=True):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.95


def test_crop_and_flip() -> None:
    ramp = np.broadcast_to(np.arange(0, 256, 8, dtype=np.uint8)[None, :, None], (32, 32, 3))
    copies = altered_copies(np.stack([ramp] * 300), gain=0.0).astype(float)
    slope = copies[:, 16, -1, 0] - copies[:, 16, 0, 0]
    mirrored = (slope < 0).mean()
    assert 0.4 < mirrored < 0.6
    kept = (np.abs(slope) / 248) ** 2  # the share of the width, squared, is the share of the area
    assert kept.min() >= MIN_AREA - 0.08  # a resize by half pixels narrows the ends
    assert kept.min() < 0.66
    assert kept.max() > 0.95
    np.testing.assert_array_equal(copies[:, 0], copies[:, -1])  # rows of a ramp stay alike


def test_a_copy_of_a_photo_is_nearer_to_it_than_to_the_others(photos: list[Path]) -> None:
    pictures = np.stack([load_image(path, 32).pixels for path in photos[:60]])
    copies = altered_copies(pictures, seed=1)

    def unit(batch: np.ndarray) -> np.ndarray:
        flat = batch.reshape(len(batch), -1).astype(float)
        flat -= flat.mean(axis=1, keepdims=True)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    # Cut, mirrored or not, half of the copies still lie nearest to their own original: mild, but no identity.
    nearest = np.maximum(unit(copies) @ unit(pictures).T, unit(copies[:, :, ::-1]) @ unit(pictures).T).argmax(axis=1)
    assert 0.5 < (nearest == np.arange(60)).mean() <= 1


@pytest.mark.parametrize(
    ("images", "options"),
    [
        (np.zeros((2, 4, 4), np.uint8), {}),
        (np.zeros((2, 4, 4, 3), np.float32), {}),
        (np.zeros((2, 4, 4, 3), np.uint8), {"indices": [1]}),
        (np.zeros((2, 4, 4, 3), np.uint8), {"indices": [1, -1]}),
        (np.zeros((2, 4, 4, 3), np.uint8), {"seed": -1}),
        (np.zeros((2, 4, 4, 3), np.uint8), {"seed": (1, -1)}),
        (np.zeros((2, 4, 4, 3), np.uint8), {"seed": ()}),
    ],
)
def test_refuses(images: np.ndarray, options: dict[str, object]) -> None:
    with pytest.raises(ArgumentError, match=r"Expected .*; got"):
        altered_copies(images, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("gain", [-0.1, 1.1, float("nan"), float("inf")])
def test_refuses_a_gain_out_of_range(gain: float) -> None:
    with pytest.raises(ArgumentError, match=r"gain= must be a number from 0 to 1; got "):
        altered_copies(np.zeros((2, 4, 4, 3), np.uint8), gain=gain)
