"""Files that are almost images: mutated ones, and small ones that claim or hold far too much."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from PIL import Image

FORMATS = {
    "jpg": {"format": "JPEG", "quality": 85},
    "jpeg": {"format": "JPEG", "quality": 85, "progressive": True},
    "png": {"format": "PNG"},
    "webp": {"format": "WEBP"},
    "gif": {"format": "GIF"},
    "bmp": {"format": "BMP"},
    "tif": {"format": "TIFF"},
    "tiff": {"format": "TIFF", "compression": "tiff_lzw"},
}
_EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def encoded(photo: Path, extension: str, rng: Random) -> bytes:
    """A photo as a small file of a format, in one of the color modes that the format has."""
    modes = {"png": ("RGB", "RGBA", "L", "P", "1"), "gif": ("P", "L"), "tif": ("RGB", "RGBA", "L", "1")}
    with Image.open(photo) as picture:
        picture.thumbnail((rng.choice((48, 96, 160)),) * 2)
        picture = picture.convert("RGB").convert(rng.choice(modes.get(extension, ("RGB", "L"))))
    file = io.BytesIO()
    picture.save(file, **FORMATS[extension])
    return file.getvalue()


def mutated(data: bytes, other: bytes, rng: Random) -> bytes:
    """A file with one to three random changes; `other` lends parts."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(_CHANGES)(bytearray(data), other, rng)
    return bytes(data)


def _flipped(data: bytearray, _: bytes, rng: Random) -> bytearray:
    for _ in range(rng.choice((1, 3, 20))):
        data[_at(data, rng)] ^= 1 << rng.randrange(8)
    return data


def _cut(data: bytearray, _: bytes, rng: Random) -> bytearray:
    return data[: 1 + _at(data, rng)]


def _swapped(data: bytearray, _: bytes, rng: Random) -> bytearray:
    """Two blocks change places."""
    size = rng.choice((4, 64, 512))
    one, two = _at(data, rng), _at(data, rng)
    data[one : one + size], data[two : two + size] = data[two : two + size], data[one : one + size]
    return data or bytearray(1)


def _field(data: bytearray, _: bytes, rng: Random) -> bytearray:
    """A length or another number, most often in the header, becomes an extreme one."""
    size, order = rng.choice((1, 2, 4)), rng.choice(("little", "big"))
    at = rng.randrange(min(len(data), 80)) if rng.random() < 0.7 else _at(data, rng)
    data[at : at + size] = (rng.choice(_EXTREMES) & (256**size - 1)).to_bytes(size, order)  # type: ignore[arg-type]
    return data


def _spliced(data: bytearray, other: bytes, rng: Random) -> bytearray:
    """The head of one file and the tail of another."""
    return data[: 1 + _at(data, rng)] + other[rng.randrange(len(other)) :]


def _noisy(data: bytearray, _: bytes, rng: Random) -> bytearray:
    at, size = _at(data, rng), rng.choice((8, 200, 2000))
    data[at : at + size] = rng.choice((rng.randbytes(size), bytes(size), b"\xff" * size))
    return data


def _repeated(data: bytearray, _: bytes, rng: Random) -> bytearray:
    at, size = _at(data, rng), rng.choice((16, 400, 4000))
    return data[:at] + data[at : at + size] * rng.choice((2, 30)) + data[at:]


_CHANGES: Sequence[Callable[[bytearray, bytes, Random], bytearray]] = (
    *(_flipped, _cut, _swapped, _field, _spliced, _noisy, _repeated),
)


def _at(data: bytearray, rng: Random) -> int:
    return rng.randrange(len(data))


def bombs() -> dict[str, bytes]:
    """Small files that claim huge pictures, or unpack to them: name -> bytes."""
    return {
        "claims.png": _png(60_000, 60_000, b""),
        "overflows.png": _png(2**31 - 1, 2**31 - 1, b""),
        "square.png": _png(8_900, 8_900, bytes(8_900 * (1 + 8_900 // 8 + 1)), depth=1),
        "line.png": _png(30_000_000, 1, bytes(1 + 30_000_000)),
        "column.png": _png(1, 30_000_000, bytes(60_000_000)),
        "wide.png": _png(60_000, 1_300, bytes(1_300 * 60_001)),
        "over.png": _png(20_000, 20_000, bytes(20_000 * 2_501), depth=1),
        "text.png": _png(4, 4, bytes(20), extra=_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26), 9))),
        "profile.png": _png(4, 4, bytes(20), extra=_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(2**26), 9))),
        "claims.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 70, 0, 54, 40, 2**30, 2**30, 1, 24, 0, 0, 0, 0, 0, 0),
        "negative.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 70, 0, 54, 40, 8, -(2**31), 1, 24, 0, 0, 0, 0, 0, 0),
        "claims.gif": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + _gif_frame(65_535, 65_535),
        "frame.gif": b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0, 0, 0) + _gif_frame(65_535, 65_535),
        "frames.gif": _frames(Image.new("P", (900, 900)), "GIF"),
        "frames.tif": _frames(Image.new("L", (8, 8)), "TIFF"),
        "claims.jpg": _claiming_jpeg(progressive=False),
        "claims.jpeg": _claiming_jpeg(progressive=True),
        "claims.webp": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + b"\xff\xff\xff" * 2 + b"ALPH\0\0\0\0",
        "claims.tif": _tiff({256: 2**31, 257: 2**31, 259: 1, 262: 1, 273: 8, 279: 2**31}),
        "strips.tif": _tiff({256: 8_000, 257: 9_000, 258: 8, 259: 8, 262: 1, 273: 8, 278: 1, 279: 2**31}),
        "itself.tif": _tiff({256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 279: 64}, following=8),
    }


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, rows: bytes, *, depth: int = 8, extra: bytes = b"") -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def _gif_frame(width: int, height: int) -> bytes:
    return b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x08\x02\x4c\x01\x00;"


def _frames(picture: Image.Image, format: str) -> bytes:
    """Two hundred frames."""
    file = io.BytesIO()
    picture.save(file, format, save_all=True, append_images=[picture.point(lambda v, n=n: n) for n in range(200)])
    return file.getvalue()


def _claiming_jpeg(*, progressive: bool) -> bytes:
    """A JPEG whose header says 65,500 x 65,500."""
    file = io.BytesIO()
    Image.new("RGB", (32, 32)).save(file, "JPEG", progressive=progressive)
    data = bytearray(file.getvalue())
    at = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)


def _tiff(tags: dict[int, int], following: int = 0) -> bytes:
    """A TIFF without any pixels; `following` is the place of its next directory."""
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", following)
