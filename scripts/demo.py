"""Run the whole workflow on the sample catalog, with the same commands that you would type.

scripts/demo [--serve] sets up the environment and runs this file. All results are in demo/. With --serve it ends by
opening the page that searches the catalog, until Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import threading
import time
import webbrowser
from pathlib import Path

from autoenc.cli import main
from autoenc.samples.catalog import draw_catalog

ROOT = Path(__file__).resolve().parents[1]
DEMO = Path("demo")  # relative to ROOT
PORT = 8000


def run(*arguments: str | Path) -> None:
    """Print one autoenc command and run it."""
    command = [str(argument) for argument in arguments]
    print(f"\n$ autoenc {shlex.join(command)}", flush=True)
    code = main(command)
    if code:
        sys.exit(code)


def demo() -> None:
    start = time.monotonic()
    os.chdir(ROOT)  # never delete the demo/ of another folder
    shutil.rmtree(DEMO, ignore_errors=True)
    catalog, queries, model, store = (DEMO / name for name in ("catalog", "queries", "model", "store"))
    samples = draw_catalog(catalog, per_class=120, seed=0)
    draw_catalog(queries, per_class=10, seed=1)
    print(f"Drew {len(samples)} pictures of watches, T-shirts, bicycles and shoes into {catalog}/.")

    run("train", catalog, "--model", model, "--epochs", "200", "--patience", "20", "--batch-size", "32")
    run("index", catalog, "--store", store, "--model", model, "--metadata", catalog / "catalog.csv")
    query = queries / "shoe" / "001.jpg"
    run("query", query, "--store", store, "--model", model, "-k", "6", "--sheet", DEMO / "neighbors.png")
    run("query", query, "--store", store, "--using", "color", "-k", "3", "--filter", "folder=bicycle")
    run("query", query, "--store", store, "-k", "3", "--where", "price < 100 and season = winter")
    run("query", query, "--store", store, "-k", "3", "--using", "learned=1,color=.5", "--near", "price:60~20=.3")
    run("compare", catalog, "--queries", queries, "--model", model, "--out", DEMO)
    for name in ("training.png", "reconstructions.png"):
        shutil.copy(model / name, DEMO / name)

    print(f"\nDone in {time.monotonic() - start:.0f} s. Look at:")
    for name, what in {
        "report.html": "which encoder retrieves better, with intervals and pictures",
        "neighbors.png": "a query and its nearest neighbors",
        "training.png": "the loss after each epoch",
        "reconstructions.png": "held-out pictures, and what is left of them in 32 numbers",
    }.items():
        print(f"  {DEMO.name}/{name:<22} {what}")
    print("Your own images: autoenc train IMAGES --model DIR, then index, query, compare (see README.md).")


def serve() -> None:
    threading.Timer(3, webbrowser.open, [f"http://127.0.0.1:{PORT}/"]).start()
    run("serve", "--store", DEMO / "store", "--report", DEMO, "--port", str(PORT))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", action="store_true", help="end with the page, on the sample catalog")
    options = parser.parse_args()
    demo()
    if options.serve:
        serve()
