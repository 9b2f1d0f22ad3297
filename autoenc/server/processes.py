"""Several processes that answer at one address, and the one that looks after them.

The store must be on a Qdrant server: one in a folder is open in one process. The processes share the listening socket,
the cache's folder with uploaded pictures and ended sessions, the limit of requests by address, and the figures.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import secrets
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from autoenc.errors import ArgumentError, AutoencError, StoreError
from autoenc.server.app import App
from autoenc.server.running import STOPPING_SECONDS, address_of, listen, listening, logging_to
from autoenc.server.settings import Settings
from autoenc.server.siblings import Siblings
from autoenc.store import is_url, open_store

_SPAWN = multiprocessing.get_context("spawn")  # threads and ONNX Runtime do not survive a fork
_LOOK = 0.5  # seconds
_SHORT = 10.0  # seconds: a worker that ends sooner is counted
_TRIES = 3
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Plan:
    """What each worker is started with."""

    location: str
    collection: str
    settings: Settings
    access_log: bool


class _Stopped(Exception):  # noqa: N818  not an error
    """SIGTERM or SIGINT."""


def serve_many(
    plan: Plan, workers: int, host: str, port: int, *, told: Callable[[str], None], warned: Callable[[str], None]
) -> None:
    """Serve a store on a Qdrant server with several processes, until SIGTERM or SIGINT. One that ends is replaced.

    Args:
        plan: what each worker is started with.
        workers: how many, 2 or more.
        host: the address to listen at.
        port: 0 for any that is free.
        told: called with the address once every worker answers.
        warned: called with a sentence for each encoder that cannot be used, and each worker that ended.

    Raises:
        ArgumentError: the store is not on a server; the address is taken; or this system has no POSIX locks.
        StoreError: a worker cannot open the store, or ends again and again.
    """
    if not is_url(plan.location):
        raise ArgumentError(
            f"A store in a folder is open in one process; workers={workers} takes a store on a Qdrant server "
            f"(http://… or https://…)."
        )
    if os.name != "posix":
        raise ArgumentError("workers= above 1 takes a POSIX system, such as Linux or macOS.")
    open_store(plan.location, plan.collection).close()  # what cannot be opened is said before anything is started
    public, inner = listening(host, port), listening("127.0.0.1", 0)
    with public, inner, tempfile.TemporaryDirectory(prefix="autoenc-serve-") as folder:
        shared = Path(folder), inner.getsockname()[1], secrets.token_urlsafe(32)
        crew = [
            _Worker(plan, Siblings(number, *shared), [public, inner] if number == 0 else [public])
            for number in range(workers)
        ]
        with _signals():
            try:
                images = 0
                for worker in crew:
                    worker.start()
                for worker in crew:
                    images, sentences = worker.started()
                    if worker is crew[0]:
                        for sentence in sentences:
                            warned(sentence)
                told(f"Serving {images:,} images at {address_of(host, public.getsockname()[1])} with {workers} workers")
                _look_after(crew, warned)
            except _Stopped:
                pass
            finally:
                _stop(crew)


def _look_after(crew: list[_Worker], warned: Callable[[str], None]) -> None:
    while True:
        wait([worker.process.sentinel for worker in crew], _LOOK)
        for number, worker in enumerate(crew, start=1):
            if worker.process.is_alive():
                continue
            if worker.failures >= _TRIES:
                raise StoreError(f"Worker {number} ended again and again{worker.why()} The server stops.")
            warned(f"Worker {number} ended{worker.why()} It is started again.")
            worker.start()


def _stop(crew: list[_Worker]) -> None:
    """Let running requests end; after that, end the processes anyway. No signal interrupts it."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    for worker in crew:
        worker.terminate()
    until = time.monotonic() + STOPPING_SECONDS + 5
    for worker in crew:
        worker.end(until)


class _Worker:
    """One of the processes, which may be started several times."""

    def __init__(self, plan: Plan, siblings: Siblings, sockets: list[socket.socket]) -> None:
        self._plan = plan
        self._siblings = siblings
        self._sockets = sockets
        self._began = -_SHORT
        self.failures = 0

    def start(self) -> None:
        self.failures = self.failures + 1 if time.monotonic() - self._began < _SHORT else 0
        self._began = time.monotonic()
        self._told, telling = _SPAWN.Pipe(duplex=False)
        self.process = _SPAWN.Process(
            target=_work, args=(self._plan, self._siblings, self._sockets, telling), name="autoenc-serve"
        )
        # Control-C in a terminal reaches all processes. One that is still importing would print a traceback, so it
        # starts with the signal ignored.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        telling.close()

    def started(self) -> tuple[int, list[str]]:
        """How many images it serves, and what it warns of, once it does."""
        try:
            images, sentences = self._told.recv()
        except EOFError:
            raise StoreError("A worker ended before it could answer.") from None
        if images is None:
            raise StoreError(sentences)
        return images, sentences

    def why(self) -> str:
        """The end of a sentence that says that it ended: its own reason if it gave one, else its exit code."""
        if self._told.poll():
            with contextlib.suppress(EOFError, OSError):  # it said nothing, or was killed as it did
                images, reason = self._told.recv()
                if images is None:
                    return f": {reason}"
        code = self.process.exitcode or 0
        return f" ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})."

    def terminate(self) -> None:
        if hasattr(self, "process") and self.process.is_alive():
            self.process.terminate()

    def end(self, until: float) -> None:
        if not hasattr(self, "process"):
            return
        self.process.join(max(0.0, until - time.monotonic()))
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM and SIGINT raise `_Stopped` here, once."""

    def stop(*_: Any) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise _Stopped

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# ---- in the worker ----------------------------------------------------------------------------


def _work(plan: Plan, siblings: Siblings, sockets: list[socket.socket], telling: Connection) -> None:
    """A worker from its start to its end."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with logging_to(plan.access_log):
        try:
            with open_store(plan.location, plan.collection) as store:
                app = App(store, plan.settings, siblings)
                telling.send((len(store), app.service.catalog.warm()))
                telling.close()
                listen(app, sockets)
        except AutoencError as error:
            if not telling.closed:
                telling.send((None, str(error)))
            raise SystemExit(1) from None


def _end_with_parent() -> None:
    """Stop as by SIGTERM once the process that looks after the workers is gone, however it ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
