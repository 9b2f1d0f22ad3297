"""Index images into a store. Reading, encoding and writing overlap; a second run does only what has changed."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from autoenc.catalog.image_fields import ImageFields
from autoenc.catalog.index_report import IndexReport, dropped_notes, notes_of, product_note, remember_run, source_note
from autoenc.catalog.metadata import Metadata, as_metadata
from autoenc.catalog.pipeline import WORKED, Plan, look_up, prepared, work
from autoenc.catalog.products import Products
from autoenc.catalog.pruning import PRUNE_LIMIT, Confirm, Pruning, check_pruning, prune_points
from autoenc.catalog.retyping import change_kinds
from autoenc.catalog.scales import refresh_scales
from autoenc.catalog.sources import encoder_spec, make_encoders, place, sources_of
from autoenc.catalog.syncing import Synced, sync
from autoenc.catalog.target import Target, target_for
from autoenc.encoders import Encoder, Model, Weights, check_used
from autoenc.errors import ArgumentError, AutoencError, DiskFullError, EncoderError, StoreError
from autoenc.images.finding import Found, Pictures, gather
from autoenc.parallel import ordered_chunks
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import WAIT_SECONDS, Store, point_id

DEFAULT_ENCODERS = ("learned", "color", "texture", "edges")


def index_images(
    images: Pictures,
    store: Store | str | os.PathLike[str],
    *,
    names: Sequence[str] | None = None,
    model: Model | None = None,
    encoders: Sequence[str | Encoder] | None = None,
    weights: Weights | None = None,
    collection: str = "images",
    wait: float = WAIT_SECONDS,
    source: str | None = None,
    metadata: Metadata | str | os.PathLike[str] | None = None,
    products: Products | None = None,
    prune: bool = False,
    prune_limit: float = PRUNE_LIMIT,
    confirm: Confirm | None = None,
    progress: ProgressOption = None,
) -> IndexReport:
    """Index images into a store: one point per image, with one named vector per encoder.

    An image that the store already holds is left alone unless it has changed: its size and modification time are
    compared first, and its digest only if they differ. A changed image keeps the fields that you have set, and gets new
    vectors of every encoder that the store holds, even if `encoders` does not name it; vectors made elsewhere
    (`index_vectors`) are removed from its point, with a note. A file that was moved or renamed
    within the folder keeps its fields and vectors; its id changes with its path. If the work is interrupted, at any
    moment, call this again to finish it.

    Args:
        images: a folder, searched recursively; a list of image files; or pictures in memory: an array (N, H, W, 3)
            uint8, or a list of arrays or PIL images.
        store: an open store, or the location of one, which is created if it does not exist.
        names: a unique name for each picture in memory; it takes the place of a path in the point's id.
        model: the trained model of `learned` and of `handcrafted`'s weights; a store that holds vectors of these
            remembers where their model was.
        encoders: names of encoders, or your own `Encoder` objects, each once. The default is those whose vectors the
            store holds; for a new store, learned, color, texture and edges.
        weights: of pretrained encoders, as for `create_encoder`; the store remembers where they were.
        collection: the collection, if `store` is a location.
        wait: as for `open_store`, if `store` is a location.
        source: name of this set of images, which is part of every point's id; by default, the folder's absolute path.
            A folder with such a name can move and keep its points. A folder inside a source that the store holds is
            indexed as a part of that source, unless another name is given.
        metadata: a table whose columns become fields of the images: the path of a CSV or Parquet file, or a `Metadata`,
            which says how to read and join it. Where a field has been set by other means, the table wins: an empty cell
            removes it. Fields that are no columns stay, and so do those of images without a row.
        products: "folders" if the images in one folder show one product; its name is kept in the field `product`. The
            store remembers that. A table can name products instead (`Metadata.product_column`).
        prune: remove the points of files that are no longer in the folder. Nothing is removed if part of the folder
            cannot be read.
        prune_limit: the largest share of the folder's points that may be removed.
        confirm: is called with the files whose points are to be pruned, before anything is written, and returns whether
            to do it.
        progress: True shows progress, False does not, and a function is called with it; by default, progress is shown
            on a terminal and in a notebook.

    Raises:
        NoImagesError: the folder does not exist, or holds no file with an image extension.
        EncoderError, BundleError: an encoder cannot be created. Nothing is written.
        StoreMismatchError: the store holds values in a field that are not of the kind that the table's column has.
        StoreError: the store cannot be opened, or holds vectors of another encoder under one of these names; or more
            points would be pruned than `prune_limit` allows, and nothing was written.
        OutputError: a new store would lie in the folder of the images.
        TableError: the table cannot be read, or belongs to none of the images. Nothing is written.
        ArgumentError: no encoder, one named twice, pictures in memory without unique names, the folder of another
            source among the images, the images of a source whose folder was renamed, or a list to be pruned.

    Example:
        >>> autoenc.index_images("photos", ":memory:", encoders=["color", "edges"])
        <IndexReport 48 indexed, 0 updated, 0 unchanged, 0 missing, 0 skipped, 1 ignored>
    """
    with target_for(store, collection, wait, images) as target, telling(progress) as tell:
        plan, found = _prepare(images, names, target.store, model, encoders, weights, source)
        if prune:
            check_pruning(found, prune_limit)
        remembered = target.store is not None and target.store.info.product_folders
        if metadata is not None or products is not None or remembered:
            asked = None if metadata is None else as_metadata(metadata)
            plan = replace(plan, fields=ImageFields(asked, products, target.store))
        return _run(found, plan, target, Pruning(prune, prune_limit, confirm), tell)


def _prepare(
    images: Pictures,
    names: Sequence[str] | None,
    store: Store | None,
    model: Model | None,
    encoders: Sequence[str | Encoder] | None,
    weights: Weights | None,
    source: str | None,
) -> tuple[Plan, Found]:
    held = list(store.info.of_images) if store is not None else []
    asked = make_encoders(encoders if encoders is not None else held or DEFAULT_ENCODERS, model, store, weights)
    check_used(weights, [*asked, *held])
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
            stored |= make_encoders([name], model, store, weights)
        except AutoencError as error:
            lost[name] = str(error)
    found = gather(images, names)
    if found.root is None and names is None:
        raise ArgumentError("Pictures in memory need names=, with a unique name for each.")
    return Plan(place(found, store, source), asked, stored, lost), found


def _run(found: Found, plan: Plan, target: Target, pruning: Pruning, tell: Progress) -> IndexReport:
    start = time.perf_counter()
    sources = sources_of(target.store)
    table = None
    if plan.fields and plan.fields.join:
        table = plan.fields.join.report(plan.relative(found.items), plan.place.root)
    synced = sync(found, plan, target.store, pruning, tell)
    retyped = _retyped(found, plan, target.store, synced)
    counts: Counter[str] = Counter()
    skipped = list(found.skipped)
    broken: set[str] = set()
    dropped: Counter[str] = Counter()
    total = len(found.items)
    told = 0

    def unchanged(number: int) -> None:
        counts["unchanged"] += number
        tell("indexing", counts.total(), total, "")

    tasks = look_up(found, plan, target, synced.survey, unchanged)
    for done, outcome in enumerate(ordered_chunks(partial(work, plan=plan, target=target), tasks, WORKED)):
        if done and done % WORKED == 0:
            tell("indexing", counts.total(), total, f"{len(skipped)} skipped" if skipped else "")
        as_before = outcome.kind in ("unchanged", "touched")
        counts["moved" if as_before and outcome.task.id in synced.moved else outcome.kind] += 1
        dropped.update(outcome.dropped)
        told += outcome.task.known is not None and bool(outcome.task.change)
        if outcome.skipped is not None:
            skipped.append(outcome.skipped)
            broken.add(outcome.task.relative)
    tell("indexing", total, total, "")
    pruned: list[Path] = []
    unfinished: list[str] = []
    if target.store is not None:
        if counts.total() > counts["skipped"]:
            prepared(plan, target)  # all may be unchanged in a folder that has moved
        pruned = prune_points(target.store, synced.to_prune)
        if counts["new"] or counts["changed"] or counts["lacking"]:
            try:
                target.store.optimize()
            except DiskFullError as error:
                unfinished.append(f"All images are stored, but searches may be slower than they could be: {error}")
            _check_encoders(target.store, plan)
        try:
            refresh_scales(target.store, counts["changed"])
        except StoreError as error:
            unfinished.append(f"All images are stored, but the scales of their encoders are not: {error}")
        target.store.flush()
    seconds = time.perf_counter() - start
    usable = total - counts["skipped"]
    if table is not None:
        without = [path for path in table.images_without_row if path not in broken]
        table = replace(table, updated=told, images_without_row=without)
    missing = [file for id, file in synced.gone.items() if id not in synced.to_prune]
    report = IndexReport(
        indexed=counts["new"],
        moved=counts["moved"],
        updated=counts["changed"] + counts["lacking"],
        unchanged=counts["unchanged"] + counts["touched"],
        missing=missing,
        pruned=pruned,
        ignored=found.ignored,
        skipped=skipped,
        seconds=seconds,
        images_per_second=usable / seconds,
        source=plan.source,
        notes=[
            *notes_of(found, plan, missing, counts["new"]),
            *synced.notes,
            *retyped,
            *dropped_notes(dropped),
            *filter(None, [product_note(target.store, plan, counts["new"])]),
            *filter(None, [source_note(target.store, sources, plan.source)]),
            *unfinished,
        ],
        table=table,
    )
    if target.store is not None and plan.source in target.store.info.sources:
        remember_run(target.store, report)
    return report


def _retyped(found: Found, plan: Plan, store: Store | None, synced: Synced) -> list[str]:
    """Give the fields of the store the kinds that the caller names for the columns of the table."""
    join = None if plan.fields is None else plan.fields.join
    if store is None or join is None or not join.retyped:
        return []
    rows = {point_id(plan.source, path) for path in plan.relative(found.items) if join.row_of(path) is not None}
    return change_kinds(
        store,
        join.retyped,
        nulls=join.nulls,
        replaced=lambda record: record.id in rows or record.id in synced.to_prune,
    )


def _check_encoders(store: Store, plan: Plan) -> None:
    """Raise StoreMismatchError if another process has meanwhile put another model in the place of one of ours."""
    store.refresh()
    for name, encoder in plan.asked.items():
        store.check_vector(name, encoder_spec(encoder))
