"""What comes back from a Qdrant server: refusals and silence as a StoreError that says what to do, and its version."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from json import JSONDecodeError

import httpx
from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from autoenc.errors import StoreError, StoreMismatchError, StoreUnreachableError
from autoenc.store.records import MEMORY
from autoenc.store.requests import BUSY, DROPPED

KEY_VARIABLE = "QDRANT_API_KEY"
CA_VARIABLE = "SSL_CERT_FILE"  # OpenSSL's own name for it, which httpx, under the client, reads too

OLDEST_SERVER = "1.18.1"
"""1.18 is the first that adds a named vector to a collection; before 1.18.1 a merge of segments meanwhile loses it."""

OLDEST_TO_DROP_VECTORS = "1.19.0"
"""Before it, segments that still hold a vector that was dropped are never merged again."""

_UNCERTAIN = "What was being written may or may not be stored. Run the same command again: nothing is stored twice."


class ServerVersion:
    """The version of the server behind a client: asked for once, when something depends on it."""

    def __init__(self, client: QdrantClient, location: str) -> None:
        self._client = client
        self._location = location

    def check(self, oldest: str, what: str) -> None:
        """Raise StoreMismatchError for a server that is too old for what is to be done."""
        if self._location != MEMORY and _numbers(self._told) < _numbers(oldest):
            raise StoreMismatchError(
                f"The Qdrant server at {self._location} is version {self._told}; {what} needs {oldest} or later, "
                f"which docker-compose.yml starts."
            )

    @cached_property
    def _told(self) -> str:
        with talking(self._location):
            return self._client.info().version


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


@contextmanager
def talking(location: str, *, writing: bool = False) -> Iterator[None]:
    """Turn what the client raises into a StoreError. No message holds the key: neither a server's nor httpx' does.

    Args:
        location: of the server.
        writing: whether an answer that is missing leaves open what the server did.
    """
    try:
        yield
    except UnexpectedResponse as error:
        raise _refusal(location, error, writing) from error
    except ResourceExhaustedResponse as error:
        raise _too_many(location, f"{error}; it asks to wait {error.retry_after_s} seconds") from error
    except QdrantException as error:  # a Retry-After that is a date
        raise _too_many(location, str(error)) from error
    except (ResponseHandlingException, JSONDecodeError) as error:
        cause = error.source if isinstance(error, ResponseHandlingException) else error
        raise _silence(location, cause, writing) from error
    except ApiException as error:
        raise StoreError(f"{location} refused a request: {error}") from error


def _refusal(location: str, error: UnexpectedResponse, writing: bool) -> StoreError:
    status = error.status_code
    told = _told_by(error)
    reason = f"HTTP {status}: {told}" if told else f"HTTP {status}"
    if status in (401, 403):
        return StoreUnreachableError(
            f"The Qdrant server at {location} refuses the key ({reason}). Set {KEY_VARIABLE} to a key that may do this."
        )
    if status == 413 or (status == 400 and "larger than allowed" in told):
        return StoreError(
            f"The Qdrant server at {location} refuses a request of this size ({reason}). Raise its "
            f"QDRANT__SERVICE__MAX_REQUEST_SIZE_MB to 32, the default, or the limit of the proxy in front of it."
        )
    if status == 429:
        return _too_many(location, told or "HTTP 429")
    if status in BUSY:
        return StoreUnreachableError(f"The Qdrant server at {location} is not ready ({reason}). Try again in a moment.")
    if status == 408:
        return _late(location, reason, writing)
    remedy = "" if told else f" Is it a Qdrant server, {OLDEST_SERVER} or later?"
    return StoreError(f"{location} refused a request ({reason}).{remedy}")


def _told_by(error: UnexpectedResponse) -> str:
    """The server's own sentence, without its period, where it gives one."""
    try:
        return str(error.structured()["status"]["error"]).rstrip(". ")
    except (ValueError, KeyError, TypeError):
        return ""


def _too_many(location: str, told: str) -> StoreError:
    return StoreUnreachableError(
        f"The Qdrant server at {location} limits the rate of requests ({told}). Try again later, or raise the "
        f"limits of the collection there."
    )


def _late(location: str, reason: str, writing: bool) -> StoreError:
    remedy = _UNCERTAIN if writing else "It may be busy: try again."
    return StoreUnreachableError(f"The Qdrant server at {location} gave no answer in time ({reason}). {remedy}")


def _silence(location: str, cause: Exception, writing: bool) -> StoreError:
    """The error for a request that got no answer, or one that Qdrant does not give."""
    for each in _causes(cause):
        if isinstance(each, ssl.SSLCertVerificationError):
            return StoreUnreachableError(
                f"The certificate of the server at {location} is not trusted ({each.verify_message.rstrip('.')}). "
                f"Set {CA_VARIABLE} to the certificate file of the authority that signed it, or correct the host in "
                f"the URL."
            )
        if isinstance(each, ssl.SSLError):
            return StoreUnreachableError(
                f"The server at {location} does not speak TLS, which https needs ({each.reason}). Correct the "
                f"URL: http:// perhaps, or another port."
            )
    name = type(cause).__name__
    if isinstance(cause, httpx.TimeoutException) and not isinstance(cause, httpx.ConnectTimeout):
        return _late(location, name, writing)
    if isinstance(cause, DROPPED):
        remedy = _UNCERTAIN if writing else "Try again, or look into the server's log."
        return StoreUnreachableError(f"The server at {location} keeps closing the connection ({name}). {remedy}")
    return StoreUnreachableError(
        f"No Qdrant server answers at {location} ({name}). Start one, for example with "
        f"`docker compose up -d`, or correct the URL."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
