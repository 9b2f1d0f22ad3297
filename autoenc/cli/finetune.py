"""`autoenc finetune`: images in class folders -> a bundle that classifies."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_common, add_overwrite, add_weights, list_skipped, print_json, put, weights_of

SETTINGS: dict[str, tuple[type, str, str]] = {
    "base": (
        str,
        "NAME",
        "the pretrained network: mobilenet, mobilenetv3, resnet50, efficientnetb0 or vgg16 (default: mobilenet)",
    ),
    "epochs": (int, "N", "passes over the images with the base frozen, at most (default: 20)"),
    "top_epochs": (int, "N", "further passes with the base's top blocks trained too, at most; 0: none (default: 12)"),
    "batch_size": (int, "N", "images per step (default: 32)"),
    "latent_dim": (int, "N", "numbers per image, of the layer before the last (default: 256)"),
    "size": (int, "N", "height and width in pixels of the images that the model takes (default: 224)"),
    "learning_rate": (float, "X", "of the first step with the base frozen; it falls to 0 (default: 0.001)"),
    "top_learning_rate": (float, "X", "with the top blocks; it rises for an epoch, then falls to 0 (default: 0.0003)"),
    "copies": (int, "N", "altered copies of an image to train on, itself included (default: 4)"),
    "patience": (int, "N", "end a phase after N epochs without a lower val_loss (default: 5)"),
    "seed": (int, "N", "one seed, one result (default: 0)"),
}
"""Arguments of `finetune`: type, placeholder and help. Those not given are left to the library's defaults."""


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "finetune",
        help="fine-tune a pretrained network on class folders",
        description="Fine-tune a pretrained network on images in class folders. The model classifies (autoenc "
        "classify), and indexes, searches and compares as the encoder `learned`. Needs TensorFlow: pip install "
        "'autoenc[train]'.",
    )
    parser.add_argument("images", metavar="IMAGES", help="folder of images; the name of an image's folder is its class")
    parser.add_argument("--model", required=True, metavar="DIR", help="folder to write the model to")
    for name, (kind, metavar, meaning) in SETTINGS.items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=kind, default=argparse.SUPPRESS, metavar=metavar, help=meaning)
    add_weights(parser)
    parser.add_argument(
        "--validation",
        default=argparse.SUPPRESS,
        metavar="SHARE|DIR",
        help="share of each class to hold out, or a folder of class folders to validate on (default: 0.15)",
    )
    parser.add_argument(
        "--class-weights",
        choices=("balanced", "none"),
        default="balanced",
        help="whether every class counts the same, or as much as it has images (default: balanced)",
    )
    parser.add_argument("--resume", action="store_true", help="continue a fine-tuning that was interrupted")
    add_overwrite(parser, "a model whose files were changed after autoenc wrote them")
    add_common(
        parser,
        json_keys="bundle, classes[…], epochs, head_epochs, best_epoch, seconds, features_seconds, loss, accuracy, "
        "val_loss, val_accuracy, images, held_out, confusion[[…]], history[…], skipped[{path, reason}], ignored, "
        "stopped_early, resumed_after, weights, notes[…]",
    )
    parser.set_defaults(run=run, when_stopped="What is done is kept: the same command with --resume goes on.")


def run(options: argparse.Namespace) -> int:
    from autoenc import finetune
    from autoenc.text import counted, shown

    asked = {name: value for name, value in vars(options).items() if name in SETTINGS}
    if hasattr(options, "validation"):
        asked["validation"] = _share_or_folder(options.validation)
    result = finetune(
        options.images,
        options.model,
        **asked,
        weights=weights_of(options),
        class_weights=None if options.class_weights == "none" else options.class_weights,
        resume=options.resume,
        overwrite=options.overwrite,
        progress=not options.quiet,
    )
    list_skipped(result.skipped)
    if options.json:
        print_json(result.to_dict())
        return 0
    put(
        f"Trained on {result.images - result.held_out:,} images of {len(result.classes):,} classes: "
        f"{result.features_seconds:.0f} s for the features of the frozen base, {result.seconds:.0f} s for "
        f"{counted(result.epochs, 'epoch')}. The best is epoch {result.best_epoch}; the first {result.head_epochs} "
        "trained the head alone."
    )
    put(
        f"On {result.held_out:,} held-out images: accuracy {result.val_accuracy:.3f}, val_loss {result.val_loss:.4f} "
        f"(in training {result.accuracy:.3f} and {result.loss:.4f})."
    )
    for note in result.notes:
        put(note)
    put(f"Model: {shown(result.bundle.path)} (look at training.png and confusion.png in it)")
    return 0


def _share_or_folder(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
