"""The routes of searching: by JSON, by an address that can be shared, by a picture itself."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ConfigDict, Field, ValidationError
from starlette.responses import Response

from autoenc.catalog.answers import Neighbor
from autoenc.catalog.fields import unmatched
from autoenc.catalog.nearest_images import nearest
from autoenc.catalog.novelty import Novelty
from autoenc.catalog.queries import Query as Asking
from autoenc.catalog.searching import Searcher
from autoenc.catalog.weights import NOTHING
from autoenc.errors import ArgumentError
from autoenc.server.answers import PROBLEMS, Found, json_answer
from autoenc.server.bodies import SearchBody, Strict, check_limits, query_of
from autoenc.server.catalog import Catalog
from autoenc.server.problems import RequestError
from autoenc.server.service import Service

_MOST_IDS = 1000


class AddressedSearch(SearchBody):
    """A search as the part of an address after the question mark: every value is text."""

    model_config = ConfigDict(extra="forbid")

    picture: list[str] = Field([])
    id: list[str] = Field([])
    product: str | None = None
    crop: str | None = None  # type: ignore[assignment]
    like: list[str] = Field([])
    unlike: list[str] = Field([])
    using: str | None = None
    boost: str = ""
    where: str | None = None
    format: Literal["json", "csv", "png"] = "json"

    def body(self) -> SearchBody:
        """The same as a body."""
        given = {name: value for name, value in self.model_dump(exclude={"format"}).items() if value not in ([], None)}
        if self.crop is not None:
            given["crop"] = self.crop.split(",")
        try:
            return SearchBody.model_validate(given)
        except ValidationError as error:
            faults = [{**fault, "loc": ("query", *fault["loc"])} for fault in error.errors(include_url=False)]
            raise RequestValidationError(faults) from None


class NeighborsBody(Strict):
    """Images whose neighbors are wanted."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"ids": ["025f772e-c0ad-5482-a4b4-cdb1f957adae"], "k": 5}]}
    )

    ids: Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=_MOST_IDS)]
    k: Annotated[int, Field(ge=1, le=200)] = 12
    using: Annotated[str, Field(min_length=1, max_length=200)] | None = None


def searching_routes(service: Service) -> APIRouter:
    """`/v1/search` and `/v1/neighbors`."""
    router = APIRouter(prefix="/v1", tags=["search"], responses=PROBLEMS)

    async def answered(body: SearchBody, picture: bytes | None = None, form: str = "json") -> Response:
        return await service.workers.run(_search, service, body, picture, form)

    @router.post("/search", summary="Search the catalog", responses={200: {"model": Found}}, openapi_extra=_BODIES)
    async def search(request: Request) -> Response:
        """Search by an object of conditions; or by a picture, sent as it is, with the conditions in the address."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith("image/"):
            asked = _addressed(request)
            return await answered(asked.body(), await request.body(), asked.format)
        if kind not in ("application/json", ""):
            raise RequestError(415, "wrong-type", "Send application/json, or a picture as image/jpeg and the like.")
        return await answered(_read(await request.body()))

    @router.get("/search", summary="Search the catalog, by an address", responses={200: {"model": Found}})
    async def addressed(asked: Annotated[AddressedSearch, Query()]) -> Response:
        """The same search as an address, so that it can be shared; as JSON, as CSV or as a contact sheet (PNG)."""
        return await answered(asked.body(), form=asked.format)

    @router.post("/neighbors", summary="The neighbors of many images")
    async def neighbors(body: NeighborsBody) -> Response:
        """The nearest neighbors of up to 1,000 stored images; an id that the catalog does not hold is left out."""
        return json_answer({"neighbors": await service.workers.run(_neighbors, service.catalog, body)})

    return router


_BODIES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/SearchBody"}},
            "image/*": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def _read(body: bytes) -> SearchBody:
    try:
        return SearchBody.model_validate_json(body)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from None


def _addressed(request: Request) -> AddressedSearch:
    given: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        several = name in ("picture", "id", "like", "unlike")
        given[name] = [*given.get(name, []), value] if several else value
    try:
        return AddressedSearch.model_validate(given)
    except ValidationError as error:
        faults = [{**fault, "loc": ("query", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from None


def _search(service: Service, body: SearchBody, picture: bytes | None, form: str) -> Response:
    """Everything that takes time, on a thread of the workers."""
    started = time.perf_counter()
    check_limits(body, service.settings)
    catalog = service.catalog
    asked = query_of(body, catalog, service.uploads, picture)
    query = asked.query
    searcher = catalog.searcher if query.using is None else catalog.searcher.with_using(query.using)
    query = replace(query, using=None)
    if asked.novel:
        answer = searcher.answer(query)
        found, novelty = answer.neighbors, answer.novelty
    else:
        found, novelty = searcher.find(query), None
    if form == "csv":
        return _csv(catalog, found)
    if form == "png":
        return _sheet(catalog, searcher, query, found)
    return json_answer(
        {
            "query": _understood(body, searcher, query),
            "neighbors": [_told(catalog, neighbor) for neighbor in found],
            "novelty": None if novelty is None else _novelty(novelty),
            "next_offset": _next(query, found, service),
            "notes": [] if found or query.where is None else unmatched(catalog.store, query.where),
            "took_ms": round(1000 * (time.perf_counter() - started), 2),
        }
    )


def _understood(body: SearchBody, searcher: Searcher, query: Asking) -> dict[str, Any]:
    """The query as it was understood."""
    given = body.model_dump(exclude_defaults=True, by_alias=True)
    return {
        **given,
        "using": searcher.using if query.looks else NOTHING,
        "weights": searcher.weights if query.looks else {},
        "boosts": [vars(boost) for boost in query.boosts],
        "nears": [vars(near) for near in query.nears],
        "k": query.k,
        "offset": query.offset,
    }


def _told(catalog: Catalog, neighbor: Neighbor) -> dict[str, Any]:
    return {
        "rank": neighbor.rank,
        "score": neighbor.score,
        "parts": neighbor.parts,
        "image": catalog.image(neighbor.id, neighbor.payload, neighbor.path),
    }


def _novelty(novelty: Novelty) -> dict[str, Any]:
    return {"unlike": novelty.unlike, "percentile": novelty.percentile, "told": novelty.told()}


def _next(query: Asking, found: Sequence[Neighbor], service: Service) -> int | None:
    following = query.offset + query.k
    return following if len(found) == query.k and following <= service.settings.offset else None


def _csv(catalog: Catalog, found: Sequence[Neighbor]) -> Response:
    """The results as a table: a column for each field that any of them has."""
    images = [catalog.image(neighbor.id, neighbor.payload) for neighbor in found]
    fields = [name for name in dict.fromkeys(n for image in images for n in image["fields"]) if name != "product"]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(["rank", "score", "id", "path", "product", *fields])
    for neighbor, image in zip(found, images, strict=True):
        values = [_cell(image["fields"].get(name)) for name in fields]
        rows.writerow(
            [
                neighbor.rank,
                f"{neighbor.score:.6f}",
                neighbor.id,
                *map(_cell, (image["path"], image["product"])),
                *values,
            ]
        )
    headers = {"content-disposition": 'attachment; filename="results.csv"'}
    return Response(text.getvalue().encode("utf-8", "backslashreplace"), 200, headers, "text/csv; charset=utf-8")


def _cell(value: Any) -> Any:
    """A value as a cell; text that a spreadsheet would take for a formula gets an apostrophe before it.

    Source: OWASP, "CSV Injection".
    """
    if isinstance(value, (list, dict)):
        value = "|".join(map(str, value)) if isinstance(value, list) else json.dumps(value)
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _sheet(catalog: Catalog, searcher: Searcher, query: Asking, found: Sequence[Neighbor]) -> Response:
    """The results as a contact sheet, beside the images of the query."""
    from autoenc.report.asked import also_counted, query_tiles  # draws with Pillow, which few searches need
    from autoenc.report.sheets import query_sheet

    def reachable(image: Neighbor) -> Neighbor:
        return replace(image, path=catalog.file(image.payload))

    file, using = io.BytesIO(), searcher.using if query.looks else ""
    shown = query_tiles(query, searcher, reachable)
    query_sheet(shown, map(reachable, found), using=using, also=also_counted(query)).save(file, "PNG")
    headers = {"content-disposition": 'attachment; filename="results.png"'}
    return Response(file.getvalue(), 200, headers, "image/png")


def _neighbors(catalog: Catalog, body: NeighborsBody) -> dict[str, list[dict[str, Any]]]:
    searcher = catalog.searcher if body.using is None else catalog.searcher.with_using(body.using)
    if len(searcher.weights) != 1:
        raise ArgumentError("using= names one encoder here.")
    (using,) = searcher.weights
    return {
        record.id: [{"id": hit.id, "score": hit.score} for hit in hits if hit.id != record.id][: body.k]
        for record, hits in nearest(catalog.store, using, body.k + 1, list(dict.fromkeys(body.ids)))
    }
