"""What a store takes over from the one that it is copied or built from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

from autoenc.store.records import SECTIONS, VectorSpec
from autoenc.store.remembering import Remembering
from autoenc.store.settings import read_settings

_OF_ONE_COLLECTION = ("version", "migrating", "copy_of", "vectors", "fields")
"""Of a record: what a copy does not take over, or only once the engine has made it."""


class Adopting(Remembering):
    """The part of a store that remembers what another one does."""

    def adopt(self, other: Adopting, vectors: Mapping[str, VectorSpec] | None = None) -> None:
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
            self._change(changes)

    def catch_up(self, other: Adopting) -> None:
        """Remember the sources, fields, products and runs that another generation remembers; encoders as they are.

        Args:
            other: the generation that answers.

        A field of another kind is indexed anew: its points are to be written after this.
        """
        with other._lock:  # all of one moment, as in `adopt`
            record = other._engine.read_record()
            other.info = known = other._as_info(record)
        for name in known.fields.keys() & self.info.fields.keys():
            self.change_field(name, known.fields[name])
        self.add_fields(known.fields)
        taken = ("sources", "product", "product_folders", "runs")
        self._change({key: record[key] for key in taken if key in record})

    @contextmanager
    def being_copied(self, origin: str) -> Iterator[None]:
        """Remember, until the end of a `with` block that raises nothing, that this is an unfinished copy.

        Until then, only this object writes points: whatever else would come into the collection, a resumed copy
        would take for its own, and replace.

        Args:
            origin: the collection that is copied, in words.
        """
        self._change({"copy_of": origin})
        self._filling = True
        try:
            yield
        finally:
            self._filling = False
        self._change({"copy_of": ""})
