"""Fill a store from a file of vectors, by the rules of indexing: nothing twice, nothing lost, nothing passed over."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autoenc.catalog.importing_columns import vector_specs
from autoenc.catalog.importing_points import write_rows
from autoenc.catalog.importing_rows import NamedRow, Naming
from autoenc.catalog.index_report import IndexReport, remember_run, source_note
from autoenc.catalog.scales import refresh_scales
from autoenc.catalog.sources import Place, place, sources_of
from autoenc.catalog.target import Target, target_for
from autoenc.embeddings.header import OWN_COLUMNS
from autoenc.embeddings.reading import Batch, VectorFile, open_vectors
from autoenc.errors import DiskFullError, NoImagesError, StoreError
from autoenc.images.files import load_images
from autoenc.images.finding import Files, Found, NamedPicture, SkippedFile
from autoenc.progress import ProgressOption, telling
from autoenc.store import WAIT_SECONDS, Store, VectorSpec
from autoenc.text import shown, some
from autoenc.vectors import unit_rows


def index_vectors(
    file: str | os.PathLike[str],
    store: Store | str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    name: str | None = None,
    collection: str = "images",
    wait: float = WAIT_SECONDS,
    source: str | None = None,
    progress: ProgressOption = None,
) -> IndexReport:
    """Index images by the vectors in a file: one that `embed_images` wrote, or one that was made elsewhere.

    A store filled from a file of `embed_images` is the one that `index_images` makes of the same images, and a later
    `index_images` goes on from it. A row whose point exists gives it its vectors; the point's other vectors and fields
    stay. Labels become the field `label`. Vectors are checked, and rows that are not used are listed with the reason. A
    run that was stopped is finished by the same call.

    A file made elsewhere (.parquet, .npz, .csv, .jsonl, never a pickle) needs a column path, file, filename, image or
    id, and columns of vectors: lists of numbers, or in npz arrays (N, dim). Their fingerprint is then made of their
    name, unless the file has a header as `embed_images` writes it: give the vectors of another network another name.

    Args:
        file: the file.
        store: as for `index_images`.
        images: the folder that the file's paths are relative to, if that is not where the file says. Of a file made
            elsewhere, each image is read, so that a later `index_images` knows it; one that is not there is `missing`.
        name: what the vectors of a file made elsewhere are to be called; by default, as their column is.
        collection: the collection, if `store` is a location.
        wait: as for `open_store`, if `store` is a location.
        source: as for `index_images`; without a folder, a name for these images, by default "memory".
        progress: as for `index_images`.

    Returns:
        The report: `skipped` are rows that were not used, `missing` are stored images whose files are not there.

    Raises:
        VectorFileError: the file cannot be read, or is a pickle. Nothing is written.
        StoreMismatchError: the store holds vectors of another encoder, or of another length, under one of the names.
        StoreError: the store cannot be opened or written.
        NoImagesError: `images` is no folder, or none of the images is in the folder. Nothing is written.
        ArgumentError: a name that vectors cannot have; or the images of another source, as for `index_images`.

    Example:
        >>> _ = autoenc.embed_images("photos", "vectors.npz", encoders=["edges"])
        >>> autoenc.index_vectors("vectors.npz", "new-store")
        <IndexReport 48 indexed, 0 updated, 0 unchanged, 0 missing, 0 skipped, 0 ignored>
    """
    start = time.perf_counter()
    opened = open_vectors(file)
    specs = vector_specs(opened, name)
    root = _root(opened, images)
    with target_for(store, collection, wait, [] if root is None else root) as target, telling(progress) as tell:
        sources = sources_of(target.store)
        if target.store is not None:
            for vector in specs.keys() & target.store.info.vectors.keys():
                target.store.check_vector(vector, specs[vector])
            if root is None and source is not None and target.store.info.sources.get(source):
                root = Path(target.store.info.sources[source])
        naming = Naming(root, opened.keys())
        naming.check_found(opened.path, target.store)
        run = _Run(opened, specs, _place(root, naming.relative, target.store, source), target)
        for batch in opened.batches():
            run.take(batch, naming)
            tell("indexing", batch.first + len(batch.keys) - 1, naming.total, _skipped_note(run.skipped))
        notes = [*_notes(opened, root, specs), *run.finish()]
        notes += filter(None, [source_note(target.store, sources, run.place.source)])
        seconds = time.perf_counter() - start
        counts = run.counts
        report = IndexReport(
            indexed=counts["new"],
            moved=0,
            updated=counts["updated"],
            unchanged=counts["unchanged"],
            missing=run.missing,
            pruned=[],
            ignored=0,
            skipped=run.skipped,
            seconds=seconds,
            images_per_second=counts.total() / seconds,
            source=run.place.source,
            notes=notes,
        )
        if target.store is not None and run.place.source in target.store.info.sources:
            remember_run(target.store, report)
    return report


@dataclass
class _Run:
    """One run: what is written where, and what came of it."""

    opened: VectorFile
    specs: Mapping[str, VectorSpec]
    place: Place
    target: Target
    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[SkippedFile] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)

    def take(self, batch: Batch, naming: Naming) -> None:
        """Store the rows of a batch that can be used."""
        store = self.target.store
        rows: list[NamedRow] = []
        for row in naming.named(batch, self.place, store):
            reason = row.reason or _wrong(batch, row.at)
            if reason:
                self._skip(row, reason)
            else:
                rows.append(row)
        rows = self._described(rows)
        if not rows:
            return
        store = self.target.prepared(self.specs, self.place.source, self._location)
        if any(row.label is not None for row in rows):
            store.add_field("label", "keyword")
        at = [row.at for row in rows]
        columns = {
            name: unit_rows(batch.vectors[column][0][at])
            for name, column in zip(self.specs, self.opened.dims, strict=True)
        }
        counts, refused = write_rows(store, self.place.source, rows, columns)
        self.counts += counts
        for row in rows:
            if row.id in refused:
                self._skip(row, refused[row.id])

    @property
    def _location(self) -> str:
        return str(self.place.root) if self.place.root.is_absolute() else ""

    def _skip(self, row: NamedRow, reason: str) -> None:
        self.skipped.append(SkippedFile(Path(row.path), f"row {row.number:,}: {reason}"))

    def _described(self, rows: Sequence[NamedRow]) -> list[NamedRow]:
        """The rows whose images can be used, with what is known of these; files that are not there are noted."""
        if not self.place.root.is_absolute() or not self.place.root.is_dir():
            return list(rows)
        there: list[NamedRow] = []
        unknown: list[NamedRow] = []
        for row in rows:
            if row.by_id:  # its file may lie below another root
                there.append(row)
                continue
            if not os.path.lexists(self.place.root / row.path):
                self.missing.append(self.place.root / row.path)
            elif not row.own:
                unknown.append(row)
                continue
            there.append(row)
        for row, image in zip(unknown, load_images([self.place.root / row.path for row in unknown]), strict=True):
            if isinstance(image, SkippedFile):
                self._skip(row, image.reason)
            else:
                row.own = {name: getattr(image, name) for name in OWN_COLUMNS}
                there.append(row)
        return there

    def finish(self) -> list[str]:
        """Make searches fast and the scales right; a sentence for each of these that could not be done."""
        store, unfinished = self.target.store, []
        if store is None:
            return []
        if self.counts["new"] or self.counts["updated"]:
            try:
                store.optimize()
            except DiskFullError as error:
                unfinished.append(f"All images are stored, but searches may be slower than they could be: {error}")
            store.refresh()
            for name, spec in self.specs.items():  # another process may meanwhile have put another model in its place
                store.check_vector(name, spec)
        try:
            refresh_scales(store, self.counts["updated"])
        except StoreError as error:
            unfinished.append(f"All images are stored, but the scales of their encoders are not: {error}")
        store.flush()
        return unfinished


def _wrong(batch: Batch, at: int) -> str:
    """Why a row's vectors cannot be used; empty if they can."""
    for column, (_, wrong) in batch.vectors.items():
        if at in wrong:
            return f"Its vector '{column}' holds {wrong[at]}."
    return ""


def _root(opened: VectorFile, images: str | os.PathLike[str] | None) -> Path | None:
    """The folder that the file's paths are relative to."""
    if images is not None:
        folder = Path(os.path.abspath(images))
        if not folder.is_dir():
            raise NoImagesError(f"Expected the folder of the images; {shown(folder)} is none.")
        return folder
    named = opened.header.root if opened.header else None
    return None if named is None else Path(named)


def _place(root: Path | None, relative: Sequence[str], store: Store | None, source: str | None) -> Place:
    if root is None:
        return place(Found(None, [NamedPicture(path, b"") for path in relative[:1]]), store, source)
    files = Files([str(root / path) for path in relative])
    return place(Found(root, files, whole=True), store, source)


def _skipped_note(skipped: Sequence[SkippedFile]) -> str:
    return f"{len(skipped)} skipped" if skipped else ""


def _notes(opened: VectorFile, root: Path | None, specs: Mapping[str, VectorSpec]) -> list[str]:
    notes = []
    if opened.unread:
        notes.append(
            f"Not read: column{'' if len(opened.unread) == 1 else 's'} {some(list(opened.unread))}. A table joins the "
            f"images with metadata= where their folder is indexed."
        )
    if root is not None and not root.is_dir():
        notes.append(
            f"The folder {shown(root)}, which the paths are relative to, is not here. Give the folder of the images if "
            f"it is elsewhere now."
        )
    foreign = [f"'{name}'" for name, spec in specs.items() if not spec.of_images]
    if foreign:
        notes.append(
            f"The vectors {some(foreign)} were made elsewhere. Search by them with stored images (id=, like=) or, "
            f"in Python, with vectors."
        )
    return notes
