"""What a store remembers, as its engine keeps it, and the checks of what is asked against it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.errors import StoreError, StoreLockedError, StoreMismatchError, UnknownFieldError, VectorError
from autoenc.store.checks import floats
from autoenc.store.engine import Engine
from autoenc.store.filters import OWN, SCANNED, Conditions, HasVector, conditions_of, short_name
from autoenc.store.kinds import FieldKind
from autoenc.store.migration import migrate
from autoenc.store.records import StoreInfo, VectorSpec, listed
from autoenc.store.where import Filter
from autoenc.text import meant, shown
from autoenc.vectors import Vectors, unit_rows


class Recorded:
    """The part of a store that reads its record, and says what does not go with it. `Store` keeps the points.

    Attributes:
        location, collection, info: as for `Store`.
    """

    def __init__(self, engine: Engine) -> None:
        self.location = engine.location
        self.collection = engine.collection
        self._engine = engine
        self._lock = threading.RLock()  # held while the record is read, changed and written
        self._filling = False  # a copy is being made through this object
        self._replaced = False  # a new generation is being built of what it holds
        self.info = self._as_info(migrate(engine))
        self._reconcile()

    def refresh(self) -> None:
        """Read again what the store remembers: on a server, other processes may have changed it."""
        with self._lock:
            self.info = self._as_info(self._engine.read_record())

    def check_vector(self, name: str, spec: VectorSpec) -> None:
        """Raise StoreMismatchError unless the named vector belongs to exactly this encoder."""
        known = self.info.vectors.get(name)
        if known is None:
            raise StoreMismatchError(
                f"Collection '{self.collection}' holds no vector '{name}'; it holds {listed(self.info.vectors)}. "
                f"Index with encoders={name} to add it."
            )
        if not known.same_encoder(spec):
            elsewhere = known.origin if known.origin != spec.origin else None
            raise StoreMismatchError(
                f"Collection '{self.collection}' holds {_described(name, known)}; this encoder makes "
                f"{_described(name, spec)}. {_why(known, spec)}Reindex with it (`autoenc reindex`), or use the "
                f"encoder{f' of {shown(elsewhere)}' if elsewhere else ''} that the collection was built with."
            )

    def kind_of(self, field: str) -> FieldKind:
        """The kind of a filterable field's values.

        Raises:
            UnknownFieldError: the field is not filterable.
        """
        return self.info.fields[self._resolved(field)]

    # ---- the record ---------------------------------------------------------------------------

    def _as_info(self, record: Any) -> StoreInfo:
        return StoreInfo.from_dict(record, f"Collection '{self.collection}' of {self.location}")

    def _change(self, changes: Mapping[str, Any]) -> None:
        """Change parts of the engine's record, and read back what others have added to it meanwhile."""
        with self._lock:
            self._engine.merge_record(changes)
            self.refresh()

    def _remember(self, section: str, entries: Mapping[str, Any]) -> None:
        """Change entries of a section of the record; None forgets one."""
        if entries:
            self._change({section: entries})

    def _reconcile(self) -> None:
        """On opening, create what the record names but the engine does not have, because a crash came between."""
        for name, spec in self.info.vectors.items():
            self._engine.create_vector(name, spec.dim)
        self._create_fields(self.info.fields)

    def _create_fields(self, kinds: Mapping[str, FieldKind]) -> None:
        for name, kind in kinds.items():
            if name not in SCANNED:
                self._engine.create_field(name, kind)

    # ---- checks -------------------------------------------------------------------------------

    def _check_no_copy(self) -> None:
        if self._replaced:
            raise StoreLockedError(
                f"Collection '{self.collection}' of {self.location} is being reindexed; what is written meanwhile "
                f"would be lost. Write to it once that is done."
            )
        if self.info.copy_of and not self._filling:
            raise StoreError(
                f"Collection '{self.collection}' of {self.location} is an unfinished copy of {self.info.copy_of}. "
                f"Run the same copy, restore or reindex again before you write to it, or name another one "
                f"with collection=."
            )

    def _checked_name(self, name: str) -> VectorSpec:
        if name not in self.info.vectors:
            raise VectorError(
                f"Collection '{self.collection}' holds no vector '{name}'; it holds {listed(self.info.vectors)}."
            )
        return self.info.vectors[name]

    def _resolved(self, name: str) -> str:
        """The filterable field that a name stands for: the user's if there is one, else autoenc's by its short name."""
        for candidate in (name, f"{OWN}.{name}"):
            if candidate in self.info.fields:
                return candidate
        there = [short_name(field, self.info.fields) for field in self.info.fields]
        raise UnknownFieldError(
            f"Collection '{self.collection}' has no filterable field '{name}'; it has {listed(there)}."
            f"{meant(name, there)}"
        )

    def _checked_matrix(self, name: str, values: npt.ArrayLike) -> Vectors:
        """(N, dim) finite float32, each row scaled to length 1, so that every engine compares the same numbers."""
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

    def _conditions(self, where: Filter | None, having: Sequence[str] = ()) -> Conditions:
        def resolve(name: str) -> tuple[str, FieldKind]:
            field = self._resolved(name)
            return field, self.info.fields[field]

        conditions = conditions_of(where, resolve)
        return conditions._replace(must=(*conditions.must, *map(HasVector, having)))


def _described(name: str, spec: VectorSpec) -> str:
    # A checksum is told apart by its first digits; others list parameters.
    fingerprint = spec.fingerprint[: 60 if " " in spec.fingerprint else 12]
    origin = f" of {shown(spec.origin)}" if spec.origin else ""
    return f"{spec.dim}-d vectors of encoder '{name}'{origin} ({fingerprint}, preprocessing {spec.preprocessing})"


def _why(known: VectorSpec, spec: VectorSpec) -> str:
    """A sentence where two models, or two trainings of one, made what has one name."""
    if known.fingerprint == spec.fingerprint or not (known.origin and spec.origin):
        return ""
    return "They were made by different models or trainings, so they cannot be compared. "
