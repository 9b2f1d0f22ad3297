"""Silence what C libraries, and TensorFlow, write to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TextIO


@contextmanager
def native_stderr_silenced() -> Iterator[None]:
    """Discard what is written to file descriptor 2, but not what goes through `sys.stderr`.

    libjpeg writes there about broken files, which autoenc lists by name, and TensorFlow about graphics cards. If the
    environment variable AUTOENC_DEBUG is set, nothing is silenced. Calls may be nested.

    Example:
        >>> with native_stderr_silenced():
        ...     pass
    """
    if os.environ.get("AUTOENC_DEBUG") or getattr(sys.stderr, "closed", True):
        yield
        return
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    ours, python_side = sys.stderr, None
    if _descriptor(ours) == 2:  # not in a notebook
        python_side = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
        sys.stderr = python_side
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        if python_side is not None:
            python_side.flush()
            sys.stderr = ours
            python_side.close()
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def tensorflow_silenced() -> Iterator[None]:
    """Keep what TensorFlow's C++ side writes off standard error.

    What Python code writes to `sys.stderr` in the meantime is lost as well: keep user callbacks out of the block.

    Example:
        >>> with tensorflow_silenced():
        ...     pass
    """
    stderr = sys.stderr
    # TensorFlow's logger keeps the `sys.stderr` it is imported under: it must not be one that is closed afterwards.
    with native_stderr_silenced(), redirect_stderr(stderr):
        yield


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, AttributeError):  # a stream in memory, such as in a test that captures it
        return None
