"""A few bytes that promise gigabytes are refused or decoded within the limits, and ordinary files notice nothing."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import bombs
import pytest
from PIL import Image

from autoenc.errors import ImageDecodeError, ImageError, ImageTooLargeError
from autoenc.images import limits
from autoenc.images.decoding import area_resize, decode

WHITE = Image.new("RGB", (4000, 4000), "white")


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (bombs.png(1, 80_000_000, pixels=bombs.deflated(9)), ImageTooLargeError, "65,535 on each side"),
        (bombs.png(8900, 8900, pixels=bombs.deflated(9)), ImageDecodeError, "cannot hold 8900 x 8900 pixels"),
        (bombs.png(9000, 9000, pixels=b""), ImageTooLargeError, "80,000,000 pixels.*AUTOENC_MAX_PIXELS raises it"),
        (bombs.png(65_535, 65_535, pixels=b""), ImageTooLargeError, "80,000,000.*AUTOENC_MAX_PIXELS raises it"),
        (bombs.jpeg(200, 200, repeats=4000), ImageTooLargeError, "more than 100 scans"),
        (bombs.promising(bombs.jpeg(90, 90), 8900, 8900), ImageDecodeError, "cannot hold 8900 x 8900"),
        (bombs.promising(bombs.jpeg(90, 90, progressive=False), 8900, 8900), ImageDecodeError, "cannot hold"),
        (bombs.promising(bombs.jpeg(90, 90), 65_535, 65_535), ImageTooLargeError, "80,000,000 pixels"),
        (bombs.tiff(8900, 8900, bombs.deflated(9)), ImageDecodeError, "cannot hold 8900 x 8900"),
        (bombs.tiff(90, 90, bombs.deflated(9), t322=60_000, t323=60_000), ImageTooLargeError, "take 3,600 MB"),
        (bombs.tiff_with_a_long_table(500_000), ImageTooLargeError, "tag 273 has 500,000 values; the limit is 400,000"),
        (bombs.bmp(8900, 8900), ImageDecodeError, "not enough image data"),
    ],
    ids=[
        *(
            "a long line",
            "an empty png",
            "a large png",
            "a huge png",
            "scans",
            "an empty jpeg",
            "an empty baseline jpeg",
        ),
        *("a huge jpeg", "an empty tiff", "a huge tile", "a long table", "bmp"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(data: bytes, error: type[ImageError], message: str) -> None:
    with pytest.raises(error, match=message):
        decode(data, 32)


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
@pytest.mark.parametrize(("size", "count"), [(30_000_000, 1), (1_000_000, 100)], ids=["one", "many"])
def test_compressed_text_does_not_unfold(name: bytes, size: int, count: int) -> None:
    text = bombs.chunk(name, b"k\0\0" + bombs.deflated(size)) * count
    if (name, count) == (b"iCCP", 100):  # each profile takes the place of the one before
        assert decode(bombs.png(8, 8, extra=text), 32)[1:] == (8, 8)
        return
    with pytest.raises(ImageDecodeError, match=r"header is broken .*(large|memory)"):
        decode(bombs.png(8, 8, extra=text), 32)


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("PNG", {"compress_level": 9}),
        ("JPEG", {"quality": 10}),
        ("JPEG", {"progressive": True, "optimize": True, "quality": 10}),
        ("GIF", {}),
        ("WEBP", {"lossless": True, "method": 0}),
        ("WEBP", {"quality": 10, "method": 0}),
        ("BMP", {}),
        *(("TIFF", {"compression": name}) for name in (None, "packbits", "tiff_lzw", "tiff_adobe_deflate", "lzma")),
        *(("TIFF", {"compression": name}) for name in ("tiff_deflate", "zstd", "jpeg")),
    ],
)  # fmt: skip
def test_a_large_picture_of_one_color_is_good(format: str, options: dict[str, Any]) -> None:
    pixels, width, height = decode(saved(WHITE, format, **options), 32, area_resize)
    assert (width, height) == (4000, 4000)
    assert pixels.min() >= 254


@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_a_large_empty_fax_is_good(compression: str) -> None:
    data = saved(WHITE.convert("1"), "TIFF", compression=compression)
    assert decode(data, 32, area_resize)[0].min() == 255


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_only_the_first_frame_is_decoded(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [Image.new("RGB", (40, 30), (number * 20, 0, 0)) for number in range(10)]
    data = saved(frames[0], format, save_all=True, append_images=frames[1:])
    last = data.rindex(b"\x2c" if format == "GIF" else b"ANMF" if format == "WEBP" else data[-40:])
    if format != "TIFF":  # its pages are a chain of tables
        data = data[:last] + bytes(len(data) - last)  # nobody looks there
    with monkeypatch.context() as patch:
        for kind in (Image.Image, *Image.Image.__subclasses__()):
            patch.setattr(kind, "seek", lambda *_: pytest.fail("it looked for another frame"), raising=False)
        assert decode(data, 32)[0][0, 0].tolist() == [0, 0, 0]


def test_the_limit_on_pixels_can_be_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = saved(Image.new("L", (12_000, 8_000), 90), "JPEG")
    with pytest.raises(ImageTooLargeError, match=r"12000 x 8000.*AUTOENC_MAX_PIXELS"):
        decode(photo, 32)
    monkeypatch.setenv(limits.VARIABLE, "100000000")
    assert decode(photo, 32)[1:] == (12_000, 8_000)


def test_limits_for_jpegs_do_not_concern_photos(photos: list[Path]) -> None:
    for photo in photos[::20]:
        with Image.open(photo) as image:
            data = saved(image, "JPEG", progressive=True)
        assert decode(data, 32)[0].shape[2] == 3


INDEX = """
import json, sys, time
import autoenc
start = time.perf_counter()
report = autoenc.index_images(sys.argv[1], ":memory:", encoders=["color"])
print(json.dumps([report.indexed, [str(file) for file in report.skipped], time.perf_counter() - start]))
"""
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True)
print(json.dumps([done.stdout, done.stderr, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
def test_indexing_a_folder_of_bombs_takes_less_than_a_gigabyte(picture_folder: Path) -> None:
    good = {
        "full.png": bombs.png(8900, 8900),
        "flat.webp": bombs.webp(16_383, 4800),
    }
    bad = {
        "line.png": bombs.png(1, 80_000_000, pixels=bombs.deflated(9)),
        "empty.png": bombs.png(8900, 8900, pixels=bombs.deflated(9)),
        "text.png": bombs.png(8, 8, extra=bombs.chunk(b"zTXt", b"k\0\0" + bombs.deflated(30_000_000))),
        "scans.jpg": bombs.jpeg(200, 200, repeats=4000),
        "tile.tif": bombs.tiff(90, 90, bombs.deflated(9), t322=60_000, t323=60_000),
        "floats.tif": bombs.tiff(8900, 8900, bombs.deflated(8900 * 8900 * 4), bits=32, t339=3),
        "rows.bmp": bombs.bmp(8900, 8900),
    }
    for copy in "ab":
        for name, data in {**good, **bad}.items():
            (picture_folder / f"{copy}-{name}").write_bytes(data)
    command = [sys.executable, "-c", MEASURE, "-c", INDEX, str(picture_folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    output, errors, peak = json.loads(done.stdout)
    assert "Traceback" not in errors
    indexed, skipped, seconds = json.loads(output)
    assert indexed == 12 + 2 * len(good)
    assert {Path(line.split(":")[0]).name for line in skipped} == {f"{copy}-{name}" for copy in "ab" for name in bad}
    assert peak * 1024 < 1e9
    assert seconds < 2 * limits.SECONDS
