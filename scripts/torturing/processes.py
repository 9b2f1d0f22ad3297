"""Run autoenc as a process of its own, and judge how it ended."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120.0
"""The longest that any process may take."""

MEMORY = 2**30
"""The most memory that any process may take, in bytes."""

_PAUSE = 0.005
_UNTIDY = re.compile(
    r"Traceback \(most recent call last\)|panicked at|PanicException|Fatal Python error|Exception ignored in|"
    r"terminate called|Segmentation fault|core dumped"
)


@dataclass(frozen=True)
class Done:
    """A process that has ended.

    Attributes:
        command: its arguments.
        code: its exit code; a signal's number, negative, if a signal ended it.
        out, err: what it wrote.
        peak: the most memory that it took, in bytes.
        seconds: how long it ran.
        stopped: why it was killed from here: "", "killed", "too slow" or "too large".
    """

    command: Sequence[str]
    code: int
    out: str
    err: str
    peak: int
    seconds: float
    stopped: str = ""

    def __str__(self) -> str:
        return f"`{' '.join(self.command[1:])}`"


def autoenc(*arguments: str | Path) -> list[str]:
    """The command line of autoenc."""
    return [sys.executable, "-m", "autoenc", *map(str, arguments)]


def child(name: str, *arguments: object) -> list[str]:
    """The command line that runs a function of `torturing.children`."""
    return [sys.executable, "-m", "torturing.children", name, *map(str, arguments)]


def run(
    command: Sequence[str],
    *,
    kill_after: float | None = None,
    limits: Mapping[int, int] | None = None,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    meanwhile: Callable[[float], None] | None = None,
) -> Done:
    """Run a process to its end.

    Args:
        command: its arguments.
        kill_after: seconds after which it is killed.
        limits: limits of the system, such as {resource.RLIMIT_AS: 2**30}.
        seconds: how long it may run; it is stopped after that.
        memory: how many bytes of memory it may take; it is stopped if it takes more.
        meanwhile: called every few milliseconds with the seconds since the start.
    """

    def limited() -> None:
        for limit, value in (limits or {}).items():
            resource.setrlimit(limit, (value, value))

    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'scripts'}"}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, preexec_fn=limited
        )
        stopped = ""
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            passed = time.monotonic() - began
            if kill_after is not None and passed >= kill_after:
                stopped = "killed"
            elif passed > seconds:
                stopped = "too slow"
            elif _resident(process.pid) > memory:
                stopped = "too large"
            if stopped:
                process.kill()
                ended = os.wait4(process.pid, 0)
                break
            if meanwhile is not None:
                meanwhile(passed)
            time.sleep(_PAUSE if kill_after is None else max(0.0, min(_PAUSE, kill_after - passed)))
        passed = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(ended[1])
        texts = [_read(file) for file in (out, err)]
    return Done(command, process.returncode, *texts, 1024 * ended[2].ru_maxrss, passed, stopped)


def complaint(done: Done) -> str:
    """What is wrong with how a process ended; empty if it succeeded, or ended in a sentence with exit code 1."""
    if done.stopped:
        return f"{done} was {done.stopped} after {done.seconds:.0f} s."
    if found := _UNTIDY.search(done.err):
        return f"{done} wrote '{found[0]}': {done.err[-300:]!r}."
    if done.code < 0:
        return f"{done} was ended by {signal.Signals(-done.code).name}: {done.err[-300:]!r}."
    if done.code not in (0, 1):
        return f"{done} ended with exit code {done.code}: {done.err[-300:]!r}."
    if done.code == 1 and len(done.err.split()) < 4:
        return f"{done} ended with exit code 1 and without a sentence: {done.err!r}."
    if done.peak > MEMORY:
        return f"{done} took {done.peak / 2**20:.0f} MiB of memory."
    return ""


def _read(file: tempfile._TemporaryFileWrapper[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "backslashreplace")


def _resident(process: int) -> int:
    """Bytes of memory that a process takes now, where the system tells (Linux)."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text("ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * resource.getpagesize()
