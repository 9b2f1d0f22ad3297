"""The images of a query: pictures and stored images, as one vector of each encoder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autoenc.catalog.products import product_photos
from autoenc.catalog.queries import Query, several
from autoenc.catalog.sources import find_point
from autoenc.encoders import Encoder
from autoenc.errors import ArgumentError, PointNotFoundError, VectorError
from autoenc.images.decoding import Picture
from autoenc.images.files import load_pixels_of
from autoenc.store import Store
from autoenc.store.checks import floats
from autoenc.text import shown
from autoenc.vectors import Pixels, Vectors, unit_rows


class Examples(NamedTuple):
    """What a query compares with.

    Attributes:
        vectors: encoder -> (D,) numbers; without those vectors that are not made of pictures, where no image has one.
        stored: ids of the stored images among the examples.
        product: payloads of the stored images that are wanted.
    """

    vectors: dict[str, Vectors]
    stored: list[str]
    product: list[dict[str, Any]]


def examples_of(store: Store, query: Query, encoders: Sequence[str], encoder_of: Callable[[str], Encoder]) -> Examples:
    """The images of a query, by some encoders of a store, which are made only if there is a picture.

    Of vectors that are not made of pictures, such as those of behavior, the mean is that of the images that have one.

    Raises:
        ImageError: a picture cannot be used.
        PointNotFoundError: a stored image is not there, or has no vector of one of the encoders; or no image has one of
            vectors that are not made of pictures, and there are no others.
        VectorError: a vector of another length.
        ArgumentError: one vector for several encoders.
    """
    like, unlike = ([_example(store, each) for each in several(given)] for given in (query.like, query.unlike))
    ids = [find_point(store, name) for name in query.ids]
    if query.product is not None:
        ids += product_photos(store, query.product)
    stored = [*ids, *(each.id for each in (*like, *unlike) if isinstance(each, _Stored))]
    records = {record.id: record for record in store.retrieve(stored, vectors=encoders)} if stored else {}
    wanted = [*map(_Stored, ids), *(_Shown(picture, {}) for picture in query.pictures), *like]

    def vector_of(example: _Stored | _Shown, name: str) -> Vectors:
        if isinstance(example, _Shown):
            return _encoded(example, encoder_of(name))
        if name not in records[example.id].vectors:
            raise PointNotFoundError(
                f"Collection '{store.collection}' holds no vector '{name}' for point {example.id}. Index the image "
                f"first."
            )
        return records[example.id].vectors[name]

    def having(examples: Sequence[_Stored | _Shown], name: str) -> list[_Stored | _Shown]:
        if store.info.vectors[name].of_images:
            return list(examples)
        return [each for each in examples if isinstance(each, _Stored) and name in records[each.id].vectors]

    vectors: dict[str, Vectors] = {}
    given = _given(store, query, encoders)
    for name in encoders:
        positive = [*given[name], *(vector_of(each, name) for each in having(wanted, name))]
        if positive:
            negative = [vector_of(each, name) for each in having(unlike, name)]
            vectors[name] = _toward(positive, negative, store.info.vectors[name].dim)
    if encoders and not vectors:
        names = " or ".join(f"'{name}'" for name in encoders)
        raise PointNotFoundError(
            f"The query has no vector {names}, and none can be made of a picture. Search by a stored image that has "
            f'one, or weigh another encoder beside it, as in using="learned=1,{encoders[0]}=0.5".'
        )
    product = [records[each.id].payload for each in wanted if isinstance(each, _Stored)]
    return Examples(vectors, stored, product)


class _Stored(NamedTuple):
    id: str


class _Shown(NamedTuple):
    picture: Picture
    decoded: dict[int, Pixels]  # size -> pixels: decoded once for encoders of one size


def _example(store: Store, given: Picture) -> _Stored | _Shown:
    """A stored image where a text or a path names one, else a picture."""
    if isinstance(given, (str, os.PathLike)):
        try:
            return _Stored(find_point(store, given))
        except PointNotFoundError as error:
            if not os.path.isfile(given):
                raise PointNotFoundError(f"{error} Nor is there a picture {shown(given)}.") from None
    return _Shown(given, {})


def _encoded(example: _Shown, encoder: Encoder) -> Vectors:
    if encoder.input_size not in example.decoded:
        example.decoded[encoder.input_size] = load_pixels_of(example.picture, encoder.input_size)
    vectors: Vectors = encoder.encode(example.decoded[encoder.input_size][None])
    return np.asarray(vectors[0])


def _given(store: Store, query: Query, encoders: Sequence[str]) -> dict[str, list[Vectors]]:
    """The vectors that the query holds itself."""
    if query.vector is None:
        return {name: [] for name in encoders}
    if not isinstance(query.vector, Mapping):
        if len(encoders) > 1:
            raise ArgumentError(
                f"vector= maps each of the encoders {', '.join(encoders)} to its vector; got one vector."
            )
        return {name: [floats(query.vector)] for name in encoders}
    needed = store.info.of_images.keys() & set(encoders)
    if not needed <= set(query.vector) <= set(encoders):
        raise ArgumentError(
            f"vector= needs a vector for each of the encoders {', '.join(encoders)}, and for no other; got "
            f"{', '.join(map(str, query.vector)) or 'none'}."
        )
    return {name: [floats(query.vector[name])] if name in query.vector else [] for name in encoders}


def _toward(positive: Sequence[Vectors], negative: Sequence[Vectors], dim: int) -> Vectors:
    """The mean of what is wanted, and as far again away from the mean of what is not; a single vector as it is.

    Source: the "average vector" of Qdrant's recommendations; before it, Rocchio, "Relevance feedback in information
    retrieval", 1971.
    """
    if len(positive) == 1 and not negative:
        return positive[0]
    for vector in positive:
        if vector.shape != (dim,):
            raise VectorError(f"Expected one vector of {dim} numbers; got an array of shape {vector.shape}.")
    toward = unit_rows(np.stack(positive)).mean(axis=0)
    if negative:
        toward = 2 * toward - unit_rows(np.stack(negative)).mean(axis=0)
    return np.asarray(toward, np.float32)
