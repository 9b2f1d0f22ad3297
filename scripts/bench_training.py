"""Training against the bare compiled step: images per second of `train`, and of the step on data already in memory.

python scripts/bench_training.py [--images 4096] [--batch-size 64] [--repeats 5]

Prints one JSON document. The bare step is a `tf.function` of the same model, loss and optimizer over float32 tensors
made beforehand. All take turns in one process, after warming up. Target: the median of the ratios is 0.9 or more. The
document also has the cost of a step of the default objective, altered copies included, relative to a step of
reconstruction alone; target: at most 3.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from autoenc.training.descriptors import Describer, joined
from autoenc.training.emphasis import UNDECIDED
from autoenc.training.examples import Examples
from autoenc.training.model import ModelConfig, build_decoder, build_encoder
from autoenc.training.objectives import DEFAULT_OBJECTIVE, Batch, Material, Reconstruction, create_objectives
from autoenc.training.step import Trainer, create_optimizer


def bare_pass(pixels: np.ndarray, batch_size: int):  # type: ignore[no-untyped-def,type-arg]
    """A function that runs the bare step over all of the data once."""
    encoder, decoder = build_encoder(ModelConfig()), build_decoder(ModelConfig())
    variables = [*encoder.trainable_variables, *decoder.trainable_variables]
    optimizer = create_optimizer(2e-3)
    optimizer.build(variables)
    objective = Reconstruction()
    batches = [tf.constant(pixels[i : i + batch_size]) for i in range(0, len(pixels), batch_size)]

    @tf.function
    def step(batch: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            latents = encoder(batch, training=True)
            loss = objective.loss(Batch(batch, latents, decoder(latents, training=True), targets={}))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def run() -> None:
        for batch in batches:
            loss = step(batch)
        loss.numpy()

    return run


def ours(images: np.ndarray, batch_size: int, names: str):  # type: ignore[no-untyped-def,type-arg]
    """A function that trains for one epoch as `train` does: shuffled, with batches gathered from the uint8 images."""
    objectives = create_objectives(names)
    described = joined(Describer(images)(images), UNDECIDED)
    altered = any(objective.altered for objective in objectives)
    material = Material(images, np.arange(len(images)), described, latent_dim=32)
    examples = Examples(objectives, material, gain=0.2 if altered else None)
    trainer = Trainer(ModelConfig(), objectives, 2e-3, steps=1_000_000)
    epochs = itertools.count()

    def run() -> None:
        epoch = next(epochs)
        order = np.random.default_rng(epoch).permutation(len(images))
        for i in range(0, len(order), batch_size):
            trainer.train_step(*examples.batch(order[i : i + batch_size], seed=epoch))

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    images = np.random.default_rng(0).integers(0, 256, (options.images, 32, 32, 3), dtype=np.uint8)
    passes = {
        "bare": bare_pass(images.astype(np.float32) / 255.0, options.batch_size),
        "reconstruction": ours(images, options.batch_size, "reconstruction"),
        DEFAULT_OBJECTIVE: ours(images, options.batch_size, DEFAULT_OBJECTIVE),
    }
    speeds: dict[str, list[float]] = {name: [] for name in passes}
    for repeat in range(options.repeats + 1):
        for name, run in passes.items() if repeat % 2 else reversed(passes.items()):
            start = time.perf_counter()
            run()
            if repeat:  # the first pass compiles
                speeds[name].append(options.images / (time.perf_counter() - start))
    ratios = [ours / bare for ours, bare in zip(speeds["reconstruction"], speeds["bare"], strict=True)]
    costs = [plain / full for plain, full in zip(speeds["reconstruction"], speeds[DEFAULT_OBJECTIVE], strict=True)]
    print(
        json.dumps(
            {
                "images_per_second": {name: statistics.median(values) for name, values in speeds.items()},
                "ratio": statistics.median(ratios),
                "ratios": ratios,
                "target_ratio": 0.9,
                "default_step_cost": statistics.median(costs),
                "target_default_step_cost": 3,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
