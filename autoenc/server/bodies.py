"""What requests hold, and how it becomes a query of the library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from autoenc.catalog.queries import Query
from autoenc.errors import ArgumentError, ImageDecodeError
from autoenc.images.decoding import decode
from autoenc.server.catalog import Catalog
from autoenc.server.settings import Settings
from autoenc.server.uploads import Uploads, is_token
from autoenc.store import And, Contains, Filter, Range
from autoenc.vectors import Pixels

_TEXT = 4000  # characters of an expression
_EXAMPLES = 50

Text = Annotated[str, Field(min_length=1, max_length=_TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=1000)]
Names = Annotated[list[Name], Field(max_length=_EXAMPLES)]
Value = bool | int | FiniteFloat | Annotated[str, Field(max_length=_TEXT)]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Number = Whole | FiniteFloat
Weight = Annotated[FiniteFloat, Field(ge=0)]
Crop = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]


class Strict(BaseModel):
    """A body in which every name is known."""

    model_config = ConfigDict(extra="forbid")


class Between(Strict):
    """A range of numbers or dates."""

    gte: Number | str | None = None
    gt: Number | str | None = None
    lte: Number | str | None = None
    lt: Number | str | None = None


class Words(Strict):
    """Words that a field of kind text contains."""

    contains: Text


Condition = Between | Words | Value | Annotated[list[Value], Field(max_length=1000)] | None
Where = Text | dict[Name, Condition]

_WHERE = "An expression such as `price < 50 and brand in (Nike, Puma)`, or fields with what they are compared with."


class SearchBody(Strict):
    """What to search for, by what it is compared, and which results to give. See `autoenc.Query`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"id": "shoe/001.jpg", "k": 12, "where": "price < 150"},
                {"words": "red shoe", "k": 12},
                {"id": "shoe/001.jpg", "using": {"learned": 1, "color": 0.5}, "group_by": "product"},
            ]
        },
    )

    picture: Name | Names | None = Field(None, description="The token of an uploaded picture, or several.")
    crop: Crop | None = Field(
        None, description="Left, top, right and bottom of the part of the picture that counts, from 0 to 1."
    )
    id: Name | Names | None = Field(None, description="A stored image, by its id or its path; or several.")
    product: Name | Whole | None = Field(None, description="All images of a product.")
    like: Names = Field(default=[], description="Ids or tokens to search toward.")
    unlike: Names = Field(default=[], description="Ids or tokens to search away from.")
    words: Text | None = Field(None, description="What is searched for in fields of kind text: `red shoe=0.3`.")
    using: Text | dict[Name, Weight] | None = Field(
        None, description="An encoder, several with their weights, or `none`."
    )
    boost: str | dict[Name, Weight] = Field(
        "", max_length=_TEXT, description="`brand=0.3,color:red=0.2`, or fields and their weights."
    )
    near: str = Field("", max_length=_TEXT, description="`price:49~10=0.2`: close numbers add to the score.")
    where: Where | None = Field(None, description=_WHERE)
    k: Annotated[int, Field(ge=1, le=200)] = 24
    offset: Annotated[int, Field(ge=0, le=10_000)] = 0
    min_score: FiniteFloat | None = None
    min_percentile: Annotated[FiniteFloat, Field(ge=0, le=100)] | None = None
    diversity: Annotated[FiniteFloat, Field(ge=0, le=1)] = 0.0
    group_by: Name | None = Field(None, description="One result for each value of this field; `product` for products.")


@dataclass(frozen=True)
class Asked:
    """A query as the library takes it, and whether it is by one picture alone."""

    query: Query
    novel: bool


def filter_of(where: str | Mapping[str, Any] | None) -> Filter | None:
    """A filter as the library takes it.

    Example:
        >>> filter_of({"price": Between(lt=50), "title": Words(contains="red shoe"), "brand": ["Nike", "Puma"]})
        {'price': Range(gte=None, gt=None, lte=None, lt=50), 'title': Contains(words='red shoe'),
         'brand': ['Nike', 'Puma']}
    """
    if where is None or isinstance(where, str):
        return where
    return {name: _condition(given) for name, given in where.items()}


def _condition(given: Any) -> Any:
    if isinstance(given, Between):
        return Range(**given.model_dump())
    return Contains(given.contains) if isinstance(given, Words) else given


def query_of(body: SearchBody, catalog: Catalog, uploads: Uploads, picture: bytes | None = None) -> Asked:
    """The query that a request asks for. Names of images become ids here, so that no path is ever opened.

    Args:
        body: the request.
        catalog: where its images are.
        uploads: where its pictures are.
        picture: the picture that came with the request itself.

    Raises:
        PointNotFoundError: no such image or upload.
        ImageError, ArgumentError: as for `Query`.
    """
    tokens = _listed(body.picture)
    if body.crop is not None and len(tokens) + (picture is not None) != 1:
        raise ArgumentError("crop= is that of one picture; name one.")
    pictures: list[Any] = [*([] if picture is None else [picture]), *map(uploads.read, tokens)]
    if body.crop is not None:
        pictures = [cropped(each, body.crop) for each in pictures]
    ids = [catalog.id_of(name) for name in _listed(body.id)]

    def example(name: str) -> Any:
        return uploads.read(name) if is_token(name) else catalog.id_of(name)

    query = Query(
        picture=pictures or None, id=ids or None, product=body.product, like=[example(name) for name in body.like],
        unlike=[example(name) for name in body.unlike], words=body.words,
        using=body.using, boost=body.boost, near=body.near, where=filter_of(body.where), k=body.k, offset=body.offset,
        min_score=body.min_score, min_percentile=body.min_percentile, diversity=body.diversity, group_by=body.group_by,
    )  # fmt: skip
    return Asked(query, novel=len(pictures) == 1 and not body.offset)


def check_limits(body: SearchBody, settings: Settings) -> None:
    """Raise ArgumentError for more results, or a farther page, than a server gives."""
    if body.k > settings.k or body.offset > settings.offset:
        raise ArgumentError(f"k= is at most {settings.k} here, and offset= at most {settings.offset:,}.")


def both(one: Filter | None, other: Filter | None) -> Filter | None:
    """The filter that two filters make together."""
    return And(one, other) if one is not None and other is not None else one if other is None else other


def cropped(data: bytes, crop: Crop) -> Pixels:
    """The part of a picture that counts, (H, W, 3) uint8 RGB, decoded as large as that part needs.

    Args:
        data: the bytes of an image file.
        crop: left, top, right and bottom as shares of the width and the height of the picture as it is seen.

    Raises:
        ArgumentError: no part of the picture.
        ImageError: as for `decode`.

    Example:
        >>> from pathlib import Path
        >>> cropped(Path("some.jpg").read_bytes(), (0.25, 0, 0.75, 0.5)).shape
        (80, 80, 3)
    """
    left, top, right, bottom = crop
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ArgumentError(f"crop= is left, top, right and bottom, from 0 to 1 and in this order; got {list(crop)}.")
    share = min(right - left, bottom - top)
    pixels, _, _ = decode(data, min(10_000, round(64 / share)))
    height, width = pixels.shape[:2]
    part = pixels[_rounded(top, bottom, height), _rounded(left, right, width)]
    if not part.size:
        raise ImageDecodeError("The part of the picture that crop= names holds no pixel.")
    return np.ascontiguousarray(part)


def _rounded(first: float, last: float, pixels: int) -> slice:
    start = min(round(first * pixels), pixels - 1)
    return slice(start, max(start + 1, round(last * pixels)))


def _listed(given: str | list[str] | None) -> list[str]:
    return [] if given is None else [given] if isinstance(given, str) else given
