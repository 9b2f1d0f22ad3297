"""The app: routes behind the gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from autoenc import __version__
from autoenc.errors import AutoencError
from autoenc.server.access import COOKIE, SESSION_SECONDS
from autoenc.server.answers import PROBLEMS, json_answer
from autoenc.server.bodies import SearchBody, Strict
from autoenc.server.browsing import browsing_routes
from autoenc.server.exploring import exploring_routes
from autoenc.server.gate import WRITING, Gate
from autoenc.server.metrics import MEDIA_TYPE
from autoenc.server.page_files import page_routes
from autoenc.server.problems import DOCUMENT, RequestError, answer_to
from autoenc.server.searching import searching_routes
from autoenc.server.service import Service
from autoenc.server.settings import Settings
from autoenc.server.siblings import HandingOn, Siblings
from autoenc.server.writing import writing_routes
from autoenc.store import Store

DESCRIPTION = """Search a catalog of images by how they look. Errors are problem documents (RFC 9457). Where a server is
private, or may be written to, the key goes into the header `X-API-Key`."""


class App:
    """An ASGI app that serves an open store. It flushes the store at its end, and leaves it open.

    Args:
        store: the open store.
        settings: what the server is started with.
        siblings: the processes of the server, where there are several.

    Attributes:
        service: the parts of the server.
        api: the routes.
    """

    def __init__(self, store: Store, settings: Settings, siblings: Siblings | None = None) -> None:
        self.service = Service.of(store, settings, siblings)
        self.api = _api(self.service)
        app: ASGIApp = self.api
        if siblings is not None and siblings.number:
            app = HandingOn(self.api, siblings, WRITING, settings.seconds)
        self._gate = Gate(app, self.service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or begin and end with the server."""
        await self._gate(scope, receive, send)


def _api(service: Service) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        saving = asyncio.create_task(_saving(service))
        yield
        saving.cancel()
        service.close()

    api = FastAPI(
        title="autoenc",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=dict.fromkeys(
            (HTTPException, RequestValidationError, AutoencError, RequestError, Exception), _answered
        ),
    )
    for routes in (
        _watching,
        _signing_in,
        searching_routes,
        browsing_routes,
        exploring_routes,
        writing_routes,
        page_routes,
    ):
        api.include_router(routes(service))
    made = api.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        components = document.setdefault("components", {})
        components.setdefault("securitySchemes", {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}})
        schemas = components.setdefault("schemas", {})
        schemas["Problem"] = DOCUMENT
        if "SearchBody" not in schemas:
            schema = SearchBody.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas["SearchBody"] = schema
        return document

    api.openapi = openapi  # type: ignore[method-assign]
    return api


async def _saving(service: Service) -> None:
    """Let the other processes know of this one's figures."""
    while service.figures is not None:
        await asyncio.sleep(1)
        await asyncio.to_thread(service.figures.save)


async def _answered(_: Request, error: Exception) -> Response:
    return answer_to(error)


class _Key(Strict):
    key: str


def _signing_in(service: Service) -> APIRouter:
    """`/v1/session`."""
    router = APIRouter(prefix="/v1", tags=["session"], responses=PROBLEMS)

    @router.post("/session", status_code=204, summary="Sign in")
    async def sign_in(request: Request, body: _Key) -> Response:
        """Trade the key for a cookie that lasts 12 hours, for reading: pictures are fetched without headers."""
        if not service.access.knows(body.key):
            raise RequestError(401, "unauthorized", "This is not the key of this server.")
        answer = Response(status_code=204)
        answer.set_cookie(
            COOKIE,
            service.access.session(),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @router.delete("/session", status_code=204, summary="Sign out")
    async def sign_out(request: Request) -> Response:
        """End the session, and let the browser forget its cookie and what it keeps of the catalog."""
        service.access.end(request.cookies.get(COOKIE))
        answer = Response(status_code=204, headers={"clear-site-data": '"cache"'})
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    return router


def _watching(service: Service) -> APIRouter:
    """`/v1/health`, `/v1/ready` and `/metrics`."""
    router = APIRouter(tags=["watch"], responses=PROBLEMS)
    store = service.catalog.store

    @router.get("/v1/health", summary="Whether the process answers")
    async def health() -> dict[str, str]:
        """Always 200."""
        return {"status": "ok", "version": __version__}

    @router.get("/v1/ready", summary="Whether the store answers")
    async def ready() -> Response:
        """200, or 503 with the reason."""
        await service.workers.run(len, store)
        return json_answer({"status": "ready"})

    @router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    async def metrics() -> Response:
        """Requests, times and sizes, in Prometheus' text format: of all processes, those of others a second ago.

        `pending_tasks` are those of the process that answers.
        """
        gauges = {"images": await service.workers.run(len, store), "pending_tasks": service.workers.pending}
        figures = service.metrics if service.figures is None else await service.workers.run(service.figures.all)
        return Response(figures.text(gauges), 200, media_type=MEDIA_TYPE)

    return router
