"""What a file of vectors says about itself: which encoders made them, and what its paths are relative to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from autoenc.errors import ArgumentError
from autoenc.outputs import MARK
from autoenc.text import is_text

FORMAT_VERSION = 1

KEY = "autoenc"
"""Under which the header lies in a Parquet file's metadata, and the name of the array that holds it in an npz file."""

MOST_DIM = 65_535
"""The most numbers in a vector, as in a store."""

OWN_COLUMNS = ("width", "height", "digest", "size", "mtime_ns")
"""What shows later whether an image has changed: see `autoenc.LoadedImage`."""

RESERVED = ("path", "label", *OWN_COLUMNS, KEY)
"""Columns that no encoder's vectors can be called by."""


@dataclass(frozen=True)
class VectorInfo:
    """The encoder of one column of vectors.

    Attributes:
        dim: length of a vector.
        fingerprint: the encoder's `fingerprint`.
        preprocessing: version of autoenc's image preprocessing before the encoder.
        input_size: height and width in pixels of the RGB images that the encoder took.
        origin: what the encoder is loaded from again; None if its name is enough.
    """

    dim: int
    fingerprint: str
    preprocessing: int
    input_size: int | None = None
    origin: str | None = None


@dataclass(frozen=True)
class Header:
    """What a file of vectors says about itself.

    Attributes:
        root: absolute path of the folder that the paths are relative to; None for pictures in memory.
        vectors: name of a column of vectors -> its encoder.
    """

    root: str | None
    vectors: Mapping[str, VectorInfo] = field(default_factory=dict)

    def to_text(self) -> str:
        """The header as JSON.

        Example:
            >>> text = Header(None, {"edges": VectorInfo(324, "edges-1", 1)}).to_text()
            >>> Header.from_text(text).vectors["edges"].dim
            324
        """
        vectors = {name: asdict(info) for name, info in self.vectors.items()}
        document = {"written_by": MARK, "format": FORMAT_VERSION, "root": self.root, "vectors": vectors}
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def from_text(cls, text: str | bytes) -> Self:
        """Read what `to_text` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            found = json.loads(text)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        if not isinstance(found, dict) or found.get("format") != FORMAT_VERSION:
            raise ValueError(f"it is no description of format {FORMAT_VERSION}")
        root, vectors = found.get("root"), found.get("vectors")
        if root is not None and not (_is_text(root) and Path(root).is_absolute() and "\0" not in root):
            raise ValueError("its root is no absolute path")
        if not isinstance(vectors, dict) or not vectors:
            raise ValueError("it names no vectors")
        return cls(root, {name: _info(each) for name, each in vectors.items()})


def check_columns(names: Mapping[str, object]) -> None:
    """Raise ArgumentError for an encoder whose vectors would need the name of another column."""
    for name in names:
        if name in RESERVED:
            raise ArgumentError(f"A file of vectors has another column '{name}'; give the encoder another name.")


def _info(found: Any) -> VectorInfo:
    if not isinstance(found, dict):
        raise ValueError("its vectors are not described")
    dim, preprocessing, size = (found.get(name) for name in ("dim", "preprocessing", "input_size"))
    fingerprint, origin = found.get("fingerprint"), found.get("origin")
    if type(dim) is not int or type(preprocessing) is not int or not _is_text(fingerprint):
        raise ValueError("vectors need dim and preprocessing, whole numbers, and a fingerprint, a text")
    if not 1 <= dim <= MOST_DIM:
        raise ValueError(f"dim is a whole number from 1 to {MOST_DIM:,}")
    if not (size is None or type(size) is int) or not (origin is None or _is_text(origin)):
        raise ValueError("input_size is a whole number or null, origin a text or null")
    return VectorInfo(dim, str(fingerprint), preprocessing, size, origin)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value) and is_text(value)
