"""The parts of a running server, which its routes share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autoenc.server.access import Access, Rate
from autoenc.server.catalog import Catalog
from autoenc.server.jobs import Jobs
from autoenc.server.metrics import Metrics
from autoenc.server.settings import Settings
from autoenc.server.siblings import Siblings
from autoenc.server.thumbnails import Thumbnails
from autoenc.server.uploads import Uploads
from autoenc.server.workers import Workers
from autoenc.store import Store

if TYPE_CHECKING:  # takes a POSIX system
    from autoenc.server.shared import Figures


@dataclass(frozen=True)
class Service:
    """What the routes work with.

    Attributes:
        settings: what the server was started with.
        catalog: the store, its searchers and its files.
        workers: the threads for everything that takes time.
        jobs: what takes longer than a request may.
        uploads, thumbnails: what is kept in the cache's folder.
        access, rate, metrics: of the gate.
        siblings: the processes of the server, where there are several.
        figures: the metrics of all of them.
    """

    settings: Settings
    catalog: Catalog
    workers: Workers
    jobs: Jobs
    uploads: Uploads
    thumbnails: Thumbnails
    access: Access
    rate: Rate
    metrics: Metrics
    siblings: Siblings | None
    figures: Figures | None

    @classmethod
    def of(cls, store: Store, settings: Settings, siblings: Siblings | None = None) -> Service:
        """Put the parts together for an open store.

        Raises:
            OutputError: the cache's folder cannot be used.
        """
        metrics = Metrics()
        buckets = figures = None
        if siblings is not None:
            from autoenc.server.shared import Buckets, Figures

            buckets = Buckets(siblings.folder / "buckets")
            figures = Figures(siblings.folder, siblings.number, metrics)
        return cls(
            settings,
            Catalog(store, settings.model),
            Workers(settings.threads, settings.waiting, settings.seconds),
            Jobs(),
            Uploads(settings.cache / "pictures", settings.kept_bytes),
            Thumbnails(settings.cache / "thumbnails", settings.thumbnail_bytes),
            Access(settings),
            Rate(settings.rate, buckets),
            metrics,
            siblings,
            figures,
        )

    def close(self) -> None:
        """Finish what runs, and see to it that what was written is on disk."""
        self.jobs.close()
        self.workers.close()
        self.catalog.store.flush()
