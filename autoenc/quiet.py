"""Silence what C libraries write straight to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def native_stderr_silenced() -> Iterator[None]:
    """Discard what is written to file descriptor 2, but not what goes through `sys.stderr`.

    libjpeg writes there about broken files, which autoenc lists by name, and TensorFlow about graphics cards. If the
    environment variable AUTOENC_DEBUG is set, nothing is silenced. Calls may be nested.

    Example:
        >>> with native_stderr_silenced():
        ...     pass
    """
    try:
        if os.environ.get("AUTOENC_DEBUG") or sys.stderr.fileno() != 2:
            yield
            return
    except (OSError, ValueError, AttributeError):  # standard error is no file (captured, closed)
        yield
        return
    kept = os.dup(2)
    python_side: IO[str] = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    ours, sys.stderr = sys.stderr, python_side
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        python_side.flush()
        sys.stderr = ours
        python_side.close()
        os.dup2(kept, 2)
        os.close(kept)
