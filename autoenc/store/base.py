"""The contract of every store: points with named vectors and a payload, searched by cosine similarity."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError, PointNotFoundError, StoreMismatchError, UnknownFieldError, VectorError

FORMAT_VERSION = 1
_POINT_NAMESPACE = uuid.UUID("6f0a9d3e-5c1b-5d42-9a57-2f1de7b0c8a4")

FieldKind = Literal["keyword", "integer", "float", "bool"]
Scalar = str | int | float | bool
Filter = Mapping[str, Scalar | Sequence[Scalar]]
"""Field -> value, or field -> values of which one must match; all fields must match."""
FloatArray = npt.NDArray[np.float32]


def point_id(source: str, path: str) -> str:
    """The id of an image: uuid5 of its source's name and its path relative to the source, with '/' between folders."""
    return str(uuid.uuid5(_POINT_NAMESPACE, f"{source}\0{path}"))


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


@dataclass
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
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any, where: str) -> Self:
        """Read what `to_dict` wrote.

        Raises:
            StoreMismatchError: another version of the format, or no such record.
        """
        if not isinstance(data, dict) or data.get("version") != FORMAT_VERSION:
            found = data.get("version") if isinstance(data, dict) else data
            raise StoreMismatchError(
                f"{where} is not a store of this version of autoenc: expected format {FORMAT_VERSION}, "
                f"found {found!r}. Index into a new store."
            )
        try:
            vectors = {name: VectorSpec(**spec) for name, spec in data["vectors"].items()}
            return cls(vectors=vectors, sources=dict(data["sources"]), fields=dict(data["fields"]))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise StoreMismatchError(f"{where} has a damaged record of its encoders ({error!r}). Index anew.") from error


@dataclass(frozen=True)
class Hit:
    """One search result: cosine similarity `score` in [-1, 1], the point's id and payload."""

    id: str
    score: float
    payload: dict[str, Any]


@dataclass(frozen=True)
class Record:
    """One stored point; `vectors` holds only the vectors asked for (cosine stores return them normalised)."""

    id: str
    payload: dict[str, Any]
    vectors: dict[str, FloatArray] = field(default_factory=dict)


class Store(ABC):
    """One collection of points. Open it with `autoenc.open_store`; close it, or use it as a context manager.

    The public methods check what they are given; a backend writes the underscored ones.
    """

    location: str
    collection: str
    info: StoreInfo

    # ---- what the store remembers -------------------------------------------------------------

    def add_vector(self, name: str, spec: VectorSpec) -> None:
        """Make room for a named vector; nothing happens if it is there with the same encoder.

        Raises:
            StoreMismatchError: the name is taken by another encoder, dimension or preprocessing.
        """
        if name in self.info.vectors:
            self.check_vector(name, spec)
            if self.info.vectors[name].bundle == spec.bundle:
                return
        self.info.vectors[name] = spec
        self._save_info()
        self._create_vector(name, spec.dim)

    def check_vector(self, name: str, spec: VectorSpec) -> None:
        """Raise StoreMismatchError unless the named vector belongs to this very encoder."""
        known = self.info.vectors.get(name)
        if known is None:
            raise StoreMismatchError(
                f"Collection '{self.collection}' holds no vector '{name}'; it holds {_listed(self.info.vectors)}. "
                f"Index with --encoders {name} to add it."
            )
        same = (known.dim, known.fingerprint, known.preprocessing) == (spec.dim, spec.fingerprint, spec.preprocessing)
        if not same:
            raise StoreMismatchError(
                f"Collection '{self.collection}' holds {_described(name, known)}; this one is "
                f"{_described(name, spec)}. Index into a new collection with --collection, or use the "
                f"encoder{f' in {known.bundle}' if known.bundle else ''} that it was built with."
            )

    def add_source(self, name: str, root: str) -> None:
        """Remember where a source's images lie; a source that has moved gets its new root."""
        if self.info.sources.get(name) != root:
            self.info.sources[name] = root
            self._save_info()

    def add_field(self, name: str, kind: FieldKind) -> None:
        """Make a payload field filterable, with an index; nothing happens if it already is."""
        if self.info.fields.get(name) != kind:
            self.info.fields[name] = kind
            self._save_info()
            self._create_index(name, kind)

    # ---- writing ------------------------------------------------------------------------------

    def upsert(
        self, ids: Sequence[str], vectors: Mapping[str, FloatArray], payloads: Sequence[Mapping[str, Any]]
    ) -> None:
        """Insert points, replacing those of the same id whole, other vectors included.

        Args:
            ids: N UUIDs.
            vectors: vector name -> (N, dim) float32.
            payloads: N payloads.

        Raises:
            VectorError: unknown name, wrong shape, NaN or infinity. Nothing is written then.
        """
        checked = self._checked(ids, vectors)
        if len(payloads) != len(ids):
            raise ArgumentError(f"Expected one payload a point: {len(ids)} ids, {len(payloads)} payloads.")
        if len(ids):
            self._upsert(ids, checked, payloads)

    def update_vectors(self, ids: Sequence[str], vectors: Mapping[str, FloatArray]) -> None:
        """Set the named vectors of points that are there, leaving their other vectors and payload as they are."""
        checked = self._checked(ids, vectors)
        if len(ids):
            self._update_vectors(ids, checked)

    def set_payload(self, id: str, payload: Mapping[str, Any]) -> None:
        """Merge fields into the payload of one point, leaving its vectors as they are."""
        self._set_payload(id, payload)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete points; an id that is not there is no error."""
        if len(ids):
            self._delete(ids)

    @abstractmethod
    def optimize(self) -> None:
        """After a bulk load: build the ANN index where the collection is large enough to gain by it."""

    @abstractmethod
    def flush(self) -> None:
        """Return once everything written so far is on disk."""

    # ---- reading ------------------------------------------------------------------------------

    def search(
        self,
        vector: npt.ArrayLike,
        *,
        using: str,
        k: int = 5,
        where: Filter | None = None,
        min_score: float | None = None,
        exclude: Collection[str] = (),
    ) -> list[Hit]:
        """The k points nearest to a vector by cosine similarity, best first.

        Args:
            vector: (dim,) numbers.
            using: name of the vector to compare with.
            k: how many at most, 1 or more.
            where: only points whose payload matches.
            min_score: only points at least this similar.
            exclude: ids to leave out.

        Raises:
            VectorError: unknown name, wrong length, NaN or infinity.
            UnknownFieldError: `where` names a field that is not filterable.
            ArgumentError: k below 1, or a filter value of the wrong kind.
        """
        matrix = np.asarray(vector, np.float32)
        if matrix.ndim != 1:
            raise VectorError(f"Expected one vector, a sequence of numbers; got an array of shape {matrix.shape}.")
        return self.search_batch(
            matrix[None], using=using, k=k, where=where, min_score=min_score, exclude=exclude
        )[0]

    def search_batch(
        self,
        vectors: npt.ArrayLike,
        *,
        using: str,
        k: int = 5,
        where: Filter | None = None,
        min_score: float | None = None,
        exclude: Collection[str] = (),
    ) -> list[list[Hit]]:
        """`search` for every row of (Q, dim) `vectors`, in one call to the engine."""
        if k < 1:
            raise ArgumentError(f"k must be 1 or more; got {k}.")
        if min_score is not None and not np.isfinite(min_score):
            raise ArgumentError(f"The minimum score must be a number from -1 to 1; got {min_score}.")
        matrix = self._checked_matrix(using, np.asarray(vectors, np.float32))
        conditions = self._conditions(where)
        if len(matrix) == 0:
            return []
        return self._search_batch(matrix, using, k, conditions, min_score, exclude)

    def search_by_id(
        self,
        id: str,
        *,
        using: str,
        k: int = 5,
        where: Filter | None = None,
        min_score: float | None = None,
    ) -> list[Hit]:
        """The neighbours of a stored point, itself left out.

        Raises:
            PointNotFoundError: no such point, or it has no vector of that name.
        """
        self._checked_name(using)
        found = self.retrieve([id], vectors=[using])
        if not found or using not in found[0].vectors:
            what = f"no vector '{using}'" if found else "no such point"
            raise PointNotFoundError(f"Collection '{self.collection}' has {what} for id {id}. Index the image first.")
        return self.search(
            found[0].vectors[using], using=using, k=k, where=where, min_score=min_score, exclude=[id]
        )

    def retrieve(self, ids: Sequence[str], *, vectors: Sequence[str] = ()) -> list[Record]:
        """The points of those ids that are there, in the order of `ids`."""
        by_id = {record.id: record for record in self._retrieve(ids, list(vectors))} if len(ids) else {}
        return [by_id[id] for id in ids if id in by_id]

    def having_vectors(self, ids: Sequence[str], names: Sequence[str]) -> set[str]:
        """Those of `ids` whose points are there with every vector of `names`; no vector data is moved."""
        return self._having_vectors(ids, list(names)) if len(ids) else set()

    def count(self, where: Filter | None = None) -> int:
        """How many points match; all of them without a filter."""
        return self._count(self._conditions(where))

    def scroll(
        self, where: Filter | None = None, *, vectors: Sequence[str] = (), batch: int = 1000
    ) -> Iterator[Record]:
        """Every matching point, ordered by id, read `batch` at a time."""
        return self._scroll(self._conditions(where), list(vectors), batch)

    def facets(self, field: str, *, where: Filter | None = None, limit: int = 100) -> dict[Scalar, int]:
        """The most frequent values of a filterable field with their counts, largest first, then by value."""
        self._checked_fields([field])
        counts = self._facets(field, self._conditions(where), limit)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], str(item[0]))))

    @abstractmethod
    def close(self) -> None:
        """Flush and let go of the store. A second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.location} collection '{self.collection}'>"

    # ---- checks -------------------------------------------------------------------------------

    def _checked_name(self, name: str) -> VectorSpec:
        if name not in self.info.vectors:
            raise VectorError(
                f"Collection '{self.collection}' holds no vector '{name}'; it holds {_listed(self.info.vectors)}."
            )
        return self.info.vectors[name]

    def _checked_matrix(self, name: str, matrix: FloatArray) -> FloatArray:
        dim = self._checked_name(name).dim
        if matrix.ndim != 2 or matrix.shape[1] != dim:
            raise VectorError(f"Vector '{name}' of collection '{self.collection}' has {dim} numbers; got an array of "
                              f"shape {matrix.shape}.")
        if not np.isfinite(matrix).all():
            raise VectorError(f"A vector for '{name}' holds NaN or infinity; only finite numbers can be compared.")
        return matrix

    def _checked(self, ids: Sequence[str], vectors: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        checked = {name: self._checked_matrix(name, np.asarray(v, np.float32)) for name, v in vectors.items()}
        for name, matrix in checked.items():
            if len(matrix) != len(ids):
                raise VectorError(f"Expected one vector '{name}' a point: {len(ids)} ids, {len(matrix)} vectors.")
        return checked

    def _checked_fields(self, names: Collection[str]) -> None:
        for name in names:
            if name not in self.info.fields:
                raise UnknownFieldError(
                    f"Collection '{self.collection}' has no filterable field '{name}'; it has "
                    f"{_listed(self.info.fields)}."
                )

    def _conditions(self, where: Filter | None) -> dict[str, list[Scalar]]:
        """Field -> the values of which one must match, each of the field's kind."""
        where = where or {}
        self._checked_fields(where.keys())
        return {
            name: [
                _of_kind(name, self.info.fields[name], value)
                for value in (values if isinstance(values, (list, tuple, set, frozenset)) else [values])
            ]
            for name, values in where.items()
        }

    # ---- what a backend writes ----------------------------------------------------------------

    @abstractmethod
    def _save_info(self) -> None: ...

    @abstractmethod
    def _create_vector(self, name: str, dim: int) -> None: ...

    @abstractmethod
    def _create_index(self, name: str, kind: FieldKind) -> None: ...

    @abstractmethod
    def _upsert(
        self, ids: Sequence[str], vectors: Mapping[str, FloatArray], payloads: Sequence[Mapping[str, Any]]
    ) -> None: ...

    @abstractmethod
    def _update_vectors(self, ids: Sequence[str], vectors: Mapping[str, FloatArray]) -> None: ...

    @abstractmethod
    def _set_payload(self, id: str, payload: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def _delete(self, ids: Sequence[str]) -> None: ...

    @abstractmethod
    def _search_batch(
        self,
        vectors: FloatArray,
        using: str,
        k: int,
        conditions: Mapping[str, list[Scalar]],
        min_score: float | None,
        exclude: Collection[str],
    ) -> list[list[Hit]]: ...

    @abstractmethod
    def _retrieve(self, ids: Sequence[str], vectors: list[str]) -> list[Record]: ...

    @abstractmethod
    def _having_vectors(self, ids: Sequence[str], names: list[str]) -> set[str]: ...

    @abstractmethod
    def _count(self, conditions: Mapping[str, list[Scalar]]) -> int: ...

    @abstractmethod
    def _scroll(
        self, conditions: Mapping[str, list[Scalar]], vectors: list[str], batch: int
    ) -> Iterator[Record]: ...

    @abstractmethod
    def _facets(self, field: str, conditions: Mapping[str, list[Scalar]], limit: int) -> dict[Scalar, int]: ...


def _of_kind(name: str, kind: FieldKind, value: Scalar) -> Scalar:
    """A filter value as its field stores it: the command line gives strings."""
    try:
        match kind:
            case "keyword":
                return str(value)
            case "integer":
                return int(value)
            case "float":
                return float(value)
            case "bool":
                return {"true": True, "false": False}[str(value).lower()]
    except (ValueError, KeyError):
        raise ArgumentError(f"Field '{name}' holds values of kind {kind}; got {value!r}.") from None


def _described(name: str, spec: VectorSpec) -> str:
    return (
        f"{spec.dim}-d vectors of encoder '{name}' ({spec.fingerprint[:12]}, preprocessing {spec.preprocessing})"
    )


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names)) or "none"
