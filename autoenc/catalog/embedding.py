"""Encode images into a file that other programs can read, without a store."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from autoenc.embeddings.header import OWN_COLUMNS, Header, VectorInfo, check_columns
from autoenc.embeddings.rows import Rows
from autoenc.embeddings.writing import check_format, check_vector_file, vector_writer
from autoenc.encoders import Encoder, Model, Weights, check_used, create_encoders
from autoenc.errors import ArgumentError, EncoderError, ImageError, NoImagesError
from autoenc.images.files import PREPROCESSING_VERSION, LoadedImage, decode_file, read_item
from autoenc.images.finding import Found, NamedPicture, Pictures, SkippedFile, gather, path_of
from autoenc.parallel import ordered_chunks
from autoenc.progress import ProgressOption, telling
from autoenc.text import counted, exact, shown
from autoenc.vectors import Pixels, Vectors

WORKED = 64
"""Pictures that one core reads and encodes at a time."""


@dataclass(frozen=True)
class EmbedReport:
    """What `embed_images` did.

    Attributes:
        file: the file that was written.
        images: images in it.
        encoders: encoder -> the length of its vectors.
        labeled: images that have a label; None if none were asked for.
        skipped: files that could not be used, and why.
        ignored: files without an image extension.
        seconds: how long it took.
        images_per_second: images divided by that time.
    """

    file: Path
    images: int
    encoders: dict[str, int]
    labeled: int | None
    skipped: list[SkippedFile]
    ignored: int
    seconds: float
    images_per_second: float

    def to_dict(self) -> dict[str, Any]:
        skipped = [file.to_dict() for file in self.skipped]
        return {**vars(self), "file": exact(self.file), "skipped": skipped}


def embed_images(
    images: Pictures,
    file: str | os.PathLike[str],
    *,
    names: Sequence[str] | None = None,
    encoders: Sequence[str | Encoder] | None = None,
    model: Model | None = None,
    weights: Weights | None = None,
    labels: Literal["folders"] | None = None,
    overwrite: bool = False,
    progress: ProgressOption = None,
) -> EmbedReport:
    """Encode images into a file of vectors, a row for each image.

    Columns: path (relative to the folder, with "/"), label if asked for, width and height in pixels, digest (BLAKE2b,
    16 bytes, hexadecimal), size in bytes, mtime_ns, and one column for each encoder, called by its name. The vectors
    are as the encoder returns them, float32, not scaled. `.parquet` holds them as fixed-size lists, `.npz` as arrays
    (N, dim) without Python objects, `.jsonl` as lists, `.csv` as JSON lists. A header says which encoders made them,
    with their fingerprints, and what the paths are relative to: it is the entry `autoenc` of Parquet's metadata, the
    array `autoenc` in npz, and the file FILE.json beside CSV and JSON Lines. `index_vectors` reads all four. The file
    appears when it is complete.

    Args:
        images: as for `index_images`.
        names: a unique name for each picture in memory; by default they are numbered from 0.
        file: .parquet (needs pyarrow), .npz, .csv or .jsonl.
        encoders: names of encoders, or your own `Encoder` objects, each once; by default, learned.
        model: the trained model of `learned` and of `handcrafted`'s weights.
        weights: as for `create_encoder`.
        labels: "folders" adds the name of the folder that holds each image; one directly in `images` has none.
        overwrite: replace a file that autoenc did not write.
        progress: as for `index_images`.

    Raises:
        NoImagesError: there is no image, or none that can be used.
        EncoderError, BundleError: an encoder cannot be created, or returns NaN or infinity.
        OutputError: the file cannot be written, or lies in the folder of the images.
        ArgumentError: another kind of file, an encoder with the name of another column, or weights of no encoder here.
        MissingDependencyError: .parquet, and pyarrow is not installed.

    Example:
        >>> report = autoenc.embed_images("photos", "vectors.npz", encoders=["color", "edges"], labels="folders")
        >>> report.images, report.encoders
        (48, {'color': 126, 'edges': 324})
        >>> file = np.load("vectors.npz", allow_pickle=False)
        >>> file["path"][0], file["label"][0], file["edges"].shape, file["edges"].dtype
        (np.str_('bicycle/000.jpg'), np.str_('bicycle'), (48, 324), dtype('float32'))
    """
    start = time.perf_counter()
    if labels not in (None, "folders"):
        raise ArgumentError(f"labels= must be 'folders'; got {labels!r}.")
    check_format(file)
    made = create_encoders(("learned",) if encoders is None else encoders, model, weights=weights)
    check_used(weights, list(made))
    for name, encoder in made.items():
        if not encoder.fitted:
            raise EncoderError(
                f"Encoder '{name}' is fitted on the images of each comparison, so its vectors mean nothing elsewhere. "
                f"Embed with the encoder that it projects."
            )
    check_columns(made)
    found = gather(images, names)
    path = check_vector_file(file, overwrite=overwrite, reading=[images])
    header = Header(
        root=None if found.root is None else str(found.root),
        vectors={
            name: VectorInfo(each.dim, each.fingerprint, PREPROCESSING_VERSION, each.input_size, each.origin)
            for name, each in made.items()
        },
    )
    skipped = list(found.skipped)
    total, done, labeled = len(found.items), 0, 0
    with telling(progress) as tell, vector_writer(path, header, labels=labels is not None) as writer:
        for chunk in ordered_chunks(partial(_encoded, encoders=made), found.items, WORKED):
            skipped += chunk.skipped
            done += len(chunk.loaded) + len(chunk.skipped)
            if chunk.loaded:
                rows = _rows(chunk, found, labeled=labels is not None)
                labeled += sum(label is not None for label in rows.labels or ())
                writer.add(rows)
            tell("embedding", done, total, f"{len(skipped)} skipped" if skipped else "")
        if not writer.rows:
            raise NoImagesError(
                f"No image could be used ({counted(len(skipped), 'file')} skipped, the first: {skipped[0]}); nothing "
                f"was written."
            )
        check_vector_file(file, overwrite=overwrite, reading=[images])  # again: hours may have passed
    seconds = time.perf_counter() - start
    return EmbedReport(
        file=path,
        images=writer.rows,
        encoders={name: encoder.dim for name, encoder in made.items()},
        labeled=None if labels is None else labeled,
        skipped=skipped,
        ignored=found.ignored,
        seconds=seconds,
        images_per_second=writer.rows / seconds,
    )


@dataclass(frozen=True)
class _Chunk:
    loaded: list[LoadedImage]
    vectors: dict[str, Vectors]
    skipped: list[SkippedFile]


def _encoded(items: Sequence[Path | NamedPicture], encoders: dict[str, Encoder]) -> list[_Chunk]:
    """Read and encode some pictures: one chunk, in a list."""
    sizes = sorted({encoder.input_size for encoder in encoders.values()})
    loaded: list[LoadedImage] = []
    pixels: dict[int, list[Pixels]] = {size: [] for size in sizes}
    skipped: list[SkippedFile] = []
    for item in items:
        try:
            file = read_item(item)
            image = decode_file(file, *sizes)
            loaded.append(image)
            for size in sizes:
                pixels[size].append(image.at(size))
        except ImageError as error:
            skipped.append(SkippedFile(path_of(item), str(error)))
    vectors: dict[str, Vectors] = {}
    if loaded:
        batches = {size: np.stack(each) for size, each in pixels.items()}
        for name, encoder in encoders.items():
            vectors[name] = encoder.encode(batches[encoder.input_size])
            if not np.isfinite(vectors[name]).all():
                at = int(np.flatnonzero(~np.isfinite(vectors[name]).all(axis=1))[0])
                raise EncoderError(
                    f"Encoder '{name}' returned a vector that holds NaN or infinity, for {shown(loaded[at].path)}."
                )
    return [_Chunk(loaded, vectors, skipped)]


def _rows(chunk: _Chunk, found: Found, *, labeled: bool) -> Rows:
    files = [image.path for image in chunk.loaded]
    paths = [str(file) if found.root is None else file.relative_to(found.root).as_posix() for file in files]
    folders = paths if found.whole or found.root is None else [file.as_posix() for file in files]
    return Rows(
        paths=paths,
        labels=[path.rpartition("/")[0].rpartition("/")[2] or None for path in folders] if labeled else None,
        own=[{name: getattr(image, name) for name in OWN_COLUMNS} for image in chunk.loaded],
        vectors=chunk.vectors,
    )
