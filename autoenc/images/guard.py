"""Decode within limits of memory and time that hold for all threads together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from autoenc.errors import ImageDecodeError
from autoenc.images import limits

_R = TypeVar("_R")


class Budget:
    """Bytes that several threads share. One thread at a time waits for them, so that a large picture gets its turn.

    A thread that is given up keeps its bytes until it ends. Nobody waits for it: as soon as no other thread is running,
    the next one gets its bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._taken = 0
        self._running = 0

    def take(self, amount: int) -> None:
        """Wait until so many bytes are free. More than there are in all are given to one thread that runs alone."""
        with self._turn, self._changed:
            while self._running and self._taken + amount > self.limit:
                self._changed.wait()
            self._taken += amount
            self._running += 1

    def give_back(self, amount: int) -> None:
        """The bytes are free again."""
        with self._changed:
            self._taken -= amount
            self._changed.notify()

    def leave(self) -> None:
        """The thread no longer runs, or nobody waits for it any more."""
        with self._changed:
            self._running -= 1
            self._changed.notify()


_memory = Budget(limits.MEMORY)


def guarded(function: Callable[[], _R], memory: int, *, watched: bool) -> _R:
    """Call a function once its memory is free, and for at most `limits.SECONDS` if it is watched.

    Args:
        function: decodes a picture.
        memory: the bytes that it takes.
        watched: True for a function that may take long.

    Raises:
        ImageDecodeError: as for `in_time`.
    """
    if not watched and memory <= limits.SMALL_MEMORY:
        return function()
    budget, begun = _memory, False

    def counted() -> _R:
        nonlocal begun
        begun = True
        try:
            return function()
        finally:
            if memory > limits.TRIMMED_MEMORY:
                _trim()
            budget.give_back(memory)

    budget.take(memory)
    try:
        return in_time(counted) if watched else counted()
    except RuntimeError as error:
        if begun:
            raise
        budget.give_back(memory)
        raise ImageDecodeError(f"No thread could be started to decode it ({error}).") from error
    finally:
        budget.leave()


def _trim() -> None:
    """Give freed memory back to the system: glibc's allocator would keep half a gigabyte after a few large pictures."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def in_time(function: Callable[[], _R]) -> _R:
    """Call a function in a thread of its own, which is given up after `limits.SECONDS`.

    Nothing can stop a thread inside a native decoder. It is a daemon, so that not even the end of the process waits
    for it.

    Raises:
        ImageDecodeError: the function takes longer.
        BaseException: whatever the function raises.
    """
    results: list[_R] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="autoenc-decode", daemon=True)
    thread.start()
    thread.join(limits.SECONDS)
    if results:
        return results[0]
    if errors:
        raise errors.pop()
    raise ImageDecodeError(f"It took longer than {limits.SECONDS:g} s to decode.")
