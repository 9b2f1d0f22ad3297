"""A file of the vectors of some pictures by one encoder, as bytes.

It is a line that says what it is, a line of JSON (the encoder's fingerprint, its input size, the length of a vector,
the number of rows, how long they took), the pictures' digests (16 bytes each), the vectors (float32, little-endian),
and a checksum over all of it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autoenc.comparison.spent import Spent
from autoenc.encoders import Encoder
from autoenc.files import digest_of
from autoenc.vectors import Images, Vectors

_MAGIC = b"autoenc vectors 1\n"
_DIGEST = 16


class Part(NamedTuple):
    """What one file holds: n digests, (n, D) vectors, and how long these took."""

    digests: list[bytes]
    vectors: Vectors
    spent: Spent


def picture_digests(images: Images) -> list[bytes]:
    """A digest of the pixels of each image: (N, S, S, 3) uint8 -> N times 16 bytes.

    Example:
        >>> one, other, same = picture_digests(np.array([7, 8, 7], np.uint8).repeat(48).reshape(3, 4, 4, 3))
        >>> one == same, one == other
        (True, False)
    """
    return [hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=_DIGEST).digest() for image in images]


def identity_of(encoder: Encoder) -> dict[str, Any]:
    """What tells the vectors of one encoder from those of another."""
    return {"fingerprint": encoder.fingerprint, "input_size": encoder.input_size, "dim": encoder.dim}


def key_of(identity: dict[str, Any]) -> str:
    """What the names of an encoder's files begin with."""
    return digest_of(json.dumps(identity, sort_keys=True).encode())


def content_of(identity: dict[str, Any], digests: Sequence[bytes], vectors: Vectors, seconds: float) -> bytes:
    """A file of N digests and (N, D) vectors, which took so many seconds."""
    header = json.dumps({**identity, "rows": len(digests), "seconds": seconds}).encode()
    body = b"".join([_MAGIC, header, b"\n", *digests, vectors.astype("<f4").tobytes()])
    return body + bytes.fromhex(digest_of(body))


def parsed(data: bytes, identity: dict[str, Any]) -> Part:
    """What a file holds.

    Raises:
        ValueError, RecursionError: it is anything but a whole file of this encoder.
    """
    body, check = data[:-_DIGEST], data[-_DIGEST:]
    if not body.startswith(_MAGIC) or bytes.fromhex(digest_of(body)) != check:
        raise ValueError("it is damaged")
    start = body.index(b"\n", len(_MAGIC))
    header = json.loads(body[len(_MAGIC) : start])
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    rows, seconds = header.pop("rows", None), header.pop("seconds", None)
    dim = identity["dim"]
    if header != identity or not isinstance(rows, int) or len(body) - start - 1 != rows * (_DIGEST + 4 * dim):
        raise ValueError("it holds something else")
    if not isinstance(seconds, (int, float)) or not 0 <= seconds < math.inf:
        raise ValueError("it does not say how long its vectors took")
    first = start + 1
    digests = [body[at : at + _DIGEST] for at in range(first, first + rows * _DIGEST, _DIGEST)]
    vectors = np.frombuffer(body, "<f4", rows * dim, first + rows * _DIGEST).reshape(rows, dim)
    return Part(digests, vectors.astype(np.float32, copy=False), Spent(float(seconds), rows))
