"""What every encoder of a comparison is measured on. It knows nothing of files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from autoenc.images.alterations import altered_copies
from autoenc.vectors import Images, Indices


@dataclass(frozen=True)
class Split:
    """What every encoder is measured on: pixels, and integers for labels.

    Attributes:
        gallery: (G, S, S, 3) uint8, the images to search.
        queries: (Q, S, S, 3) uint8, the images to search for; None where they are the gallery images `own`.
        own: (Q,) index of each query in the gallery, left out of the query's results; -1 for a query that is not in
            the gallery.
        gallery_codes: (G,) label of each gallery image, -1 for none.
        query_codes: (Q,) likewise.
        labeled: (L,) indices of the queries that are scored.
        altered: (S,) indices of the gallery images whose altered copies are searched for.
        seed: of the alterations.
    """

    gallery: Images
    queries: Images | None
    own: Indices
    gallery_codes: Indices
    query_codes: Indices
    labeled: Indices
    altered: Indices
    seed: int

    @cached_property
    def copies(self) -> Images:
        """One altered copy of each of the images `altered`, uint8; made once for all encoders."""
        return altered_copies(self.gallery[self.altered], seed=self.seed, indices=self.altered)
