"""The size of a plain JPEG, against Pillow, and what is left to Pillow."""

from __future__ import annotations

import io
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autoenc.errors import ImageError, ImageTooLargeError
from autoenc.images import decoding, limits
from autoenc.images.decoding import decode
from autoenc.images.jpeg import Scans, plain_jpeg, scans

PICTURE = Image.fromarray(np.arange(60 * 40 * 3, dtype=np.uint8).reshape(60, 40, 3))


def saved(picture: Image.Image = PICTURE, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


PLAIN = saved()
TURNED = Image.Exif()
TURNED[0x0112] = 6


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        saved(progressive=True),
        saved(quality=20, subsampling=2),
        saved(PICTURE.convert("L")),
        saved(comment="hi"),
    ],
    ids=["plain", "progressive", "subsampled", "gray", "comment"],
)
def test_a_plain_jpeg_has_its_size(data: bytes) -> None:
    assert plain_jpeg(data) == (40, 60, b"\xff\xc0" in data)


def test_fill_bytes_before_a_marker_are_skipped() -> None:
    assert plain_jpeg(PLAIN[:2] + b"\xff\xff" + PLAIN[2:]) == (40, 60, True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        saved(exif=TURNED),
        saved(xmp=b"<x/>"),
        saved(PICTURE.convert("CMYK")),
        b"\x89PNG" + PLAIN,
        PLAIN[: PLAIN.index(b"\xff\xda")],
        PLAIN[: PLAIN.index(b"\xff\xc0") + 8],
        PLAIN[:2] + b"\xff\xe0\x00\x01" + PLAIN[2:],
        PLAIN.replace(b"\xff\xda", b"\xff\xc0\x00\x0b\x08\0\1\0\1\1\1\x11\0\xff\xda", 1),
    ],
    ids=["empty", "start", "end", "exif", "xmp", "cmyk", "png", "no scan", "cut frame", "short segment", "two frames"],
)  # fmt: skip
def test_anything_else_is_left_to_pillow(data: bytes) -> None:
    assert plain_jpeg(data) is None


def test_every_real_photo_is_read_as_by_pillow(photos: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for photo in photos[::10]:
        data = photo.read_bytes()
        with Image.open(photo) as image:
            assert (plain_jpeg(data) or image.size)[:2] == image.size
        pixels, *size = decode(data, 32)
        with monkeypatch.context() as patch:
            patch.setattr(decoding, "plain_jpeg", lambda _: None)
            expected, *expected_size = decode(data, 32)
        assert size == expected_size
        np.testing.assert_array_equal(pixels, expected)


def test_the_limit_on_pixels_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_PIXELS", 2399)
    with pytest.raises(ImageTooLargeError, match="40 x 60"):
        decode(PLAIN, 32)


@given(st.data())
def test_damage_never_escapes_as_another_error(data: st.DataObject) -> None:
    broken = bytearray(PLAIN)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    found = plain_jpeg(bytes(broken))
    assert found is None or min(found[:2]) > 0
    with suppress(ImageError):
        decode(bytes(broken), 8)


# ---- scans ------------------------------------------------------------------------------------------


def test_scans_are_counted_up_to_the_end_of_the_picture() -> None:
    assert scans(PLAIN) == Scans(1, 3, kept=False)
    assert scans(saved(PICTURE.convert("L"))) == Scans(1, 1, kept=False)
    progressive = saved(progressive=True)
    assert scans(progressive) == Scans(10, 3, kept=True)
    assert scans(progressive + b"\xff\xda" * 500) == Scans(10, 3, kept=True)  # after the end, such as a film
    assert scans(saved(PICTURE.convert("CMYK"))).components == 4


def test_scans_are_found_behind_bytes_that_decoders_skip() -> None:
    data = saved(progressive=True)
    for junk in (b"\0", b"\xff", b"\xff\x00", b"\xff\xd0", b"junk"):
        assert scans(data.replace(b"\xff\xda", junk + b"\xff\xda")).passes == 10


def test_a_file_that_ends_at_its_first_scan_is_no_traceback() -> None:
    for end in range(2, 7):
        cut = PLAIN[: PLAIN.index(b"\xff\xda") + end]
        assert plain_jpeg(cut) in ((40, 60, True), (40, 60, False), None)
        assert scans(cut).passes <= 1


def test_scans_behind_a_complete_one_are_not_decoded() -> None:
    data = saved(Image.new("L", (400, 400), 90))
    scan = data[data.index(b"\xff\xda") : -2]
    many = data[:-2] + scan * 2000 + data[-2:]
    assert plain_jpeg(many) == (400, 400, True)
    start = time.perf_counter()
    with suppress(ImageError):
        decode(many, 32)
    assert time.perf_counter() - start < 1


def test_counting_stops_above_the_limit() -> None:
    data = saved(progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    assert scans(data[:-2] + last * 1000).passes == 101


@given(st.binary(max_size=300))
def test_scans_of_any_bytes(data: bytes) -> None:
    assert scans(b"\xff\xd8" + data).passes <= 101
