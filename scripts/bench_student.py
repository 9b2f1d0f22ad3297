"""A student of a teacher against the teacher and the unlabeled default, as a Markdown table with paired intervals.

python scripts/bench_student.py --set NAME TRAIN QUERIES [QUERIES …] [--set …] --teacher mobilenet [--weights FILE]
    [--seeds 3] [--epochs N] [--out DIR] [--targets]

TRAIN is trained on without its labels and is the gallery; the images of all QUERIES together are the queries. Student
and default are trained with several seeds. Each run is saved under --out when it is done, and the same command
continues where it was stopped; with other images, weights or code, name another --out.

The table gives means over seeds. "±" is half the 95% bootstrap interval over queries, of each query's mean over seeds.
"student minus it" is the paired interval of the student's mean minus that encoder's: the two differ if it excludes 0.

With --targets nothing is trained: for several weights of the teacher beside edges, color and texture, it prints how
well the targets retrieve: the coordinates in the diffusion map that a training would predict, of QUERIES among TRAIN.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench_quality import METRICS, interval_of, kept, scores

from autoenc import Encoder, find_images, load_bundle, train
from autoenc.encoders import create_encoders
from autoenc.encoders.learned import LearnedEncoder
from autoenc.encoders.projection import Projection
from autoenc.images.cache import load_pixels
from autoenc.metrics.ranking import rankings
from autoenc.metrics.scores import average_precision, precision_at_k
from autoenc.progress import silent
from autoenc.training.descriptors import Describer, joined
from autoenc.training.diffusion import Diffusion
from autoenc.training.emphasis import decide
from autoenc.training.examples import distinct
from autoenc.training.model import INPUT_SIZE
from autoenc.training.session import FITTED_ON
from autoenc.training.settings import AUTO
from autoenc.training.teacher import beside, taught_rows, teach
from autoenc.vectors import Images, Vectors, unit_rows

_TIMED = 4096  # images whose encoding is timed


class Once(Encoder):
    """An encoder that encodes an image once, however often it is asked: its seeds and its scores share one pass."""

    def __init__(self, base: Encoder) -> None:
        self.name, self.dim, self.input_size = base.name, base.dim, base.input_size
        self.fingerprint = base.fingerprint
        self.seconds = 0.0
        self._base = base
        self._known: dict[bytes, Vectors] = {}

    def _encode(self, images: Images) -> Vectors:
        keys = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
        new = [at for at, key in enumerate(keys) if key not in self._known]
        if new:
            start = time.perf_counter()
            made = self._base.encode(images[new])
            self.seconds += time.perf_counter() - start
            self._known |= {keys[at]: vector for at, vector in zip(new, made, strict=True)}
        return np.stack([self._known[key] for key in keys])


def asked(gallery: Path, queries: list[Path], teacher: Once) -> dict[str, Any]:
    """Scores of the teacher and of its principal components, and how long its one pass over all images took."""
    before = teacher.seconds
    found = scores(gallery, queries, [teacher, Projection(teacher, 32)])
    return {**found, "seconds": teacher.seconds - before}


def trained(gallery: Path, queries: list[Path], seed: int, epochs: int | None, teacher: Once | None) -> dict[str, Any]:
    """Scores of a model, with how long its training took, and how fast it encodes."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        result = train(gallery, Path(folder) / "model", seed=seed, epochs=epochs, teacher=teacher, progress=True)
        whole = time.perf_counter() - start
        bundle = load_bundle(Path(folder) / "model")
        found = scores(gallery, queries, [LearnedEncoder(bundle)])["learned"]
        images = np.random.default_rng(0).integers(0, 256, (_TIMED, bundle.input_size, bundle.input_size, 3), np.uint8)
        bundle.encode_pixels(images)
        start = time.perf_counter()
        bundle.encode_pixels(images)
        speed = _TIMED / (time.perf_counter() - start)
    info = {name: bundle.info[name] for name in ("cluster_map", "whitening", "head")}
    times = {"seconds": result.seconds, "whole": whole, "images_per_second": speed}
    return {**found, **info, **times, "epochs": result.epochs}


def targets(gallery: Path, queries: list[Path], teacher: Once) -> str:
    """P@5 and mAP of the coordinates that a training predicts, by the weight of the teacher."""
    items = [find_images(gallery).paths, [path for folder in queries for path in find_images(folder).paths]]
    pixels = [load_pixels(paths, INPUT_SIZE) for paths in items]
    far, near = (np.array([path.parent.name for path in cache.paths]) for cache in pixels)
    vectors = [teach(teacher, cache, cache.paths, silent) for cache in pixels]
    fitted = distinct(pixels[0].images, np.arange(len(far)), FITTED_ON)
    describer = Describer(pixels[0].images[fitted])
    emphasis = decide(AUTO, describer, pixels[0].images[fitted])
    described = [joined(describer(cache.images), emphasis.mix) for cache in pixels]
    rows = taught_rows(teacher, np.concatenate(vectors), fitted)
    taught = rows[: len(far)], rows[len(far) :]
    lines = [f"{emphasis.sentence}", "", "| weight of the teacher | P@5 | mAP |", "|---|---|---|"]
    for weight in (0.0, 0.5, 0.7, 1.0, 1.5, 3.0):
        known, asked = (beside(own, seen, weight) for own, seen in zip(described, taught, strict=True))
        diffusion = Diffusion(known[fitted])
        among, of = unit_rows(diffusion.apply(known)), unit_rows(diffusion.apply(asked))
        found = np.concatenate(
            [
                far[order] == near[first : first + len(order), None]
                for first, order in rankings(of, among, np.full(len(of), -1))
            ]
        )
        lines.append(
            f"| {weight:g} | {precision_at_k(found, 5).mean():.3f} | {np.nanmean(average_precision(found)):.3f} |"
        )
    return "\n".join(lines)


def table(name: str, found: dict[str, list[dict[str, Any]]], seconds_of_teacher: float) -> str:
    """Encoder or training -> its scores, one entry per seed; the student comes first."""
    student, *others = found
    means = {
        encoder: {metric: np.mean([run[metric] for run in runs], axis=0) for metric in METRICS}
        for encoder, runs in found.items()
    }
    names = ("P@5", "mAP", "kNN@10")
    lines = [
        f"### {name}: {len(means[student][METRICS[0]])} queries",
        "",
        f"| | numbers | seeds | {' | '.join(names)} | {' | '.join(f'student minus it, {each}' for each in names)} |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for encoder, runs in found.items():
        cells = [encoder, str(runs[0]["dim"]), str(len(runs)) if "seconds" in runs[0] else ""]
        for metric in METRICS:
            interval = interval_of(means[encoder][metric])
            cells.append(f"{interval.mean:.3f} ± {(interval.high - interval.low) / 2:.3f}")
        for metric in METRICS:
            interval = interval_of(means[student][metric] - means[encoder][metric])
            cells.append("" if encoder == student else f"{interval.low:+.3f} to {interval.high:+.3f}")
        lines.append(f"| {' | '.join(cells)} |")
    notes = []
    for encoder in (student, others[-1]):
        runs = found[encoder]
        each = "; ".join(
            f"{label} {', '.join(f'{np.nanmean(run[metric]):.3f}' for run in runs)}"
            for label, metric in zip(names, METRICS, strict=True)
        )
        seconds = [run["seconds"] for run in runs]
        speed = np.median([run["images_per_second"] for run in runs])
        took = f"{min(seconds):.0f} to {max(seconds):.0f} s"
        heads = ", ".join(run["head"]["name"] if run["head"] else "none" for run in runs)
        notes.append(f"{encoder}: {each}. Epochs took {took}. It encodes {speed:,.0f} images/s. Heads: {heads}.")
    notes.append(f"The teacher's pass over the images and the queries took {seconds_of_teacher:.0f} s.")
    return "\n".join([*lines, "", *notes])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs="+", action="append", required=True, metavar="NAME TRAIN QUERIES")
    parser.add_argument("--teacher", required=True, help="name of an encoder")
    parser.add_argument("--weights", help="file of its weights, 'imagenet' or 'random'")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="passes of each training, at most; without it the usual ones")
    parser.add_argument("--out", type=Path, default=Path("bench_student"))
    parser.add_argument("--targets", action="store_true", help="train nothing: compare weights of the teacher")
    options = parser.parse_args()
    if any(len(parts) < 3 for parts in options.set) or len({parts[0] for parts in options.set}) < len(options.set):
        parser.error("give each --set a unique name, a folder to train on and one or more folders of queries")
    options.out.mkdir(parents=True, exist_ok=True)
    weights = {options.teacher: options.weights} if options.weights else {}
    (encoder,) = create_encoders([options.teacher], weights=weights).values()
    teacher = Once(encoder)
    reduced = f"{teacher.name}+pca32"
    for name, gallery, *queries in options.set:
        where = Path(gallery), [Path(folder) for folder in queries]
        if options.targets:
            print(f"### {name}\n\n{targets(*where, teacher)}\n", flush=True)
            continue
        make = partial(asked, *where, teacher)
        taught = kept(options.out / f"{name}-{teacher.name}.json", make)
        runs: dict[str, list[Any]] = {"student": [], "default": []}
        for seed in range(options.seeds):
            for kind, by in (("student", teacher), ("default", None)):
                trained_as = kind if by is None else f"{kind}-of-{by.name}"
                file = options.out / f"{name}-{trained_as}-{options.epochs or 'usual'}-{seed}.json"
                runs[kind].append(kept(file, partial(trained, *where, seed, options.epochs, by)))
        found = {
            "student": runs["student"],
            f"`{teacher.name}`, the teacher": [taught[teacher.name]],
            f"`{reduced}`": [taught[reduced]],
            "default, no teacher": runs["default"],
        }
        print(table(name, found, taught["seconds"]), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
