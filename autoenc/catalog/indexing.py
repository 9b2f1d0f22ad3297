"""Images -> store: reading, encoding and upserting overlap; a second run does only what has changed."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from autoenc.catalog.changes import Outcome, Task, examine
from autoenc.catalog.searching import encoder_spec, remembered_bundle
from autoenc.encoders import Encoder, create_encoders
from autoenc.errors import ArgumentError, StoreNotFoundError
from autoenc.images.decoding import resized_batch
from autoenc.images.files import LoadedImage
from autoenc.images.finding import Found, SkippedFile, find_images
from autoenc.models.bundle import Bundle
from autoenc.parallel import ordered_map
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import FieldKind, Store, open_store, point_id

DEFAULT_ENCODERS = ("learned", "color", "texture", "edges")
FILTERABLE: Mapping[str, FieldKind] = {
    "source": "keyword",
    "folder": "keyword",
    "width": "integer",
    "height": "integer",
}
_BATCH = 256
_WHOLE_POINT: frozenset[str] = frozenset()


@dataclass(frozen=True)
class IndexReport:
    """What `index_images` did, every file accounted for.

    Attributes:
        indexed: images new in the store.
        updated: images that had changed, or that got the vector of another encoder.
        unchanged: images that the store already held as they are.
        missing: points of this source whose file has gone; they are left in the store.
        ignored: files without an image's extension.
        skipped: files that could not be used, and why.
        seconds: from the first file looked at to the last flush.
        images_per_second: indexed, updated and unchanged images over that time.
        source: the source's name.
    """

    indexed: int
    updated: int
    unchanged: int
    missing: int
    ignored: int
    skipped: list[SkippedFile]
    seconds: float
    images_per_second: float
    source: str

    @property
    def usable(self) -> int:
        """How many images were good."""
        return self.indexed + self.updated + self.unchanged

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "skipped": [skipped.to_dict() for skipped in self.skipped]}


def index_images(
    images: str | os.PathLike[str],
    store: Store | str | os.PathLike[str],
    *,
    model: Bundle | str | os.PathLike[str] | None = None,
    encoders: Sequence[str] = DEFAULT_ENCODERS,
    collection: str = "images",
    source: str | None = None,
    progress: ProgressOption = None,
) -> IndexReport:
    """Put every image of a folder into a store, one named vector an encoder.

    What the store already holds of this source is left alone: size and modification time are compared first, the
    digest where they differ. Interrupted at any moment, it is finished by calling it again.

    Args:
        images: a folder, searched recursively.
        store: an open store, or the location of one, which is made if it is not there.
        model: the bundle of `learned`; a store that holds `learned` vectors remembers where it lay.
        encoders: names of encoders, each once.
        collection: in a store given by its location.
        source: name of this set of images, part of every point's id; the folder's absolute path by default. With a
            name of its own, a folder can move and keep its points.
        progress: told how many files are stored, or need nothing.

    Raises:
        NoImagesError: no folder, or no file in it with an image's extension.
        EncoderError, BundleError: an encoder cannot be made, or is named twice. Nothing has been written then.
        StoreError: the store cannot be opened, or holds vectors of another encoder under one of these names.
    """
    if not encoders:
        raise ArgumentError("Name at least one encoder.")
    if isinstance(store, Store):
        return _index(images, store, lambda: store, model, encoders, source, progress)
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(open_store(store, collection))
        except StoreNotFoundError:
            opened = None  # made when the first image is ready to be written, so that a bad folder leaves none behind
        create = partial(open_store, store, collection, create=True)
        return _index(images, opened, lambda: stack.enter_context(create()), model, encoders, source, progress)


def _index(
    images: str | os.PathLike[str],
    store: Store | None,
    create: Callable[[], Store],
    model: Bundle | str | os.PathLike[str] | None,
    encoders: Sequence[str],
    source: str | None,
    progress: ProgressOption,
) -> IndexReport:
    if model is None and store is not None and "learned" in encoders:
        model = remembered_bundle(store)
    made = create_encoders(encoders, model=model)
    found = find_images(images)
    with telling(progress) as tell:
        return _Run(store, create, made, found, source or str(found.root)).run(tell)


def payload_of(source: str, path: str, image: LoadedImage) -> dict[str, Any]:
    """What a store keeps of an image, beside its vectors; `path` is relative to its source."""
    return {
        "source": source,
        "path": path,
        "folder": path.rpartition("/")[0],
        "digest": image.digest,
        "size": image.size,
        "mtime_ns": image.mtime_ns,
        "width": image.width,
        "height": image.height,
    }


class _Run:
    """One call of `index_images`."""

    def __init__(
        self,
        store: Store | None,
        create: Callable[[], Store],
        encoders: Mapping[str, Encoder],
        found: Found,
        source: str,
    ) -> None:
        self.store = store
        self._create = create
        self._encoders = encoders
        self._found = found
        self._source = source
        self._size = max(encoder.input_size for encoder in encoders.values())
        self._specs = {name: encoder_spec(encoder) for name, encoder in encoders.items()}
        self._ready = False
        self._counts: Counter[str] = Counter()
        self._skipped = list(found.skipped)
        self._waiting: dict[frozenset[str], list[Outcome]] = defaultdict(list)
        if store is not None:
            for name in store.info.vectors.keys() & self._specs.keys():
                store.check_vector(name, self._specs[name])

    def run(self, progress: Progress) -> IndexReport:
        start = time.perf_counter()
        before = self._held()
        total = len(self._found.paths)

        def tell(done: int) -> None:
            progress("indexing", done, total, f"{len(self._skipped)} skipped" if self._skipped else "")

        for examined, outcome in enumerate(ordered_map(partial(examine, size=self._size), self._tasks()), start=1):
            self._take(outcome)
            if examined % 64 == 0:  # what waits to be written is not done: whoever kills us now loses it
                tell(examined - sum(map(len, self._waiting.values())))
        for group in list(self._waiting):
            self._write(group)
        tell(total)
        if self.store is not None:
            if self._counts["new"] or self._counts["changed"] or self._counts["lacking"]:
                self.store.optimize()
            self.store.flush()
        seconds = time.perf_counter() - start
        updated = self._counts["changed"] + self._counts["lacking"]
        unchanged = self._counts["unchanged"] + self._counts["touched"]
        return IndexReport(
            indexed=self._counts["new"],
            updated=updated,
            unchanged=unchanged,
            missing=before - self._counts["known"],
            ignored=self._found.ignored,
            skipped=self._skipped,
            seconds=seconds,
            images_per_second=(self._counts["new"] + updated + unchanged) / seconds,
            source=self._source,
        )

    def _held(self) -> int:
        """How many points of this source the store holds."""
        if self.store is None or "source" not in self.store.info.fields:
            return 0
        return self.store.count({"source": self._source})

    def _tasks(self) -> Iterator[Task]:
        """Every file beside what the store knows of it, asked for a batch at a time."""
        paths = iter(self._found.paths)
        while batch := list(islice(paths, _BATCH)):
            relative = [path.relative_to(self._found.root or "/").as_posix() for path in batch]
            ids = [point_id(self._source, name) for name in relative]
            known: dict[str, Mapping[str, Any]] = {}
            lacking: dict[str, set[str]] = {}
            if self.store is not None:
                known = {record.id: record.payload for record in self.store.retrieve(ids)}
                lacking = {name: set(known) - self._having(known, name) for name in self._encoders} if known else {}
            for path, name, id in zip(batch, relative, ids, strict=True):
                absent = frozenset(vector for vector, without in lacking.items() if id in without)
                yield Task(path, name, id, known.get(id), absent)

    def _having(self, ids: Collection[str], vector: str) -> set[str]:
        if self.store is None or vector not in self.store.info.vectors:
            return set()
        return self.store.having_vectors(list(ids), [vector])

    def _take(self, outcome: Outcome) -> None:
        self._counts[outcome.kind] += 1
        self._counts["known"] += outcome.task.known is not None
        if outcome.skipped is not None:
            self._skipped.append(outcome.skipped)
            return
        store = self._prepared()
        if outcome.touched:
            store.set_payload(outcome.task.id, outcome.touched)
        if outcome.loaded is not None:
            group = outcome.task.lacking if outcome.kind == "lacking" else _WHOLE_POINT
            self._waiting[group].append(outcome)
            if len(self._waiting[group]) >= _BATCH:
                self._write(group)

    def _write(self, group: frozenset[str]) -> None:
        """Encode and store what waits: whole points, or the named vectors alone."""
        store = self._prepared()
        outcomes = self._waiting.pop(group)
        loaded = [outcome.loaded for outcome in outcomes if outcome.loaded is not None]
        pixels = np.stack([image.pixels for image in loaded])
        vectors = {
            name: encoder.encode(resized_batch(pixels, encoder.input_size))
            for name, encoder in self._encoders.items()
            if name in group or not group
        }
        ids = [outcome.task.id for outcome in outcomes]
        if group:
            store.update_vectors(ids, vectors)
        else:
            relative = [outcome.task.relative for outcome in outcomes]
            store.upsert(ids, vectors, [payload_of(self._source, *pair) for pair in zip(relative, loaded, strict=True)])

    def _prepared(self) -> Store:
        """The store, made if need be, with room for everything this run writes."""
        if self.store is None:
            self.store = self._create()
        if not self._ready:
            for field_name, kind in FILTERABLE.items():
                self.store.add_field(field_name, kind)
            for name, spec in self._specs.items():
                self.store.add_vector(name, spec)
            self.store.add_source(self._source, str(self._found.root))
            self._ready = True
        return self.store
