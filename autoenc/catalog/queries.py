"""What is asked of a store: one object for the library and the command line."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from autoenc.catalog.weights import Boost, Near, Using, Words, boosts_of, nears_of, words_of
from autoenc.errors import ArgumentError
from autoenc.images.decoding import Picture
from autoenc.store import Filter
from autoenc.store.checks import MAX_K, check_number

Name = str | os.PathLike[str]
"""A stored image: its id, its file, or its path relative to its source."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """What to search for, by what it is compared, and which results to give.

    The images of a query (pictures, stored images, those of a product, like) are averaged; those in `unlike` are
    subtracted. A query that weighs more than one encoder is hybrid: its score is a sum of parts, each of which is on
    one scale, where 0 is the median similarity of random pairs and 1 that of nearest neighbors (see `Scale`), times its
    weight. A query without images is by words, boosts and closeness alone.

    Attributes:
        picture: a path, the bytes of an image file, an array (H, W, 3) uint8 or a PIL image; or a list of these.
        id: a stored image, by its id, its file, or its path relative to its source; or a list of these. They are left
            out of the results.
        product: all images of one product, which are averaged and left out of the results; a value of the field that
            names products (see `index_images`).
        vector: (D,) numbers, made by the encoder earlier; or, for several encoders, name -> numbers.
        like: more examples, one or a list. A text or a path is a stored image, if there is one of that name, and left
            out of the results; or else it is a picture's file.
        unlike: examples of what is not wanted, given as `like`.
        words: what is searched for in all fields of kind text, with what all words add to the score: `red shoe=0.3`,
            or `Words`, which takes any text as it is. Without a weight it is 1. Each word found adds its share.
        using: the encoder whose vectors are compared: its name, or the `Encoder` object if it is your own; or several
            with their weights, as `learned=1,color=0.5` or a mapping. With `none`, looks do not count. The default is
            the searcher's.
        boost: weights for what shares a value: `articleType=0.3,brand:Nike=0.2`, a mapping of fields to weights, or a
            list of `Boost`. Where no value is given, it is that of the stored images in `id` and `like`.
        near: weights for close numbers: `price:49~10=0.2`, where half is left at 39 and at 59; or a list of `Near`.
        where: only images that match; see `autoenc.search`.
        k: how many neighbors at most.
        offset: how many of the best to skip, for a further page. The pages of a hybrid query fit together within its
            best 64 results; a later page ranks more candidates, so an image can be on two pages, or on none.
        min_score: only neighbors with at least this score: a cosine, or, in a hybrid query, a sum.
        min_percentile: only neighbors that are at least as similar as the nearest neighbors of this share of the
            catalog's images are to them, 0 to 100, by any encoder or, on their common scale, by all together.
        diversity: from 0 (the order of the scores) up to 1: results that are like better ones come later.
        group_by: a filterable field; of the images with one value in it, only the best is given. `product` stands for
            the field that names products.

    Example:
        >>> query = autoenc.Query(id="shoe/001.jpg", using="learned=1,color=.5", boost="folder=.3", k=3)
        >>> with autoenc.open_store("store") as store:
        ...     [abs(sum(found.parts.values()) - found.score) < 1e-4 for found in autoenc.Searcher(store).find(query)]
        [True, True, True]
    """

    picture: Picture | Sequence[Picture] | None = None
    id: Name | Sequence[Name] | None = None
    product: str | int | None = None
    vector: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None
    like: Picture | Sequence[Picture] = ()
    unlike: Picture | Sequence[Picture] = ()
    words: str | Words | None = None
    using: Using | None = None
    boost: str | Mapping[str, float] | Sequence[Boost] = ()
    near: str | Sequence[Near] = ()
    where: Filter | None = None
    k: int = 5
    offset: int = 0
    min_score: float | None = None
    min_percentile: float | None = None
    diversity: float = 0.0
    group_by: str | None = None

    def __post_init__(self) -> None:
        """Raise ArgumentError for what cannot be."""
        _ = self.boosts, self.nears, self.wanted
        check_number("k", self.k)
        if isinstance(self.offset, bool) or not isinstance(self.offset, int) or not 0 <= self.offset <= MAX_K - self.k:
            raise ArgumentError(
                f"offset= must be a whole number, 0 or more, and at most {MAX_K:,} with k; got {self.offset!r}."
            )
        for name, least, most in (("diversity", 0, 1), ("min_score", -math.inf, math.inf), ("min_percentile", 0, 100)):
            value = getattr(self, name)
            known = isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
            if not known and (value is not None or name == "diversity"):
                bounds = "a number" if least == -math.inf else f"a number from {least} to {most}"
                raise ArgumentError(f"{name}= must be {bounds}; got {value!r}.")
        if several(self.unlike) and not self.looks:
            raise ArgumentError("unlike= takes something away from a picture, id= or like=; name one.")
        if not (self.looks or self.words or self.boosts or self.nears):
            raise ArgumentError("Search by a picture, id=, product=, like=, words=, boost= or near=; got none of them.")

    @property
    def pictures(self) -> list[Picture]:
        return [] if self.picture is None else several(self.picture)

    @property
    def ids(self) -> list[Name]:
        return [] if self.id is None else several(self.id)

    @property
    def boosts(self) -> list[Boost]:
        return boosts_of(self.boost)

    @property
    def nears(self) -> list[Near]:
        return nears_of(self.near)

    @property
    def wanted(self) -> Words | None:
        return words_of(self.words)

    @property
    def looks(self) -> bool:
        """Whether there is an image, or a vector, to compare with."""
        given = self.vector is not None or self.product is not None
        return given or bool(self.pictures or self.ids or several(self.like))


def several(given: Any) -> list[Any]:
    """What is given, as a list: a list or a tuple is several, anything else is one."""
    return list(given) if isinstance(given, (list, tuple)) else [given]
