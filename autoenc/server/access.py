"""Who may do what: keys, sessions, and how many requests one address may make."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping

from autoenc.server.problems import RequestError
from autoenc.server.settings import Settings

COOKIE = "autoenc_session"
HEADER = "x-api-key"
SESSION_SECONDS = 12 * 3600

_OPEN = ("/", "/v1/health", "/v1/ready", "/v1/session")
_BURST = 4.0  # seconds' worth of requests
_ADDRESSES = 10_000


class Access:
    """The key of a server, and the sessions that were opened with it.

    A session is a signed time of its end, so that every process of a server knows it, and none keeps it.
    """

    def __init__(self, settings: Settings) -> None:
        self._key = settings.key
        self._settings = settings

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

    def _is_session(self, cookie: str | None) -> bool:
        ends, _, signature = (cookie or "").rpartition(".")
        if self._key is None or not hmac.compare_digest(signature.encode(), self._signed(ends).encode()):
            return False
        return int(ends.partition(".")[0]) > time.time()  # it was signed, so it is a number

    def _signed(self, text: str) -> str:
        key = hashlib.sha256(f"session of autoenc serve\0{self._key}".encode()).digest()
        return hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


class Rate:
    """A token bucket for each address: so many requests a second, and a burst of four seconds' worth.

    Args:
        rate: requests a second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, _BURST * rate)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, address: str, now: float | None = None) -> None:
        """Raise RequestError for a request too many; `now` is in seconds, of a clock that never goes back."""
        now = time.monotonic() if now is None else now
        with self._lock:
            left, then = self._left.pop(address, (self._most, now))
            left = min(self._most, left + (now - then) * self._rate)
            self._left[address] = (left - 1 if left >= 1 else left), now
            if len(self._left) > _ADDRESSES:
                self._left.popitem(last=False)
        if left < 1:
            wait = str(max(1, round((1 - left) / self._rate)))
            raise RequestError(429, "too-many-requests", "Too many requests; slow down.", {"Retry-After": wait})


def _digest(text: str) -> bytes:
    """A digest, so that comparing takes as long for keys of any length."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _refusal(detail: str) -> RequestError:
    return RequestError(401, "unauthorized", detail, {"WWW-Authenticate": 'ApiKey realm="autoenc"'})
