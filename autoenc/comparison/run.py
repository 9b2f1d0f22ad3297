"""Compare encoders on one split of the user's own images, with a score per query."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

import numpy as np

from autoenc.comparison.fields import Attributes, FieldSource, attributes_of, fields_from
from autoenc.comparison.forward import Forward
from autoenc.comparison.halves import fuse, hybrid, split_halves
from autoenc.comparison.kept import Kept
from autoenc.comparison.measure import differences, measure
from autoenc.comparison.notes import boost_notes, labeled_notes, split_notes
from autoenc.comparison.records import Comparison
from autoenc.comparison.sides import Side, codes, find_side, positions, sample
from autoenc.comparison.split import Split
from autoenc.comparison.vector_files import VectorFolder
from autoenc.encoders import Encoder, Model, Weights, base_name, check_used, create_encoders
from autoenc.encoders.applications import RANDOM
from autoenc.errors import ArgumentError
from autoenc.images.finding import Pictures
from autoenc.outputs import check_apart
from autoenc.progress import ProgressOption, telling
from autoenc.tables.labels import FOLDERS, LABEL_COLUMN, Labels, LabelTable, check_label_column, read_labels
from autoenc.vectors import Images, Indices

DEFAULT_ENCODERS = ("learned", "color", "texture", "edges", "handcrafted", "pixels+pca32", "edges+pca32")
"""What is compared unless encoders are named."""

MAX_ALTERED = 2000
"""How many images are altered for the self-recall, unless `max_queries` says otherwise."""


def compare(
    images: Pictures,
    *,
    queries: Pictures | None = None,
    model: Model | None = None,
    encoders: Sequence[str | Encoder] | None = None,
    weights: Weights | None = None,
    labels: str | os.PathLike[str] | Labels | None = None,
    label_column: str | None = None,
    query_labels: Labels | None = None,
    max_queries: int | None = None,
    seed: int = 0,
    fusion: bool = True,
    metadata: FieldSource | None = None,
    boost: Sequence[str] | None = None,
    vectors: str | os.PathLike[str] | None = None,
    progress: ProgressOption = None,
) -> Comparison:
    """Compare encoders on your own images: which of them finds what belongs together?

    Every image is read once, and encoded once by each encoder, projections of it included. Vectors are compared by
    cosine over the whole gallery. An image is never among its own results: neither the same file nor, for pictures in
    memory, the same pixels. With labels, a result is relevant if it has the query's label; a gallery with fewer than
    two labels counts as unlabeled. Without labels, self-recall measures whether an altered copy of an image finds the
    original.

    Args:
        images: the gallery: a folder, a list of files, or pictures in memory (arrays, PIL images, bytes), which are
            called by their numbers, from 0.
        queries: the queries, likewise; without it each gallery image is a query.
        model: the model of "learned", and of the weights of "handcrafted": a bundle, its folder, or the name of a ready
            model.
        encoders: names, with "+pcaK" for K principal components fitted on the gallery, or encoders. Without it
            DEFAULT_ENCODERS; those that cannot be fitted on so few images are left out, and a note says so.
        weights: of pretrained encoders, as for `create_encoder`.
        labels: "folders", which is also the default, for the names of the folders that hold the images; a table, CSV or
            Parquet, with the labels of gallery and queries; or a list with one label or None for each of `images`.
        label_column: the column of that table that holds the labels; None for "label".
        query_labels: a list with one label or None for each of `queries`. Without it, they are labeled by the
            table or by their folders.
        max_queries: draw this many queries, and this many images for altered copies, without replacement. Without
            it all queries and MAX_ALTERED images are taken.
        seed: of the draws, of the alterations and of the halves of a fusion.
        fusion: with labels and two encoders or more that a store can hold, also find weights by which they retrieve
            best together: on one half of the queries, and scored on the other (see `Fusion`).
        metadata: with labels, also find weights for the fields of images beside encoders, in the same way: a table, as
            `index_images` takes it, or what `stored_fields` has read of a store. A field that tells the label, by which
            results are judged, is left out, and a note says so.
        boost: the fields to try; by default, all of keywords, bools and numbers that can be filtered by.
        vectors: a folder in which vectors are kept, so that the next comparison computes only those of pictures and
            encoders that have changed; made if it does not exist. It takes 4 GiB at most, and may be removed.
        progress: True, False, a function, or None to show it on a terminal and in a notebook.

    Returns:
        The scores of every encoder, and of a fusion of some; their intervals, and their paired differences.

    Raises:
        NoImagesError: a missing or empty folder, or fewer than two readable images.
        LabelsError: labels that cannot be read or matched.
        EncoderError: an unknown encoder, "learned" without `model`, too few images to fit an encoder, or a vector
            that is not finite.
        BundleError: `model` cannot be used.
        ArgumentError: a value out of range, labels that do not go with the pictures, or a `boost` by a field that
            tells the label.
        TableError: a table that cannot be read, or that names none of the images.
        OutputError: `vectors` is no folder that can be written to, or lies in a folder of images.

    Example:
        >>> comparison = compare("photos", encoders=["color", "edges"])
        >>> comparison
        <Comparison of 48 images, 48 queries, by map: color ..., edges ...>
        >>> comparison.encoders["edges"].figures["p@5"]
        Interval(mean=..., low=..., high=...)
    """
    started = time.perf_counter()
    _check(queries, query_labels, max_queries, seed)
    if boost is not None and metadata is None:
        raise ArgumentError("boost= names fields; say with metadata= where they come from.")
    if metadata is not None and not fusion:
        raise ArgumentError("metadata= weighs fields together with encoders; leave fusion= on.")
    fields = None if metadata is None else fields_from(metadata)
    given = _read_labels(labels, label_column)
    table = given if isinstance(given, LabelTable) else None
    chosen = create_encoders(DEFAULT_ENCODERS if encoders is None else encoders, model, weights=weights)
    check_used(weights, list(chosen))
    size = max(encoder.input_size for encoder in chosen.values())
    gallery = find_side(images, given, "labels=")
    asked = None
    if queries is not None:
        asked = find_side(queries, table if query_labels is None else query_labels, "query_labels=")
    if vectors is not None:
        check_apart(vectors, [side.folder for side in (gallery, asked) if side is not None])
    folder = None if vectors is None else VectorFolder(vectors)
    with telling(progress) as tell:
        gallery, pixels = gallery.read(size, least=2, stage="reading images", tell=tell)
        if asked is None:
            own, query_pixels = sample(len(gallery), max_queries, seed), None
            asked = gallery.take(own)
        else:
            asked = asked.take(sample(len(asked), max_queries, seed))
            asked, query_pixels = asked.read(size, least=1, stage="reading queries", tell=tell)
            own = positions(asked, gallery)
        gallery, asked, lone_label = _without_lone_label(gallery, asked)
        split = _split(gallery, pixels, asked, query_pixels, own, max_queries, seed)
        unfit = _unfit(chosen, len(gallery)) if encoders is None else []  # those asked for by name raise an error
        kept = Kept(split)
        attributes: Attributes | None = None
        if fields is not None and len(split.labeled):
            attributes = attributes_of(
                fields, gallery, asked, split.gallery_codes, leave_one_out=queries is None, asked=boost,
                label_column=None if table is None else label_column or LABEL_COLUMN,
            )  # fmt: skip
        weighed = attributes is not None and bool(attributes.tried)
        storable = [name for name, encoder in chosen.items() if encoder.fitted and base_name(name) == name]
        together = storable if fusion and len(split.labeled) and (len(storable) > 1 or (storable and weighed)) else []
        measured = {name: encoder for name, encoder in chosen.items() if encoder not in unfit}
        forward = Forward(split, measured.values(), folder)
        scores = {
            name: measure(encoder, forward, tell, kept.add if name in together else None)
            for name, encoder in measured.items()
        }
        halves = split_halves(kept, attributes) if together else None
        fused = fuse(halves, scores, tell) if halves is not None and len(together) > 1 else None
        boosted = hybrid(halves, scores, fused, tell) if halves is not None and weighed else None
    notes = [
        *split_notes(table, lone_label, split, unfit, untried=bool(together) and halves is None),
        *boost_notes(attributes, boosted, tried=weighed and halves is not None),
        *labeled_notes(measured, split),
        *dict.fromkeys(encoder.advice for encoder in chosen.values() if encoder.origin == RANDOM and encoder.advice),
        *forward.notes(),
    ]
    sides = [gallery] if queries is None else [gallery, asked]
    return Comparison(
        gallery_pictures=gallery.pictures,
        query_pictures=asked.pictures,
        gallery_labels=gallery.labels,
        query_labels=asked.labels,
        labeled=split.labeled,
        altered=split.altered,
        leave_one_out=queries is None,
        encoders=scores,
        differences=differences(scores),
        unlabeled=sum(side.labels.count(None) for side in sides),
        ignored=sum(side.ignored for side in sides),
        skipped=[file for side in sides for file in side.skipped],
        seconds=time.perf_counter() - started,
        left_out=len(asked) - asked.labels.count(None) - len(split.labeled),
        notes=notes,
        folders=[side.folder for side in sides if side.folder is not None],
        fusion=fused,
        hybrid=boosted,
        boosts_tried=weighed and halves is not None,
    )


def _check(queries: Pictures | None, query_labels: Labels | None, max_queries: int | None, seed: int) -> None:
    if query_labels is not None and queries is None:
        raise ArgumentError("query_labels= needs queries=. Give the labels of the gallery as labels=.")
    if isinstance(query_labels, (str, os.PathLike)):
        raise ArgumentError("query_labels= takes a list of labels. A table in labels= labels the queries too.")
    if max_queries is not None and max_queries < 1:
        raise ArgumentError(f"max_queries= must be 1 or more; got {max_queries}.")
    if seed < 0:
        raise ArgumentError(f"seed= must be 0 or more; got {seed}.")


def _read_labels(
    labels: str | os.PathLike[str] | Labels | None, label_column: str | None
) -> LabelTable | Labels | None:
    """The table of a file; a list of labels as it is; None for the names of the folders."""
    check_label_column(label_column, labels)
    if isinstance(labels, str) and labels == FOLDERS:
        return None
    return read_labels(labels, label_column) if isinstance(labels, (str, os.PathLike)) else labels


def _without_lone_label(gallery: Side, queries: Side) -> tuple[Side, Side, str | None]:
    """Both sides without labels if the gallery has only one, and that label: it cannot tell images apart."""
    distinct = set(gallery.labels) - {None}
    if len(distinct) > 1:
        return gallery, queries, None
    return gallery.without_labels(), queries.without_labels(), next(iter(distinct), None)


def _unfit(encoders: Mapping[str, Encoder], images: int) -> list[Encoder]:
    """The encoders that cannot be fitted on so few images: K principal components need K images or more."""
    return [encoder for encoder in encoders.values() if not encoder.fitted and encoder.dim > images]


def _split(
    gallery: Side,
    pixels: Images,
    queries: Side,
    query_pixels: Images | None,
    own: Indices,
    limit: int | None,
    seed: int,
) -> Split:
    gallery_codes, query_codes = codes(gallery, queries)
    return Split(
        gallery=pixels,
        queries=query_pixels,
        own=own,
        gallery_codes=gallery_codes,
        query_codes=query_codes,
        labeled=_with_relevant(gallery_codes, query_codes, own),
        altered=sample(len(gallery), MAX_ALTERED if limit is None else limit, seed),
        seed=seed,
    )


def _with_relevant(gallery_codes: Indices, query_codes: Indices, own: Indices) -> Indices:
    """The queries with a label that a gallery image other than the query shares."""
    members = np.bincount(gallery_codes[gallery_codes >= 0], minlength=int(query_codes.max(initial=0)) + 1)
    itself = (own >= 0) & (gallery_codes[own] == query_codes)
    return np.flatnonzero((query_codes >= 0) & (members[query_codes] - itself > 0))
