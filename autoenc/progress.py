"""Report the progress of long work."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from autoenc.text import printable

Progress = Callable[[str, int, int, str], None]
"""Called from time to time with the stage, the number done, the total number, and a note such as a loss."""

ProgressOption = bool | Progress | None
"""What functions take as `progress`: True shows progress, False does not, and a function is called with it. None, the
default, shows progress on a terminal and in a notebook."""

_PLAIN_SECONDS = 5.0


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """Report nothing."""


@contextmanager
def telling(progress: ProgressOption) -> Iterator[Progress]:
    """Provide the function to report progress to, for a `with` block.

    Args:
        progress: as passed to a public function.

    Example:
        >>> with telling(False) as report:
        ...     report("counting", 1, 2, "")
    """
    if callable(progress):
        yield progress
    elif progress is False or (progress is None and not _watched()):
        yield silent
    else:
        display = _Display()
        try:
            yield display
        finally:
            display.close()


class _Display:
    """Progress on standard error: a bar on a terminal and in a notebook, elsewhere a plain line every few seconds."""

    def __init__(self) -> None:
        self._live = _watched()
        self._stage = ""
        self._bar: Any = None
        self._last = self._start = 0.0
        self._first = 0  # number done when the stage began: not 0 in a resumed training

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        stage, note = printable(stage), printable(note)
        if self._live:
            self._draw(stage, done, total, note)
        else:
            self._print(stage, done, total, note)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _draw(self, stage: str, done: int, total: int, note: str) -> None:
        if stage != self._stage:
            from tqdm import tqdm

            self.close()
            self._stage = stage
            self._bar = tqdm(initial=done, total=total, desc=stage, file=sys.stderr, dynamic_ncols=True, smoothing=0.1)
        self._bar.total = total
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def _print(self, stage: str, done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._first, self._start, self._last = stage, done, now, now
            return
        if now - self._last < _PLAIN_SECONDS or done <= self._first:
            return
        self._last = now
        left = (now - self._start) / (done - self._first) * (total - done)
        print(f"{stage} {done}/{total}{f', {note}' if note else ''}, {left:.0f} s left", file=sys.stderr, flush=True)


def _watched() -> bool:
    """Whether a bar can be drawn: on a terminal and in a notebook. There may be no standard error at all."""
    return (sys.stderr is not None and sys.stderr.isatty()) or _in_a_notebook()


def _in_a_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"
