"""What answers hold, for the description of the API, and how they are sent."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem document (RFC 9457).",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
"""What every route answers with when it cannot do what was asked."""


class ImageAnswer(BaseModel):
    """A stored image. The address of its thumbnail takes `&size=64`, 128, 256 or 512."""

    id: str
    path: str | None
    source: str | None
    thumbnail: str | None
    original: str | None
    fields: dict[str, Any]
    width: int | None
    height: int | None
    product: Any = None


class NeighborAnswer(BaseModel):
    """One result of a search."""

    rank: int
    score: float
    parts: dict[str, float]
    image: ImageAnswer


class NoveltyAnswer(BaseModel):
    """Whether the picture of a search is unlike anything in the catalog."""

    unlike: bool
    percentile: float
    told: str


class Found(BaseModel):
    """What a search finds."""

    query: dict[str, Any]
    neighbors: list[NeighborAnswer]
    novelty: NoveltyAnswer | None
    next_offset: int | None
    notes: list[str]
    took_ms: float


class Page(BaseModel):
    """Some images of the catalog, and where to go on: the value of `after` for the next of them."""

    images: list[ImageAnswer]
    next: str | None


class Uploaded(BaseModel):
    """A picture that was uploaded, and how long it is kept."""

    token: str
    expires: str
    width: int
    height: int
    thumbnail: str


def json_answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A document as JSON. Text that UTF-8 cannot carry is escaped as JSON does it."""
    data = json.dumps(document, allow_nan=False, separators=(",", ":")).encode("ascii")
    return Response(data, status, headers, "application/json")
