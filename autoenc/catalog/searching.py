"""Search a store for the nearest neighbors of a picture, of a stored image, or of a vector."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import numpy.typing as npt

from autoenc.catalog.fields import own_of
from autoenc.catalog.novelty import Novelty, judge, makeable
from autoenc.catalog.sources import find_point, make_encoders, point_path
from autoenc.encoders import ENCODERS, Encoder, Model, first_choice
from autoenc.errors import ArgumentError, ImageDecodeError, PointNotFoundError, StoreMismatchError
from autoenc.images.decoding import Picture
from autoenc.images.files import load_pixels_of, naming, read_file
from autoenc.store import Filter, Hit, Store


@dataclass(frozen=True)
class Neighbor:
    """One result of a search.

    Attributes:
        rank: 1 for the nearest; 0 for the query itself.
        id: the point's id.
        score: cosine similarity, in [-1, 1].
        path: the image file, absolute; None for a point that `index_images` has not written.
        payload: the point's payload.
    """

    rank: int
    id: str
    score: float
    path: Path | None
    payload: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        path = None if self.path is None else str(self.path)
        return {"id": self.id, "path": path, "score": self.score, "payload": self.payload}

    def read(self) -> bytes:
        """The bytes of the image file, if it is still the one that was indexed.

        Raises:
            ImageDecodeError: it has changed or is gone, or the point has none.

        Example:
            >>> with autoenc.open_store("store") as store:
            ...     len(autoenc.search(store, "some.jpg", k=1)[0].read()) > 1000
            True
        """
        if self.path is None or not self.path.is_absolute():
            raise ImageDecodeError("The point has no image file.")
        with naming(self.path):
            file = read_file(self.path)
            if file.digest != own_of(self.payload).get("digest"):
                raise ImageDecodeError("The file has changed since it was indexed.")
            return cast(bytes, file.data)

    def __repr__(self) -> str:
        return f"<Neighbor {self.rank}: {self.id if self.path is None else self.path.name} {self.score:.3f}>"


@dataclass(frozen=True)
class Answer:
    """What a picture that is not stored finds.

    Attributes:
        neighbors: the most similar images, best first.
        novelty: whether the picture is unlike anything in the store, whatever the search was narrowed to; None if no
            encoder of the store can tell.
    """

    neighbors: list[Neighbor]
    novelty: Novelty | None


def search(
    store: Store,
    picture: Picture | None = None,
    *,
    id: str | os.PathLike[str] | None = None,
    vector: npt.ArrayLike | None = None,
    using: str | Encoder | None = None,
    model: Model | None = None,
    k: int = 5,
    where: Filter | None = None,
    min_score: float | None = None,
) -> list[Neighbor]:
    """The stored images that are most similar to a picture, to one of the stored images, or to a vector.

    Pass exactly one of `picture`, `id` and `vector`. For many searches, create one `Searcher`, which keeps the encoder.

    Args:
        store: an open store.
        picture: a path, the bytes of an image file, an array (H, W, 3) uint8 or a PIL image.
        id: a stored image, by its id, its file, or its path relative to its source. It is left out of its own results.
        vector: (D,) numbers, made by the encoder earlier.
        using: the encoder whose vectors are compared: its name, or the `Encoder` object if it is your own. The default
            is `learned` if the store
            holds it, else the first of autoenc's own (color, texture, edges, …), else the first that it holds.
        model: the trained model of `learned` and of `handcrafted`'s weights; the store remembers where it was at
            indexing.
        k: how many neighbors at most.
        where: payload field -> a value, several values of which one must match, or an `autoenc.Range`.
        min_score: only neighbors at least this similar.

    Raises:
        ImageError: the picture cannot be used.
        PointNotFoundError: the store holds no image with that id or path.
        StoreError, BundleError, EncoderError: the encoder cannot be created, or the store holds no vectors of exactly
            this encoder.
        ArgumentError: k below 1, or not exactly one of picture, id and vector.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     len(autoenc.search(store, "some.jpg", k=3, where={"folder": "shoe"}))
        3
    """
    if [picture is None, id is None, vector is None].count(False) == 1:
        searcher = Searcher(store, using=using, model=model)
        if vector is not None:
            return searcher.by_vector(vector, k=k, where=where, min_score=min_score)
        if id is not None:
            return searcher.by_id(id, k=k, where=where, min_score=min_score)
        if picture is not None:
            return searcher.by_picture(picture, k=k, where=where, min_score=min_score)
    raise ArgumentError("Search by exactly one of a picture, id= and vector=.")


class Searcher:
    """A store and the encoder to search it with, kept for many searches.

    Args:
        store, using, model: as for `search`.

    Attributes:
        using: the encoder's name.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     autoenc.Searcher(store, using="edges").by_id("shoe/001.jpg", k=1)[0].path.parent.name
        'shoe'
    """

    def __init__(self, store: Store, *, using: str | Encoder | None = None, model: Model | None = None) -> None:
        if not isinstance(store, Store):
            raise ArgumentError(f"Expected an open store (autoenc.open_store); got {store!r}.")
        held = list(store.info.vectors)
        name = using.name if isinstance(using, Encoder) else using
        self.store = store
        self.using = name or first_choice(held)
        if self.using not in held:
            add = f", or add it by indexing with encoders={self.using}" if self.using in ENCODERS else ""
            raise StoreMismatchError(
                f"Collection '{store.collection}' holds no vectors of encoder '{self.using}'; it holds "
                f"{', '.join(held) or 'none'}. Name one of these with using={add}."
            )
        self._asked = using if isinstance(using, Encoder) else self.using
        self._model = model
        self._encoder: Encoder | None = None
        self._judges: tuple[dict[str, Encoder], dict[str, str]] | None = None

    @property
    def encoder(self) -> Encoder:
        """The encoder, checked against what the store remembers."""
        if self._encoder is None:
            self._encoder = make_encoders([self._asked], self._model, self.store)[self.using]
        return self._encoder

    def by_picture(
        self, picture: Picture, *, k: int = 5, where: Filter | None = None, min_score: float | None = None
    ) -> list[Neighbor]:
        """Like `search` with a picture."""
        encoder = self.encoder
        vector = encoder.encode(load_pixels_of(picture, encoder.input_size)[None])[0]
        return self.by_vector(vector, k=k, where=where, min_score=min_score)

    def by_vector(
        self, vector: npt.ArrayLike, *, k: int = 5, where: Filter | None = None, min_score: float | None = None
    ) -> list[Neighbor]:
        """Like `search` with a vector. No encoder is needed."""
        return self._neighbors(self.store.search(vector, using=self.using, k=k, where=where, min_score=min_score))

    def by_id(
        self,
        id: str | os.PathLike[str],
        *,
        k: int = 5,
        where: Filter | None = None,
        min_score: float | None = None,
    ) -> list[Neighbor]:
        """Like `search` with an id. No encoder is needed."""
        found = find_point(self.store, id)
        return self._neighbors(self.store.search_by_id(found, using=self.using, k=k, where=where, min_score=min_score))

    def stored(self, id: str | os.PathLike[str]) -> Neighbor:
        """A stored image, given as for `by_id`: a neighbor of rank 0, the query itself.

        Raises:
            PointNotFoundError: the store holds no such point, or no image belongs to it.
        """
        (record,) = self.store.retrieve([find_point(self.store, id)])
        if (path := point_path(self.store, record.payload)) is None:
            raise PointNotFoundError(f"Point {record.id} of collection '{self.store.collection}' has no image.")
        return Neighbor(0, record.id, 1.0, path, record.payload)

    def answer(
        self, picture: Picture, *, k: int = 5, where: Filter | None = None, min_score: float | None = None
    ) -> Answer:
        """Like `by_picture`, and whether the picture is unlike anything in the store, by all of its encoders.

        Example:
            >>> with autoenc.open_store("store") as store:
            ...     answer = autoenc.Searcher(store).answer("some.jpg", k=3)
            >>> len(answer.neighbors), sorted(answer.novelty.percentiles), answer.novelty.unlike
            (3, ['color', 'edges', 'learned'], False)
        """
        pixels_of = cache(partial(load_pixels_of, picture))  # decoded once, for all encoders that take one size
        vector = self.encoder.encode(pixels_of(self.encoder.input_size)[None])[0]
        neighbors = self.by_vector(vector, k=k, where=where, min_score=min_score)
        if self._judges is None:
            self._judges = makeable(self.store, self._model, {self.using: self.encoder})
        return Answer(neighbors, judge(self.store, pixels_of, *self._judges))

    def __repr__(self) -> str:
        return f"<Searcher of {self.store!r} using '{self.using}'>"

    def _neighbors(self, hits: list[Hit]) -> list[Neighbor]:
        return [
            Neighbor(rank, hit.id, hit.score, point_path(self.store, hit.payload), hit.payload)
            for rank, hit in enumerate(hits, start=1)
        ]
