"""The page's own files: one HTML page, modules of JavaScript, styles; nothing is loaded from elsewhere."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.responses import Response

from autoenc.server.problems import RequestError
from autoenc.server.service import Service

FOLDER = Path(__file__).resolve().parent / "page"

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts"
)


def page_routes(service: Service) -> APIRouter:
    """`/` and `/page/…`, and the report of a comparison."""
    router = APIRouter()

    @router.get("/", include_in_schema=False)
    async def index(request: Request) -> Response:
        return _file(request, "index.html")

    @router.get("/page/{file:path}", include_in_schema=False)
    async def file(request: Request, file: Annotated[str, InPath(max_length=200)]) -> Response:
        return _file(request, file)

    @router.get("/v1/report", tags=["browse"], summary="The report of a comparison", response_class=Response)
    async def report() -> Response:
        """The page that `autoenc compare --out` has written."""
        folder = service.settings.report
        if folder is None:
            raise RequestError(404, "no-report", "This server has no report; start it with --report.")
        data = await service.workers.run((folder / "report.html").read_bytes)
        headers = {"content-security-policy": _REPORT_POLICY, "cache-control": "no-cache"}
        return Response(data, 200, headers, "text/html; charset=utf-8")

    return router


def _file(request: Request, name: str) -> Response:
    """A file of the page; small enough to be read at once."""
    parts = name.split("/")
    path = FOLDER.joinpath(*parts)
    kind = _TYPES.get(path.suffix)
    if kind is None or not all(map(_PART.fullmatch, parts)) or not path.is_file():
        raise RequestError(404, "not-found", "There is nothing at this address.")
    data = path.read_bytes()
    etag = f'"{hashlib.sha256(data).hexdigest()[:24]}"'
    headers = {"etag": etag, "cache-control": "no-cache", "content-security-policy": _POLICY}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(data, 200, headers, kind)
