"""What the verbs share: progress on standard error, JSON on standard output, option types."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autoenc.images.finding import SkippedFile
    from autoenc.progress import Progress

LISTED = 20
"""Skipped files named on the terminal."""

_PLAIN_SECONDS = 5.0


def add_common(parser: argparse.ArgumentParser, *, json_keys: str) -> None:
    """The options that every verb with work to do has."""
    parser.add_argument("--json", action="store_true", help=f"print one JSON document: {json_keys}")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store",
        required=True,
        type=_lasting,
        metavar="LOCATION",
        help="a folder (embedded engine) or the http(s) URL of a Qdrant server (its key in QDRANT_API_KEY)",
    )
    parser.add_argument("--collection", default="images", metavar="NAME", help="collection in it (default: images)")


def _lasting(location: str) -> str:
    """Option type: a store that is still there after the command."""
    if location == ":memory:":
        raise argparse.ArgumentTypeError("a store in memory is gone when the command ends; name a folder or a URL")
    return location


def names(text: str) -> list[str]:
    """Option type: names separated by commas."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError("expected names separated by commas")
    return found


def print_json(document: Mapping[str, Any]) -> None:
    print(json.dumps(document, indent=2, allow_nan=False))


def list_skipped(skipped: Sequence[SkippedFile], *, all_with: str = "--json") -> None:
    """Name the files that could not be used, a line each, on standard error; `all_with` are options that name all."""
    for file in skipped[:LISTED]:
        say(f"skipped {file}")
    if len(skipped) > LISTED:
        say(f"… and {len(skipped) - LISTED} more; {all_with} names all")


def say(message: str) -> None:
    """A message for the person at the terminal, on standard error."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def progress_shown(*, quiet: bool) -> Iterator[Progress]:
    """A bar on a terminal, a plain line every few seconds elsewhere, nothing when quiet.

    Meanwhile what C libraries write straight to file descriptor 2 (libjpeg about broken files, TensorFlow about
    graphics cards) goes nowhere, unless AUTOENC_DEBUG is set: broken files are listed by us, with their names.
    """
    with _native_stderr_silenced():
        shown = _Shown(quiet)
        try:
            yield shown
        finally:
            shown.close()


class _Shown:
    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._stage = ""
        self._bar: Any = None
        self._last = self._start = 0.0
        self._first = 0  # done when the stage began here: more than none in a training that is resumed

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        if self._quiet:
            return
        if sys.stderr.isatty():
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
        say(f"{stage} {done}/{total}{f', {note}' if note else ''}, {left:.0f} s left")


@contextmanager
def _native_stderr_silenced() -> Iterator[None]:
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
