"""What the verbs share: options and their types, and the one way to print, which lets no control character by."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from autoenc.text import printable

if TYPE_CHECKING:
    from autoenc.images.finding import SkippedFile
    from autoenc.store import Filter, Scalar

FLAGS = {
    "base", "batch-size", "boost", "cache", "channels", "class-weights", "collection", "copies", "dim", "diversity",
    "emphasis", "encoders", "epochs", "filterable", "format", "group-by", "id", "id-column", "images", "item-column",
    "joined-by", "k", "label-column", "labels", "latent-dim", "learning-rate", "like", "list-separator", "max-images",
    "max-queries", "mean", "metadata", "min-percentile", "min-recall", "min-score", "missing-limit", "model", "name",
    "near", "null-values", "objective", "offset", "output", "overwrite", "path-column", "patience", "private",
    "product-column", "products", "prune", "prune-limit", "quantizations", "quantize", "queries", "range", "rate",
    "resume", "seed", "set", "size", "source", "std", "teacher", "threshold", "top-epochs", "top-learning-rate",
    "unlike", "unset", "user-column", "using", "validation", "value-column", "vectors", "wait", "weights", "where",
    "whole-collection", "words", "workers", "writable",
}  # fmt: skip
"""The options that the library's messages name as parameters."""

_PLACE = "a folder (embedded engine) or the http(s) URL of a Qdrant server (API key in QDRANT_API_KEY)"

_NUMBERS = {"int": "a whole number", "float": "a number"}
"""What argparse calls the numbers that options take, in plain words."""

LISTED = 20
"""The most skipped files to name on the terminal."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, safe to print: they quote what was typed."""

    def error(self, message: str) -> NoReturn:
        for kind, expected in _NUMBERS.items():
            message = message.replace(f"invalid {kind} value:", f"expected {expected}, got")
        self.exit(2, f"{self.prog}: {message.rstrip('.')}. See {self.prog} --help.")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        if message:
            say(message.strip())
        sys.exit(status)


def add_common(parser: argparse.ArgumentParser, *, json_keys: str) -> None:
    """Add the options that every long-running verb has."""
    parser.add_argument("--json", action="store_true", help=f"print one JSON document: {json_keys}")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def add_overwrite(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option that allows an output to replace what autoenc did not write."""
    parser.add_argument("--overwrite", action="store_true", help=f"replace {what}")


def add_store(parser: argparse.ArgumentParser, purpose: str = "") -> None:
    """Add the options that name one collection of a store; a verb that can do without one says its purpose."""
    _add_location(parser, purpose)
    parser.add_argument(
        "--collection", default="images", metavar="NAME", help="collection in the store (default: images)"
    )


def add_collections(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a store, with one of its collections or all of them."""
    _add_location(parser)
    _add_only(parser)


def _add_only(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--collection", metavar="NAME", help="only this collection (default: all of them)")


def _add_location(parser: argparse.ArgumentParser, purpose: str = "") -> None:
    parser.add_argument(
        "--store",
        required=not purpose,
        type=_lasting,
        metavar="LOCATION",
        help=f"{purpose}: {_PLACE}" if purpose else _PLACE,
    )
    add_wait(parser)


def add_locations(parser: argparse.ArgumentParser) -> None:
    """Add the options that name two stores, with one of the first one's collections or all of them."""
    for option, dest, which in (("--from", "source", "the store to copy"), ("--to", "target", "where the copy goes")):
        parser.add_argument(
            option, dest=dest, required=True, type=_lasting, metavar="LOCATION", help=f"{which}: {_PLACE}"
        )
    _add_only(parser)
    add_wait(parser)


def add_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="how long to wait for another process to close the store (default: 10)",
    )


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the weights of pretrained encoders; `weights_of` reads it."""
    parser.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="the weights of a pretrained encoder, such as mobilenet=FILE: a file as Keras writes it, `imagenet` "
        "(fetched once; the default) or `random`; repeat it for more encoders",
    )


def weights_of(options: argparse.Namespace) -> dict[str, str]:
    """Encoder's name -> its weights, from `add_weights`' option."""
    found: dict[str, str] = {}
    for given in options.weights:
        name, equals, file = given.partition("=")
        if not (name and equals and file):
            options.parser.error(f"argument --weights: expected NAME=FILE, got {given!r}")
        if name in found:
            options.parser.error(f"argument --weights: '{name}' is named twice")
        found[name] = file
    return found


def add_where(parser: argparse.ArgumentParser) -> None:
    """Add the options that narrow a verb to some images; `where_of` reads them."""
    parser.add_argument(
        "--where",
        metavar="EXPRESSION",
        help="only images that match, for example: 'price < 50 and brand in (Nike, Puma) and not gender = Kids'. "
        "Comparisons: = != < <= > >= in, not in, contains (all these words); joined by and, or, not, parentheses",
    )
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="short for --where 'FIELD = VALUE'; repeat it for more fields, or to allow more values of one field",
    )


def where_of(options: argparse.Namespace) -> Filter:
    """The filter of `add_where`'s options: both must match."""
    values: dict[str, list[Scalar]] = {}
    for condition in options.filter:
        field, equals, value = condition.partition("=")
        if not equals or not field:
            options.parser.error(f"argument --filter: expected FIELD=VALUE, got {condition!r}")
        values.setdefault(field, []).append(value)
    if options.where is None:
        return values
    from autoenc.store import And

    return And(values, options.where)


def _lasting(location: str) -> str:
    """Option type: a store that outlives the command."""
    if location == ":memory:":
        raise argparse.ArgumentTypeError("a store in memory is lost when the command ends; name a folder or a URL")
    return location


def names(text: str) -> list[str]:
    """Option type: names separated by commas."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError("expected names separated by commas")
    return found


_PARAMETER = re.compile(r"(?<!\w)'[^']*'|`?\b([a-z]+(?:_[a-z]+)*)=(True\b)?`?")


_TYPES = re.compile(r"types=\{(['\"])(.+?)\1: '([a-z]+)'\}")


def as_flags(message: str) -> str:
    """A library message in the command line's terms: `label_column=` becomes --label-column, except in quotes."""

    def flag(match: re.Match[str]) -> str:
        name = (match[1] or "").replace("_", "-")
        if name not in FLAGS:
            return match[0]
        # encoders=color names a value: --encoders color
        if len(name) == 1:
            return f"-{name}"
        following = message[match.end() : match.end() + 1]
        return f"--{name} " if following.isalnum() or following in ('"', "'") else f"--{name}"

    def type_flag(match: re.Match[str]) -> str:
        import shlex  # seldom needed

        return f"--type {shlex.quote(f'{match[2]}={match[3]}')}"

    message = _TYPES.sub(type_flag, message)
    return _PARAMETER.sub(flag, message)


def print_json(document: Mapping[str, Any]) -> None:
    put(json.dumps(document, indent=2, allow_nan=False))


def where_all_are(options: argparse.Namespace) -> str:
    """What lists all, of a verb with --report: the file that was given, or the options."""
    from autoenc.text import shown

    return shown(options.report) if options.report else "--report FILE or --json"


def list_skipped(skipped: Sequence[SkippedFile], *, all_with: str = "--json") -> None:
    """List the files that could not be used, one per line, on standard error; `all_with` lists them all."""
    list_some("skipped", skipped, all_with=all_with)


def list_some(what: str, files: Sequence[SkippedFile | Path], *, all_with: str) -> None:
    """List files, one per line, on standard error; `all_with` lists them all."""
    from autoenc.text import exact

    for file in files[:LISTED]:
        say(f"{what} {exact(file) if isinstance(file, Path) else file}")
    if len(files) > LISTED:
        say(f"… and {len(files) - LISTED} more; {all_with} lists them all")


def put(lines: str) -> None:
    """Results, on standard output: one line or more, each made printable."""
    for line in lines.split("\n"):
        _print(line, sys.stdout)


def say(message: str) -> None:
    """A message for the person at the terminal, on standard error: one line, whatever it quotes."""
    _print(message, sys.stderr)


def _print(line: str, stream: TextIO | None) -> None:
    if stream is None:  # it was closed when Python started
        return
    encoding = stream.encoding or "utf-8"  # None where a test captures it
    safe = printable(line).encode(encoding, "backslashreplace").decode(encoding)
    print(safe, file=stream, flush=stream is sys.stderr)
