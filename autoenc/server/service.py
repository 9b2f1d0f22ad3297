"""The parts of a running server, which its routes share."""

from __future__ import annotations

from dataclasses import dataclass

from autoenc.server.access import Access
from autoenc.server.catalog import Catalog
from autoenc.server.jobs import Jobs
from autoenc.server.metrics import Metrics
from autoenc.server.settings import Settings
from autoenc.server.thumbnails import Thumbnails
from autoenc.server.uploads import Uploads
from autoenc.server.workers import Workers
from autoenc.store import Store


@dataclass(frozen=True)
class Service:
    """What the routes work with.

    Attributes:
        settings: what the server was started with.
        catalog: the store, its searchers and its files.
        workers: the threads for everything that takes time.
        jobs: what takes longer than a request may.
        uploads, thumbnails: what is kept in the cache's folder.
        access, metrics: of the gate.
    """

    settings: Settings
    catalog: Catalog
    workers: Workers
    jobs: Jobs
    uploads: Uploads
    thumbnails: Thumbnails
    access: Access
    metrics: Metrics

    @classmethod
    def of(cls, store: Store, settings: Settings) -> Service:
        """Put the parts together for an open store.

        Raises:
            OutputError: the cache's folder cannot be used.
        """
        return cls(
            settings,
            Catalog(store, settings.model),
            Workers(settings.threads, settings.waiting, settings.seconds),
            Jobs(),
            Uploads(settings.cache / "pictures", settings.kept_bytes),
            Thumbnails(settings.cache / "thumbnails", settings.thumbnail_bytes),
            Access(settings),
            Metrics(),
        )

    def close(self) -> None:
        """Finish what runs, and see to it that what was written is on disk."""
        self.jobs.close()
        self.workers.close()
        self.catalog.store.flush()
