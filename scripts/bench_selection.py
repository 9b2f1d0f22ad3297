"""How well measures without labels rank models and mixes of descriptors: rank correlations with labeled measures.

python scripts/bench_selection.py models --set NAME TRAIN QUERIES [QUERIES …]
python scripts/bench_selection.py mixes --set NAME TRAIN QUERIES [QUERIES …] [--set …]
python scripts/bench_selection.py mixes --set NAME TRAIN QUERIES [QUERIES …] [--set …] --images 300 500 1200

`models`: eighteen models with different objectives, weights and numbers of epochs are trained for a short time on
TRAIN, without its labels (eight minutes on 2 cores for 3,000 photos). Each is measured on its held-out images without
labels, and then by mAP and P@5 of the QUERIES among TRAIN. "±" is half the 95% interval over resampled models.

`mixes`: each mix of edges, color and texture that `autoenc train` chooses from is scored on TRAIN without labels, as
training does it. Its mAP and P@5 are those of the coordinates that a training with this mix predicts, of the QUERIES
among TRAIN. Regret is the best mix's labeled mAP minus that of the chosen one. With --images, the mAP of the best mix,
of the chosen one and of the one that is taken where nothing is compared, for samples of TRAIN of these sizes, four of
each. All print Markdown.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from autoenc import Bundle, compare, find_images, train
from autoenc.encoders.learned import LearnedEncoder
from autoenc.images.alterations import altered_copies
from autoenc.images.cache import load_pixels
from autoenc.metrics.ranking import rankings, ranks
from autoenc.metrics.scores import average_precision, precision_at_k
from autoenc.training.descriptors import Describer, Mix, joined
from autoenc.training.diffusion import Diffusion
from autoenc.training.emphasis import Emphasis, decide, undecided
from autoenc.training.examples import distinct, split
from autoenc.training.objectives import Neighbors, Objective, Reconstruction, Structure
from autoenc.training.session import FITTED_ON
from autoenc.vectors import unit_rows

MODELS: dict[str, tuple[Callable[[], list[Objective]], int]] = {
    "reconstruction, 6 epochs": (lambda: [Reconstruction()], 6),
    "reconstruction, 20 epochs": (lambda: [Reconstruction()], 20),
    "structure alone, 3 epochs": (lambda: [Structure()], 3),
    "structure .02": (lambda: [Reconstruction(), Structure(0.02)], 12),
    "structure .1": (lambda: [Reconstruction(), Structure(0.1)], 12),
    "structure 1": (lambda: [Reconstruction(), Structure()], 12),
    "structure, whitened": (lambda: [Reconstruction(), Structure(whitening=1)], 12),
    "structure, 8 components": (lambda: [Reconstruction(), Structure(components=8)], 12),
    "neighbors .1": (lambda: [Reconstruction(), Neighbors(0.1)], 12),
    "neighbors 1": (lambda: [Reconstruction(), Neighbors()], 12),
    "neighbors, 5 of them": (lambda: [Reconstruction(), Neighbors(neighbors=5)], 12),
    "neighbors, 50 of them": (lambda: [Reconstruction(), Neighbors(neighbors=50)], 12),
    "neighbors, 1 step": (lambda: [Reconstruction(), Neighbors(steps=1)], 12),
    "neighbors, 16 steps": (lambda: [Reconstruction(), Neighbors(steps=16)], 12),
    "neighbors, 8 components": (lambda: [Reconstruction(), Neighbors(components=8)], 12),
    "all, 3 epochs": (lambda: [Reconstruction(), Structure(), Neighbors()], 3),
    "all, 12 epochs": (lambda: [Reconstruction(), Structure(), Neighbors()], 12),
    "all, 24 epochs": (lambda: [Reconstruction(), Structure(), Neighbors()], 24),
}
Labeled = tuple[np.ndarray, np.ndarray]
LABELED = ("map", "p@5")


def measured(bundle: Bundle, held_out: np.ndarray) -> dict[str, float]:
    """Other measures without labels, of held-out images (M, 32, 32, 3) uint8 and altered copies of them."""
    latents = unit_rows(bundle.encode_pixels(held_out))
    copies = unit_rows(bundle.encode_pixels(altered_copies(held_out, seed=1)))
    found = ranks(copies, latents, np.arange(len(latents)))
    # Wang and Isola, "Understanding contrastive representation learning through alignment and uniformity", ICML 2020.
    alignment = np.square(copies - latents).sum(axis=1).mean()
    distances = 2 - 2 * (latents @ latents.T)[~np.eye(len(latents), dtype=bool)]
    uniformity = np.log(np.exp(-2 * distances).mean())
    return {
        "self-recall@1 of altered copies": float((found == 0).mean()),
        "alignment (negated)": float(-alignment),
        "uniformity (negated)": float(-uniformity),
        "alignment + uniformity (negated)": float(-alignment - uniformity),
    }


def correlation(measure: np.ndarray, truth: np.ndarray) -> str:
    generator = np.random.default_rng(0)
    draws = [generator.integers(len(truth), size=len(truth)) for _ in range(1000)]
    resampled = [spearmanr(measure[draw], truth[draw]).statistic for draw in draws]
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return f"{spearmanr(measure, truth).statistic:+.2f} ± {(high - low) / 2:.2f}"


def rank_models(train_folder: Path, queries: list[Path]) -> None:
    images = load_pixels(find_images(train_folder).paths, 32).images
    _, held_out = split(len(images), 0.1, seed=0)
    rows, truths = [], []
    for name, (objectives, epochs) in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            result = train(train_folder, Path(folder) / "model", objective=objectives(), epochs=epochs)
            encoder = LearnedEncoder(result.bundle)
            found = [compare(train_folder, queries=part, encoders=[encoder]) for part in queries]
            rows.append({"cluster mAP": result.cluster_map, **measured(result.bundle, images[held_out])})
        scores = [part.encoders["learned"] for part in found]
        truths.append([np.nanmean(np.concatenate([part.per_query[metric] for part in scores])) for metric in LABELED])
        print(
            f"{name}: cluster mAP {result.cluster_map:.3f}, mAP {truths[-1][0]:.3f}, P@5 {truths[-1][1]:.3f}",
            file=sys.stderr,
            flush=True,
        )
    truth = np.array(truths).T
    print(f"| of {len(rows)} models | with mAP | with P@5 |\n|---|---|---|")
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        print(f"| {name} | {correlation(values, truth[0])} | {correlation(values, truth[1])} |")


def labeled(folders: list[Path]) -> Labeled:
    """The images of some folders, (N, 32, 32, 3) uint8, and the names of the folders that hold them."""
    caches = [load_pixels(find_images(folder).paths, 32) for folder in folders]
    return np.concatenate([cache.images for cache in caches]), np.array(
        [path.parent.name for cache in caches for path in cache.paths]
    )


class Targets:
    """What a training on some images predicts with a mix, and how well queries find images of their class by it."""

    def __init__(self, gallery: Labeled, asked: Labeled) -> None:
        (self.images, self._labels), (pictures, self._asked_labels) = gallery, asked
        self.fitted = distinct(self.images, np.arange(len(self.images)), FITTED_ON)
        self.describer = Describer(self.images[self.fitted])
        self._parts, self._asked = self.describer(self.images), self.describer(pictures)

    def emphasis(self) -> Emphasis:
        return decide("auto", self.describer, self.images[self.fitted])

    def truth(self, mix: Mix) -> tuple[float, float]:
        """MAP and P@5."""
        rows = joined(self._parts, mix)
        diffusion = Diffusion(rows[self.fitted])
        near, far = unit_rows(diffusion.apply(joined(self._asked, mix))), unit_rows(diffusion.apply(rows))
        found = np.concatenate(
            [
                self._labels[order] == self._asked_labels[first : first + len(order), None]
                for first, order in rankings(near, far, np.full(len(near), -1))
            ]
        )
        return float(np.nanmean(average_precision(found))), float(precision_at_k(found, 5).mean())


def sample_mixes(name: str, train_folder: Path, queries: list[Path], sizes: list[int]) -> None:
    gallery, asked = labeled([train_folder]), labeled(queries)
    print(f"### {name}, mean mAP of four samples\n\n| images | best mix | chosen | worst regret | not compared |")
    print("|---|---|---|---|---|")
    for size in sizes:
        rows = []
        for draw in range(4):
            some = np.sort(np.random.default_rng((size, draw)).permutation(len(gallery[0]))[:size])
            targets = Targets((gallery[0][some], gallery[1][some]), asked)
            emphasis = targets.emphasis()
            mixes = [score.mix for score in emphasis.scores] or [emphasis.mix]
            best = max(targets.truth(mix)[0] for mix in mixes)
            rows.append((best, targets.truth(emphasis.mix)[0], targets.truth(undecided(targets.describer))[0]))
        best, chosen, fixed = np.mean(rows, axis=0)
        regret = max(row[0] - row[1] for row in rows)
        print(f"| {size:,} | {best:.3f} | {chosen:.3f} | {regret:.3f} | {fixed:.3f} |", flush=True)
    print()


def rank_mixes(name: str, train_folder: Path, queries: list[Path]) -> None:
    targets = Targets(labeled([train_folder]), labeled(queries))
    start = time.perf_counter()
    emphasis = targets.emphasis()
    if not emphasis.scores:
        sys.exit(f"{name}: nothing was compared, because {emphasis.reason}.")
    seconds = time.perf_counter() - start
    truth = targets.truth

    print(f"### {name}\n\n| mix | mAP | P@5 | joined | diffused | score |\n|---|---|---|---|---|---|")
    truths = np.array([truth(score.mix) for score in emphasis.scores])
    for score, (mean, precision) in zip(emphasis.scores, truths, strict=True):
        found = f"{mean:.3f} | {precision:.3f} | {score.joined:.3f} | {score.diffused:.3f} | {score.total:.4f}"
        print(f"| {score.mix} | {found} |", flush=True)
    best, (chosen, precision) = truths[:, 0].max(), truth(emphasis.mix)
    print(f"| **chosen: {emphasis.mix}** | **{chosen:.3f}** | **{precision:.3f}** | | | |\n")
    print("| picked by | rank correlation with mAP | regret |\n|---|---|---|")
    for measure in ("joined", "diffused", "total"):
        values = np.array([getattr(score, measure) for score in emphasis.scores])
        print(f"| {measure} | {correlation(values, truths[:, 0])} | {best - truths[values.argmax(), 0]:.3f} |")
    print(f"| autoenc train | | {max(best, chosen) - chosen:.3f} |\n\nChoosing took {seconds:.0f} s.\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("models", "mixes"))
    parser.add_argument("--set", nargs="+", action="append", required=True, metavar="NAME TRAIN QUERIES")
    parser.add_argument("--images", nargs="+", type=int, help="of `mixes`: sizes of samples")
    options = parser.parse_args()
    if any(len(parts) < 3 for parts in options.set):
        parser.error("give each --set a name, a folder to train on and one or more folders of queries")
    for name, gallery, *queries in options.set:
        if options.what == "mixes" and options.images:
            sample_mixes(name, Path(gallery), [Path(folder) for folder in queries], options.images)
        elif options.what == "mixes":
            rank_mixes(name, Path(gallery), [Path(folder) for folder in queries])
        else:
            print(f"### {name}\n")
            rank_models(Path(gallery), [Path(folder) for folder in queries])


if __name__ == "__main__":
    main()
