"""What an engine must do for a store, and the checks in front of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError, PointNotFoundError, UnknownFieldError, VectorError
from autoenc.store.records import (
    FieldKind,
    Filter,
    Hit,
    Record,
    Scalar,
    StoreInfo,
    VectorSpec,
    canonical_id,
    listed,
    of_kind,
)
from autoenc.vectors import Vectors, unit_rows


class Backend(ABC):
    """The underscored half of a store.

    An engine's methods may trust what they get: ids are canonical UUIDs, at least one; matrices are finite
    float32 of the right width with rows of length 1 (or 0); vectors are known and fields filterable.
    """

    location: str
    collection: str
    info: StoreInfo

    @abstractmethod
    def _save_info(self, info: StoreInfo) -> None: ...

    @abstractmethod
    def _create_vector(self, name: str, dim: int) -> None: ...

    @abstractmethod
    def _create_index(self, name: str, kind: FieldKind) -> None: ...

    @abstractmethod
    def _upsert(
        self, ids: Sequence[str], vectors: Mapping[str, Vectors], payloads: Sequence[Mapping[str, Any]]
    ) -> None: ...

    @abstractmethod
    def _update_vectors(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> None: ...

    @abstractmethod
    def _set_payload(self, id: str, payload: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def _delete(self, ids: Sequence[str]) -> None: ...

    @abstractmethod
    def _search_batch(
        self,
        vectors: Vectors,
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
    def _scroll(self, conditions: Mapping[str, list[Scalar]], vectors: list[str], batch: int) -> Iterator[Record]: ...

    @abstractmethod
    def _facets(self, field: str, conditions: Mapping[str, list[Scalar]], limit: int) -> dict[Scalar, int]: ...

    # ---- the record ---------------------------------------------------------------------------

    def _remember(self, info: StoreInfo) -> None:
        """Keep the record first in the engine's reach, then here: a failed write changes nothing."""
        self._save_info(info)
        self.info = info

    def _reconcile(self, vectors: Collection[str], fields: Collection[str]) -> None:
        """On opening, create what the record names and the engine lacks, for a crash may have come between."""
        for name, spec in self.info.vectors.items():
            if name not in vectors:
                self._create_vector(name, spec.dim)
        for name, kind in self.info.fields.items():
            if name not in fields:
                self._create_index(name, kind)

    # ---- checks -------------------------------------------------------------------------------

    def _checked_name(self, name: str) -> VectorSpec:
        if name not in self.info.vectors:
            raise VectorError(
                f"Collection '{self.collection}' holds no vector '{name}'; it holds {listed(self.info.vectors)}."
            )
        return self.info.vectors[name]

    def _checked_matrix(self, name: str, values: npt.ArrayLike) -> Vectors:
        """(N, dim) finite float32, each row brought to length 1 so that every engine compares the same numbers."""
        dim = self._checked_name(name).dim
        matrix = floats(values)
        if matrix.ndim != 2 or matrix.shape[1] != dim:
            raise VectorError(
                f"Vector '{name}' of collection '{self.collection}' has {dim} numbers; got an array of "
                f"shape {matrix.shape}."
            )
        if not np.isfinite(matrix).all():
            raise VectorError(f"A vector for '{name}' holds NaN or infinity; only finite numbers can be compared.")
        return unit_rows(matrix)

    def _checked(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> tuple[list[str], dict[str, Vectors]]:
        checked = {name: self._checked_matrix(name, matrix) for name, matrix in vectors.items()}
        for name, matrix in checked.items():
            if len(matrix) != len(ids):
                raise VectorError(f"Expected one vector '{name}' a point: {len(ids)} ids, {len(matrix)} vectors.")
        known = canonical(ids)
        if len(known) != len(ids):
            wrong = next(id for id in ids if canonical_id(id) is None)
            raise ArgumentError(f"A point's id is a UUID, as autoenc.store.point_id makes it; got {wrong!r}.")
        return known, checked

    def _checked_there(self, ids: Sequence[str]) -> None:
        known = canonical(ids)
        missing = sorted(set(ids) - (self._having_vectors(known, []) if known else set()))
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise PointNotFoundError(
                f"Collection '{self.collection}' has no point {missing[0]}{more}. Index the image first."
            )

    def _checked_fields(self, names: Collection[str]) -> None:
        for name in names:
            if name not in self.info.fields:
                raise UnknownFieldError(
                    f"Collection '{self.collection}' has no filterable field '{name}'; it has "
                    f"{listed(self.info.fields)}."
                )

    def _conditions(self, where: Filter | None) -> dict[str, list[Scalar]]:
        """Field -> the values of which one must match, each of the field's kind."""
        where = where or {}
        self._checked_fields(where.keys())
        conditions = {}
        for name, given in where.items():
            values = [given] if isinstance(given, (str, int)) else list(given)
            if not values:
                raise ArgumentError(f"The filter on '{name}' needs at least one value to match.")
            conditions[name] = [of_kind(name, self.info.fields[name], value) for value in values]
        return conditions


def floats(values: npt.ArrayLike) -> Vectors:
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinity, which is refused as such
            return np.asarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise VectorError(
            f"Expected vectors of numbers, all of one length; got {type(values).__name__} ({error})."
        ) from None


def canonical(ids: Collection[str]) -> list[str]:
    """The ids that are UUIDs, as stores write them; any other string is no point's id."""
    return [known for known in map(canonical_id, ids) if known is not None]
