"""Who may do what: keys, sessions, and how many requests one address may make."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from autoenc.server.blobs import Blobs
from autoenc.server.problems import RequestError
from autoenc.server.settings import Settings

if TYPE_CHECKING:  # takes a POSIX system
    from autoenc.server.shared import Bucket, Buckets

COOKIE = "autoenc_session"
HEADER = "x-api-key"
SESSION_SECONDS = 12 * 3600

_OPEN = ("/", "/v1/health", "/v1/ready", "/v1/session")
_BURST = 4.0  # seconds' worth of requests
_ADDRESSES = 10_000
_ENDED_BYTES = 2**20


class Access:
    """The key of a server, and the sessions that were opened with it.

    A session is a signed time of its end and a random name, so that every process of a server knows it, and none keeps
    it. The names of those that were signed out lie in the cache's folder until that time.
    """

    def __init__(self, settings: Settings) -> None:
        self._key = settings.key
        self._settings = settings
        self._ended = Blobs(settings.cache / "ended", _ENDED_BYTES, SESSION_SECONDS) if settings.private else None

    def check_reading(self, path: str, headers: Mapping[str, str], cookies: Mapping[str, str]) -> None:
        """Raise RequestError where reading takes a key, and none came with the request."""
        if not self._settings.private or path in _OPEN or path.startswith("/page/"):
            return
        if not (self.knows(headers.get(HEADER)) or self._is_session(cookies.get(COOKIE))):
            raise _refusal("This catalog is private: send the key in the header X-API-Key, or sign in.")

    def check_writing(self, key: str | None) -> None:
        """Raise RequestError unless the server may be written to, and this is its key."""
        if not self._settings.writable:
            raise RequestError(403, "read-only", "This server takes no writes; it was started without --writable.")
        if not self.knows(key):
            raise _refusal("Writing takes the key, in the header X-API-Key.")

    def knows(self, key: str | None) -> bool:
        """Whether this is the key; compared in constant time."""
        if self._key is None or key is None:
            return False
        return hmac.compare_digest(_digest(key), _digest(self._key))

    def session(self) -> str:
        """The cookie of a new session."""
        ends = f"{int(time.time()) + SESSION_SECONDS}.{secrets.token_urlsafe(9)}"
        return f"{ends}.{self._signed(ends)}"

    def end(self, cookie: str | None) -> None:
        """Sign a session out, for every process that shares the cache's folder; anything else changes nothing.

        Raises:
            DiskFullError: that cannot be noted.
        """
        if self._ended is not None and self._is_session(cookie):
            self._ended.put(_name(cookie), b"")

    def _is_session(self, cookie: str | None) -> bool:
        ends, _, signature = (cookie or "").rpartition(".")
        if self._key is None or not hmac.compare_digest(signature.encode(), self._signed(ends).encode()):
            return False
        if int(ends.partition(".")[0]) <= time.time():  # it was signed, so it is a number
            return False
        return self._ended is None or self._ended.get(_name(cookie)) is None

    def _signed(self, text: str) -> str:
        key = hashlib.sha256(f"session of autoenc serve\0{self._key}".encode()).digest()
        return hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


class Rate:
    """A token bucket for each address: so many requests a second, and a burst of four seconds' worth.

    Args:
        rate: requests a second.
        buckets: those that several processes share; None for buckets of this one alone.
    """

    def __init__(self, rate: float, buckets: Buckets | None = None) -> None:
        self._rate = rate
        self._most = max(1.0, _BURST * rate)
        self._buckets = buckets or _OwnBuckets()

    def check(self, address: str, now: float | None = None) -> None:
        """Raise RequestError for a request too many; `now` is in seconds, of a clock that never goes back."""
        now = time.monotonic() if now is None else now
        left = 0.0

        def taken(bucket: Bucket | None) -> Bucket:
            nonlocal left
            before, then = bucket or (self._most, now)
            left = min(self._most, before + (now - then) * self._rate)
            return (left - 1 if left >= 1 else left), now

        self._buckets.update(address, taken)
        if left < 1:
            wait = str(max(1, round((1 - left) / self._rate)))
            raise RequestError(429, "too-many-requests", "Too many requests; slow down.", {"Retry-After": wait})


class _OwnBuckets:
    """The buckets of the addresses that were seen last, in this process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def update(self, address: str, change: Callable[[Bucket | None], Bucket]) -> None:
        with self._lock:
            self._kept[address] = change(self._kept.pop(address, None))
            if len(self._kept) > _ADDRESSES:
                self._kept.popitem(last=False)


def _name(cookie: str | None) -> str:
    """The random name of a session that was signed."""
    return (cookie or "").split(".")[1]


def _digest(text: str) -> bytes:
    """A digest, so that comparing takes as long for keys of any length."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _refusal(detail: str) -> RequestError:
    return RequestError(401, "unauthorized", detail, {"WWW-Authenticate": 'ApiKey realm="autoenc"'})
