"""How well measures without labels rank models: their rank correlations with labeled measures, as Markdown.

python scripts/bench_selection.py TRAIN QUERIES [QUERIES …]

Eighteen models with different objectives, weights and numbers of epochs are trained for a short time on TRAIN, without
its labels (eight minutes on 2 cores for 3,000 photos). Each is measured on its held-out images without labels, and
then by mAP and P@5 of the QUERIES among TRAIN. "±" is half the 95% interval over resampled models.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from autoenc import Bundle, compare, find_images, train
from autoenc.encoders.learned import LearnedEncoder
from autoenc.images.alterations import altered_copies
from autoenc.images.cache import load_pixels
from autoenc.metrics.ranking import ranks
from autoenc.training.examples import split
from autoenc.training.objectives import Neighbors, Objective, Reconstruction, Structure
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("queries", nargs="+", type=Path)
    options = parser.parse_args()
    images = load_pixels(find_images(options.train).paths, 32).images
    _, held_out = split(len(images), 0.1, seed=0)
    rows, truths = [], []
    for name, (objectives, epochs) in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            result = train(options.train, Path(folder) / "model", objective=objectives(), epochs=epochs)
            encoder = LearnedEncoder(result.bundle)
            found = [compare(options.train, queries=part, encoders=[encoder]) for part in options.queries]
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


if __name__ == "__main__":
    main()
