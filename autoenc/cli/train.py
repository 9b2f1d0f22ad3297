"""`autoenc train`: unlabeled pictures -> a bundle."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_common, list_skipped, print_json, say
from autoenc.quiet import native_stderr_silenced

SETTINGS: dict[str, tuple[type, str, str]] = {
    "epochs": (int, "N", "passes at most (default: 80)"),
    "batch_size": (int, "N", "images a step (default: 64)"),
    "latent_dim": (int, "N", "numbers an image (default: 32)"),
    "objective": (
        str,
        "NAME",
        "one of reconstruction, structure, neighbors, or several joined by + (default: all three)",
    ),
    "learning_rate": (float, "X", "of the first step; it falls to 0 (default: 0.002)"),
    "patience": (int, "N", "stop after N epochs without gain (default: 20)"),
    "seed": (int, "N", "one seed, one result (default: 0)"),
}
"""Arguments of `train`: type, placeholder and help. What is not given is left to its defaults."""


FEW = 100
"""Held-out images below which cluster mAP is mostly chance."""


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "train",
        help="train on a folder of unlabeled images",
        description="Train an autoencoder on every image below a folder; folder names are not read. "
        "Needs TensorFlow: pip install 'autoenc[train]'.",
    )
    parser.add_argument("images", metavar="IMAGES", help="folder of images, searched recursively")
    parser.add_argument("--model", required=True, metavar="DIR", help="folder to write the trained model to")
    for name, (kind, metavar, meaning) in SETTINGS.items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=kind, default=argparse.SUPPRESS, metavar=metavar, help=meaning)
    parser.add_argument("--resume", action="store_true", help="go on with a training that was interrupted")
    add_common(
        parser,
        json_keys="epochs, seconds, images_per_second, loss, val_loss, bundle, best_epoch, images, history[…], "
        "skipped[{path, reason}], ignored, health, held_out, cluster_map, resumed_after",
    )
    parser.set_defaults(
        run=run, when_stopped="Finished epochs are kept: the same command with --resume goes on from there."
    )


def run(options: argparse.Namespace) -> int:
    with native_stderr_silenced():
        from autoenc import train
        from autoenc.text import shown

        result = train(
            options.images,
            options.model,
            **{name: value for name, value in vars(options).items() if name in SETTINGS},
            resume=options.resume,
            progress=not options.quiet,
        )
    list_skipped(result.skipped)
    if options.json:
        print_json(result.to_dict())
        return 0
    if options.resume:
        after = f"Resumed after epoch {result.resumed_after}."
        print(after if result.resumed_after else "There was no finished epoch to resume after: trained from the start.")
    if result.skipped or result.ignored:
        print(f"{len(result.skipped)} files skipped; {result.ignored} ignored, which are no images.")
    if result.stopped_early:
        print(f"Stopped early, after epoch {result.epochs}: val_loss did not fall any more.")
    print(
        f"Trained on {result.images} images in {result.seconds:.0f} s ({result.images_per_second:.0f} images/s); "
        f"best epoch {result.best_epoch} of {result.epochs}: loss {result.loss:.5f}, val_loss {result.val_loss:.5f}."
    )
    health = result.health
    print(
        f"Latents: effective rank {health.effective_rank:.1f} of {health.dim}, {health.dead} dead dimensions, "
        f"standard deviation {health.deviation_min:.3g} to {health.deviation_max:.3g}."
    )
    few = result.held_out < FEW
    meaning = "too few to compare settings by" if few else "same photos and seed: more usually retrieves better"
    print(f"Cluster mAP on {result.held_out} held-out images, without labels: {result.cluster_map:.3f} ({meaning}).")
    if result.best_epoch == result.epochs and not (result.stopped_early or health.collapsed):
        print("val_loss was lowest after the last epoch: more epochs may retrieve better (--epochs).")
    if health.collapsed:
        say(
            "autoenc: The latents have collapsed: pictures can hardly be told apart by them. Train on more or more "
            "varied images, or for longer, or with a lower learning rate."
        )
    print(f"Model: {shown(result.bundle.path)} (look at training.png and reconstructions.png in it)")
    return 0
