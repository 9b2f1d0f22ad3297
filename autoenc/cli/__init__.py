"""The command line: parse arguments, call the library, print the results.

Exit codes: 0 success, 1 an error, 2 wrong usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

import autoenc
from autoenc.cli import (
    audit,
    backup,
    check,
    classify,
    compare,
    copy,
    describe_model,
    duplicates,
    finetune,
    index,
    neighbors,
    query,
    reindex,
    remove,
    restore,
    serve,
    status,
    tag,
    train,
)
from autoenc.cli.common import Parser, as_flags, say
from autoenc.errors import ArgumentError, AutoencError, UnknownFieldError
from autoenc.quiet import native_stderr_silenced

VERBS = (
    train,
    finetune,
    classify,
    index,
    reindex,
    query,
    neighbors,
    duplicates,
    tag,
    compare,
    describe_model,
    status,
    check,
    audit,
    serve,
    remove,
    copy,
    backup,
    restore,
)
INTERRUPTED = 130  # what shells expect after Ctrl-C
OUT_OF_MEMORY = (
    *("Insufficient memory", "Failed to allocate memory", "bad allocation", "bad_alloc", "OOM when allocating"),
    *("annot allocate memory", "failed to map segment", "can't start new thread"),
)


def build_parser(verbs: Sequence[ModuleType] = VERBS) -> argparse.ArgumentParser:
    """The parser of some verbs: making that of one alone saves a query 4 ms."""
    parser = Parser(
        prog="autoenc",
        description='From a folder of unlabeled product images to "show me what looks like this".',
        epilog="Run `autoenc VERB --help` for the options of a verb.",
    )
    parser.add_argument("--version", action="version", version=f"autoenc {autoenc.__version__}")
    added = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in verbs:
        verb.add_parser(added)
    for of_verb in added.choices.values():
        of_verb.set_defaults(parser=of_verb)  # for what a verb finds wrong itself
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    with contextlib.ExitStack() as opened:
        return _main(arguments, opened)


def _main(arguments: Sequence[str] | None, opened: contextlib.ExitStack) -> int:
    """Run one verb. A store that was only read stays open, and `opened` closes it."""
    arguments = sys.argv[1:] if arguments is None else arguments
    asked = [verb for verb in VERBS if arguments and verb.__name__ == f"{__name__}.{arguments[0].replace('-', '_')}"]
    parser = build_parser(asked or VERBS)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if empty := next((name for name, value in vars(options).items() if value == "" or value == [""]), None):
        options.parser.error(f"{empty.replace('_', '-')} is empty; name something, or leave it out")
    options.opened = opened
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")  # broken pictures are listed by name instead
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    try:
        with native_stderr_silenced():
            code = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
        return int(code)
    except AutoencError as error:
        say(f"autoenc: {as_flags(str(error))}")
        return 2 if isinstance(error, (ArgumentError, UnknownFieldError)) else 1  # an invalid value is wrong usage
    except KeyboardInterrupt:
        say(f"autoenc: stopped. {options.when_stopped}")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the pipe has exited (`| head`). Print nothing, and keep Python from flushing again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # not covered by any check: a full disk, another user's folder
        where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, (str, bytes)) else ""
        say(f"autoenc: {error.strerror or error}{where}")
        return 1
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        why = f" ({error})" if isinstance(error, MemoryError) and str(error) else ""
        say(f"autoenc: There is not enough memory{why}. Free some, or give autoenc fewer or smaller images.")
        return 1


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out: in Python and NumPy, or, by its words, in OpenCV, ONNX Runtime or TensorFlow."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)


def entry() -> NoReturn:
    """Run the command `autoenc`: one verb, then exit at once.

    All output has been flushed and closed by then. Closing a store that was only read, and unloading the libraries one
    by one, would make a query take a sixth longer.
    """
    opened = contextlib.ExitStack()  # named, so that it outlives `_main`: a store that is freed is closed first
    code = _main(None, opened)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
