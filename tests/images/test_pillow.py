"""Pillow's modes become eight bits; tests/images/test_decoding.py holds what whole files become."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from autoenc.errors import ImageDecodeError, ImageTooLargeError
from autoenc.images import headers, pillow
from autoenc.images.decoding import decode
from autoenc.images.pillow import _gray_to_rgb, _to_rgb, load_rgb


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 128, 257, 25700, 65535]], np.uint16), [0, 0, 1, 100, 255]),  # 65,535 / 255 = 257
        (np.array([[0, 128, 257, 25700, 65535]], ">u2"), [0, 0, 1, 100, 255]),
        (np.array([[-5, 0, 25700, 65535]], np.int32), [0, 0, 100, 255]),
        (np.array([[0, 2**30, 2**31 - 1]], np.int32), [0, 128, 255]),
        (np.array([[-1.0, 0.25, 1.0, np.inf, np.nan]], np.float32), [0, 64, 255, 0, 0]),
        (np.array([[0.0, 100.0, 200.0]], np.float32), [0, 100, 200]),
        (np.array([[0.0, 500.0, 1000.0]], np.float32), [0, 128, 255]),
    ],
    ids=["16-bit", "16-bit-big-endian", "32-bit-to-65535", "32-bit", "float-to-1", "float-to-255", "float-beyond"],
)
def test_wide_gray_becomes_eight_bits(values: np.ndarray, expected: list[int]) -> None:  # type: ignore[type-arg]
    pixels = _gray_to_rgb(values)
    assert pixels.shape == (1, len(expected), 3)
    assert pixels.dtype == np.uint8
    for channel in range(3):
        assert pixels[0, :, channel].tolist() == expected


def test_wide_gray_takes_few_bytes_a_pixel() -> None:
    """The gray result and its three channels, 4 bytes a pixel; it was 24 with a float64 in between."""
    values = np.full((1000, 1000), 25700, np.uint16)
    tracemalloc.start()
    try:
        _gray_to_rgb(values)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * values.size


def test_a_picture_that_memory_is_too_small_for_is_not_called_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise MemoryError

    picture = Image.new("RGB", (4, 4))
    monkeypatch.setattr(picture, "load", fail)
    with pytest.raises(ImageTooLargeError, match="not enough memory to decode"):
        load_rgb(picture)


@pytest.mark.parametrize(
    "mode",
    ["1", "L", "P", "P transparent", "RGB", "RGB transparent", "RGBA", "LA", "PA", "CMYK", "YCbCr", "I", "I;16", "F"],
)
def test_a_picture_converted_in_strips_has_the_same_pixels(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).integers(0, 256, (70, 31, 4), dtype=np.uint8)
    mode, _, transparent = mode.partition(" ")
    if mode in ("I", "F", "I;16"):
        kind = {"I": np.int32, "F": np.float32, "I;16": np.uint16}[mode]
        image = Image.fromarray((values[:, :, 0].astype(np.float64) * (240 if mode == "I;16" else 3000)).astype(kind))
    else:
        image = Image.fromarray(values)
        image = image if mode == "RGBA" else image.convert("P" if mode == "PA" else mode)
        image = image.convert(mode)
    if transparent:
        image.info["transparency"] = 3 if mode == "P" else image.getpixel((0, 0))
    assert image.mode == mode
    whole = _to_rgb(image)
    monkeypatch.setattr(pillow, "_STRIP", 31 * 9)
    np.testing.assert_array_equal(_to_rgb(image), whole)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_large_webp_has_the_pixels_that_pillow_gives(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).integers(0, 256, (13, 15, len(mode)), dtype=np.uint8)
    for options in ({"lossless": True}, {"quality": 70}):
        buffer = io.BytesIO()
        Image.fromarray(values).resize((150, 130)).save(buffer, "WEBP", **options)
        with monkeypatch.context() as patch:
            expected = decode(buffer.getvalue(), 32)[0]
            patch.setattr(headers, "LARGE_WEBP", 0)
            patch.setattr(pillow, "_STRIP", 150 * 20)
            np.testing.assert_array_equal(decode(buffer.getvalue(), 32)[0], expected)


def test_a_damaged_large_webp_is_refused() -> None:
    buffer = io.BytesIO()
    Image.effect_noise((99, 99), 90).save(buffer, "WEBP", quality=90)
    with pytest.raises(ImageDecodeError, match="broken or truncated"):
        pillow.load_large_webp(buffer.getvalue()[:60])
