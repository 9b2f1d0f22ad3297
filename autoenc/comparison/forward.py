"""One forward pass a picture: the vectors of the encoders of a comparison, and how long they took.

An encoder and its projections share a pass, and what a folder of vectors holds is not computed again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autoenc.comparison.kept import IN_MEMORY_BYTES
from autoenc.comparison.spent import Spent, typical
from autoenc.comparison.split import Split
from autoenc.comparison.vector_files import VectorFolder, is_compact
from autoenc.comparison.vector_format import picture_digests
from autoenc.encoders import Encoder
from autoenc.encoders.base import check_finite
from autoenc.encoders.projection import Projection
from autoenc.images.decoding import resized_batch
from autoenc.progress import Progress, silent
from autoenc.text import shown, some
from autoenc.vectors import Images, Indices, Scalar, Vectors, room_for, unit_rows

BATCH = 256

MEASURED = 64
"""So many images that are encoded in this run tell how long one takes, even if an earlier run has told it as well."""


class Encoded(NamedTuple):
    """What an encoder makes of a split.

    Attributes:
        gallery: (G, D) float32, finite, not scaled.
        queries: (Q, D) likewise; None where the queries are images of the gallery.
        copies: (S, D) likewise, of the altered copies.
        ms_per_image: milliseconds in the encoder itself for an image, in the median batch.
    """

    gallery: Vectors
    queries: Vectors | None
    copies: Vectors
    ms_per_image: float


class Forward:
    """The vectors of encoders, each computed once.

    Args:
        split: the pictures.
        encoders: all that will be asked for, each once: vectors that several of them share are held until the last.
        folder: where vectors are found and kept.
    """

    def __init__(self, split: Split, encoders: Iterable[Encoder], folder: VectorFolder | None = None) -> None:
        self.split = split
        self._sides = [side for side in (split.gallery, split.queries, split.copies) if side is not None]
        self._folder = folder
        self._awaited = Counter(id(_source(encoder)) for encoder in encoders)
        self._shared: dict[int, Encoded] = {}
        self._digests: dict[int, list[bytes]] = {}  # input size -> those of all pictures
        self._known: dict[str, int] = {}
        self._timed_before: list[str] = []

    def vectors(self, encoder: Encoder, progress: Progress = silent) -> Encoded:
        """The vectors of an encoder, which is fitted on the gallery first if it has to be.

        Raises:
            EncoderError: an encoder that cannot be fitted, or a vector that is not finite.
        """
        if isinstance(encoder, Projection) and _source(encoder) is not encoder:
            return _projected(encoder, self.vectors(encoder.base, progress))
        key = id(encoder)
        found = self._shared.pop(key, None) or self._encoded(encoder, progress)
        self._awaited[key] -= 1
        if self._awaited[key] > 0:
            self._shared[key] = found
        return found

    def notes(self) -> Iterator[str]:
        """What a reader of the figures has to know of the vectors that were not computed in this run."""
        if self._folder is None:
            return
        if self._known:
            found = some([f"{count:,} of {name}" for name, count in self._known.items()])
            yield f"Vectors of an earlier run were taken from {shown(self._folder.folder)}: {found}."
        if self._timed_before:
            yield f"The milliseconds per image of {some(self._timed_before)} are those that it measured."
        yield from self._folder.notes()

    def _encoded(self, encoder: Encoder, progress: Progress) -> Encoded:
        gallery, total = len(self.split.gallery), sum(map(len, self._sides))
        if not encoder.fitted:
            encoder.fit(self._pixels(rows, encoder.input_size) for rows in _batches(np.arange(gallery)))
        out = room_for((total, encoder.dim), np.float32, IN_MEMORY_BYTES)
        shelf = None if self._folder is None else self._folder.shelf(encoder)
        if shelf is None:
            known, spent = Spent(), self._encode(encoder, np.arange(total), out, progress)
        else:
            with shelf:
                digests = self._digests_at(encoder.input_size)
                missing = shelf.fill(digests, out)

                def keep(rows: Indices, seconds: float) -> None:
                    shelf.add([digests[row] for row in rows], out[rows], seconds)

                spent = self._encode(encoder, missing, out, progress, keep)
            known = shelf.spent
        if known.images:
            self._known[encoder.name] = total - spent.images
        timed = spent.images >= MEASURED or not known.images
        if not timed:
            self._timed_before.append(encoder.name)
        queries = out[gallery : total - len(self.split.copies)]
        return Encoded(
            gallery=out[:gallery],
            queries=None if self.split.queries is None else queries,
            copies=out[total - len(self.split.copies) :],
            ms_per_image=_milliseconds(spent if timed else known),
        )

    def _encode(
        self,
        encoder: Encoder,
        missing: Indices,
        out: Vectors,
        progress: Progress,
        keep: Callable[[Indices, float], None] | None = None,
    ) -> Spent:
        """Set some rows of all vectors; `keep` is given the rows of each batch, and the seconds in the encoder."""
        spent: list[Spent] = []
        done = len(out) - len(missing)
        if done:
            progress(f"{encoder.name}: encoding", done, len(out), "")
        for rows in _batches(missing):
            pixels = self._pixels(rows, encoder.input_size)
            if not spent:
                encoder.encode(pixels[:1])  # the first call pays for one-time setup
            vectors, seconds = _timed(encoder.encode, pixels)
            out[rows] = check_finite(encoder.name, vectors)
            if keep is not None:
                keep(rows, seconds)
            spent.append(Spent(seconds, len(rows)))
            done += len(rows)
            progress(f"{encoder.name}: encoding", done, len(out), "")
        return typical(spent)

    def _pixels(self, rows: Indices, size: int) -> Images:
        """Pictures in memory, (n, size, size, 3) uint8; queries and copies are numbered after the gallery."""
        found, before = [], 0
        for side in self._sides:
            here = rows[(rows >= before) & (rows < before + len(side))] - before
            if len(here):
                found.append(np.asarray(side[here]))
            before += len(side)
        return resized_batch(found[0] if len(found) == 1 else np.concatenate(found), size)

    def _digests_at(self, size: int) -> list[bytes]:
        if size not in self._digests:
            every = _batches(np.arange(sum(map(len, self._sides))))
            self._digests[size] = [found for rows in every for found in picture_digests(self._pixels(rows, size))]
        return self._digests[size]


def unit_vectors(vectors: Vectors) -> Vectors:
    """`unit_rows` in batches, of vectors that may take more room than memory has."""
    out = room_for(vectors.shape, np.float32, IN_MEMORY_BYTES)
    for start in range(0, len(vectors), BATCH):
        out[start : start + BATCH] = unit_rows(vectors[start : start + BATCH])
    return out


def _projected(encoder: Projection, base: Encoded) -> Encoded:
    if not encoder.fitted:
        encoder.fit_vectors(_batches(base.gallery))
    spent: list[Spent] = []

    def project(side: Vectors) -> Vectors:
        out, done = room_for((len(side), encoder.dim), np.float32, IN_MEMORY_BYTES), 0
        for batch in _batches(side):
            vectors, seconds = _timed(encoder.project, batch)
            out[done : done + len(batch)] = check_finite(encoder.name, vectors)
            spent.append(Spent(seconds, len(batch)))
            done += len(batch)
        return out

    found = base._replace(
        gallery=project(base.gallery),
        queries=None if base.queries is None else project(base.queries),
        copies=project(base.copies),
    )
    return found._replace(ms_per_image=base.ms_per_image + _milliseconds(typical(spent)))


def _source(encoder: Encoder) -> Encoder:
    """The encoder whose pass over the pictures it takes: of a projection, what it projects in the end.

    Vectors that are longer than the pixels, such as those of "pixels", are not worth the room: there it is itself.
    """
    inner = encoder
    while isinstance(inner, Projection):
        inner = inner.base
    return inner if is_compact(inner) else encoder


def _batches(rows: npt.NDArray[Scalar]) -> Iterator[npt.NDArray[Scalar]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def _timed(function: Callable[[Any], Vectors], batch: npt.NDArray[Any]) -> tuple[Vectors, float]:
    started = time.perf_counter()
    found = function(batch)
    return found, time.perf_counter() - started


def _milliseconds(spent: Spent) -> float:
    return spent.seconds / spent.images * 1000
