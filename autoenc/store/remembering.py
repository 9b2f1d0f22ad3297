"""What a store is told to remember beside its points: encoders, sources, filterable fields, comparisons and scales."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace

from autoenc.errors import ArgumentError, StoreError, StoreMismatchError, UnknownFieldError
from autoenc.store.better import Better, QueryKind
from autoenc.store.filters import check_field_name
from autoenc.store.kinds import FIELD_KINDS, PRODUCT_KINDS, FieldKind
from autoenc.store.recorded import Recorded
from autoenc.store.records import VectorSpec, check_new_vector, listed
from autoenc.store.runs import LAST, Run
from autoenc.store.scale import Scale
from autoenc.store.settings import USUAL, SearchSettings
from autoenc.text import meant

_WIDER: tuple[FieldKind, FieldKind] = ("integer", "float")
"""The one change of a field's kind that every value outlives."""


class Remembering(Recorded):
    """The part of a store that is told what to remember. What it knows already is not written again."""

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

    def drop_vector(self, name: str) -> None:
        """Remove a named vector from every point, and forget its encoder.

        Raises:
            VectorError: there is no such vector.
        """
        with self._lock:
            self._check_no_copy()
            self._checked_name(name)
            self._change({"scales": {name: None}, "settings": {name: None}})
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
            self._change({"sources": {name: None}, "runs": {name: None}})

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
                self._change({"product": field, "product_folders": folders})

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
