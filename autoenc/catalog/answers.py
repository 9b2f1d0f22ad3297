"""What a search gives: neighbors, and whether the store has anything like the query."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from autoenc.catalog.fields import own_of
from autoenc.catalog.novelty import Novelty
from autoenc.errors import ImageDecodeError
from autoenc.images.files import naming, read_file


@dataclass(frozen=True)
class Neighbor:
    """One result of a search.

    Attributes:
        rank: 1 for the nearest; 0 for the query itself.
        id: the point's id.
        score: cosine similarity, in [-1, 1]; for a hybrid query, the sum of its parts.
        path: the image file, absolute; None for a point that `index_images` has not written.
        payload: the point's payload.
        parts: of a hybrid score: what each part adds (`learned`, `brand=Nike`, `price~49`, `contains red`).
    """

    rank: int
    id: str
    score: float
    path: Path | None
    payload: dict[str, Any]
    parts: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        path = None if self.path is None else str(self.path)
        return {"id": self.id, "path": path, "score": self.score, "parts": self.parts, "payload": self.payload}

    def read(self) -> bytes:
        """The bytes of the image file, if it is still the one that was indexed.

        Raises:
            ImageDecodeError: it has changed or is gone, or the point has none.

        Example:
            >>> with autoenc.open_store("store") as store:
            ...     len(autoenc.search(store, "some.jpg", k=1)[0].read()) > 1000
            True
        """
        if self.path is None or not self.path.is_absolute():
            raise ImageDecodeError("The point has no image file.")
        with naming(self.path):
            file = read_file(self.path)
            if file.digest != own_of(self.payload).get("digest"):
                raise ImageDecodeError("The file has changed since it was indexed.")
            return cast(bytes, file.data)

    def __repr__(self) -> str:
        return f"<Neighbor {self.rank}: {self.id if self.path is None else self.path.name} {self.score:.3f}>"


@dataclass(frozen=True)
class Answer:
    """What a query finds.

    Attributes:
        neighbors: the most similar images, best first.
        novelty: of a query by one picture, whether it is unlike anything in the store, whatever the search was narrowed
            to; None for other queries, and if no encoder of the store can tell.
    """

    neighbors: list[Neighbor]
    novelty: Novelty | None
