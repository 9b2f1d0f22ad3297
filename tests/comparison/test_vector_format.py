"""A file of vectors, byte by byte: what is written, and that nothing else is read."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from autoenc.comparison.vector_format import content_of, parsed
from autoenc.files import digest_of

IDENTITY = {"fingerprint": "f", "input_size": 4, "dim": 2}
DIGESTS = [b"a" * 16, b"b" * 16]
BODY = b"aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb" + struct.pack("<4f", 1, 2, 3, 4)


def whole(header: str) -> bytes:
    data = b"autoenc vectors 1\n" + header.encode() + b"\n" + BODY
    return data + bytes.fromhex(digest_of(data))


def told(**changes: Any) -> str:
    return json.dumps({**IDENTITY, "rows": 2, "seconds": 0.5, **changes})


def test_a_file_is_what_its_module_says() -> None:
    vectors = np.array([[1, 2], [3, 4]], np.float32)
    content = content_of(IDENTITY, DIGESTS, vectors, 0.5)
    assert content == whole('{"fingerprint": "f", "input_size": 4, "dim": 2, "rows": 2, "seconds": 0.5}')
    part = parsed(content, IDENTITY)
    assert (part.digests, part.spent) == (DIGESTS, (0.5, 2))
    assert np.array_equal(part.vectors, vectors)


def test_a_file_with_any_byte_changed_or_cut_off_is_refused() -> None:
    content = whole(told())
    for at in range(len(content)):
        with pytest.raises(ValueError, match="damaged"):
            parsed(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :], IDENTITY)
        with pytest.raises(ValueError, match="damaged"):
            parsed(content[:at], IDENTITY)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("[1]", "no object"),
        ("{", "Expecting"),
        (told(fingerprint="g"), "something else"),
        (told(dim=3), "something else"),
        (told(more=1), "something else"),
        (told(rows=1), "something else"),
        (told(rows=None), "something else"),
        (told(seconds=None), "how long"),
        (told(seconds=-1), "how long"),
        (told(seconds=float("nan")), "how long"),
    ],
)
def test_a_whole_file_that_says_what_cannot_be_is_refused(header: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parsed(whole(header), IDENTITY)
