"""Small files that ask their reader for gigabytes or hours, written from their formats' descriptions."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image


def deflated(count: int) -> bytes:
    """That many zero bytes, compressed, without ever holding them all: one block's bytes, again and again."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)  # which refers to nothing before it
    rest = packer.compress(bytes(count & 0xFFFFF)) + packer.flush()
    checksum = count % 65521 << 16 | 1  # Adler-32 of zeros
    return b"\x78\xda" + block * (count >> 20) + rest + struct.pack(">I", checksum)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(
    width: int, height: int, *, color: int = 6, depth: int = 8, pixels: bytes | None = None, extra: bytes = b""
) -> bytes:
    """A PNG of one color; `pixels` takes the place of its compressed rows, `extra` are chunks in front of them."""
    if pixels is None:
        row = (width * depth * {0: 1, 2: 3, 6: 4}[color] + 7) // 8 + 1
        pixels = deflated(row * height)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = chunk(b"IHDR", header), extra, chunk(b"IDAT", pixels), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(width: int, height: int, strip: bytes, *, compression: int = 8, bits: int = 8, **tags: int) -> bytes:
    """A gray TIFF with all its pixels in one strip or tile; `tags` are numbers such as t278=1 (one row a strip)."""
    found = {256: width, 257: height, 258: bits, 259: compression, 262: 1, 277: 1, 278: height}
    found |= {int(name[1:]): value for name, value in tags.items()}
    places = (324, 325) if 322 in found else (273, 279)
    if 322 in found:
        del found[278]
    found |= {places[0]: 8, places[1]: len(strip)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, found[tag]) for tag in sorted(found))
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + struct.pack("<H", len(found)) + entries + bytes(4)


def tiff_with_a_long_table(count: int) -> bytes:
    """One row, and the offsets of `count` strips."""
    entries = [(256, 1, 100), (257, 1, 1), (258, 1, 8), (259, 1, 1), (262, 1, 1), (273, count, 8), (279, count, 8)]
    table = b"".join(struct.pack("<HHII", tag, 4, number, value) for tag, number, value in entries)
    content = bytes(4 * count)
    return b"II*\0" + struct.pack("<I", 8 + len(content)) + content + struct.pack("<H", len(entries)) + table + bytes(4)


def webp(width: int, height: int) -> bytes:
    """A lossless WebP of one color: its size is in its header alone, for no pixel takes a bit."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (10, 200, 30)).save(buffer, "WEBP", lossless=True, method=0)
    data = bytearray(buffer.getvalue())
    (found,) = struct.unpack_from("<I", data, 21)
    struct.pack_into("<I", data, 21, found & ~0xFFFFFFF | (height - 1) << 14 | (width - 1))
    return bytes(data)


def gif(width: int, height: int) -> bytes:
    """A large canvas with one pixel on it."""
    header = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes((255, 0, 0, 0, 0, 255))
    return header + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00;"


def bmp(width: int, height: int) -> bytes:
    """Run lengths, which end with the first row."""
    pixels = b"\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(pixels), 0, 0, 54 + 1024) + header + bytes(1024) + pixels


def jpeg(width: int, height: int, *, repeats: int = 0, progressive: bool = True) -> bytes:
    """A gray JPEG of one color, with its last scan once more for each repeat."""
    buffer = io.BytesIO()
    Image.new("L", (width, height), 128).save(buffer, "JPEG", progressive=progressive)
    data = buffer.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * repeats + data[-2:]


def promising(data: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header says another size."""
    frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: frame + 5] + struct.pack(">HH", height, width) + data[frame + 9 :]
