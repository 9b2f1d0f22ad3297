"""The routes of the whole catalog at a glance: its map, its duplicates, and what lies between two images."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import cv2
import numpy as np
from fastapi import APIRouter, Query
from starlette.responses import Response

from autoenc.catalog.copies import Copy, Duplicates
from autoenc.catalog.duplicates import find_duplicates
from autoenc.catalog.fields import own_of
from autoenc.catalog.mapping import Map, map_images
from autoenc.catalog.verdicts import verdicts_of
from autoenc.encoders.learned import NAME
from autoenc.server.answers import PROBLEMS, json_answer
from autoenc.server.catalog import Catalog
from autoenc.server.jobs import Job
from autoenc.server.problems import RequestError
from autoenc.server.service import Service
from autoenc.server.uploads import is_token
from autoenc.store import Record
from autoenc.vectors import Pixels

_PATIENCE = 2.0  # seconds before a client is told to come back
_NEAREST = 3
_LATER = {"Retry-After": "1"}

Example = Annotated[str, Query(min_length=1, max_length=1000)]


def exploring_routes(service: Service) -> APIRouter:
    """`/v1/map`, `/v1/duplicates` and `/v1/between`."""
    router = APIRouter(prefix="/v1", tags=["explore"], responses=PROBLEMS)
    catalog, jobs, run = service.catalog, service.jobs, service.workers.run

    @router.get("/map", summary="The catalog on a plane", responses=_RUNNING)
    async def map_(using: Annotated[str | None, Query(min_length=1, max_length=200)] = None) -> Response:
        """A point for each image, what looks alike near. 202 while it is being computed: ask again."""
        using = await run(_one_encoder, catalog, using)
        work = partial(_mapped, service, using)
        return _answer(await jobs.result(("map", using, catalog.version), work, _PATIENCE), lambda found: found)

    @router.get("/duplicates", summary="Groups of the same picture", responses=_RUNNING)
    async def duplicates(
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0, limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> Response:
        """Copies of one picture, the best first. 202 while they are being looked for: ask again."""

        def work(tell: Any) -> Duplicates:
            return find_duplicates(catalog.store, progress=tell)

        job = await jobs.result(("duplicates", catalog.indexed), work, _PATIENCE)
        if not job.finished.is_set():
            return _answer(job, None)
        return json_answer(await run(_groups, catalog, job.result, offset, limit))

    @router.get("/between", summary="What lies between two images")
    async def between(a: Example, b: Example, steps: Annotated[int, Query(ge=2, le=25)] = 7) -> Response:
        """The decoder's pictures between two images, and the nearest images under each. 409 without a decoder."""
        return json_answer(await run(_between, service, a, b, steps))

    return router


_RUNNING: dict[int | str, dict[str, Any]] = {202: {"description": "It is being computed; ask again."}}


def _answer(job: Job, told: Any) -> Response:
    if not job.finished.is_set():
        return json_answer(job.told(), 202, _LATER)
    return json_answer(told(job.result))


def _one_encoder(catalog: Catalog, using: str | None) -> str:
    searcher = catalog.searcher if using is None else catalog.searcher.with_using(using)
    if len(searcher.weights) != 1:
        raise RequestError(422, "argument", "A map shows one encoder; name one with using=.")
    (name,) = searcher.weights
    return name


def _mapped(service: Service, using: str, tell: Any) -> dict[str, Any]:
    found: Map = map_images(service.catalog.store, using=using, most=service.settings.map_points, progress=tell)
    return {
        "using": found.using,
        "images": found.images,
        "points": base64.b64encode(found.points.astype("<f4").tobytes()).decode(),
        "ids": found.ids,
        "method": f"the two principal components, {found.explained:.0%} of the variance",
    }


def _groups(catalog: Catalog, found: Duplicates, offset: int, limit: int) -> dict[str, Any]:
    """Groups as they are now: without what was removed, or told apart, since they were found."""
    groups = []
    for group in found.groups[offset : offset + limit]:
        records = {record.id: record for record in catalog.store.retrieve([copy.id for copy in group])}
        left = _left([copy for copy in group if copy.id in records], records)
        if len(left) > 1:
            groups.append(
                {
                    "images": [
                        {
                            "image": catalog.image(copy.id, records[copy.id].payload),
                            "likeness": copy.likeness,
                            "exact": copy.exact,
                            "missing": copy.missing,
                            "better": place == 0,
                        }
                        for place, copy in enumerate(left)
                    ]
                }
            )
    following = offset + limit if offset + limit < len(found.groups) else None
    return {
        "groups": groups,
        "total": len(found.groups),
        "next_offset": following,
        "threshold": found.threshold,
        "using": list(found.using),
        "images": found.images,
        "unread": len(found.unread),
    }


def _left(group: Sequence[Copy], records: dict[str, Record]) -> list[Copy]:
    owns = {id: own_of(record.payload) for id, record in records.items()}

    def told_apart(one: Copy, other: Copy) -> bool:
        mine, theirs = owns[one.id], owns[other.id]
        return mine.get("digest") in verdicts_of(theirs) and theirs.get("digest") in verdicts_of(mine)

    left: list[Copy] = []
    for copy in group:
        if not any(told_apart(copy, other) for other in left):
            left.append(copy)
    return left


def _between(service: Service, a: str, b: str, steps: int) -> dict[str, Any]:
    catalog = service.catalog
    bundle = catalog.decoder()
    if bundle is None:
        raise RequestError(409, "no-decoder", "The model of this catalog has no decoder, so nothing can be drawn.")
    pictures = [
        service.uploads.read(name) if is_token(name) else catalog.original(catalog.record(catalog.id_of(name))).data
        for name in (a, b)
    ]
    first, last = bundle.encode(pictures)
    shares = np.linspace(0, 1, steps)
    latents = np.stack([(1 - share) * first + share * last for share in shares]).astype(np.float32)
    drawn = bundle.decode(latents)
    found = catalog.store.search_batch(latents, using=NAME, k=_NEAREST)
    return {
        "steps": [
            {
                "share": round(float(share), 4),
                "picture": _data_url(pixels),
                "nearest": [{"score": hit.score, "image": catalog.image(hit.id, hit.payload)} for hit in hits],
            }
            for share, pixels, hits in zip(shares, drawn, found, strict=True)
        ]
    }


def _data_url(pixels: Pixels) -> str:
    """(H, W, 3) uint8 RGB -> a PNG file as an address."""
    done, encoded = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    if not done:
        raise MemoryError
    return f"data:image/png;base64,{base64.b64encode(encoded.tobytes()).decode()}"
