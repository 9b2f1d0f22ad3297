"""The store that indexing writes to."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from autoenc.catalog.fields import FILTERABLE
from autoenc.catalog.image_fields import ImageFields
from autoenc.errors import StoreNotFoundError
from autoenc.images.finding import Pictures
from autoenc.outputs import check_apart
from autoenc.store import Store, VectorSpec, is_url, open_store


class Target:
    """A store that is created when the first image is ready to be written, so that a bad folder leaves none behind.

    Attributes:
        store: None if the store does not exist yet.
        lock: held by the thread that uses the store.
    """

    def __init__(self, store: Store | None, create: Callable[[], Store]) -> None:
        self.store = store
        self.lock = threading.Lock()
        self._create = create
        self._ready = False

    def prepared(
        self, vectors: Mapping[str, VectorSpec], source: str, root: str, fields: ImageFields | None = None
    ) -> Store:
        """The store, created if necessary, with the fields, vectors and source that a run writes."""
        if self.store is None:
            self.store = self._create()
        if not self._ready:
            self.store.add_fields({**FILTERABLE, **(fields.kinds if fields else {})})
            if fields and fields.product:
                self.store.set_product(fields.product, folders=fields.folders)
            self.store.add_vectors(vectors)
            self.store.add_source(source, root)
            self._ready = True
        return self.store


@contextmanager
def target_for(
    store: Store | str | os.PathLike[str], collection: str, wait: float, images: Pictures
) -> Iterator[Target]:
    """An open store as it is; a location's store, opened if it exists and closed at the end.

    Raises:
        OutputError: a new store would lie in the folder of the images.
    """
    if isinstance(store, Store):
        given = store
        yield Target(given, lambda: given)
        return
    with ExitStack() as stack:
        create = partial(open_store, store, collection, create=True, wait=wait)
        try:
            opened = stack.enter_context(open_store(store, collection, wait=wait))
        except StoreNotFoundError:
            opened = None
            if not is_url(store):
                check_apart(store, [images])
        yield Target(opened, lambda: stack.enter_context(create()))
