"""What native code writes to standard error is discarded; what Python writes is not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_NOISE = """
import io, os, sys
from autoenc.quiet import native_stderr_silenced
{prepare}
with native_stderr_silenced(), native_stderr_silenced():
    os.write(2, b"noise ")
    print("inside", file=sys.stderr)
os.write(2, b"after")
"""


def stderr_of(prepare: str = "", **environment: str) -> str:
    code = _NOISE.format(prepare=prepare)
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, check=True, capture_output=True, text=True
    )
    return done.stderr


def test_native_noise_is_discarded_and_python_is_heard() -> None:
    assert stderr_of() == "inside\nafter"


def test_debugging_silences_nothing() -> None:
    assert stderr_of(AUTOENC_DEBUG="1") == "noise inside\nafter"


@pytest.mark.parametrize("stream", ["io.StringIO()", "open(os.devnull, 'w')"])
def test_noise_is_discarded_where_python_writes_elsewhere(stream: str) -> None:
    """As in a notebook, which shows file descriptor 2 as well."""
    assert stderr_of(f"sys.stderr = {stream}") == "after"


@pytest.mark.parametrize("stream", ["None", "open(os.devnull)"])
def test_without_a_standard_error_its_descriptor_is_left_alone(stream: str) -> None:
    """It may belong to another file by then."""
    prepare = f"sys.stderr = {stream}\nif sys.stderr: sys.stderr.close()\nprint = lambda *args, **options: None"
    assert stderr_of(prepare) == "noise after"
