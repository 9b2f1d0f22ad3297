"""Every encoder on one split of the user's own images, with per-query scores."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoenc.comparison.labels import LabelTable, labels_from_folders, read_labels
from autoenc.comparison.measure import Split, differences, measure
from autoenc.comparison.records import Comparison
from autoenc.encoders import create_encoder
from autoenc.encoders.base import Encoder
from autoenc.encoders.learned import LearnedEncoder
from autoenc.encoders.projection import Projection, parse_projection
from autoenc.errors import ArgumentError, NoImagesError
from autoenc.images.cache import PixelCache, load_pixels
from autoenc.images.finding import Found, NamedPicture, find_images
from autoenc.models.bundle import Bundle, load_bundle
from autoenc.models.ready import advice, ready_name
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.text import shown
from autoenc.vectors import Indices

DEFAULT_ENCODERS = ("learned", "color", "texture", "edges", "handcrafted", "pixels+pca32", "edges+pca32")
"""What is compared unless encoders are named."""

MAX_ALTERED = 2000
"""How many images are altered for the label-free recall, unless `max_queries` says otherwise."""


def compare(
    images: str | os.PathLike[str],
    *,
    queries: str | os.PathLike[str] | None = None,
    model: Bundle | str | os.PathLike[str] | None = None,
    encoders: Sequence[str | Encoder] | None = None,
    labels: str | os.PathLike[str] | None = None,
    label_column: str | None = None,
    max_queries: int | None = None,
    seed: int = 0,
    progress: ProgressOption = None,
) -> Comparison:
    """Compare encoders on a folder of images: which of them finds what belongs together?

    Every image is read once. Vectors are compared by cosine, over the whole gallery; an image is never among its
    own results. Labels are the parent folders' names, or a CSV file's column; a gallery with fewer than two
    labels counts as unlabeled. Label-free, it measures whether an altered copy of an image finds the image again.

    Args:
        images: the gallery, a folder.
        queries: a folder of query images; without it each gallery image is a query.
        model: a trained bundle, or its folder, for the encoder "learned".
        encoders: names, "+pcaK" after one for K principal components fitted on the gallery; or encoders. Without
            them DEFAULT_ENCODERS, of which those that need more images than there are stay away; a note says so.
        labels: a CSV file of labels, for gallery and queries.
        label_column: the column of that file.
        max_queries: sample this many queries, and this many altered images, without replacement. Without it all
            queries and MAX_ALTERED images are taken.
        seed: of the samples and of the alterations.
        progress: told how far it is.

    Raises:
        NoImagesError: a missing or empty folder, or fewer than two images that can be read.
        LabelsError: labels that cannot be read or matched.
        EncoderError: an unknown encoder, "learned" without `model`, an encoder that cannot be fitted on so few
            images, or a vector not finite.
        BundleError: `model` cannot be used.
        ArgumentError: a value out of range.
    """
    started = time.perf_counter()
    _check_arguments(labels, label_column, max_queries, seed)
    chosen = _create(DEFAULT_ENCODERS if encoders is None else encoders, model)
    table = None if labels is None or label_column is None else read_labels(labels, label_column)
    found, label_of = _find(images, table)
    asked, query_label_of = (None, label_of) if queries is None else _find(queries, table)
    notes = [] if table is None or not table.broken else [_broken_rows(table)]
    bundle = _bundle_of(chosen)
    if bundle is not None and (ready := ready_name(bundle.path)):
        notes.append(advice(ready))
    size = max(encoder.input_size for encoder in chosen)
    with telling(progress) as report:
        gallery = _read(found.items, 2, size, "reading images", report)
        cache = None
        if asked is None:
            own = _sample(len(gallery), max_queries, seed)
            paths = [gallery.paths[at] for at in own]
        else:
            wanted = [asked.items[at] for at in _sample(len(asked.items), max_queries, seed)]
            cache = _read(wanted, 1, size, "reading queries", report)
            paths = cache.paths
            own = _positions(paths, gallery.paths)
        gallery_labels, query_labels = _labels(gallery.paths, paths, label_of, query_label_of, notes)
        names = sorted({label for label in (*gallery_labels, *query_labels) if label is not None})
        code_of = {None: -1} | {label: code for code, label in enumerate(names)}
        gallery_codes = np.array([code_of[label] for label in gallery_labels], np.int64)
        query_codes = np.array([code_of[label] for label in query_labels], np.int64)
        labeled = _with_relevant(gallery_codes, query_codes, own)
        if not len(labeled):
            notes.append("No query has a label that another image shares: only the label-free part was measured.")
        split = Split(
            gallery=gallery.images,
            queries=None if cache is None else cache.images,
            own=own,
            gallery_codes=gallery_codes,
            query_codes=query_codes,
            labeled=labeled,
            altered=_sample(len(gallery), MAX_ALTERED if max_queries is None else max_queries, seed),
            seed=seed,
        )
        if encoders is None:
            chosen = _large_enough(chosen, len(gallery), notes)
        scores = {encoder.name: measure(encoder, split, report) for encoder in chosen}
    both = [(found, gallery)] if asked is None or cache is None else [(found, gallery), (asked, cache)]
    return Comparison(
        gallery=gallery.paths,
        queries=paths,
        gallery_labels=gallery_labels,
        query_labels=query_labels,
        labeled=labeled,
        altered=split.altered,
        leave_one_out=asked is None,
        encoders=scores,
        differences=differences(scores),
        unlabeled=gallery_labels.count(None) + (0 if asked is None else query_labels.count(None)),
        ignored=sum(folder.ignored for folder, _ in both),
        skipped=[file for folder, read in both for file in (*folder.skipped, *read.skipped)],
        bundle=shown(bundle.location) if bundle else None,
        seconds=time.perf_counter() - started,
        left_out=int((query_codes >= 0).sum()) - len(labeled),
        notes=notes,
    )


def _check_arguments(
    labels: str | os.PathLike[str] | None, label_column: str | None, max_queries: int | None, seed: int
) -> None:
    if (labels is None) != (label_column is None):
        missing = "label_column (--label-column)" if label_column is None else "labels (--labels)"
        raise ArgumentError(f"Labels from a CSV file need the file and the name of a column; {missing} is missing.")
    if max_queries is not None and max_queries < 1:
        raise ArgumentError(f"Expected max_queries from 1; got {max_queries}.")
    if seed < 0:
        raise ArgumentError(f"Expected a seed from 0; got {seed}.")


def _create(encoders: Sequence[str | Encoder], model: Bundle | str | os.PathLike[str] | None) -> list[Encoder]:
    if isinstance(encoders, str) or not encoders:
        raise ArgumentError(f"Expected a list of one encoder or more; got {encoders!r}.")
    names = [encoder if isinstance(encoder, str) else encoder.name for encoder in encoders]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ArgumentError(f"Encoder '{twice}' is named twice; name each encoder once.")
    learned = any(isinstance(encoder, str) and encoder.partition("+pca")[0] == "learned" for encoder in encoders)
    if learned and model is not None and not isinstance(model, Bundle):
        model = load_bundle(model)  # once, for learned and learned+pcaK
    return [_encoder(encoder, model) if isinstance(encoder, str) else encoder for encoder in encoders]


def _encoder(name: str, model: Bundle | str | os.PathLike[str] | None) -> Encoder:
    projected = parse_projection(name)
    if projected is None:
        return create_encoder(name, model=model)
    return Projection(create_encoder(projected[0], model=model), projected[1])


def _bundle_of(encoders: list[Encoder]) -> Bundle | None:
    bases = [encoder.base if isinstance(encoder, Projection) else encoder for encoder in encoders]
    return next((base.bundle for base in bases if isinstance(base, LearnedEncoder)), None)


def _large_enough(encoders: list[Encoder], images: int, notes: list[str]) -> list[Encoder]:
    """Without the projections that cannot be fitted on so few images: nobody asked for them by name."""
    kept = [encoder for encoder in encoders if not isinstance(encoder, Projection) or encoder.dim <= images]
    for encoder in encoders:
        if encoder not in kept:
            notes.append(f"{encoder.name} is left out: it needs {encoder.dim} images or more, and there are {images}.")
    return kept


def _find(root: str | os.PathLike[str], table: LabelTable | None) -> tuple[Found, dict[Path, str | None]]:
    """The images of a folder and their labels, before the long work of reading starts."""
    found = find_images(root)
    top = found.root or Path()
    labels = labels_from_folders(found.paths, top) if table is None else table.match(found.paths, top)
    return found, dict(zip(found.paths, labels, strict=True))


def _read(items: list[Path | NamedPicture], least: int, size: int, stage: str, progress: Progress) -> PixelCache:
    cache = load_pixels(items, size, progress=lambda _, done, total, note: progress(stage, done, total, note))
    readable = len(cache)
    if readable < least:
        why = f" The first that could not: {cache.skipped[0]}" if cache.skipped else ""
        raise NoImagesError(
            f"Expected {least} or more images to compare encoders on; {readable} of {len(items)} could be read.{why}"
        )
    return cache


def _sample(count: int, limit: int | None, seed: int) -> Indices:
    """Up to `limit` of the numbers below `count`, rising."""
    if limit is None or limit >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))


def _positions(queries: list[Path], gallery: list[Path]) -> Indices:
    """Where each query lies in the gallery, -1 where it does not: a file must not find itself."""
    position = {os.path.realpath(path): at for at, path in enumerate(gallery)}
    return np.array([position.get(os.path.realpath(path), -1) for path in queries], np.int64)


def _labels(
    gallery: list[Path],
    queries: list[Path],
    label_of: dict[Path, str | None],
    query_label_of: dict[Path, str | None],
    notes: list[str],
) -> tuple[list[str | None], list[str | None]]:
    labels = [label_of[path] for path in gallery]
    distinct = {label for label in labels if label is not None}
    if len(distinct) > 1:
        return labels, [query_label_of[path] for path in queries]
    if distinct:
        notes.append(f"Every image with a label is '{distinct.pop()}': there is nothing to tell apart.")
    return [None] * len(gallery), [None] * len(queries)


def _with_relevant(gallery_codes: Indices, query_codes: Indices, own: Indices) -> Indices:
    """The queries that have a label which a gallery image other than the query shares."""
    members = np.bincount(gallery_codes[gallery_codes >= 0], minlength=int(query_codes.max(initial=0)) + 1)
    itself = (own >= 0) & (gallery_codes[own] == query_codes)
    return np.flatnonzero((query_codes >= 0) & (members[query_codes] - itself > 0))


def _broken_rows(table: LabelTable) -> str:
    return f"{table.broken} rows of {shown(table.file)} were left out: they have too many fields or too few."
