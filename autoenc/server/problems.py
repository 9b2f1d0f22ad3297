"""Errors as problem documents: the one place that says which status an error has.

Source: RFC 9457, "Problem Details for HTTP APIs".
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from autoenc import errors
from autoenc.text import printable

MEDIA_TYPE = "application/problem+json"

STATUSES: Mapping[type[errors.AutoencError], int] = {
    errors.ImageTooLargeError: 413,
    errors.ImageError: 422,
    errors.PointNotFoundError: 404,
    errors.StoreNotFoundError: 503,
    errors.StoreLockedError: 503,
    errors.StoreUnreachableError: 503,
    errors.StoreMismatchError: 422,
    errors.UnknownFieldError: 422,
    errors.VectorError: 422,
    errors.DiskFullError: 507,
    errors.StoreError: 503,
    errors.BundleError: 409,
    errors.EncoderError: 409,
    errors.MissingDependencyError: 501,
    errors.OutputError: 409,
    errors.AutoencError: 422,
}
"""The status of each kind of error; of a kind that is not here, that of its nearest parent."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_LATER = 2  # seconds


class RequestError(Exception):
    """A request that cannot be answered, for a reason that only a server has.

    Args:
        status: of HTTP.
        name: of the kind of problem, in lower case with hyphens.
        detail: one sentence or more.
        headers: more headers of the answer.
    """

    def __init__(self, status: int, name: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.headers = dict(headers or {})


def problem_of(error: Exception) -> RequestError:
    """The problem that an error is to the one who asked; status 500 for a fault of autoenc, which stays unnamed.

    Example:
        >>> problem = problem_of(errors.PointNotFoundError("There is no such image."))
        >>> problem.status, problem.name, problem.detail
        (404, 'point-not-found', 'There is no such image.')
    """
    if isinstance(error, RequestError):
        return error
    if isinstance(error, errors.AutoencError):
        status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
        headers = {"Retry-After": str(_LATER)} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
        return RequestError(status, _name(type(error).__name__.removesuffix("Error")), str(error), headers)
    if isinstance(error, RequestValidationError):
        return RequestError(422, "invalid-request", _told(error))
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase
        detail = error.detail if error.detail != phrase else _DETAILS.get(error.status_code, phrase)
        return RequestError(error.status_code, _name(phrase.title().replace(" ", "")), detail, error.headers)
    if isinstance(error, UnicodeError):
        return RequestError(422, "invalid-request", "The request holds text that is not valid Unicode.")
    if isinstance(error, OSError):
        if error.errno in _FULL:
            return RequestError(507, "disk-full", "The disk is full.")
        return RequestError(503, "out-of-reach", "A file or a service that the answer needs is out of reach.", _RETRY)
    if isinstance(error, MemoryError):
        return RequestError(503, "out-of-memory", "There is not enough memory for this request now.", _RETRY)
    return RequestError(500, "internal-error", "The server made a mistake; its log says more.")


_RETRY = {"Retry-After": str(_LATER)}
_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    400: "The request cannot be read.",
}


def answer_to(error: Exception) -> Response:
    """The problem document of an error."""
    problem = problem_of(error)
    try:
        title = HTTPStatus(problem.status).phrase
    except ValueError:
        title = "Error"
    document = {
        "type": f"urn:autoenc:problem:{problem.name}",
        "title": title,
        "status": problem.status,
        "detail": printable(problem.detail),
    }
    return Response(json.dumps(document).encode(), problem.status, problem.headers, MEDIA_TYPE)


def _name(words: str) -> str:
    """PointNotFound -> point-not-found."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", words).lower()


def _told(error: RequestValidationError) -> str:
    """What is wrong with a request, in a sentence for each of its first faults."""
    sentences = []
    for fault in error.errors()[:3]:
        place = ".".join(str(each) for each in fault["loc"][1:]) or "the body"
        sentences.append(f"{place}: {fault['msg']}.")
    return " ".join(sentences)


DOCUMENT: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:autoenc:problem:point-not-found"]},
        "title": {"type": "string", "examples": ["Not Found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string", "examples": ["Collection 'images' holds no such image."]},
    },
}
"""The schema of a problem document."""
