"""Fine-tuning on class folders: accuracy, seconds, and the cost of an epoch relative to bare steps of Keras.

python scripts/bench_finetune.py TRAIN TEST --weights FILE [--validation DIR] [--base mobilenet] [--repeats 3]

Prints one JSON document. `accuracy` is that of `autoenc.classify` on the class folders of TEST, `seconds` the whole of
`autoenc.finetune`. `step_ratio` compares the seconds of an epoch's steps as `fit` runs them, with rows gathered from a
file, with those of `train_on_batch` of the same compiled model on as many batches in memory; both take turns in one
process, after warming up. Targets: on the clothing photos an accuracy of .87 in 900 s on 2 cores, and ratios of at most
1.1.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from autoenc import classify, finetune
from autoenc.finetuning import loop, writing
from autoenc.finetuning.network import Phase
from autoenc.finetuning.session import Session


def step_ratio(session: Session, *, top: bool, repeats: int) -> dict[str, Any]:
    """Seconds of an epoch's steps, ours and bare, and their ratio."""
    given = session.features.activations if top else session.features.features
    phase = Phase(session.classifier, top=top, learning_rate=1e-6, steps=10**6)
    batches = [(np.asarray(given[rows], np.float32), *told) for rows, *told in loop.steps(session, 1)]

    def ours() -> None:
        for rows, labels, weights in loop.steps(session, 1):
            phase.train_step(given[rows], labels, weights)

    def bare() -> None:
        for batch, labels, weights in batches:
            phase.model.train_on_batch(batch, labels, sample_weight=weights)

    passes: dict[str, Callable[[], None]] = {"ours": ours, "bare": bare}
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    for repeat in range(repeats + 1):
        for name in passes if repeat % 2 else reversed(passes):
            start = time.perf_counter()
            passes[name]()
            if repeat:  # the first pass compiles
                seconds[name].append(time.perf_counter() - start)
    ratios = [ours / bare for ours, bare in zip(seconds["ours"], seconds["bare"], strict=True)]
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {**medians, "ratio": statistics.median(ratios), "target_ratio": 1.1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--validation", default=0.15, help="folder of class folders (default: a share of TRAIN)")
    parser.add_argument("--base", default="mobilenet")
    parser.add_argument("--size", type=int)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--top-epochs", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--progress", action="store_true")
    options = parser.parse_args()
    kept: list[Session] = []
    write = writing.write

    def keeping(session: Session, *given: Any, **named: Any) -> Any:
        kept.append(session)  # its features are measured with once the model is written
        return write(session, *given, **named)

    writing.write = keeping
    chosen = {name: getattr(options, name) for name in ("base", "size", "epochs", "top_epochs", "progress")}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        weights = {options.base: options.weights}
        result = finetune(
            options.train, Path(folder, "model"), weights=weights, validation=options.validation, **chosen
        )
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        found = classify(options.test, result.bundle, progress=False)
        classifying = time.perf_counter() - start
    print(
        json.dumps(
            {
                "images": result.images,
                "classes": len(result.classes),
                "base": options.base,
                "accuracy": found.accuracy,
                "target_accuracy": 0.87,
                "val_accuracy": result.val_accuracy,
                "seconds": seconds,
                "target_seconds": 900,
                "features_seconds": result.features_seconds,
                "epochs": result.epochs,
                "head_epochs": result.head_epochs,
                "best_epoch": result.best_epoch,
                "epoch_seconds": [round(row["seconds"], 2) for row in result.history],
                "classified_per_second": len(found.images) / classifying,
                "step_ratio": {
                    name: step_ratio(kept[0], top=name == "top", repeats=options.repeats) for name in ("head", "top")
                },
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
