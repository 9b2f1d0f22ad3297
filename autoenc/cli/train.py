"""`autoenc train`: images -> a bundle."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_common, add_overwrite, add_weights, list_skipped, print_json, put, weights_of

SETTINGS: dict[str, tuple[type, str, str]] = {
    "epochs": (int, "N", "passes over the images, at most (default: 80; 140 with a teacher)"),
    "batch_size": (int, "N", "images per step (default: 64)"),
    "latent_dim": (int, "N", "numbers per image (default: 32)"),
    "objective": (
        str,
        "NAME",
        "one of reconstruction, structure, neighbors, or several joined by + (default: all three)",
    ),
    "emphasis": (
        str,
        "NAME",
        "what makes images similar: shape, color, texture, or auto, which finds out from the images (default: auto)",
    ),
    "learning_rate": (float, "X", "of the first step; it falls to 0 (default: 0.002)"),
    "patience": (int, "N", "stop after N epochs without a lower val_loss (default: 20)"),
    "seed": (int, "N", "one seed, one result (default: 0)"),
    "max_images": (int, "N", "train on an even sample of at most N images (default: all of them)"),
    "teacher": (str, "NAME", "an encoder to learn from: what it sees in each image, at its own size; no label is used"),
    "labels": (
        str,
        "folders|FILE",
        "train with labels: the names of the folders, or a table (.csv, .parquet) with one row per image "
        "(default: no label is used)",
    ),
    "label_column": (str, "NAME", "column of that table that holds the labels; 'label' if it is not given"),
}
"""Arguments of `train`: type, placeholder and help. Those not given are left to the library's defaults."""


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "train",
        help="train on a folder of images",
        description="Train an autoencoder on the images in a folder; folder names are read only for --labels folders. "
        "Needs TensorFlow: pip install 'autoenc[train]'.",
    )
    parser.add_argument("images", metavar="IMAGES", help="folder of images, searched recursively")
    parser.add_argument("--model", required=True, metavar="DIR", help="folder to write the trained model to")
    for name, (kind, metavar, meaning) in SETTINGS.items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=kind, default=argparse.SUPPRESS, metavar=metavar, help=meaning)
    add_weights(parser)
    parser.add_argument("--resume", action="store_true", help="continue a training that was interrupted")
    add_overwrite(parser, "a model whose files were changed after autoenc wrote them")
    add_common(
        parser,
        json_keys="epochs, seconds, images_per_second, loss, val_loss, bundle, best_epoch, images, found, history[…], "
        "skipped[{path, reason}], ignored, health, held_out, cluster_map, stopped_early, resumed_after, "
        "emphasis{asked, weights{…}, scores[…], …}, teacher{name, fingerprint, dim, input_size, weight, random}, "
        "classes{classes[…], images[…], unlabeled, left_out[…]}, notes[…]",
    )
    parser.set_defaults(
        run=run, when_stopped="Finished epochs are kept: the same command with --resume goes on from there."
    )


def run(options: argparse.Namespace) -> int:
    from autoenc import train
    from autoenc.text import counted, shown

    result = train(
        options.images,
        options.model,
        **{name: value for name, value in vars(options).items() if name in SETTINGS},
        weights=weights_of(options),
        resume=options.resume,
        overwrite=options.overwrite,
        progress=not options.quiet,
    )
    list_skipped(result.skipped)
    if options.json:
        print_json(result.to_dict())
        return 0
    health = result.health
    if result.emphasis is not None:
        put(result.emphasis.sentence)
    if teacher := result.teacher:
        put(
            f"Taught by {teacher['name']}, which makes {teacher['dim']:,} numbers of {teacher['input_size']}x"
            f"{teacher['input_size']} pixels; it weighs as much as the above together."
        )
    if result.classes is not None:
        labeled = result.images - result.classes.unlabeled
        put(f"Labels: {counted(labeled, 'image')} of {len(result.classes.names)} classes.")
    of = f" of {result.found:,}" if result.found > result.images else ""
    put(
        f"Trained on {result.images:,}{of} images in {result.seconds:.0f} s ({result.images_per_second:.0f} images/s); "
        f"best epoch {result.best_epoch} of {result.epochs}: loss {result.loss:.5f}, val_loss {result.val_loss:.5f}."
    )
    put(
        f"Latents: effective rank {health.effective_rank:.1f} of {health.dim}, "
        f"{counted(health.dead, 'dead dimension')}, standard deviation {health.deviation_min:.3g} to "
        f"{health.deviation_max:.3g}."
    )
    put(
        f"Cluster mAP, without labels: {result.cluster_map:.3f} on {counted(result.held_out, 'held-out image')} "
        f"(higher is better, with the same images, seed and emphasis)."
    )
    for note in result.notes:
        put(note)
    put(f"Model: {shown(result.bundle.path)} (look at training.png and reconstructions.png in it)")
    return 0
