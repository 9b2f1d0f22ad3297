"""Run the whole workflow on the sample catalog, with the same commands that you would type.

scripts/demo sets up the environment and runs this file. All results are in demo/.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from pathlib import Path

from autoenc.cli import main
from autoenc.samples.catalog import draw_catalog

ROOT = Path(__file__).resolve().parents[1]
DEMO = Path("demo")  # relative to ROOT


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


if __name__ == "__main__":
    demo()
