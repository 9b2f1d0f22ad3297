"""Run a server until it is stopped."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from autoenc.errors import ArgumentError
from autoenc.server.app import App
from autoenc.server.gate import ACCESS, ERRORS
from autoenc.server.settings import Settings
from autoenc.store import Store

HEAD_SECONDS = 15.0
"""How long a client may take to send the head of a request, or may wait to begin with the next one."""

STOPPING_SECONDS = 20
"""How long running requests may take once the server is to stop."""

_DESCRIPTORS = 8192


class _Protocol(H11Protocol):
    """Closes connections on which no request comes, or comes too slowly.

    Small packets are sent at once: head and body of an answer are written one after the other, and where the body waits
    until the head is acknowledged, as TCP does by default (Nagle's algorithm), each answer takes 40 ms longer.
    """

    _watch: Any = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()

    def _expect(self) -> None:
        if self._watch is None and self._idle:
            self._watch = self.loop.call_later(HEAD_SECONDS, self._give_up, self._seen)

    @property
    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def _seen(self) -> Any:
        """What changes with each request."""
        return self.cycle

    def _give_up(self, seen: Any) -> None:
        self._watch = None
        if self._idle and self._seen is seen and not self.transport.is_closing():
            self.transport.close()
        else:
            self._expect()


class _Server(uvicorn.Server):
    """Returns after a signal to stop, so that the store is closed; uvicorn's own lets the signal end the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(
    store: Store,
    settings: Settings,
    host: str,
    port: int,
    *,
    told: Callable[[str], None],
    warned: Callable[[str], None],
    access_log: bool = True,
) -> None:
    """Serve an open store until SIGTERM or SIGINT: running requests end, then the store is flushed.

    Args:
        store: the open store.
        settings: what the server is started with.
        host: the address to listen at.
        port: 0 for any that is free.
        told: called with the address.
        warned: called with a sentence for each encoder that cannot be used.
        access_log: print a line for each request.

    Raises:
        OutputError: the cache's folder cannot be used.
        ArgumentError: the address is taken, or is none of this computer.
    """
    with logging_to(access_log):
        app = App(store, settings)
        for sentence in app.service.catalog.warm():
            warned(sentence)
        with listening(host, port) as opened:
            told(f"Serving {len(store):,} images at {address_of(host, opened.getsockname()[1])}")
            listen(app, [opened])


def listen(app: App, sockets: list[socket.socket]) -> None:
    """Answer what comes in at open sockets until SIGTERM or SIGINT; running requests end, then the store is flushed."""
    _allow_connections()
    settings = app.service.settings
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.proxies,
        timeout_keep_alive=int(HEAD_SECONDS),
        timeout_graceful_shutdown=STOPPING_SECONDS,
        h11_max_incomplete_event_size=32 * 1024,
    )
    _Server(config).run(sockets=sockets)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; `port` 0 for any that is free.

    Raises:
        ArgumentError: the address is taken, or is none of this computer.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise ArgumentError(f"Cannot listen at {address_of(host, port)}: {error.strerror or error}.") from error


def address_of(host: str, port: int) -> str:
    """An address as a browser takes it."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@contextmanager
def logging_to(access: bool) -> Iterator[None]:
    """The access log goes to standard output, a JSON object a line; what goes wrong to standard error."""
    logs = (
        (ACCESS, sys.stdout, logging.INFO if access else logging.CRITICAL),
        (ERRORS, sys.stderr, logging.INFO),
        (logging.getLogger("uvicorn"), sys.stderr, logging.ERROR),  # below that it tells of each malformed request
    )
    for logger, stream, level in logs:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, _, _ in logs:
            logger.handlers.clear()
            logger.setLevel(logging.NOTSET)
            logger.propagate = True


def _allow_connections() -> None:
    """As many open connections as the system allows: each takes a file descriptor."""
    try:
        import resource
    except ImportError:  # not POSIX
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
