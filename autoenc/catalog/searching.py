"""Search a store for the nearest neighbors of a picture, of a stored image, or of a vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy.typing as npt

from autoenc.catalog.answers import Answer, Neighbor
from autoenc.catalog.novelty import judge, makeable
from autoenc.catalog.queries import Name, Query, several
from autoenc.catalog.running import run_query
from autoenc.catalog.scales import scale_of
from autoenc.catalog.sources import find_point, make_encoders, point_path
from autoenc.catalog.weights import NOTHING, Boost, Near, Using, Words, encoders_of
from autoenc.encoders import ENCODERS, Encoder, Model, Weights, check_used, first_choice
from autoenc.errors import ArgumentError, PointNotFoundError, StoreMismatchError
from autoenc.images.decoding import Picture
from autoenc.images.files import load_pixels_of
from autoenc.store import Filter, Scale, Store
from autoenc.store.hybrid import checked_weight
from autoenc.text import meant, no_comma


def search(
    store: Store,
    picture: Picture | Sequence[Picture] | None = None,
    *,
    id: Name | Sequence[Name] | None = None,
    product: str | int | None = None,
    vector: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
    like: Picture | Sequence[Picture] = (),
    unlike: Picture | Sequence[Picture] = (),
    words: str | Words | None = None,
    using: Using | None = None,
    boost: str | Mapping[str, float] | Sequence[Boost] = (),
    near: str | Sequence[Near] = (),
    model: Model | None = None,
    weights: Weights | None = None,
    k: int = 5,
    offset: int = 0,
    where: Filter | None = None,
    min_score: float | None = None,
    min_percentile: float | None = None,
    diversity: float = 0.0,
    group_by: str | None = None,
) -> list[Neighbor]:
    """The stored images that are most similar to a picture, to one of the stored images, or to a vector.

    With words, boosts, closeness or several encoders the search is hybrid, see `Query`. For many searches, create one
    `Searcher`, which keeps the encoders.

    Args:
        store: an open store.
        picture: a path, the bytes of an image file, an array (H, W, 3) uint8 or a PIL image; or a list of these, whose
            average is searched for.
        id: a stored image, by its id, its file, or its path relative to its source; or a list of these. It is left out
            of its own results.
        product: all images of one product, which are averaged and left out of the results.
        vector: (D,) numbers, made by the encoder earlier; or, for several encoders, name -> numbers.
        like: examples to search toward, as of a `Query`.
        unlike: examples to search away from.
        words: what is searched for in the fields of kind text, such as `red shoe=0.3`, with its weight.
        using: the encoder whose vectors are compared: its name, or the `Encoder` object if it is your own; or several
            with weights, as `learned=1,color=0.5`. The default is `learned` if the store holds it, else the first of
            autoenc's own (color, texture, edges, …), else the first that it holds.
        boost: weights for what shares a value, such as `articleType=0.3,brand:Nike=0.2`.
        near: weights for close numbers, such as `price:49~10=0.2`.
        model: the trained model of `learned` and of `handcrafted`'s weights; the store remembers where it was at
            indexing.
        weights: of pretrained encoders, as for `create_encoder`, and where exported models are; the store remembers
            where they were at indexing.
        k: how many neighbors at most.
        offset: how many to skip before them.
        where: only images that match: a mapping of fields to a value, several values of which one must match, an
            `autoenc.Range` or an `autoenc.Contains`; a text expression such as `price < 50 and brand in (Nike, Puma)
            and not title contains "for kids"`; or `autoenc.And`, `Or` and `Not` of these.
        min_score: only neighbors at least this similar.
        min_percentile: the same by the catalog's own nearest neighbors, 0 to 100, whatever the encoder.
        diversity: 0 to 1: results that are like better ones come later.
        group_by: a filterable field; of the images with one value in it, only the best is given.

    Raises:
        ImageError: the picture cannot be used.
        PointNotFoundError: the store holds no image with that id or path.
        StoreError, BundleError, EncoderError: the encoder cannot be created, or the store holds no vectors of exactly
            this encoder.
        UnknownFieldError: a field that is not filterable.
        ArgumentError: nothing to search for, or a value that is not allowed.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     len(autoenc.search(store, "some.jpg", k=3, where="folder = shoe and width >= 100"))
        3
    """
    query = Query(
        picture=picture, id=id, product=product, vector=vector, like=like, unlike=unlike, words=words, boost=boost,
        near=near, k=k, offset=offset, where=where, min_score=min_score, min_percentile=min_percentile,
        diversity=diversity, group_by=group_by,
    )  # fmt: skip
    return Searcher(store, using=using, model=model, weights=weights).find(query)


@dataclass
class _Kept:
    """What searchers of one store share, as long as one generation answers.

    Attributes:
        generation: which one.
        made: encoders by their names.
        scales: what their cosines mean.
        judges: the encoders that judge novelty, and why others cannot.
    """

    generation: int | None
    made: dict[str, Encoder] = field(default_factory=dict)
    scales: dict[str, Scale] = field(default_factory=dict)
    judges: tuple[dict[str, Encoder], dict[str, str]] | None = None


class Searcher:
    """A store and the encoders to search it with, kept for many searches.

    Args:
        store, using, model, weights: as for `search`.

    Attributes:
        store: as given.
        weights: encoder -> its weight.
        using: the encoder's name; or several as text, with their weights.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     autoenc.Searcher(store, using="edges").by_id("shoe/001.jpg", k=1)[0].path.parent.name
        'shoe'
    """

    def __init__(
        self, store: Store, *, using: Using | None = None, model: Model | None = None, weights: Weights | None = None
    ) -> None:
        if not isinstance(store, Store):
            raise ArgumentError(f"Expected an open store (autoenc.open_store); got {store!r}.")
        self.store = store
        held = list(store.info.vectors)
        check_used(weights, held)
        self.weights: dict[str, float] = {}
        self._asked: dict[str, str | Encoder] = {}
        self._chosen = using is not None
        default = first_choice(list(store.info.of_images or held)) if held else NOTHING  # words need no encoder
        chosen = encoders_of(default if using is None else using)
        for encoder, weight in chosen.items():
            name = encoder.name if isinstance(encoder, Encoder) else encoder
            if name not in held:
                raise _not_held(store, name)
            if isinstance(encoder, Encoder) and not store.info.vectors[name].of_images:
                raise ArgumentError(
                    f"The vectors '{name}' were not made by autoenc, so an Encoder object cannot search by them. "
                    f"Search by their name, with stored images (id=, like=) or with vector=."
                )
            if checked_weight(weight):
                self.weights[name] = weight
                self._asked[name] = encoder
        if chosen and not self.weights:
            raise ArgumentError(f"using= needs a weight above 0; got {using!r}.")
        self._model = model
        self._weights = weights
        self._kept = _Kept(store.generation)

    @property
    def using(self) -> str:
        if list(self.weights.values()) == [1.0]:
            return next(iter(self.weights))
        return ",".join(f"{name}={weight:g}" for name, weight in self.weights.items()) or NOTHING

    def _follow(self) -> None:
        """Forget what was made for the generation that answered before, if the store has switched to another one."""
        if self._kept.generation != self.store.generation:
            self._kept = _Kept(self.store.generation)

    @property
    def encoder(self) -> Encoder:
        """The first encoder, checked against what the store remembers."""
        return self.encoder_of(next(iter(self.weights)))

    def encoder_of(self, name: str) -> Encoder:
        """One of the encoders, checked against what the store remembers."""
        self._follow()
        if name not in self._kept.made:
            self._kept.made |= make_encoders([self._asked[name]], self._model, self.store, self._weights)
        return self._kept.made[name]

    def scale_of(self, name: str) -> Scale:
        """What the cosines of one of the encoders mean in the store."""
        self._follow()
        if name not in self._kept.scales:
            self._kept.scales[name] = scale_of(self.store, name)
        return self._kept.scales[name]

    def with_using(self, using: Using) -> Searcher:
        """A searcher of the same store by other encoders, which shares those that this one has made.

        Raises:
            as for `Searcher`.

        Example:
            >>> with autoenc.open_store("store") as store:
            ...     autoenc.Searcher(store).with_using("learned=1,color=.5").using
            'learned=1,color=0.5'
        """
        self._follow()
        other = Searcher(self.store, using=using, model=self._model, weights=self._weights)
        if not any(isinstance(encoder, Encoder) for asked in (self, other) for encoder in asked._asked.values()):
            other._kept = self._kept  # an encoder of the caller's may have the name of one that is kept
        return other

    def find(self, query: Query) -> list[Neighbor]:
        """The neighbors that a query asks for. Its `using` takes the place of the searcher's.

        Raises:
            as for `search`.

        Example:
            >>> query = autoenc.Query(boost="folder:shoe=1", where="not path = shoe/001.jpg", k=2)
            >>> with autoenc.open_store("store") as store:
            ...     [neighbor.parts for neighbor in autoenc.Searcher(store).find(query)]
            [{'folder=shoe': 1.0}, {'folder=shoe': 1.0}]
        """
        if query.using is not None:
            return self.with_using(query.using).find(replace(query, using=None))
        if query.looks and not (self.weights or self._chosen):
            raise _not_held(self.store, first_choice(()))
        return [
            Neighbor(rank, hit.id, hit.score, point_path(self.store, hit.payload), hit.payload, parts)
            for rank, (hit, parts) in enumerate(run_query(self, query, chosen=self._chosen), start=query.offset + 1)
        ]

    def by_picture(
        self, picture: Picture, *, k: int = 5, where: Filter | None = None, min_score: float | None = None
    ) -> list[Neighbor]:
        """Like `search` with a picture."""
        return self.find(Query(picture=[picture], k=k, where=where, min_score=min_score))

    def by_vector(
        self, vector: npt.ArrayLike, *, k: int = 5, where: Filter | None = None, min_score: float | None = None
    ) -> list[Neighbor]:
        """Like `search` with a vector. No encoder is needed."""
        return self.find(Query(vector=vector, k=k, where=where, min_score=min_score))

    def by_id(
        self, id: Name, *, k: int = 5, where: Filter | None = None, min_score: float | None = None
    ) -> list[Neighbor]:
        """Like `search` with an id. No encoder is needed."""
        return self.find(Query(id=id, k=k, where=where, min_score=min_score))

    def stored(self, id: Name) -> Neighbor:
        """A stored image, given as for `by_id`: a neighbor of rank 0, the query itself.

        Raises:
            PointNotFoundError: the store holds no such point, or no image belongs to it.
        """
        (record,) = self.store.retrieve([find_point(self.store, id)])
        if (path := point_path(self.store, record.payload)) is None:
            raise PointNotFoundError(f"Point {record.id} of collection '{self.store.collection}' has no image.")
        return Neighbor(0, record.id, 1.0, path, record.payload)

    def answer(self, query: Query) -> Answer:
        """Like `find`; and, for a query by one picture, whether the store has anything like it, by all of its encoders.

        Example:
            >>> with autoenc.open_store("store") as store:
            ...     answer = autoenc.Searcher(store).answer(autoenc.Query(picture="some.jpg", k=3))
            >>> len(answer.neighbors), sorted(answer.novelty.percentiles), answer.novelty.unlike
            (3, ['color', 'edges', 'learned'], False)
        """
        if query.using is not None:
            return self.with_using(query.using).answer(replace(query, using=None))
        others = query.ids or query.product is not None or several(query.like) or several(query.unlike)
        pictured = [name for name in self.weights if name in self.store.info.of_images]
        if len(query.pictures) != 1 or others or query.vector is not None or not pictured:
            return Answer(self.find(query), None)
        pixels_of = cache(partial(load_pixels_of, query.pictures[0]))  # decoded once, for all encoders of one size
        made = {name: self.encoder_of(name) for name in pictured}
        vectors = {name: encoder.encode(pixels_of(encoder.input_size)[None])[0] for name, encoder in made.items()}
        neighbors = self.find(replace(query, picture=None, vector=vectors))
        self._follow()
        if self._kept.judges is None:
            self._kept.judges = makeable(self.store, self._model, made, self._weights)
        return Answer(neighbors, judge(self.store, pixels_of, *self._kept.judges))

    def __repr__(self) -> str:
        return f"<Searcher of {self.store!r} using '{self.using}'>"


def _not_held(store: Store, name: str) -> StoreMismatchError:
    add = f", or add it by indexing with encoders={name}" if name in ENCODERS else ""
    return StoreMismatchError(
        f"Collection '{store.collection}' holds no vectors of encoder '{name}'; it holds "
        f"{', '.join(store.info.vectors) or 'none'}. Name one of these with using={add}."
        f"{no_comma(name) or meant(name, store.info.vectors)}"
    )
