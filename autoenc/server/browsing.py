"""The routes of looking around: the store, its facets, its images, their files, and uploaded pictures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from autoenc import __version__
from autoenc.catalog.products import product_photos
from autoenc.catalog.queries import Query as Asking
from autoenc.encoders import first_choice
from autoenc.server.answers import PROBLEMS, Found, ImageAnswer, Page, Uploaded, json_answer
from autoenc.server.catalog import Catalog
from autoenc.server.problems import RequestError
from autoenc.server.service import Service
from autoenc.server.thumbnails import MEDIA_TYPE
from autoenc.store import OWN, Record
from autoenc.store.filters import SCANNED, short_name
from autoenc.store.kinds import COUNTED, RANGED

_FOREVER = "max-age=31536000, immutable"
_FRESH = "no-cache"
_SIBLINGS = 50

Id = Annotated[str, Path(max_length=100, examples=["025f772e-c0ad-5482-a4b4-cdb1f957adae"])]
Where = Annotated[str | None, Query(min_length=1, max_length=4000, examples=["price < 50"])]


def browsing_routes(service: Service) -> APIRouter:
    """`/v1/store`, `/v1/facets`, `/v1/images` and `/v1/pictures`."""
    router = APIRouter(prefix="/v1", tags=["browse"], responses=PROBLEMS)
    catalog, run = service.catalog, service.workers.run

    @router.get("/store", summary="What the catalog is")
    async def store() -> Response:
        """Its size, encoders, fields and sources, and what this server offers."""
        return json_answer(await run(_store, service))

    @router.get("/facets", summary="Values to filter by")
    async def facets(where: Where = None, limit: Annotated[int, Query(ge=1, le=1000)] = 20) -> Response:
        """The most frequent values of each filterable field, and the bounds of numbers and dates."""
        return json_answer(await run(_facets, catalog, where, limit))

    @router.get("/images", summary="Browse the catalog", responses={200: {"model": Page}})
    async def images(
        where: Where = None,
        after: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 60,
    ) -> Response:
        """Images in the order of their ids; `next` of one page is `after` of the next one."""
        return json_answer(await run(_page, catalog, where, after, limit))

    @router.get("/images/{id}", summary="One image", responses={200: {"model": ImageAnswer}})
    async def image(id: Id) -> Response:
        """An image with its fields, and the other photos of its product under `siblings`."""
        return json_answer(await run(_image, catalog, id))

    @router.get("/images/{id}/thumbnail", summary="A small picture", response_class=Response, responses=_PICTURE)
    async def thumbnail(
        request: Request,
        id: Id,
        size: Literal["64", "128", "256", "512"] = "256",
        v: Annotated[str, Query(max_length=64)] = "",
    ) -> Response:
        """A JPEG whose longer side has `size` pixels at most."""
        record = await run(catalog.record, id)
        digest = catalog.digest(record)
        headers = _caching(service, f'"{digest[:24]}-{size}"', forever=bool(v) and digest.startswith(v))
        if _known(request, headers):
            return Response(status_code=304, headers=headers)
        data = await run(service.thumbnails.get, digest, int(size), lambda: catalog.original(record).data)
        return Response(data, 200, headers, MEDIA_TYPE)

    @router.get("/images/{id}/original", summary="The image file", response_class=Response, responses=_PICTURE)
    async def original(request: Request, id: Id, v: Annotated[str, Query(max_length=64)] = "") -> Response:
        """The indexed file itself, byte for byte."""
        record = await run(catalog.record, id)
        digest = catalog.digest(record)
        headers = _caching(service, f'"{digest}"', forever=bool(v) and digest.startswith(v))
        if _known(request, headers):
            return Response(status_code=304, headers=headers)
        file = await run(catalog.original, record)
        return Response(file.data, 200, headers, file.media_type)

    @router.get("/images/{id}/recommendations", summary="More like this", responses={200: {"model": Found}})
    async def recommendations(id: Id, k: Annotated[int, Query(ge=1, le=200)] = 12, where: Where = None) -> Response:
        """What looks most like an image, one result a product, without the product itself."""
        return json_answer(await run(_recommendations, catalog, id, k, where))

    @router.post("/pictures", status_code=201, summary="Upload a picture", responses=_UPLOADED, openapi_extra=_UPLOAD)
    async def upload(request: Request) -> Response:
        """Keep a picture for 24 hours, to search by its token. The body is the file itself."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not (kind.startswith("image/") or kind == "application/octet-stream"):
            raise RequestError(415, "wrong-type", "Send the bytes of a picture, as image/jpeg, image/png and the like.")
        kept = await run(service.uploads.keep, await request.body())
        document = {
            "token": kept.token,
            "expires": kept.expires.isoformat(timespec="seconds"),
            "width": kept.width,
            "height": kept.height,
            "thumbnail": f"/v1/pictures/{kept.token}",
        }
        return json_answer(document, 201, {"location": f"/v1/pictures/{kept.token}"})

    @router.get("/pictures/{token}", summary="An uploaded picture", response_class=Response, responses=_PICTURE)
    async def picture(token: Annotated[str, Path(max_length=100)]) -> Response:
        """A JPEG of an uploaded picture, 512 pixels wide or high at most."""
        shown = await run(service.uploads.thumbnail, token)
        return Response(shown.data, 200, {"cache-control": "private, max-age=86400"}, MEDIA_TYPE)

    return router


_BINARY = {"schema": {"type": "string", "format": "binary"}}
_PICTURE: dict[int | str, dict[str, Any]] = {200: {"content": {"image/*": _BINARY}}, 304: {"description": "Known."}}
_UPLOADED: dict[int | str, dict[str, Any]] = {201: {"model": Uploaded}}
_UPLOAD: dict[str, Any] = {"requestBody": {"required": True, "content": {"image/*": _BINARY}}}


def _caching(service: Service, etag: str, *, forever: bool) -> dict[str, str]:
    """Headers of what changes only with its address, or has to be asked for again."""
    who = "private" if service.settings.private else "public"
    return {"etag": etag, "cache-control": f"{who}, {_FOREVER if forever else _FRESH}"}


def _known(request: Request, headers: dict[str, str]) -> bool:
    """Whether the client has it already."""
    given = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return headers["etag"] in given or given == ["*"]


def _store(service: Service) -> dict[str, Any]:
    store, settings = service.catalog.store, service.settings
    info = store.info
    default = first_choice(list(info.of_images or info.vectors)) if info.vectors else None
    better = info.better.get("stored") or info.better.get("picture")
    return {
        "images": len(store),
        "version": __version__,
        "collection": store.collection,
        "encoders": [
            {"name": name, "dim": spec.dim, "default": name == default} for name, spec in info.vectors.items()
        ],
        "fields": [
            {"name": short_name(name, info.fields), "kind": kind, "filterable": True}
            for name, kind in info.fields.items()
        ],
        "product": None if info.product is None else short_name(info.product, info.fields),
        "sources": list(info.sources),
        "decoder": service.catalog.decoder() is not None,
        "writable": settings.writable,
        "private": settings.private,
        "report": settings.report is not None,
        "better": None if better is None else {**better.options, "sentence": better.told()},
        "default_using": default,
    }


def _facets(catalog: Catalog, where: str | None, limit: int) -> dict[str, Any]:
    store = catalog.store
    fields = []
    for name, kind in store.info.fields.items():
        if name in SCANNED or (name == f"{OWN}.source" and len(store.info.sources) < 2):
            continue
        short = short_name(name, store.info.fields)
        told: dict[str, Any] = {"name": short, "kind": kind, "values": None, "least": None, "most": None}
        if kind in COUNTED:
            counts = store.facets(name, where=where, limit=limit)
            told["values"] = [{"value": value, "count": count} for value, count in counts.items()]
        if kind in RANGED and (bounds := store.bounds(name, where=where)) is not None:
            told["least"], told["most"] = bounds
        fields.append(told)
    return {"fields": fields, "total": store.count(where)}


def _page(catalog: Catalog, where: str | None, after: str | None, limit: int) -> dict[str, Any]:
    found = list(islice(_scrolled(catalog, where, after, limit), limit + 1))
    following = found[limit - 1].id if len(found) > limit else None
    return {"images": catalog.images(found[:limit]), "next": following}


def _scrolled(catalog: Catalog, where: str | None, after: str | None, limit: int) -> Iterator[Record]:
    return catalog.store.scroll(where, after=after, batch=limit + 2)


def _image(catalog: Catalog, id: str) -> dict[str, Any]:
    record = catalog.record(id)
    image = catalog.image(record.id, record.payload)
    others: list[Record] = []
    if isinstance(image["product"], (str, int)):
        ids = [other for other in product_photos(catalog.store, image["product"]) if other != record.id]
        others = catalog.store.retrieve(ids[:_SIBLINGS])
    return {**image, "siblings": catalog.images(others)}


def _recommendations(catalog: Catalog, id: str, k: int, where: str | None) -> dict[str, Any]:
    record = catalog.record(id)
    product = catalog.image(record.id, record.payload)["product"]
    if isinstance(product, (str, int)) and not isinstance(product, bool):
        query = Asking(product=product, group_by="product", k=k, where=where)
    else:
        query = Asking(id=record.id, k=k, where=where)
    found = catalog.searcher.find(query)
    told = [
        {
            "rank": neighbor.rank,
            "score": neighbor.score,
            "parts": neighbor.parts,
            "image": catalog.image(neighbor.id, neighbor.payload),
        }
        for neighbor in found
    ]
    return {
        "query": {"id": record.id, "using": catalog.searcher.using},
        "neighbors": told,
        "novelty": None,
        "next_offset": None,
        "notes": [],
        "took_ms": 0.0,
    }
