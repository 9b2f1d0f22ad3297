"""The record of a store: what it remembers of its encoders, sources, filterable fields and the rest."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from autoenc.errors import ArgumentError, StoreMismatchError, StoreNotFoundError
from autoenc.store.better import Better, QueryKind, read_better
from autoenc.store.filters import check_field_name
from autoenc.store.kinds import FIELD_KINDS, FieldKind
from autoenc.store.runs import Run, read_runs
from autoenc.store.scale import Scale, read_scales
from autoenc.store.settings import SearchSettings, read_settings
from autoenc.text import is_text, printable

MEMORY = ":memory:"
"""The location of a store that exists only while it is open."""

FORMAT_VERSION = 2
SECTIONS = ("vectors", "sources", "fields", "better", "scales", "settings", "runs")
"""The parts of a record that hold one entry per name."""

BEHAVIOR = "behavior"
"""The name of the vectors of what users did with the images, and the first word of their fingerprint."""

_VECTOR_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")


@dataclass(frozen=True)
class VectorSpec:
    """What a store remembers about the encoder of one named vector.

    Attributes:
        dim: length of the vectors.
        fingerprint: the encoder's `fingerprint`.
        preprocessing: version of the image preprocessing before the encoder; 0 where no encoder makes these vectors
            of images.
        origin: what to load the encoder from again, for example the folder of its bundle; None if its name is enough.
    """

    dim: int
    fingerprint: str
    preprocessing: int
    origin: str | None = None

    @property
    def of_images(self) -> bool:
        """Whether an encoder makes these vectors of images. Others come from elsewhere, such as from behavior."""
        return self.preprocessing != 0

    @property
    def of_behavior(self) -> bool:
        """Whether these vectors are of what users did with the images, whatever the pictures show."""
        return not self.of_images and self.fingerprint.startswith(f"{BEHAVIOR} ")

    def same_encoder(self, other: VectorSpec) -> bool:
        """Whether both describe the same encoder, wherever it is loaded from."""
        mine = (self.dim, self.fingerprint, self.preprocessing)
        return mine == (other.dim, other.fingerprint, other.preprocessing)


@dataclass(frozen=True)
class StoreInfo:
    """What a store remembers, apart from its points.

    Attributes:
        vectors: named vector -> its encoder.
        sources: source name -> root folder of its images.
        fields: filterable payload field -> kind of its values.
        better: kind of query -> what retrieves better than the default encoder, where a comparison has shown it.
        scales: encoder -> what its cosines mean in this collection, where that has been measured.
        settings: encoder -> how its vectors are searched, where that has been set.
        runs: source name -> its last indexing runs, oldest first.
        product: the filterable field that names the product of each image; None if none does.
        product_folders: whether that field holds the folders of the images.
        copy_of: the collection that an unfinished copy is made from; empty for any other collection.
    """

    vectors: dict[str, VectorSpec] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    fields: dict[str, FieldKind] = field(default_factory=dict)
    better: dict[QueryKind, Better] = field(default_factory=dict)
    scales: dict[str, Scale] = field(default_factory=dict)
    settings: dict[str, SearchSettings] = field(default_factory=dict)
    runs: dict[str, tuple[Run, ...]] = field(default_factory=dict)
    product: str | None = None
    product_folders: bool = False
    copy_of: str = ""

    @property
    def of_images(self) -> dict[str, VectorSpec]:
        """Those of the named vectors that encoders make of images."""
        return {name: spec for name, spec in self.vectors.items() if spec.of_images}

    def to_dict(self) -> dict[str, Any]:
        """The record as a document for JSON."""
        return {"version": FORMAT_VERSION, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Any, where: str) -> Self:
        """Read what `to_dict` wrote.

        Raises:
            StoreMismatchError: a record of another version of the format, or not a record.
        """
        if not isinstance(data, dict) or data.get("version") != FORMAT_VERSION:
            found = f"format {data['version']!r}" if isinstance(data, dict) and "version" in data else "no such record"
            raise StoreMismatchError(
                f"{where} is not a store of this version of autoenc: expected a record of format {FORMAT_VERSION}, "
                f"found {found}. Index into a new store."
            )
        try:
            vectors = {name: _spec(name, spec) for name, spec in data["vectors"].items()}
            sources = {_text(name): _text(root) for name, root in data["sources"].items()}
            fields = {name: _kind(name, kind) for name, kind in data["fields"].items()}
            fingerprints = {name: spec.fingerprint for name, spec in vectors.items()}
            better = read_better(data.get("better", {}), fingerprints, fields)  # records of earlier versions have none
            scales = read_scales(data.get("scales", {}), fingerprints)  # nor these
            settings = read_settings(data.get("settings", {}), fingerprints)
            runs = read_runs(data.get("runs", {}), sources)
            product = data.get("product")
            if product is not None and product not in fields:
                raise ValueError(f"no filterable field: {product!r}")
            product_folders = product is not None and data.get("product_folders") is True
            copy_of = _text(data.get("copy_of", ""))
        except (KeyError, TypeError, AttributeError, ValueError, ArgumentError) as error:
            raise StoreMismatchError(
                f"{where} has a damaged record of its encoders, sources, fields, comparisons, scales, "
                f"settings or runs ({printable(str(error))}). Restore it from a backup, or index into a new store."
            ) from error
        return cls(vectors, sources, fields, better, scales, settings, runs, product, product_folders, copy_of)


def check_new_vector(name: str, spec: VectorSpec) -> None:
    """Raise ArgumentError for a name or length that some engine does not take (a name becomes a folder's name)."""
    if not _VECTOR_NAME.fullmatch(name):
        raise ArgumentError(
            f"A vector's name holds up to 100 letters, digits, '_', '-', '.' and '+', and begins with a letter, "
            f"a digit or '_'; got {name!r}."
        )
    if not 1 <= spec.dim <= 65535:
        raise ArgumentError(f"A vector has 1 to 65,535 numbers; got {spec.dim} for '{name}'.")


def listed(names: Collection[str]) -> str:
    """Names for a message: quoted, sorted, or "none"."""
    return ", ".join(f"'{name}'" for name in sorted(names)) or "none"


def no_collection(location: str, collection: str, there: Collection[str]) -> StoreNotFoundError:
    """The error for a store that does not have the collection asked for."""
    remedy = "Name one of them with collection=, or index" if there else "Index"
    return StoreNotFoundError(
        f"{location} has no collection '{collection}'; the collections there are: {listed(there)}. "
        f"{remedy} images into '{collection}' first."
    )


def merged(record: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A record with changes applied. Sections are merged by entry, and None removes an entry; the rest is replaced."""
    out = dict(record)
    for key, value in changes.items():
        if key in SECTIONS:
            entries = {**out.get(key, {}), **value}
            out[key] = {name: entry for name, entry in entries.items() if entry is not None}
        else:
            out[key] = value
    return out


def _spec(name: str, data: dict[str, Any]) -> VectorSpec:
    spec = VectorSpec(**data)
    if type(spec.dim) is not int or type(spec.preprocessing) is not int:
        raise TypeError(f"not an encoder: {data!r}")
    _text(spec.fingerprint)
    if spec.origin is not None:
        _text(spec.origin)
    check_new_vector(name, spec)
    return spec


def _kind(name: str, kind: Any) -> FieldKind:
    check_field_name(name)
    if kind not in FIELD_KINDS:
        raise ValueError(f"not a kind of field: {kind!r}")
    return FIELD_KINDS[FIELD_KINDS.index(kind)]


def _text(value: Any) -> str:
    """The value, if it is text that a path or a name can hold."""
    if not isinstance(value, str) or not is_text(value) or "\0" in value:
        raise ValueError(f"not text: {value!r}")
    return value
