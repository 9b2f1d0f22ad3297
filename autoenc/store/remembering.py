"""What a store remembers beside its points: its encoders, sources, filterable fields, comparisons and scales."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.errors import (
    ArgumentError,
    StoreError,
    StoreLockedError,
    StoreMismatchError,
    UnknownFieldError,
    VectorError,
)
from autoenc.store.better import Better, QueryKind
from autoenc.store.checks import floats
from autoenc.store.engine import Engine
from autoenc.store.filters import (
    OWN,
    SCANNED,
    Conditions,
    HasVector,
    check_field_name,
    conditions_of,
    short_name,
)
from autoenc.store.kinds import FIELD_KINDS, PRODUCT_KINDS, FieldKind
from autoenc.store.migration import migrate
from autoenc.store.records import SECTIONS, StoreInfo, VectorSpec, check_new_vector, listed
from autoenc.store.runs import LAST, Run
from autoenc.store.scale import Scale
from autoenc.store.settings import USUAL, SearchSettings, read_settings
from autoenc.store.where import Filter
from autoenc.text import meant
from autoenc.vectors import Vectors, unit_rows

_OF_ONE_COLLECTION = ("version", "migrating", "copy_of", "vectors", "fields")
"""Of a record: what a copy does not take over, or only once the engine has made it."""

_WIDER: tuple[FieldKind, FieldKind] = ("integer", "float")
"""The one change of a field's kind that every value outlives."""


class Remembering:
    """The half of a store that keeps its record, and checks what is asked against it. `Store` keeps the points.

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

    def add_vector(self, name: str, spec: VectorSpec) -> None:
        """Add a named vector to the collection; do nothing if it exists with the same encoder.

        Raises:
            StoreMismatchError: the vector exists with another encoder, dimension or preprocessing.
            ArgumentError: a name or dimension that the engines do not take.
        """
        self.add_vectors({name: spec})

    def add_vectors(self, specs: Mapping[str, VectorSpec]) -> None:
        """`add_vector` for several vectors, with a single change of the record; raises the same errors."""
        for name, spec in specs.items():
            check_new_vector(name, spec)
        with self._lock:
            known = self.info.vectors
            for name in specs.keys() & known.keys():
                self.check_vector(name, specs[name])
            if specs.keys() - known.keys():
                self._check_no_copy()
            self._remember("vectors", {name: asdict(spec) for name, spec in specs.items() if known.get(name) != spec})
            for name in specs:
                self.check_vector(name, specs[name])  # another process may have been faster
            left = [name for name in specs if name not in known]
            try:
                while left:
                    self._engine.create_vector(left[0], specs[left[0]].dim)
                    del left[0]
            except StoreError:  # forget them again, or the next to open the store would have to wait for them
                with suppress(StoreError):
                    self._remember("vectors", dict.fromkeys(left))
                raise

    def check_vector(self, name: str, spec: VectorSpec) -> None:
        """Raise StoreMismatchError unless the named vector belongs to exactly this encoder."""
        known = self.info.vectors.get(name)
        if known is None:
            raise StoreMismatchError(
                f"Collection '{self.collection}' holds no vector '{name}'; it holds {listed(self.info.vectors)}. "
                f"Index with encoders={name} to add it."
            )
        if not known.same_encoder(spec):
            raise StoreMismatchError(
                f"Collection '{self.collection}' holds {_described(name, known)}; this encoder makes "
                f"{_described(name, spec)}. Reindex with it (`autoenc reindex`), or use the "
                f"encoder{f' of {known.origin}' if known.origin else ''} that the collection was built with."
            )

    def refresh(self) -> None:
        """Read again what the store remembers: on a server, other processes may have changed it."""
        with self._lock:
            self.info = self._as_info(self._engine.read_record())

    def drop_vector(self, name: str) -> None:
        """Remove a named vector from every point, and forget its encoder.

        Raises:
            VectorError: there is no such vector.
        """
        with self._lock:
            self._check_no_copy()
            self._checked_name(name)
            if name in self.info.scales:
                self._remember("scales", {name: None})
            if name in self.info.settings:
                self._remember("settings", {name: None})
            self._engine.drop_vector(name)
            self._remember("vectors", {name: None})

    def add_source(self, name: str, root: str) -> None:
        """Remember the root folder of a source; a new root replaces the old one."""
        with self._lock:
            if self.info.sources.get(name) != root:
                self._remember("sources", {name: root})

    def forget_source(self, name: str) -> None:
        """Forget a source and its runs; its points, if there are any, stay."""
        with self._lock:
            self._remember("sources", {name: None})
            self._remember("runs", {name: None})

    def add_run(self, source: str, run: Run) -> None:
        """Remember an indexing run; of each source, the last five are kept."""
        with self._lock:
            runs = [*self.info.runs.get(source, ()), run]
            self._remember("runs", {source: [asdict(each) for each in runs[-LAST:]]})

    def add_field(self, name: str, kind: FieldKind) -> None:
        """Make a payload field filterable by indexing it; do nothing if it already is.

        A field of integers becomes one of floats if that is asked for: its values stay what they are.

        Args:
            name: a field of the user's, which may have dots and spaces, or `_autoenc.` and one of autoenc's fields.
            kind: keyword, integer, float, datetime (ISO 8601 text), bool, or text, which filters search by words.

        Raises:
            StoreMismatchError: the field is filterable already, with values of another kind.
            ArgumentError: an unknown kind, or an invalid name.
        """
        self.add_fields({name: kind})

    def add_fields(self, kinds: Mapping[str, FieldKind]) -> None:
        """`add_field` for several fields, with a single change of the record; raises the same errors."""
        for name, kind in kinds.items():
            check_field_name(name)
            if kind not in FIELD_KINDS:
                raise ArgumentError(f"A field's kind is one of {listed(FIELD_KINDS)}; got {kind!r} for '{name}'.")
        with self._lock:
            for name, kind in kinds.items():
                known = self.info.fields.get(name, kind)
                if known != kind and (known, kind) != _WIDER:
                    raise StoreMismatchError(
                        f"Field '{name}' of collection '{self.collection}' holds {known} values, not "
                        f"{kind}. Use another field name, or index into a new collection."
                    )
            new = {name: kind for name, kind in kinds.items() if self.info.fields.get(name) != kind}
            for name in new.keys() & self.info.fields.keys():
                self._engine.drop_field(name)
            self._create_fields(new)
            self._remember("fields", new)

    def change_field(self, name: str, kind: FieldKind) -> None:
        """Index a filterable field anew, as one of another kind. Its values have to be converted before.

        Raises:
            UnknownFieldError: the field is not filterable.
        """
        with self._lock:
            if self.kind_of(name) != kind:
                self._engine.drop_field(name)
                self._create_fields({name: kind})
                self._remember("fields", {name: kind})

    def forget_field(self, name: str) -> None:
        """Let filters no longer know a field; its values, if there are any, stay in the payloads.

        Raises:
            UnknownFieldError: the field is not filterable.
        """
        with self._lock:
            self.kind_of(name)
            self._engine.drop_field(name)
            self._remember("fields", {name: None})

    def set_product(self, field: str | None, *, folders: bool = False) -> None:
        """Remember which field names the product of each image, so that several photos of one product can be told.

        Args:
            field: a filterable field of keywords or integers; None forgets it.
            folders: whether it holds the folders of the images, which indexing then sets.

        Raises:
            UnknownFieldError: the field is not filterable.
            ArgumentError: a field of another kind.
        """
        with self._lock:
            if field is not None:
                if field not in self.info.fields:
                    raise UnknownFieldError(
                        f"Collection '{self.collection}' has no filterable field '{field}'; it has "
                        f"{listed(self.info.fields)}.{meant(field, self.info.fields)}"
                    )
                if self.info.fields[field] not in PRODUCT_KINDS:
                    raise ArgumentError(
                        f"A product is named by a keyword or a whole number; field '{field}' holds "
                        f"{self.info.fields[field]} values."
                    )
            if (self.info.product, self.info.product_folders) != (field, folders):
                self._engine.merge_record({"product": field, "product_folders": folders})
                self.info = self._as_info(self._engine.read_record())

    def set_better(self, kind: QueryKind, better: Better | None) -> None:
        """Remember what retrieves better than the default encoder, for one kind of query; None forgets it.

        It is known as long as the store holds its encoders, with the fingerprints that they were compared with, and its
        fields.

        Raises:
            VectorError: the store does not hold one of the encoders.
        """
        with self._lock:
            for name in () if better is None else better.fingerprints:
                self._checked_name(name)
            if self.info.better.get(kind) == better:
                return
            self._remember("better", {kind: None if better is None else asdict(better)})

    def set_scales(self, scales: Mapping[str, Scale]) -> None:
        """Remember what the cosines of some encoders mean, in place of what was known.

        A scale is known as long as the store holds the encoder, with the fingerprint that it was measured with.

        Raises:
            VectorError: the store does not hold one of the encoders.
        """
        with self._lock:
            for name in scales:
                self._checked_name(name)
            new = {name: asdict(scale) for name, scale in scales.items() if self.info.scales.get(name) != scale}
            self._remember("scales", new)

    def set_settings(self, settings: Mapping[str, SearchSettings]) -> None:
        """Search the vectors of some encoders by these settings from now on, here and wherever the store is opened.

        They are known as long as the store holds the encoder. Where they ask for another quantization than before, the
        next `optimize` makes the short copies, and until then the vectors themselves are compared; a server makes them
        by itself. No other thread may use the store meanwhile.

        Args:
            settings: encoder -> its settings; `SearchSettings()` for the usual ones.

        Raises:
            VectorError: the store does not hold one of the encoders.
            StoreError: the store cannot be written to.

        Example:
            >>> with autoenc.open_store("store") as store:
            ...     store.set_settings({"learned": autoenc.SearchSettings(ef=64)})
            ...     store.info.settings["learned"].ef
            64
        """
        with self._lock:
            self._check_no_copy()
            specs = {name: self._checked_name(name) for name in settings}
            known = self.info.settings
            new = {name: replace(each, fingerprint=specs[name].fingerprint) for name, each in settings.items()}
            new = {name: each for name, each in new.items() if known.get(name) != each}
            self._quantize(new)
            usual = {name for name, each in new.items() if replace(each, points=0, fingerprint="") == USUAL}
            self._remember("settings", {name: None if name in usual else asdict(each) for name, each in new.items()})

    def _quantize(self, settings: Mapping[str, SearchSettings]) -> None:
        """Let the engine keep the short copies that these settings use, where it has not been told so yet."""
        known = self.info.settings
        changed = {
            name: each.quantization
            for name, each in settings.items()
            if known.get(name, USUAL).quantization != each.quantization
        }
        if changed:
            self._engine.quantize(changed)

    def adopt(self, other: Remembering, vectors: Mapping[str, VectorSpec] | None = None) -> None:
        """Remember what another store remembers: its encoders and fields, and exactly what else its record holds.

        Args:
            other: the other store.
            vectors: the encoders to remember in place of its own.

        Raises:
            StoreMismatchError: this store has another encoder, or another kind of field, under one of the names.
        """
        with other._lock:  # fields, encoders and the rest are of one moment, for the rest names fields and encoders
            record = other._engine.read_record()
            other.info = known = other._as_info(record)
        wanted = known.vectors if vectors is None else vectors
        self.add_fields(known.fields)
        self.add_vectors(wanted)
        fingerprints = {name: spec.fingerprint for name, spec in wanted.items()}
        settings = read_settings(record.get("settings", {}), fingerprints)  # not those of an encoder that is replaced
        changes = {key: value for key, value in record.items() if key not in _OF_ONE_COLLECTION}
        changes["settings"] = {name: asdict(each) for name, each in settings.items()}
        with self._lock:
            mine = self._engine.read_record()
            self._quantize(settings)
            for section in changes.keys() & set(SECTIONS):
                changes[section] = {**dict.fromkeys(mine.get(section, {})), **changes[section]}
            self._engine.merge_record(changes)
            self.refresh()

    def catch_up(self, other: Remembering) -> None:
        """Remember the sources, fields, products and runs that another generation remembers; encoders as they are.

        Args:
            other: the generation that answers.

        Raises:
            StoreMismatchError: this one has another kind of field under one of the names.
        """
        record = other._engine.read_record()
        other.refresh()
        self.add_fields(other.info.fields)
        taken = ("sources", "product", "product_folders", "runs")
        with self._lock:
            self._engine.merge_record({key: record[key] for key in taken if key in record})
            self.refresh()

    @contextmanager
    def being_copied(self, origin: str) -> Iterator[None]:
        """Remember, until the end of a `with` block that raises nothing, that this is an unfinished copy.

        Until then, only this object writes points: whatever else would come into the collection, a resumed copy
        would take for its own, and replace.

        Args:
            origin: the collection that is copied, in words.
        """
        self._remember_copy(origin)
        self._filling = True
        try:
            yield
        finally:
            self._filling = False
        self._remember_copy("")

    def _remember_copy(self, origin: str) -> None:
        with self._lock:
            self._engine.merge_record({"copy_of": origin})
            self.refresh()

    def kind_of(self, field: str) -> FieldKind:
        """The kind of a filterable field's values.

        Raises:
            UnknownFieldError: the field is not filterable.
        """
        return self.info.fields[self._resolved(field)]

    # ---- the record ---------------------------------------------------------------------------

    def _as_info(self, record: Any) -> StoreInfo:
        return StoreInfo.from_dict(record, f"Collection '{self.collection}' of {self.location}")

    def _remember(self, section: str, entries: Mapping[str, Any]) -> None:
        """Change entries of the engine's record, and read back what others have added to it meanwhile."""
        if entries:
            self._engine.merge_record({section: entries})
            self.info = self._as_info(self._engine.read_record())

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
    return f"{spec.dim}-d vectors of encoder '{name}' ({fingerprint}, preprocessing {spec.preprocessing})"
