"""Any image file becomes RGB uint8 as a viewer would show it, decoded no further than needed."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from autoenc.errors import ImageDecodeError, ImageTooLargeError
from autoenc.images import limits
from autoenc.images.decoding import area_resize, decode, letterbox, picture_pixels, reduction


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def gradient(width: int, height: int) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], axis=2)
    return Image.fromarray(pixels.astype(np.uint8))


# ---- formats and modes ------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"])
def test_every_format_gives_the_picture_that_was_saved(format: str) -> None:
    image = Image.new("RGB", (40, 30), (200, 30, 60))
    options = {"lossless": True} if format == "WEBP" else {"quality": 95} if format == "JPEG" else {}
    pixels, width, height = decode(encoded(image, format, **options), 32)
    assert (width, height) == (40, 30)
    assert pixels.shape == (30, 40, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - (200, 30, 60)).max() <= (4 if format == "JPEG" else 0)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("L", (8, 8), 90), (90, 90, 90)),
        (Image.new("1", (8, 8), 1), (255, 255, 255)),
        (Image.new("RGBA", (8, 8), (0, 0, 0, 0)), (255, 255, 255)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 51)), (255, 204, 204)),  # one fifth red over white
        (Image.new("LA", (8, 8), (0, 128)), (127, 127, 127)),
        (Image.new("I;16", (8, 8), 65535), (255, 255, 255)),
        (Image.new("I;16", (8, 8), 257 * 100), (100, 100, 100)),
    ],
    ids=["gray", "1-bit", "transparent", "half-transparent", "gray-alpha", "16-bit-white", "16-bit-gray"],
)
def test_every_mode_becomes_rgb_as_a_viewer_shows_it(image: Image.Image, expected: tuple[int, ...]) -> None:
    pixels, _, _ = decode(encoded(image, "PNG"), 32)
    assert pixels.shape == (8, 8, 3)
    assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_a_palette_with_a_transparent_color_lies_on_white() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((0, 0), 0)
    pixels, _, _ = decode(encoded(image, "PNG", transparency=0), 32)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[3, 3].tolist() == [40, 50, 60]


def test_cmyk_becomes_rgb() -> None:
    pixels, _, _ = decode(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95), 32)
    assert np.abs(pixels.astype(int) - (255, 0, 0)).max() <= 6


def test_a_float_tiff_runs_from_zero_to_one() -> None:
    image = Image.fromarray(np.array([[0.0, 0.5, 1.0, np.nan]], np.float32))
    pixels, _, _ = decode(encoded(image, "TIFF"), 32)
    assert pixels[0, :, 0].tolist() == [0, 128, 255, 0]


def test_the_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data, 32)[0][0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(60, 40), (600, 400)])  # the larger one is decoded reduced
def test_exif_turns_the_picture(orientation: int, size: tuple[int, int]) -> None:
    image = gradient(*size)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(image, "JPEG", quality=98, exif=exif.tobytes())
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    pixels, width, height = decode(data, 32)
    assert (width, height) == expected.size
    found, wanted = area_resize(pixels, 32), area_resize(np.asarray(expected), 32)
    assert np.abs(found.astype(int) - wanted).mean() < 2


def test_a_turn_is_known_wherever_the_file_tells_it() -> None:
    """A TIFF in its tags, a PNG in a chunk before its pixels or after them."""
    image, exif = gradient(60, 40), Image.Exif()
    exif[0x0112] = 6
    turned = np.rot90(np.asarray(image), -1)
    early = encoded(image, "PNG", exif=exif.tobytes())
    at = early.index(b"eXIf") - 4
    chunk = early[at : at + 12 + int.from_bytes(early[at : at + 4])]
    late = early.replace(chunk, b"").replace(b"\0\0\0\0IEND", chunk + b"\0\0\0\0IEND")
    for data in (early, late, encoded(image, "TIFF", exif=exif.tobytes())):
        pixels, width, height = decode(data, 32)
        assert (width, height) == (40, 60)
        assert (pixels == turned).all()
        assert (picture_pixels(Image.open(io.BytesIO(data)), 32) == turned).all()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0no TIFF at all", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff"]
)
def test_damaged_exif_does_not_cost_the_picture(format: str, exif: bytes) -> None:
    data = encoded(gradient(60, 40), format, exif=exif)
    pixels, width, height = decode(data, 32)
    assert (width, height) == (60, 40)
    assert pixels.shape == (40, 60, 3)
    assert picture_pixels(Image.open(io.BytesIO(data)), 32).shape == (40, 60, 3)


# ---- reduction --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "size", "factor"),
    [
        (100, 100, 32, 1),
        (128, 500, 32, 2),
        (127, 500, 32, 1),
        (400, 534, 32, 4),
        (512, 512, 32, 8),
        (4000, 3000, 32, 8),
        (512, 512, 96, 2),  # twice the size asked for must remain
    ],
)
def test_the_largest_reduction_that_leaves_enough(width: int, height: int, size: int, factor: int) -> None:
    assert reduction(width, height, size) == factor


def test_a_large_jpeg_is_decoded_reduced() -> None:
    assert decode(encoded(gradient(640, 512), "JPEG"), 32)[0].shape == (64, 80, 3)


def test_reduced_decoding_stays_near_a_full_decode(photos_dir: Path) -> None:
    """At most 1/255 on average and 3/255 at the 99th percentile of photos (mean absolute difference at 32x32)."""
    files = sorted((photos_dir / "train").glob("*/*.jpg"))[::4]
    differences = []
    for file in files:
        full = area_resize(np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("RGB")), 32)
        ours = area_resize(decode(file.read_bytes(), 32)[0], 32)
        differences.append(np.abs(full.astype(int) - ours).mean())
    assert len(differences) > 500
    assert np.mean(differences) <= 1.0
    assert np.quantile(differences, 0.99) <= 3.0


# ---- resizing ---------------------------------------------------------------------------------------


def test_area_resize_is_the_mean_of_the_pixels_covered() -> None:
    blocks = np.array([[10, 20], [30, 40]], np.uint8)
    pixels = np.repeat(np.repeat(blocks, 3, axis=0), 3, axis=1)[:, :, None].repeat(3, axis=2)
    pixels[0, 0] = 19  # the mean of its 3 x 3 block: 10 + 9/9
    assert area_resize(pixels, 2)[:, :, 0].tolist() == [[11, 20], [30, 40]]


def test_a_narrow_picture_is_shrunk_on_one_side_and_enlarged_on_the_other() -> None:
    pixels = np.zeros((100, 2, 3), np.uint8)
    pixels[50:] = 200
    square = area_resize(pixels, 4)
    assert square.shape == (4, 4, 3)
    assert square[:, 0, 0].tolist() == [0, 0, 200, 200]


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 40), st.integers(0, 255))
def test_one_color_stays_one_color(width: int, height: int, size: int, value: int) -> None:
    pixels = np.full((height, width, 3), value, np.uint8)
    assert (area_resize(pixels, size) == value).all()


def test_a_letterboxed_picture_keeps_its_aspect_ratio_on_white() -> None:
    square = letterbox(np.zeros((50, 100, 3), np.uint8), 20)
    assert square.shape == (20, 20, 3)
    assert (square[:5] == 255).all()
    assert (square[5:15] == 0).all()
    assert (square[15:] == 255).all()


# ---- what is refused --------------------------------------------------------------------------------


def test_a_truncated_jpeg_is_refused() -> None:
    rng = np.random.default_rng(0)
    data = encoded(Image.fromarray(rng.integers(0, 255, (200, 200, 3), dtype=np.uint8)), "JPEG")
    with pytest.raises(ImageDecodeError, match="broken or truncated"):
        decode(data[: len(data) // 2], 32)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_a_pil_image_that_turns_out_to_be_truncated_is_refused(format: str) -> None:
    rng = np.random.default_rng(0)
    data = encoded(Image.fromarray(rng.integers(0, 255, (200, 200, 3), dtype=np.uint8)), format)
    if format == "TIFF":  # its directory stands at its end
        image = Image.open(io.BytesIO(data))
        image.tag_v2[279] = (len(data) * 2,)  # type: ignore[attr-defined]  # bytes of the strip
        image.tile = [image.tile[0]._replace(offset=len(data) - 9)]  # type: ignore[attr-defined]
    else:
        image = Image.open(io.BytesIO(data[: len(data) // 2]))
    with pytest.raises(ImageDecodeError, match="broken or truncated"):
        picture_pixels(image, 32)


@pytest.mark.parametrize(
    "data", [b"not an image at all", b"\xff\xd8\xff\xe0", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"0" * 40]
)
def test_bytes_that_are_no_image_are_refused(data: bytes) -> None:
    with pytest.raises(ImageDecodeError):
        decode(data, 32)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "AVIF"),
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    ],
)
def test_formats_that_are_not_read_are_named(data: bytes, name: str) -> None:
    with pytest.raises(ImageDecodeError, match=f"^{name} is not supported; convert the file to JPEG or PNG.$"):
        decode(data, 32)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    """20,000 x 20,000 one-bit pixels: 400 million, in a few kilobytes."""
    data = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(data) < 100_000
    with pytest.raises(ImageTooLargeError):
        decode(data, 32)


def test_the_pixel_limit_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_PIXELS", 99)
    with pytest.raises(ImageTooLargeError, match="10 x 10 pixels; the limit is 99"):
        decode(encoded(Image.new("RGB", (10, 10)), "PNG"), 32)


def test_a_format_that_starts_another_program_is_refused() -> None:
    with pytest.raises(ImageDecodeError, match="no known image format"):
        decode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", 32)


@given(st.binary(max_size=400))
def test_no_bytes_lead_to_another_error(data: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\x00", b"RIFF"):
        with contextlib.suppress(ImageDecodeError, ImageTooLargeError):
            assert decode(start + data, 32)[0].shape[2] == 3


# ---- pictures in memory -----------------------------------------------------------------------------


def test_pictures_in_memory() -> None:
    red = np.zeros((5, 6, 3), np.uint8)
    red[:, :, 0] = 255
    assert (picture_pixels(red, 32) == red).all()
    assert (picture_pixels(Image.fromarray(red), 32) == red).all()
    assert (picture_pixels(encoded(Image.fromarray(red), "PNG"), 32) == red).all()
    assert picture_pixels(np.full((5, 6), 7, np.uint8), 32).tolist() == np.full((5, 6, 3), 7).tolist()
    see_through = np.zeros((5, 6, 4), np.uint8)
    assert (picture_pixels(see_through, 32) == 255).all()


@pytest.mark.parametrize("shape", [(5,), (5, 6, 2), (5, 6, 1), (2, 5, 6, 3), (0, 0, 3)])
def test_arrays_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageDecodeError, match="Expected a picture as"):
        picture_pixels(np.zeros(shape, np.uint8), 32)


def test_arrays_of_another_type_are_refused() -> None:
    with pytest.raises(ImageDecodeError, match="float64"):
        picture_pixels(np.zeros((5, 6, 3)), 32)


def test_opencv_and_pillow_agree_on_channel_order() -> None:
    data = encoded(Image.new("RGB", (20, 20), (255, 0, 0)), "JPEG", quality=95)
    assert decode(data, 32)[0][10, 10, 0] > 240
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[10, 10, 2] > 240
