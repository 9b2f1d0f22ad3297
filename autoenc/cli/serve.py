"""`autoenc serve`: a catalog over HTTP, as a page and as an API."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from autoenc.cli.common import add_store, put, say


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "serve",
        help="show a catalog as a page, and answer searches over HTTP",
        description="Serve a store as a page for people and a REST API for programs, until it is stopped. A store in a "
        "folder is open in this process alone. Without --private anyone who reaches the address may read.",
    )
    add_store(parser)
    parser.add_argument(
        "--model", metavar="DIR", help="of `learned`: a folder, or clothing-32-2 (default: what the store remembers)"
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="to listen at (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8000, metavar="N", help="to listen at (default: 8000)")
    parser.add_argument(
        "--writable", action="store_true", help="allow index, tag and remove with the key in AUTOENC_API_KEY"
    )
    parser.add_argument("--private", action="store_true", help="reading takes the key in AUTOENC_API_KEY too")
    parser.add_argument("--report", metavar="DIR", help="show the report that `autoenc compare --out DIR` has written")
    parser.add_argument(
        "--cache",
        metavar="DIR",
        help="for thumbnails and uploaded pictures, which are kept for a day (default: a folder of your user's cache)",
    )
    parser.add_argument(
        "--rate", type=float, default=200.0, metavar="N", help="requests a second from one address (default: 200)"
    )
    parser.add_argument(
        "--proxies",
        default="127.0.0.1,::1",
        metavar="ADDRESSES",
        help="of proxies that say who the client is, separated by commas (default: this computer)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that answer; more than one takes a store on a Qdrant server (default: 1)",
    )
    parser.add_argument("--no-access-log", action="store_true", help="print no line for each request")
    parser.set_defaults(run=run, when_stopped="The store is as it was after the last write.")


def run(options: argparse.Namespace) -> int:
    from autoenc.server import need_packages

    need_packages()
    from autoenc.server.running import serve
    from autoenc.server.settings import KEY, Settings
    from autoenc.store import open_store

    if options.report and not Path(options.report, "report.html").is_file():
        options.parser.error(f"argument --report: there is no report.html in {options.report}")
    settings = Settings(
        cache=Path(options.cache) if options.cache else _cache(),
        key=os.environ.get(KEY) or None,
        writable=options.writable,
        private=options.private,
        model=options.model,
        report=Path(options.report) if options.report else None,
        proxies=options.proxies,
        rate=options.rate,
    )
    if options.workers < 1:
        options.parser.error(f"argument --workers: expected 1 or more; got {options.workers}")
    if options.workers > 1:
        from autoenc.server.processes import Plan, serve_many

        plan = Plan(options.store, options.collection, settings, not options.no_access_log)
        serve_many(plan, options.workers, options.host, options.port, told=_put_at_once, warned=say)
        return 0
    with open_store(options.store, options.collection, wait=options.wait) as store:
        serve(
            store,
            settings,
            options.host,
            options.port,
            told=_put_at_once,
            warned=say,
            access_log=not options.no_access_log,
        )
    return 0


def _cache() -> Path:
    """The folder of the user's cache, as the XDG Base Directory Specification has it."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # a user without a home
        base = tempfile.gettempdir()
    return Path(base) / "autoenc" / "serve"


def _port(text: str) -> int:
    """Option type: a port, 0 for any that is free."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise argparse.ArgumentTypeError("expected a number from 0 to 65535")
    return int(text)


def _put_at_once(line: str) -> None:
    """Where standard output is a pipe or a file, it would appear when the server ends."""
    put(line)
    sys.stdout.flush()
