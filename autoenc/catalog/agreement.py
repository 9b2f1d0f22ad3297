"""Compare two generations of a collection without labels: what a user can go by who chooses between two models."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np

from autoenc.catalog.scales import scale_of
from autoenc.catalog.sources import make_encoders, point_path
from autoenc.encoders import Encoder
from autoenc.errors import AutoencError, ImageError
from autoenc.images.alterations import altered_copies
from autoenc.images.decoding import resized_batch
from autoenc.images.files import decode_file, read_file
from autoenc.metrics.bootstrap import Interval, bootstrap_intervals
from autoenc.store import Store
from autoenc.vectors import Images, Matrix, Vectors

SAMPLE = 200
"""Images that are searched for in both generations."""

VIEWS = 5
"""Altered copies of each, which are searched for as well."""

K = 10
"""Neighbors that are compared."""

SIZE = 64
"""Height and width in pixels, at least, of the images that are altered."""


@dataclass(frozen=True)
class Standing:
    """What the searches of one generation are like.

    Attributes:
        random: the median cosine of two random images.
        nearest: cosines of an image and its nearest neighbor: their 5th, 50th and 95th percentile.
        distinct: how many different images are among all neighbors that were compared. Where some images are near
            everything, they are few.
        found: the share of altered copies that find their original first; None where that could not be measured.
    """

    random: float
    nearest: tuple[float, float, float]
    distinct: int
    found: float | None


@dataclass(frozen=True)
class Agreement:
    """How an encoder compares with the one that it replaces.

    Attributes:
        queries: how many images were searched for in both generations.
        overlap: the mean share of the ten nearest neighbors in common, with its 95% interval.
        before, after: each generation by itself.
        copies: how many altered copies were searched for in both.
        gain: `after.found` less `before.found`, with its 95% interval; None where one of them is None.
    """

    queries: int
    overlap: Interval
    before: Standing
    after: Standing
    copies: int
    gain: Interval | None

    @property
    def verdict(self) -> str:
        """What the copies say: "better", "worse", "equal", or "unknown"."""
        if self.gain is None:
            return "unknown"
        return "better" if self.gain.low > 0 else "worse" if self.gain.high < 0 else "equal"

    def to_dict(self) -> dict[str, Any]:
        """The comparison as a document for JSON."""
        gain = None if self.gain is None else self.gain._asdict()
        return {**asdict(self), "overlap": self.overlap._asdict(), "gain": gain, "verdict": self.verdict}


def compare_generations(old: Store, new: Store, encoder: Encoder) -> Agreement | None:
    """Compare the vectors of one name in two generations; None where there are fewer than two images to search for.

    The images with the lowest ids are searched for in both generations. The ids that autoenc gives are hashes, so these
    are a random sample, and the same one every time. Then they are cropped, mirrored and recolored as `altered_copies`
    does, each in five ways, and the copies are searched for with both encoders.

    Args:
        old: the generation that answers.
        new: the one that is to replace it.
        encoder: of the new one; the old one is loaded from where the store remembers it.
    """
    name = encoder.name
    sample = list(islice(new.scroll(vectors=[name], having=[name], fields=[], batch=SAMPLE), SAMPLE))
    rows = {record.id: record.vectors[name] for record in sample}
    before = {r.id: r.vectors[name] for r in old.retrieve(list(rows), vectors=[name]) if name in r.vectors}
    ids = [id for id in rows if id in before]
    if len(ids) < 2:
        return None
    theirs = _neighbors(old, name, ids, np.stack([before[id] for id in ids]))
    ours = _neighbors(new, name, ids, np.stack([rows[id] for id in ids]))
    shared = [len(a & b) / max(len(a), len(b), 1) for a, b in zip(theirs, ours, strict=True)]
    (overlap,) = bootstrap_intervals([shared])
    there, images = _images(old, ids, max(SIZE, encoder.input_size))
    hits = _first(new, encoder, there, images)
    earlier = _first(old, _encoder(old, name), there, images)
    gain = None
    if hits is not None and earlier is not None:
        (gain,) = bootstrap_intervals([hits - earlier])
    return Agreement(
        queries=len(ids),
        overlap=overlap,
        before=_standing(old, name, theirs, earlier),
        after=_standing(new, name, ours, hits),
        copies=VIEWS * len(there),
        gain=gain,
    )


def _neighbors(store: Store, name: str, ids: list[str], rows: Vectors) -> list[set[str]]:
    """The nearest images of each one, without itself."""
    found = store.search_batch(rows, using=name, k=K + 1, payload=False)
    others = ([hit.id for hit in hits if hit.id != id] for id, hits in zip(ids, found, strict=True))
    return [set(near[:K]) for near in others]


def _standing(store: Store, name: str, neighbors: list[set[str]], found: Matrix | None) -> Standing:
    scale = scale_of(store, name)
    nearest = (scale.percentiles[5], scale.percentiles[50], scale.percentiles[95])
    share = None if found is None else float(found.mean())
    return Standing(scale.median, nearest, len(set().union(*neighbors)), share)


def _images(store: Store, ids: list[str], size: int) -> tuple[list[str], Images]:
    """The images of some points that can be read: their ids, and (N, size, size, 3) uint8."""
    there, pixels = [], []
    for record in store.retrieve(ids):
        path = point_path(store, record.payload)
        if path is None or not path.is_absolute():
            continue
        try:
            pixels.append(decode_file(read_file(path), size).pixels)
        except ImageError:
            continue
        there.append(record.id)
    return there, np.stack(pixels) if pixels else np.empty((0, size, size, 3), np.uint8)


def _first(store: Store, encoder: Encoder | None, ids: list[str], images: Images) -> Matrix | None:
    """Of each image, the share of its copies that it is nearest to of all images; None without images or encoder."""
    if encoder is None or not ids:
        return None
    shares: Matrix = np.zeros(len(ids))
    for view in range(VIEWS):
        rows = encoder.encode(resized_batch(altered_copies(images, seed=view), encoder.input_size))
        found = store.search_batch(rows, using=encoder.name, k=1, payload=False)
        shares += [bool(hits) and hits[0].id == id for id, hits in zip(ids, found, strict=True)]
    return shares / VIEWS


def _encoder(store: Store, name: str) -> Encoder | None:
    """The encoder of a generation, if it can be loaded."""
    try:
        return make_encoders([name], None, store)[name]
    except AutoencError:
        return None
