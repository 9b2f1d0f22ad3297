"""Index images into a store. Reading, encoding and writing overlap; a second run does only what has changed."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from autoenc.catalog.joining import ImageFields
from autoenc.catalog.metadata import Metadata, TableReport, as_metadata
from autoenc.catalog.pipeline import WORKED, Plan, look_up, prepared, work
from autoenc.catalog.products import Products
from autoenc.catalog.scales import refresh_scales
from autoenc.catalog.sources import encoder_spec, make_encoders, place
from autoenc.catalog.target import Target, target_for
from autoenc.encoders import Encoder, Model
from autoenc.errors import ArgumentError, AutoencError, DiskFullError, EncoderError
from autoenc.images.finding import Found, Pictures, SkippedFile, gather
from autoenc.parallel import ordered_chunks
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import OWN, WAIT_SECONDS, Store
from autoenc.text import counted

DEFAULT_ENCODERS = ("learned", "color", "texture", "edges")


@dataclass(frozen=True)
class IndexReport:
    """What `index_images` did with every image.

    Attributes:
        indexed: images that are new in the store.
        updated: images that had changed, or that got vectors of one more encoder.
        unchanged: images that the store already held and that have not changed.
        missing: points of this source whose file is no longer in the folder; they stay in the store.
        ignored: files without an image extension.
        skipped: files that could not be used, and why.
        seconds: time from the first file examined to the last flush.
        images_per_second: indexed, updated and unchanged images, divided by that time.
        source: the source's name.
        notes: advice to the user, in sentences.
        table: what came of the table of metadata; None without one.
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
    notes: list[str] = field(default_factory=list)
    table: TableReport | None = None

    @property
    def usable(self) -> int:
        """How many images could be used."""
        return self.indexed + self.updated + self.unchanged

    def to_dict(self) -> dict[str, Any]:
        table = None if self.table is None else self.table.to_dict()
        return {**vars(self), "skipped": [skipped.to_dict() for skipped in self.skipped], "table": table}

    def __repr__(self) -> str:
        counts = f"{self.indexed} indexed, {self.updated} updated, {self.unchanged} unchanged, {self.missing} missing"
        return f"<IndexReport {counts}, {len(self.skipped)} skipped, {self.ignored} ignored>"


def index_images(
    images: Pictures,
    store: Store | str | os.PathLike[str],
    *,
    names: Sequence[str] | None = None,
    model: Model | None = None,
    encoders: Sequence[str | Encoder] | None = None,
    collection: str = "images",
    wait: float = WAIT_SECONDS,
    source: str | None = None,
    metadata: Metadata | str | os.PathLike[str] | None = None,
    products: Products | None = None,
    progress: ProgressOption = None,
) -> IndexReport:
    """Index images into a store: one point per image, with one named vector per encoder.

    An image that the store already holds is left alone unless it has changed: its size and modification time are
    compared first, and its digest only if they differ. A changed image keeps the fields that you have set, and gets new
    vectors of every encoder that the store holds, even if `encoders` does not name it. If the work is interrupted, at
    any moment, call this again to finish it.

    Args:
        images: a folder, searched recursively; a list of image files; or pictures in memory: an array (N, H, W, 3)
            uint8, or a list of arrays or PIL images.
        store: an open store, or the location of one, which is created if it does not exist.
        names: a unique name for each picture in memory; it takes the place of a path in the point's id.
        model: the trained model of `learned` and of `handcrafted`'s weights; a store that holds vectors of these
            remembers where their model was.
        encoders: names of encoders, or your own `Encoder` objects, each once. The default is those whose vectors the
            store holds; for a new store, learned, color, texture and edges.
        collection: the collection, if `store` is a location.
        wait: as for `open_store`, if `store` is a location.
        source: name of this set of images, which is part of every point's id; by default, the folder's absolute path.
            A folder with such a name can move and keep its points.
        metadata: a table whose columns become fields of the images: the path of a CSV or Parquet file, or a `Metadata`,
            which says how to read and join it. Where a field has been set by other means, the table wins: an empty cell
            removes it. Fields that are no columns stay, and so do those of images without a row.
        products: "folders" if the images in one folder show one product; its name is kept in the field `product`. A
            table can name products instead (`Metadata.product_column`).
        progress: True shows progress, False does not, and a function is called with it; by default, progress is shown
            on a terminal and in a notebook.

    Raises:
        NoImagesError: the folder does not exist, or holds no file with an image extension.
        EncoderError, BundleError: an encoder cannot be created. Nothing is written.
        StoreError: the store cannot be opened, or holds vectors of another encoder under one of these names.
        OutputError: a new store would lie in the folder of the images.
        TableError: the table cannot be read, or belongs to none of the images. Nothing is written.
        ArgumentError: no encoder, one named twice, or pictures in memory without unique names.

    Example:
        >>> autoenc.index_images("photos", ":memory:", encoders=["color", "edges"])
        <IndexReport 48 indexed, 0 updated, 0 unchanged, 0 missing, 0 skipped, 1 ignored>
    """
    with target_for(store, collection, wait, images) as target, telling(progress) as tell:
        plan, found = _prepare(images, names, target.store, model, encoders, source)
        if metadata is not None or products is not None:
            asked = None if metadata is None else as_metadata(metadata)
            plan = replace(plan, fields=ImageFields(asked, products, target.store))
        return _run(found, plan, target, tell)


def _prepare(
    images: Pictures,
    names: Sequence[str] | None,
    store: Store | None,
    model: Model | None,
    encoders: Sequence[str | Encoder] | None,
    source: str | None,
) -> tuple[Plan, Found]:
    held = list(store.info.vectors) if store is not None else []
    asked = make_encoders(encoders if encoders is not None else held or DEFAULT_ENCODERS, model, store)
    for name, encoder in asked.items():
        if not encoder.fitted:
            raise EncoderError(
                f"Encoder '{name}' is fitted on the images of each comparison, so a store cannot hold its vectors. "
                f"Index with the encoder that it projects."
            )
    stored: dict[str, Encoder] = {}
    lost: dict[str, str] = {}
    for name in held:
        if name in asked:
            continue
        try:
            stored |= make_encoders([name], model, store)
        except AutoencError as error:
            lost[name] = str(error)
    found = gather(images, names)
    if found.root is None and names is None:
        raise ArgumentError("Pictures in memory need names=, with a unique name for each.")
    name, root = place(found, store, source)
    return Plan(name, root, asked, stored, lost), found


def _run(found: Found, plan: Plan, target: Target, tell: Progress) -> IndexReport:
    start = time.perf_counter()
    held = _held(target.store, plan)
    table = None
    if plan.fields and plan.fields.join:
        table = plan.fields.join.report(plan.relative(found.items), plan.root)
    counts: Counter[str] = Counter()
    skipped = list(found.skipped)
    total = len(found.items)
    worked = ordered_chunks(partial(work, plan=plan, target=target), look_up(found, plan, target), WORKED)
    for done, outcome in enumerate(worked):
        if done and done % WORKED == 0:
            tell("indexing", done, total, f"{len(skipped)} skipped" if skipped else "")
        counts[outcome.kind] += 1
        counts["known"] += outcome.task.known is not None
        counts["told"] += outcome.task.known is not None and bool(outcome.task.change)
        if outcome.skipped is not None:
            skipped.append(outcome.skipped)
    tell("indexing", total, total, "")
    unfinished = []
    if target.store is not None:
        if counts["new"] or counts["changed"] or counts["lacking"]:
            try:
                target.store.optimize()
            except DiskFullError as error:
                unfinished.append(f"All images are stored, but searches may be slower than they could be: {error}")
            _check_encoders(target.store, plan)
        if plan.fields:
            prepared(plan, target)  # for its fields, if no image had to be written
        try:
            refresh_scales(target.store, counts["changed"])
        except DiskFullError as error:
            unfinished.append(f"All images are stored, but the scales of their encoders are not: {error}")
        target.store.flush()
    seconds = time.perf_counter() - start
    updated = counts["changed"] + counts["lacking"]
    unchanged = counts["unchanged"] + counts["touched"]
    missing = max(0, held - counts["known"]) if found.whole else 0
    return IndexReport(
        indexed=counts["new"],
        updated=updated,
        unchanged=unchanged,
        missing=missing,
        ignored=found.ignored,
        skipped=skipped,
        seconds=seconds,
        images_per_second=(counts["new"] + updated + unchanged) / seconds,
        source=plan.source,
        notes=[*_notes(plan, missing), *unfinished],
        table=None if table is None else replace(table, updated=counts["told"]),
    )


def _check_encoders(store: Store, plan: Plan) -> None:
    """Raise StoreMismatchError if another process has meanwhile put another model in the place of one of ours."""
    store.refresh()
    for name, encoder in plan.asked.items():
        store.check_vector(name, encoder_spec(encoder))


def _held(store: Store | None, plan: Plan) -> int:
    """How many points of this source the store holds."""
    field_name = f"{OWN}.source"
    return store.count({field_name: plan.source}) if store is not None and field_name in store.info.fields else 0


def _notes(plan: Plan, missing: int) -> list[str]:
    notes = [encoder.advice for encoder in plan.asked.values() if encoder.advice]
    if missing:
        notes.append(
            f"{counted(missing, 'image')} of source '{plan.source}' {'is' if missing == 1 else 'are'} stored but no "
            f"longer in the folder."
        )
    return notes
