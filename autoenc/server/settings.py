"""What a server is started with, and the limits that it holds requests to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autoenc.errors import ArgumentError

KEY = "AUTOENC_API_KEY"
"""The environment variable that holds the key of the API."""

LEAST_KEY = 16
"""Characters of a key: fewer can be tried out."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a server is started with.

    Attributes:
        cache: a folder for thumbnails, and for the pictures that people search by.
        key: what writing takes, and with `private` reading too; None for a server that does neither.
        writable: whether requests with the key may write.
        private: whether reading takes the key too.
        model: of `learned`; None for the one that the store remembers.
        report: the folder of a comparison's report, which is shown as a page.
        proxies: the addresses of proxies whose word about the client's address is believed, separated by commas.
        threads: that decode pictures and search; the event loop does neither.
        waiting: requests that may wait for one of them; what comes then is told to come back later.
        open_requests: requests that are answered at a time.
        seconds: after which a request is given up.
        picture_bytes: of an uploaded picture.
        json_bytes: of any other request.
        upload_bytes: of all requests that are being received.
        kept_bytes: of all uploaded pictures that are kept.
        thumbnail_bytes: of all thumbnails that are kept.
        rate: requests a second from one address; a burst may hold four seconds' worth.
        k: the most results of a search.
        offset: the farthest page begins here.
        map_points: images on the map; of more, an even sample is shown.
    """

    cache: Path
    key: str | None = None
    writable: bool = False
    private: bool = False
    model: str | None = None
    report: Path | None = None
    proxies: str = "127.0.0.1,::1"
    threads: int = (os.cpu_count() or 1) + 2
    waiting: int = 64
    open_requests: int = 256
    seconds: float = 30.0
    picture_bytes: int = 20 * 2**20
    json_bytes: int = 2**20
    upload_bytes: int = 256 * 2**20
    kept_bytes: int = 2**30
    thumbnail_bytes: int = 2**28
    rate: float = 200.0
    k: int = 200
    offset: int = 10_000
    map_points: int = 50_000

    def __post_init__(self) -> None:
        """Raise ArgumentError for a server that would be open to anyone."""
        wanted = "writable=True" if self.writable else "private=True" if self.private else None
        if wanted and not self.key:
            raise ArgumentError(f"{wanted} takes a key: set the environment variable {KEY} to a long random text.")
        if self.key and (len(self.key) < LEAST_KEY or not (self.key.isascii() and self.key.isprintable())):
            raise ArgumentError(
                f"{KEY} must have {LEAST_KEY} characters or more, all printable ASCII; got {len(self.key)}. "
                f"`openssl rand -hex 32` makes one."
            )
        if not self.rate > 0:
            raise ArgumentError(f"rate= must be a number of requests a second, above 0; got {self.rate!r}.")
