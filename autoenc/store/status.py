"""What a collection tells of itself: what it holds, its generations, and the space that it takes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from autoenc.store.better import Better, QueryKind
from autoenc.store.kinds import FieldKind, Scalar
from autoenc.store.records import VectorSpec
from autoenc.store.runs import Run
from autoenc.store.settings import SearchSettings


@dataclass(frozen=True)
class VectorBytes:
    """What the vectors of one encoder take on the disk, in bytes; searches read it through the memory of the system.

    Attributes:
        vectors: the vectors themselves.
        graph: what links each to its neighbors; 0 where there is no graph.
        quantized: their short copies; 0 where there are none.
    """

    vectors: int
    graph: int
    quantized: int


@dataclass(frozen=True)
class Generation:
    """One generation of a collection.

    Attributes:
        number: 1 for the first.
        current: whether it answers to the collection's name.
        unfinished: whether building it was interrupted, so that it can only be finished or dropped.
        encoders: named vector -> its encoder.
        disk_bytes: what it takes of this computer's disk; None for a server.
    """

    number: int
    current: bool
    unfinished: bool
    encoders: dict[str, VectorSpec]
    disk_bytes: int | None

    def to_dict(self) -> dict[str, Any]:
        origins = {name: spec.origin for name, spec in self.encoders.items()}
        return {**vars(self), "encoders": origins}


@dataclass(frozen=True)
class StoreStatus:
    """What a collection holds; see `Store.status`.

    Attributes:
        location, collection: as for `Store`.
        points: how many points the collection has.
        encoders: named vector -> its encoder.
        having: named vector -> how many points have it.
        sources: source name -> root folder.
        points_of: source name -> how many points come from it.
        fields: filterable field -> kind of its values.
        values: filterable field -> its most frequent values and how many points have each, where values are counted.
        bounds: filterable field of numbers or dates -> the least and the greatest value, as `Store.bounds` gives them.
        better: kind of query -> what retrieves better than the default encoder, where `autoenc.remember_comparison` has
            been told of it.
        product: the field that names the product of each image; None if none does.
        copy_of: the collection that an unfinished copy is made from; empty for any other collection.
        runs: source name -> its last indexing runs, oldest first.
        settings: encoder -> how its vectors are searched, where that has been set.
        disk_bytes: what the store takes of this computer's disk, without other generations; None for a server.
        generation: the number of this generation; None for a collection that cannot have several.
        others: the other generations of the collection.
    """

    location: str
    collection: str
    points: int
    encoders: dict[str, VectorSpec]
    having: dict[str, int]
    sources: dict[str, str]
    points_of: dict[str, int]
    fields: dict[str, FieldKind]
    values: dict[str, dict[Scalar, int]]
    bounds: dict[str, tuple[Scalar, Scalar]]
    better: dict[QueryKind, Better]
    product: str | None
    copy_of: str
    runs: dict[str, tuple[Run, ...]]
    settings: dict[str, SearchSettings]
    disk_bytes: int | None
    generation: int | None
    others: tuple[Generation, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "images": self.points,
            "encoders": {
                name: {**asdict(spec), "images": self.having[name], "lacking": self.points - self.having[name]}
                for name, spec in self.encoders.items()
            },
            "sources": {
                name: {
                    "root": root,
                    "images": self.points_of[name],
                    "runs": [asdict(r) for r in self.runs.get(name, ())],
                }
                for name, root in self.sources.items()
            },
            "fields": {
                name: {
                    "kind": kind,
                    "values": [{"value": v, "images": n} for v, n in self.values.get(name, {}).items()],
                    "bounds": list(self.bounds[name]) if name in self.bounds else None,
                }
                for name, kind in self.fields.items()
            },
            "better": {name: asdict(better) for name, better in self.better.items()},
            "product": self.product,
            "copy_of": self.copy_of,
            "settings": {name: asdict(settings) for name, settings in self.settings.items()},
            "disk_bytes": self.disk_bytes,
            "generation": self.generation,
            "other_generations": [each.to_dict() for each in self.others],
        }
