"""What every request passes: limits, keys, headers of security, the access log, and the answer to errors."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autoenc.server.access import COOKIE, HEADER
from autoenc.server.problems import RequestError, answer_to, problem_of
from autoenc.server.service import Service
from autoenc.store.runs import now

ACCESS = logging.getLogger("autoenc.access")
ERRORS = logging.getLogger("autoenc.server")

PICTURES = ("/v1/pictures", "/v1/search")
"""Where bodies may be pictures."""

WRITING = frozenset(f"/v1/{name}" for name in ("duplicates/keep", "duplicates/verdicts", "remove", "tag", "index"))
"""What changes the store."""

_ANSWERED = 4
"""How many times as long as computing it an answer may take to be read."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECURE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}
"""Headers of every answer that does not set them itself."""


class Gate:
    """The outermost part of the app.

    Args:
        app: what answers.
        service: the parts of the server.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._settings = service.settings
        self._access = service.access
        self._metrics = service.metrics
        self._rate = service.rate
        self._siblings = service.siblings
        self._open = 0
        self._receiving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        started = time.perf_counter()
        self._open += 1
        reserved = 0
        try:
            self._check(scope)
            limit = self._limit(scope)
            reserved = _length(scope, limit)
            self._receiving += reserved
            if self._receiving > self._settings.upload_bytes:
                raise RequestError(503, "busy", "The server receives too much; try again later.", {"Retry-After": "1"})
            whole = await self._received(receive, limit)
            async with asyncio.timeout(_ANSWERED * self._settings.seconds):
                await self._app(scope, whole, answer)
        except TimeoutError:  # the client does not read what it asked for: let the connection go, and its place
            ERRORS.info("An answer was not read in time.")
        except Exception as error:
            problem = problem_of(error)
            if problem.status == 500:
                ERRORS.error("A request failed by a fault of autoenc.", exc_info=error)
            if not answer.status:
                await answer_to(error)(scope, receive, answer)
        finally:
            self._open -= 1
            self._receiving -= reserved
            self._log(scope, answer, time.perf_counter() - started)

    def _check(self, scope: Scope) -> None:
        client = scope.get("client")
        headers = Headers(scope=scope)
        if self._open > self._settings.open_requests:
            raise RequestError(503, "busy", "Too many requests are open; try again later.", {"Retry-After": "1"})
        if not self._handed_on(headers):
            self._rate.check(client[0] if client else "")
        self._access.check_reading(scope["path"], headers, _cookies(headers.get("cookie", "")))
        if scope["path"] in WRITING and scope["method"] == "POST":
            self._access.check_writing(headers.get(HEADER))

    def _handed_on(self, headers: Headers) -> bool:
        """Whether another process of this server has let the request through, and hands it on."""
        return self._siblings is not None and self._siblings.knows(headers)

    def _limit(self, scope: Scope) -> int:
        """The most bytes that the body may have."""
        return self._settings.picture_bytes if scope["path"] in PICTURES else self._settings.json_bytes

    async def _received(self, receive: Receive, limit: int) -> Receive:
        """Receive the whole body, within the limits of size and time; return what gives it to the app.

        Raises:
            RequestError: too many bytes (413), or too slowly (408).
        """
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.seconds):
                while True:
                    message = await receive()
                    body += message.get("body", b"")
                    if len(body) > limit:
                        raise _too_large(limit)
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            detail = "The body of the request came too slowly."
            raise RequestError(408, "too-slow", detail, {"Connection": "close"}) from None
        if message["type"] == "http.disconnect":
            return receive
        whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        return again

    def _log(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        """One line without anything personal: no address, no query, no key, and templates for paths."""
        if self._handed_on(Headers(scope=scope)):
            return  # by the process that handed it on
        route = getattr(scope.get("route"), "path", None) or "(none)"
        method = scope["method"] if scope["method"] in _METHODS else "(other)"
        self._metrics.add(method, route, answer.status, seconds, answer.bytes)
        if ACCESS.isEnabledFor(logging.INFO):
            line = {
                "time": now(),
                "method": method,
                "route": route,
                "status": answer.status,
                "ms": round(1000 * seconds, 2),
                "bytes": answer.bytes,
            }
            ACCESS.info(json.dumps(line))


class _Answer:
    """The way back to the client: adds headers, and notes what was sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.bytes = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _SECURE.items():
                headers.setdefault(name, value)
        self.bytes += len(message.get("body", b""))
        await self._send(message)


def _length(scope: Scope, limit: int) -> int:
    """The bytes to expect: as announced, or all that are allowed where nothing is announced.

    Raises:
        RequestError: more than the limit.
    """
    headers = Headers(scope=scope)
    announced = headers.get("content-length", "")
    if announced.isascii() and announced.isdigit():
        if len(announced) > 15 or int(announced) > limit:
            raise _too_large(limit)
        return int(announced)
    return limit if "transfer-encoding" in headers else 0


def _too_large(limit: int) -> RequestError:
    detail = f"The body of the request is larger than {limit / 2**20:g} MB, the limit here."
    return RequestError(413, "too-large", detail, {"Connection": "close"})


def _cookies(header: str) -> dict[str, str]:
    """The cookies of a request; those of other programs may be malformed."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items() if name == COOKIE}
    except CookieError:
        return {}
