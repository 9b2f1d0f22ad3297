"""The catalog that is served: its store, the searchers with their encoders, and the files of its images."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from autoenc.catalog.fields import field_value, own_of
from autoenc.catalog.searching import Searcher
from autoenc.catalog.sources import point_path
from autoenc.encoders import Model
from autoenc.encoders.learned import NAME, LearnedEncoder
from autoenc.errors import AutoencError, ImageDecodeError, PointNotFoundError
from autoenc.images.files import read_file
from autoenc.models.bundle import Bundle
from autoenc.store import OWN, Record, Store, is_url, point_id
from autoenc.store.points import canonical_id
from autoenc.text import printable

_REREAD = 30.0  # seconds

_FORMATS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG": "image/png",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}


class Original(NamedTuple):
    """An image file and what it is."""

    data: bytes
    media_type: str


class Catalog:
    """A store that is open for as long as the server runs.

    Args:
        store: the open store.
        model: of `learned`; None for the one that the store remembers.

    Attributes:
        store: as given.
        version: a number that changes whenever this server adds or removes images.
        indexed: a number that changes whenever it adds some.
    """

    def __init__(self, store: Store, model: Model | None = None) -> None:
        self.store = store
        self.version = 0
        self.indexed = 0
        self._model = model
        self._lock = threading.Lock()
        self._searcher: Searcher | None = None
        self._shared = is_url(store.location)
        self._read = time.monotonic()

    @property
    def searcher(self) -> Searcher:
        """The searcher by the default encoder, with all encoders that have been made so far.

        What a server's store remembers is read again from time to time, for others may index into it or switch it.
        """
        if self._shared and time.monotonic() - self._read > _REREAD:
            self._read = time.monotonic()
            before = self.store.generation, self.store.info
            self.store.follow()
            if (self.store.generation, self.store.info) != before:
                self.changed(indexed=True)
        with self._lock:
            if self._searcher is None:
                self._searcher = Searcher(self.store, model=self._model)
            return self._searcher

    def changed(self, *, indexed: bool = False) -> None:
        """To be called once images were added or removed: what was kept of the catalog may be wrong now."""
        with self._lock:
            self.version += 1
            self.indexed += indexed
            self._searcher = None

    def warm(self) -> list[str]:
        """Make the encoders before the first request; return a sentence for each that cannot be made."""
        missing = []
        for name in self.store.info.of_images:
            try:
                self.searcher.with_using(name).encoder_of(name)
            except AutoencError as error:
                missing.append(f"Encoder '{name}' cannot take pictures: {error}")
        return missing

    def decoder(self) -> Bundle | None:
        """The model whose decoder draws pictures from latents; None if there is none."""
        searcher = self.searcher
        if NAME not in self.store.info.vectors:
            return None
        try:
            encoder = searcher.with_using(NAME).encoder_of(NAME)
        except AutoencError:
            return None
        return encoder.bundle if isinstance(encoder, LearnedEncoder) and encoder.bundle.decodes else None

    # ---- images -------------------------------------------------------------------------------

    def record(self, id: str) -> Record:
        """A stored image.

        Raises:
            PointNotFoundError: the store holds none with this id.
        """
        known = canonical_id(id)
        found = self.store.retrieve([known]) if known else []
        if not found:
            raise _absent(id)
        return found[0]

    def id_of(self, name: str) -> str:
        """The id of a stored image, given by its id or by its path relative to its source. No file is looked at.

        Raises:
            PointNotFoundError: the store holds no such image.
        """
        known = canonical_id(name)
        candidates = [known] if known else [point_id(source, name) for source in self.store.info.sources]
        found = self.store.retrieve(candidates)
        if not found:
            raise _absent(name)
        return found[0].id

    def image(self, id: str, payload: Mapping[str, Any], path: Path | None = None) -> dict[str, Any]:
        """What clients are told about a stored image; `path` is its file, if that is known already."""
        own = own_of(payload)
        path = path or point_path(self.store, payload)
        digest = own.get("digest")
        there = path is not None and path.is_absolute() and isinstance(digest, str)
        at = f"/v1/images/{id}"
        product = self.store.info.product
        return {
            "id": id,
            "path": _text(own.get("path")),
            "source": _text(own.get("source")),
            "thumbnail": f"{at}/thumbnail?v={digest[:12]}" if there and digest else None,
            "original": f"{at}/original?v={digest[:12]}" if there and digest else None,
            "fields": {name: value for name, value in payload.items() if name != OWN},
            "width": own.get("width"),
            "height": own.get("height"),
            "product": None if product is None else field_value(self.store, payload, product),
        }

    def images(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        """The same for several."""
        return [self.image(record.id, record.payload) for record in records]

    # ---- files --------------------------------------------------------------------------------

    def digest(self, record: Record) -> str:
        """The digest of an image's file when it was indexed.

        Raises:
            PointNotFoundError: no file belongs to the point.
        """
        digest = own_of(record.payload).get("digest")
        path = point_path(self.store, record.payload)
        if path is None or not path.is_absolute() or not isinstance(digest, str):
            raise PointNotFoundError(f"Image {record.id} has no file.")
        return digest

    def file(self, payload: Mapping[str, Any]) -> Path | None:
        """The file of an image, links followed; None if there is none, or if it lies outside of its source."""
        path = point_path(self.store, payload)
        if path is None or not path.is_absolute():
            return None
        root = self.store.info.sources[own_of(payload)["source"]]
        real = Path(os.path.realpath(path))
        return real if real.is_relative_to(os.path.realpath(root)) and os.path.isfile(real) else None

    def original(self, record: Record) -> Original:
        """The file of an image, if it is still the one that was indexed, and lies in its source, links followed.

        Raises:
            PointNotFoundError: there is none.
            ImageDecodeError: it cannot be read.
        """
        digest = self.digest(record)
        if (path := self.file(record.payload)) is None:
            raise PointNotFoundError(f"The file of image {record.id} is gone.")
        file = read_file(path)
        if file.digest != digest:
            raise PointNotFoundError(f"The file of image {record.id} has changed since it was indexed.")
        if not isinstance(file.data, bytes):
            raise ImageDecodeError("Not a file.")
        return Original(file.data, media_type(file.data))


def media_type(data: bytes) -> str:
    """The media type of an image file, by its first bytes (the formats that autoenc reads).

    Example:
        >>> media_type(Path("some.jpg").read_bytes())
        'image/jpeg'
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _FORMATS.items() if data.startswith(start)), "application/octet-stream")


def _absent(name: str) -> PointNotFoundError:
    shown = printable(name)
    return PointNotFoundError(f"The catalog holds no image {shown if len(shown) <= 200 else f'{shown[:200]}…'}.")


def _text(value: Any) -> str | None:
    """A text of a payload, as UTF-8 can carry it."""
    return printable(value) if isinstance(value, str) else None
