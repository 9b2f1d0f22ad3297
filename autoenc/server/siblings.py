"""What the processes of one server share: who they are, and what only the first of them does.

Searching and looking around need nothing of one another. What is computed once (a map, duplicates), what writes, and
what tells of both is done by the first process alone: the others hand such requests on to it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import httpx
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from autoenc.server.problems import RequestError

HANDED_ON = "x-autoenc-handed-on"
"""The header by which the first process knows the others."""

_LONGER = 5.0  # seconds: that its own word on what takes too long arrives
_FIRSTS = frozenset({"/v1/map", "/v1/duplicates", "/v1/runs"})
_TAKEN = ("content-type", "x-api-key", "cookie")
_GIVEN = ("content-type", "retry-after", "location", "www-authenticate")


@dataclass(frozen=True)
class Siblings:
    """The processes of one server.

    Attributes:
        number: of this one, from 0.
        folder: which they share.
        first: the port at which the first answers the others, on this computer.
        secret: by which it knows them.
    """

    number: int
    folder: Path
    first: int
    secret: str = field(repr=False)

    def knows(self, headers: Headers) -> bool:
        """Whether a request was handed on by one of them; compared in constant time."""
        given = headers.get(HANDED_ON)
        return given is not None and hmac.compare_digest(given.encode(), self.secret.encode())


class HandingOn:
    """Hands on to the first process what is its own to do. The gate before it has received the whole request.

    Args:
        app: answers everything else.
        siblings: the processes.
        writing: the paths that write.
        seconds: after which the first process itself says that an answer takes too long.
    """

    def __init__(self, app: ASGIApp, siblings: Siblings, writing: frozenset[str], seconds: float) -> None:
        self._app = app
        self._paths = _FIRSTS | writing
        self._secret = siblings.secret
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{siblings.first}", timeout=seconds + _LONGER, trust_env=False
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or begin and end with the server."""
        if scope["type"] == "lifespan":
            async with self._client:
                await self._app(scope, receive, send)
            return
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        scope["route"] = SimpleNamespace(path=scope["path"])  # for the log
        given = Headers(scope=scope)
        headers = {name: given[name] for name in _TAKEN if name in given} | {HANDED_ON: self._secret}
        body = (await receive()).get("body", b"")
        query = scope["query_string"].decode("latin-1")
        url = f"{scope['path']}?{query}" if query else scope["path"]
        try:
            answer = await self._client.request(scope["method"], url, headers=headers, content=body)
        except httpx.ReadTimeout as error:  # it has the request, and may be at work
            detail = "The process that does this has not answered in time; what it has begun may still be done."
            raise RequestError(504, "too-slow", detail) from error
        except httpx.HTTPError as error:
            detail = "The process that does this is busy or being started again; try again later."
            raise RequestError(503, "busy", detail, {"Retry-After": "2"}) from error
        told = {name: answer.headers[name] for name in _GIVEN if name in answer.headers}
        await Response(answer.content, answer.status_code, told)(scope, receive, send)
