"""What a store holds and remembers: points, hits, and the record of its encoders, sources and filterable fields."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

import numpy as np

from autoenc.errors import ArgumentError, StoreMismatchError, StoreNotFoundError
from autoenc.vectors import Vectors

MEMORY = ":memory:"
"""The location of a store that is gone when it is closed."""

FORMAT_VERSION = 1
_INT64 = range(-(2**63), 2**63)
_POINT_NAMESPACE = uuid.UUID("6f0a9d3e-5c1b-5d42-9a57-2f1de7b0c8a4")
_VECTOR_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")
_CANONICAL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# No "bool" and no "float": Qdrant Edge 0.9 matches no boolean, and neither kind of engine counts facets of floats.
FieldKind = Literal["keyword", "integer"]
FIELD_KINDS: tuple[FieldKind, ...] = ("keyword", "integer")
Scalar = str | int
Filter = Mapping[str, Scalar | Sequence[Scalar]]
"""Field -> value, or field -> values of which one must match; all fields must match."""


def point_id(source: str, path: str) -> str:
    """The id of an image: uuid5 of its source's name and its path relative to the source, with '/' between folders."""
    return str(uuid.uuid5(_POINT_NAMESPACE, f"{source}\0{path}"))


def canonical_id(id: str) -> str | None:
    """The id as stores return it (lower case, with hyphens), or None for a string that is no UUID."""
    if _CANONICAL_ID.fullmatch(id):
        return id
    try:
        return str(uuid.UUID(id))
    except ValueError:
        return None


@dataclass(frozen=True)
class VectorSpec:
    """What a store remembers of the encoder behind one named vector.

    Attributes:
        dim: length of the vectors.
        fingerprint: the encoder's `fingerprint`.
        preprocessing: version of the image preprocessing in front of the encoder.
        bundle: folder of the bundle that made the vectors, or None for an encoder without one.
    """

    dim: int
    fingerprint: str
    preprocessing: int
    bundle: str | None = None

    def same_encoder(self, other: VectorSpec) -> bool:
        """Whether both come from one encoder; where its bundle lies does not matter."""
        mine = (self.dim, self.fingerprint, self.preprocessing)
        return mine == (other.dim, other.fingerprint, other.preprocessing)


@dataclass(frozen=True)
class StoreInfo:
    """What a store remembers of itself, beside its points.

    Attributes:
        vectors: named vector -> its encoder.
        sources: source name -> root folder of its images.
        fields: filterable payload field -> kind of its values.
        version: version of this record's format.
    """

    vectors: dict[str, VectorSpec] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    fields: dict[str, FieldKind] = field(default_factory=dict)
    version: int = FORMAT_VERSION

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any, where: str) -> Self:
        """Read what `to_dict` wrote.

        Raises:
            StoreMismatchError: another version of the format, or no such record.
        """
        if not isinstance(data, dict) or data.get("version") != FORMAT_VERSION:
            found = f"format {data['version']!r}" if isinstance(data, dict) and "version" in data else "no such record"
            raise StoreMismatchError(
                f"{where} is not a store of this version of autoenc: expected a record of format {FORMAT_VERSION}, "
                f"found {found}. Index into a new store."
            )
        try:
            vectors = {name: _spec(spec) for name, spec in data["vectors"].items()}
            sources = {str(name): str(root) for name, root in data["sources"].items()}
            fields: dict[str, FieldKind] = {name: _kind(kind) for name, kind in data["fields"].items()}
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise StoreMismatchError(
                f"{where} has a damaged record of its encoders ({error!r}). Index into a new store."
            ) from error
        return cls(vectors=vectors, sources=sources, fields=fields)


@dataclass(frozen=True)
class Hit:
    """One search result: cosine similarity `score` in [-1, 1], the point's id and payload."""

    id: str
    score: float
    payload: dict[str, Any]


@dataclass(frozen=True)
class Record:
    """One stored point; `vectors` holds only the vectors asked for (cosine stores return them normalized)."""

    id: str
    payload: dict[str, Any]
    vectors: dict[str, Vectors] = field(default_factory=dict)


def hit_of(id: object, score: float, payload: dict[str, Any] | None) -> Hit:
    """A hit as an engine found it; rounding takes the cosine of equal vectors past 1."""
    return Hit(str(id), min(1.0, max(-1.0, float(score))), payload or {})


def record_of(id: object, payload: dict[str, Any] | None, vector: object) -> Record:
    """A point as an engine gave it, its vectors a dictionary of lists, or none."""
    named = vector if isinstance(vector, dict) else {}
    return Record(str(id), payload or {}, {name: np.asarray(row, np.float32) for name, row in named.items()})


def any_of(values: Sequence[Scalar]) -> list[str] | list[int]:
    """The values of one condition, which are all of one kind, as the engines' types ask for them."""
    words = [value for value in values if isinstance(value, str)]
    return words or [value for value in values if isinstance(value, int)]


@contextmanager
def storing(where: str) -> Iterator[None]:
    """Around the writing of payloads: what an engine raises at a value that JSON cannot hold is the caller's error."""
    try:
        yield
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ArgumentError(f"A value cannot be stored in {where}: {reason}. Payloads hold what JSON can.") from error


def check_new_vector(name: str, spec: VectorSpec) -> None:
    """Raise ArgumentError for a name or length that not every engine takes (a name becomes a folder's name)."""
    if not _VECTOR_NAME.fullmatch(name):
        raise ArgumentError(
            f"A vector's name holds letters, digits, '_', '-', '.' and '+', 100 at most, and begins with a letter, "
            f"a digit or '_'; got {name!r}."
        )
    if not 1 <= spec.dim <= 65535:
        raise ArgumentError(f"A vector has 1 to 65535 numbers; '{name}' was to have {spec.dim}.")


def of_kind(field: str, kind: FieldKind, value: Scalar) -> Scalar:
    """A filter value as its field stores it: the command line gives strings."""
    if kind == "keyword":
        text = str(value)
        if text.encode(errors="replace").decode() != text:
            raise ArgumentError(f"Field '{field}' holds valid Unicode; got {text!r} to compare with.")
        return text
    try:
        number = int(str(value))
    except ValueError:
        raise ArgumentError(f"Field '{field}' holds whole numbers; got {value!r} to compare with.") from None
    if number not in _INT64:
        raise ArgumentError(f"Field '{field}' holds whole numbers of 64 bits, sign included; got {value!r}.")
    return number


def listed(names: Collection[str]) -> str:
    """Names for a message: quoted, sorted, or "none"."""
    return ", ".join(f"'{name}'" for name in sorted(names)) or "none"


def no_collection(location: str, collection: str, there: Collection[str]) -> StoreNotFoundError:
    """The error for a store that does not have the collection asked for."""
    remedy = "Name one of them with --collection, or index" if there else "Index"
    return StoreNotFoundError(
        f"{location} has no collection '{collection}'; the collections there are: {listed(there)}. "
        f"{remedy} images into '{collection}' first."
    )


def _spec(data: dict[str, Any]) -> VectorSpec:
    spec = VectorSpec(**data)
    if type(spec.dim) is not int or not isinstance(spec.fingerprint, str):
        raise TypeError(f"not an encoder: {data!r}")
    return spec


def _kind(kind: Any) -> FieldKind:
    if kind not in FIELD_KINDS:
        raise ValueError(f"not a kind of field: {kind!r}")
    return FIELD_KINDS[FIELD_KINDS.index(kind)]
