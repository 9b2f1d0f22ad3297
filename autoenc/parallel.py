"""Work on all cores, its results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")
_CHUNK = 16  # items a task: with fewer the pool's own work is felt
_CHUNKS_AHEAD = 32  # so that decoding goes on while the reader encodes and stores a batch


def ordered_map(function: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """`map` on one thread a core, in order; runs ahead of its reader by a few hundred items at most."""
    workers = os.cpu_count() or 1
    rest = iter(items)

    def run(chunk: list[_T]) -> list[_R]:
        return [function(item) for item in chunk]

    with ThreadPoolExecutor(workers) as pool:
        running: deque[Future[list[_R]]] = deque()
        try:
            while chunk := list(islice(rest, _CHUNK)):
                running.append(pool.submit(run, chunk))
                if len(running) > _CHUNKS_AHEAD + workers:
                    yield from running.popleft().result()
            while running:
                yield from running.popleft().result()
        finally:
            for future in running:
                future.cancel()
