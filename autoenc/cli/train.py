"""`autoenc train`: unlabelled pictures -> a bundle."""

from __future__ import annotations

import argparse
from typing import Any

from autoenc.cli.common import add_common, list_skipped, print_json, progress_shown, say


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "train",
        help="train on a folder of unlabelled images",
        description="Train an autoencoder on every image below a folder; folder names are not read. "
        "Needs TensorFlow: pip install 'autoenc[train]'.",
    )
    parser.add_argument("images", metavar="IMAGES", help="folder of images, searched recursively")
    parser.add_argument("--model", required=True, metavar="DIR", help="folder to write the trained model to")
    parser.add_argument("--epochs", type=int, default=100, metavar="N", help="passes at most (default: 100)")
    parser.add_argument("--batch-size", type=int, default=128, metavar="N", help="images a step (default: 128)")
    parser.add_argument("--latent-dim", type=int, default=32, metavar="N", help="numbers an image (default: 32)")
    parser.add_argument("--objective", default="reconstruction", metavar="NAME", help="what to minimise")
    parser.add_argument("--learning-rate", type=float, default=1e-3, metavar="X", help="of Adam (default: 0.001)")
    parser.add_argument("--patience", type=int, default=10, metavar="N", help="stop after N epochs without gain")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="one seed, one result (default: 0)")
    parser.add_argument("--resume", action="store_true", help="go on with a training that was interrupted")
    add_common(
        parser, json_keys="epochs, seconds, images_per_second, loss, val_loss, bundle, skipped[{path, reason}], ignored"
    )
    parser.set_defaults(
        run=run, when_stopped="Finished epochs are kept: the same command with --resume goes on from there."
    )


def run(options: argparse.Namespace) -> int:
    with progress_shown(quiet=options.quiet) as progress:
        from autoenc import train

        result = train(
            options.images,
            options.model,
            epochs=options.epochs,
            batch_size=options.batch_size,
            latent_dim=options.latent_dim,
            objective=options.objective,
            learning_rate=options.learning_rate,
            patience=options.patience,
            seed=options.seed,
            resume=options.resume,
            progress=progress,
        )
    list_skipped(result.skipped)
    if options.json:
        print_json(result.to_dict())
        return 0
    say(f"{len(result.skipped)} files skipped, {result.ignored} files are no images")
    print(
        f"Trained on {result.images} images for {result.epochs} epochs in {result.seconds:.0f} s "
        f"({result.images_per_second:.0f} images/s); best epoch {result.best_epoch}: "
        f"loss {result.loss:.5f}, val_loss {result.val_loss:.5f}."
    )
    print(f"Model: {result.bundle.path} (look at training.png and reconstructions.png in it)")
    return 0
