"""Threads for decoding and searching: a bounded number of them, with a bounded queue, so that overload is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from autoenc.server.problems import RequestError

_T = TypeVar("_T")


class Workers:
    """A pool of threads that the event loop hands work to.

    Args:
        threads: how many.
        waiting: tasks that may wait for one.
        seconds: after which nobody waits for a task any more. Its thread goes on: nothing can stop it.

    Attributes:
        pending: tasks that run or wait.
    """

    def __init__(self, threads: int, waiting: int, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(threads, "autoenc-serve")
        self._most = threads + waiting
        self._seconds = seconds
        self.pending = 0

    async def run(self, function: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """What a function returns, called on one of the threads.

        Raises:
            RequestError: too many tasks are waiting (503), or this one takes too long (504).
            BaseException: whatever the function raises.
        """
        if self.pending >= self._most:
            raise RequestError(503, "busy", "The server has too much to do; try again later.", {"Retry-After": "1"})
        self.pending += 1
        task = asyncio.get_running_loop().run_in_executor(self._pool, partial(function, *args, **options))
        task.add_done_callback(self._ended)
        try:
            return await asyncio.wait_for(asyncio.shield(task), self._seconds)
        except TimeoutError:
            if task.done() and not task.cancelled():
                raise
            detail = f"The answer takes longer than {self._seconds:g} s; ask for less."
            raise RequestError(504, "too-slow", detail) from None

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self.pending -= 1
        if not task.cancelled():
            task.exception()  # that of a task that nobody waits for has been seen now

    def close(self) -> None:
        """End the threads, once they have done what they do."""
        self._pool.shutdown(wait=True, cancel_futures=True)
