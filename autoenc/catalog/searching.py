"""Neighbors of a picture, or of an image that is in the store."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoenc.encoders import ENCODER_NAMES, Encoder, create_encoder, first_choice
from autoenc.errors import ArgumentError, BundleError, PointNotFoundError, StoreMismatchError
from autoenc.images.decoding import Picture
from autoenc.images.files import PREPROCESSING_VERSION, load_pixels_of
from autoenc.models.bundle import Bundle, load_bundle
from autoenc.store import Filter, Hit, Store, VectorSpec, point_id
from autoenc.text import shown


@dataclass(frozen=True)
class Neighbor:
    """One result of a search.

    Attributes:
        rank: 1 for the nearest.
        id: of the point.
        score: cosine similarity, in [-1, 1].
        path: the image file, absolute.
        payload: what the store keeps of the image.
    """

    rank: int
    id: str
    score: float
    path: Path
    payload: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.id, "path": str(self.path), "score": self.score, "payload": self.payload}


def search(
    store: Store,
    picture: Picture | None = None,
    *,
    id: str | os.PathLike[str] | None = None,
    using: str | None = None,
    model: Bundle | str | os.PathLike[str] | None = None,
    k: int = 5,
    where: Filter | None = None,
    min_score: float | None = None,
) -> list[Neighbor]:
    """The images of a store most similar to a picture, or to one of its own images.

    For many searches make one `Searcher`, which keeps the encoder.

    Args:
        store: an open store.
        picture: a path, the bytes of an image file, an array (H, W, 3) uint8 or a PIL image; or leave it out and
        id: name an image of the store by its id, by its file, or by its path in its source. It is not its own result.
        using: the encoder whose vectors are compared; `learned` if the store holds it, else its first.
        model: the bundle of `learned`; the store remembers where it lay when it was indexed.
        k: how many neighbors at most.
        where: payload field -> value, or values of which one must match.
        min_score: only neighbors at least this similar.

    Raises:
        ImageError: the picture cannot be used.
        PointNotFoundError: no image of that id or path in the store.
        StoreError, BundleError, EncoderError: the store does not hold vectors of this very encoder.
        ArgumentError: k below 1, or not exactly one of picture and id.
    """
    searcher = Searcher(store, using=using, model=model)
    if picture is not None and id is None:
        return searcher.by_picture(picture, k=k, where=where, min_score=min_score)
    if id is not None and picture is None:
        return searcher.by_id(id, k=k, where=where, min_score=min_score)
    raise ArgumentError("Name a picture or the id of one, not both and not neither.")


class Searcher:
    """A store and the encoder to search it with, made once.

    Args:
        store, using, model: as for `search`.

    Attributes:
        using: the encoder's name.
    """

    def __init__(
        self, store: Store, *, using: str | None = None, model: Bundle | str | os.PathLike[str] | None = None
    ) -> None:
        if not isinstance(store, Store):
            raise ArgumentError(f"Expected an open store (autoenc.open_store); got {store!r}.")
        held = list(store.info.vectors)
        self.store = store
        self.using = using or (first_choice(held) if held else "learned")
        if self.using not in held:
            add = f", or add it with `autoenc index --encoders {self.using}`" if self.using in ENCODER_NAMES else ""
            raise StoreMismatchError(
                f"Collection '{store.collection}' holds no vectors of encoder '{self.using}'; it holds "
                f"{', '.join(held) or 'none'}. Name one of these with --using{add}."
            )
        self._model = model
        self._encoder: Encoder | None = None

    @property
    def encoder(self) -> Encoder:
        """The encoder, checked against what the store remembers."""
        if self._encoder is None:
            self._encoder = self._make_encoder()
        return self._encoder

    def by_picture(
        self, picture: Picture, *, k: int = 5, where: Filter | None = None, min_score: float | None = None
    ) -> list[Neighbor]:
        """As `search` with a picture."""
        encoder = self.encoder
        vector = encoder.encode(load_pixels_of(picture, encoder.input_size)[None])[0]
        return self._neighbors(self.store.search(vector, using=self.using, k=k, where=where, min_score=min_score))

    def by_id(
        self,
        id: str | os.PathLike[str],
        *,
        k: int = 5,
        where: Filter | None = None,
        min_score: float | None = None,
    ) -> list[Neighbor]:
        """As `search` with an id. No encoder is needed."""
        found = find_point(self.store, id)
        return self._neighbors(self.store.search_by_id(found, using=self.using, k=k, where=where, min_score=min_score))

    def path_of(self, id: str | os.PathLike[str]) -> Path:
        """The file of an image of the store, named as for `by_id`."""
        (record,) = self.store.retrieve([find_point(self.store, id)])
        return point_path(self.store, record.payload)

    def _neighbors(self, hits: list[Hit]) -> list[Neighbor]:
        return [
            Neighbor(rank, hit.id, hit.score, point_path(self.store, hit.payload), hit.payload)
            for rank, hit in enumerate(hits, start=1)
        ]

    def _make_encoder(self) -> Encoder:
        model = self._model
        if self.using == "learned" and model is None:
            model = remembered_bundle(self.store)
        encoder = create_encoder(self.using, model=model)
        self.store.check_vector(self.using, encoder_spec(encoder))
        return encoder


def remembered_bundle(store: Store) -> Bundle | None:
    """The bundle that the store's `learned` vectors came from, None if it holds no such vectors.

    Raises:
        BundleError: it is not where it was, or cannot be used.
    """
    spec = store.info.vectors.get("learned")
    if spec is None or spec.bundle is None:
        return None
    try:
        return load_bundle(spec.bundle)
    except BundleError as error:
        raise type(error)(f"{error} The store was built with it; name where it is now with --model.") from error


def encoder_spec(encoder: Encoder) -> VectorSpec:
    """What a store remembers of an encoder."""
    return VectorSpec(encoder.dim, encoder.fingerprint, PREPROCESSING_VERSION, encoder.origin)


def point_path(store: Store, payload: dict[str, Any]) -> Path:
    """Where the image of a payload lies: its source's root and its path."""
    return Path(store.info.sources.get(payload["source"], payload["source"]), payload["path"])


def find_point(store: Store, name: str | os.PathLike[str]) -> str:
    """The id of an image of the store, named by its id, its file, or its path in its source.

    Raises:
        PointNotFoundError: the store holds no such image.
    """
    text = os.fspath(name)
    candidates = [text]
    for source, root in store.info.sources.items():
        candidates.append(point_id(source, Path(text).as_posix()))
        file = Path(os.path.abspath(text))
        if file.is_relative_to(root):
            candidates.append(point_id(source, file.relative_to(root).as_posix()))
    held = store.retrieve(candidates)
    if not held:
        roots = ", ".join(shown(root) for root in store.info.sources.values()) or "none"
        raise PointNotFoundError(
            f"Collection '{store.collection}' holds no image {shown(text)}. Expected an id, a file below one of its "
            f"sources ({roots}), or a path in one of them."
        )
    return held[0].id
