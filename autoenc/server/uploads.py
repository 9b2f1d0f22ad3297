"""Pictures that people search by: kept for a day under a token that nobody can guess."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from autoenc.errors import PointNotFoundError
from autoenc.server.blobs import Blobs
from autoenc.server.thumbnails import Thumbnail, thumbnail_of

KEPT_SECONDS = 24 * 3600

_TOKEN = re.compile(r"t[A-Za-z0-9_-]{22}")
_SHOWN = 512  # pixels of an upload's own thumbnail


class Upload(NamedTuple):
    """An uploaded picture; `width` and `height` are those of the full picture, and it is gone after `expires`."""

    token: str
    expires: datetime
    width: int
    height: int


def is_token(text: str) -> bool:
    """Whether a text can be the token of an upload.

    Example:
        >>> is_token("t" + 22 * "x"), is_token("e8a13eee-02d9-57b3-a8cd-9ee5e3539193")
        (True, False)
    """
    return bool(_TOKEN.fullmatch(text))


class Uploads:
    """The pictures that are kept, in a folder of their own."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._blobs = Blobs(folder, most_bytes, KEPT_SECONDS)

    def keep(self, data: bytes) -> Upload:
        """Keep a picture once it is known to be one.

        Raises:
            ImageError: it cannot be used.
            DiskFullError: there is no room for it.
        """
        shown = thumbnail_of(data, _SHOWN)
        token = f"t{secrets.token_urlsafe(16)}"
        written = self._blobs.put(token, data)
        return Upload(token, datetime.fromtimestamp(written + KEPT_SECONDS, UTC), shown.width, shown.height)

    def read(self, token: str) -> bytes:
        """The bytes of a picture, as they were uploaded.

        Raises:
            PointNotFoundError: there is none with this token, or no longer.
        """
        data = self._blobs.get(token) if is_token(token) else None
        if data is None:
            raise PointNotFoundError("There is no uploaded picture with this token; pictures are kept for 24 hours.")
        return data

    def thumbnail(self, token: str) -> Thumbnail:
        """The picture as it is shown."""
        return thumbnail_of(self.read(token), _SHOWN)
