"""Work that takes longer than a request may: done once on a thread of its own, and asked for until it is done."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from autoenc.progress import Progress
from autoenc.server.problems import RequestError

_KEPT = 8  # results
_PAUSE = 0.02  # seconds


class _StoppedError(Exception):
    """The server is being stopped."""


@dataclass
class Job:
    """One piece of work.

    Attributes:
        stage: what it does now.
        done: how much of that.
        total: out of how much.
        result: what the work returned.
        error: what it raised.
        finished: set once it has ended, either way.
    """

    stage: str = ""
    done: int = 0
    total: int = 0
    result: Any = None
    error: Exception | None = None
    finished: threading.Event = field(default_factory=threading.Event)

    def told(self) -> dict[str, Any]:
        """How far it is, for a client that has to wait."""
        return {"state": "running", "stage": self.stage, "done": self.done, "total": self.total}


class Jobs:
    """The work that runs, and the last results."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[Hashable, Job] = {}
        self._threads: list[threading.Thread] = []
        self._stopping = False

    async def result(self, key: Hashable, work: Callable[[Progress], Any], seconds: float) -> Job:
        """The job of this key, started if it has not been; waits for its end, but not longer than `seconds`.

        A result is kept, and an error is told once: the next call tries again.

        Raises:
            Exception: whatever the work raised.
            RequestError: the server is being stopped.
        """
        with self._lock:
            job = self._jobs.get(key) or self._start(key, work)
        until = time.monotonic() + seconds
        while not job.finished.is_set() and time.monotonic() < until:
            await asyncio.sleep(_PAUSE)
        if job.error is not None:
            with self._lock:
                if self._jobs.get(key) is job:
                    del self._jobs[key]
            raise job.error
        return job

    def only(self, key: Hashable, work: Callable[[Progress], Any]) -> Job:
        """Start work that nothing else of its key may run beside.

        Raises:
            RequestError: it runs already, or the server is being stopped.
        """
        with self._lock:
            there = self._jobs.get(key)
            if there is not None and not there.finished.is_set():
                raise RequestError(409, "running", "This is being done already; wait until it has ended.")
            return self._start(key, work)

    def find(self, key: Hashable) -> Job | None:
        """The job of a key, as far as it is."""
        return self._jobs.get(key)

    def _start(self, key: Hashable, work: Callable[[Progress], Any]) -> Job:
        if self._stopping:
            raise RequestError(503, "stopping", "The server is being stopped.")
        job = Job()
        self._jobs.pop(key, None)
        self._jobs[key] = job
        ended = [other for other, each in self._jobs.items() if each.finished.is_set()]
        for other in ended[: max(0, len(self._jobs) - _KEPT)]:
            del self._jobs[other]
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._run, args=(job, work), name="autoenc-job", daemon=True)
        self._threads.append(thread)
        thread.start()
        return job

    def _run(self, job: Job, work: Callable[[Progress], Any]) -> None:
        def tell(stage: str, done: int, total: int, note: str = "") -> None:
            if self._stopping:
                raise _StoppedError
            job.stage, job.done, job.total = stage, done, total

        try:
            job.result = work(tell)
        except _StoppedError:
            job.error = RequestError(503, "stopping", "The server is being stopped.")
        except Exception as error:
            job.error = error
        finally:
            job.finished.set()

    def close(self) -> None:
        """Stop what runs at its next report of progress, and wait for that."""
        self._stopping = True
        for thread in self._threads:
            thread.join()
