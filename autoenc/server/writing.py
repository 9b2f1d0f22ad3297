"""The routes that change the store: verdicts, tags, removals, indexing. The gate lets nobody here without the key."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.responses import Response

from autoenc.catalog.indexing import index_images
from autoenc.catalog.removing import remove_images
from autoenc.catalog.settling import keep_copy
from autoenc.catalog.tagging import tag_images
from autoenc.catalog.verdicts import mark_not_duplicates
from autoenc.errors import ArgumentError, NoImagesError
from autoenc.progress import Progress
from autoenc.server.answers import PROBLEMS, json_answer
from autoenc.server.bodies import Name, Strict, Value, Where, filter_of
from autoenc.server.problems import problem_of
from autoenc.server.service import Service

_MOST_IDS = 1000
_INDEXING = "indexing"
_KEY: dict[str, Any] = {"security": [{"key": []}]}

Ids = Annotated[list[Name], Field(min_length=1, max_length=_MOST_IDS)]


class VerdictBody(Strict):
    """Images, by id or path, that are no duplicates of one another."""

    ids: Annotated[list[Name], Field(min_length=2, max_length=100)]
    forget: bool = False


class KeepBody(Strict):
    """An image of a group of copies that stays, and the others, by id or path."""

    id: Name
    others: Annotated[list[Name], Field(min_length=1, max_length=_MOST_IDS)]
    dry_run: bool = False


class RemoveBody(Strict):
    """Images to take out of the store. Their files stay on the disk."""

    ids: Ids


class TagBody(Strict):
    """Fields to set and to remove, and of which images: by `ids` or by `where`."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"where": "season = winter", "set": {"sale": True}}]}
    )

    ids: Ids | None = None
    where: Where | None = None
    set: dict[Name, Value | list[Value]] = Field({}, max_length=100)
    unset: Annotated[list[Name], Field(max_length=100)] = Field([])


class IndexBody(Strict):
    """The source whose folder is indexed again; it can be left out where there is one alone."""

    source: Name | None = None


def writing_routes(service: Service) -> APIRouter:
    """`/v1/duplicates/keep` and `/v1/duplicates/verdicts`, `/v1/remove`, `/v1/tag`, `/v1/index` and `/v1/runs`."""
    router = APIRouter(prefix="/v1", tags=["write"], responses=PROBLEMS)
    catalog, run = service.catalog, service.workers.run

    @router.post("/duplicates/keep", summary="Keep one of a group of copies", openapi_extra=_KEY)
    async def keep(body: KeepBody) -> Response:
        """Remove its copies from the store. It takes over fields that it lacks.

        A copy with other values stays, unless another that stays already holds them all.
        """
        return json_answer(await run(_keep, service, body))

    @router.post("/duplicates/verdicts", status_code=204, summary="These are no duplicates", openapi_extra=_KEY)
    async def verdicts(body: VerdictBody) -> Response:
        """Remember that images are no duplicates of one another, or forget it."""
        await run(_mark, service, body)
        return Response(status_code=204)

    @router.post("/remove", summary="Take images out of the store", openapi_extra=_KEY)
    async def remove(body: RemoveBody) -> Response:
        """Remove images by their ids, all or none; no file is deleted."""
        return json_answer({"removed": await run(_remove, service, body)})

    @router.post("/tag", summary="Set and remove fields", openapi_extra=_KEY)
    async def tag(body: TagBody) -> Response:
        """Change fields of images; answers how many changed."""
        return json_answer({"changed": await run(_tag, service, body)})

    @router.post("/index", status_code=202, summary="Index a source again", openapi_extra=_KEY)
    async def index(body: IndexBody) -> Response:
        """Begin to index what is new and changed in the folder of a source. `GET /v1/runs` tells how far it is."""
        source = await run(_source, service, body.source)
        begun = uuid.uuid4().hex
        work = _indexing(service, source)
        service.jobs.only(_INDEXING, work)
        return json_answer({"run": begun, "source": source}, 202, {"location": "/v1/runs"})

    @router.get("/runs", summary="Runs of indexing")
    async def runs() -> Response:
        """The last runs of each source, oldest first; the one that runs now; and why the last one failed, if it did."""
        job = service.jobs.find(_INDEXING)
        running = job is not None and not job.finished.is_set()
        failed = None if job is None or job.error is None else problem_of(job.error).detail
        done = [{"source": source, **vars(each)} for source, runs in catalog.store.info.runs.items() for each in runs]
        return json_answer(
            {"runs": done, "running": job.told() if running and job is not None else None, "failed": failed}
        )

    return router


def _mark(service: Service, body: VerdictBody) -> None:
    ids = [service.catalog.id_of(name) for name in body.ids]
    mark_not_duplicates(service.catalog.store, ids, forget=body.forget)


def _keep(service: Service, body: KeepBody) -> dict[str, Any]:
    catalog = service.catalog
    id, *others = (catalog.id_of(name) for name in (body.id, *body.others))
    settled = keep_copy(catalog.store, id, others, dry_run=body.dry_run)
    if settled.removed and not body.dry_run:
        catalog.changed()
    return {"removed": settled.removed, "joined": sorted(settled.joined), "staying": settled.staying}


def _remove(service: Service, body: RemoveBody) -> int:
    ids = [service.catalog.id_of(name) for name in dict.fromkeys(body.ids)]
    removal = remove_images(service.catalog.store, ids=list(dict.fromkeys(ids)))
    service.catalog.changed()
    return len(removal.ids)


def _tag(service: Service, body: TagBody) -> int:
    if (body.ids is None) == (body.where is None) or body.where == {}:
        raise ArgumentError("Say which images to tag with ids= or with where=, and with one of the two.")
    catalog = service.catalog
    ids = None if body.ids is None else [catalog.id_of(name) for name in body.ids]
    report = tag_images(
        catalog.store, set=body.set, unset=body.unset, ids=ids, where=filter_of(body.where), progress=False
    )
    return report.changed


def _source(service: Service, source: str | None) -> str:
    """The source to index.

    Raises:
        ArgumentError: none is named, and there are several; or there is none of that name.
        NoImagesError: its images came from memory, or its folder is gone.
    """
    sources = service.catalog.store.info.sources
    if source is None and len(sources) == 1:
        (source,) = sources
    if source is None or source not in sources:
        raise ArgumentError(f"source= must be one of: {', '.join(sources) or 'none'}.")
    if not sources[source] or not Path(sources[source]).is_dir():
        raise NoImagesError(f"The folder of source '{source}' is out of reach.")
    return source


def _indexing(service: Service, source: str) -> Callable[[Progress], Any]:
    catalog = service.catalog

    def work(tell: Progress) -> Any:
        try:
            return index_images(
                catalog.store.info.sources[source],
                catalog.store,
                source=source,
                model=service.settings.model,
                progress=tell,
            )
        finally:
            catalog.changed(indexed=True)

    return work
