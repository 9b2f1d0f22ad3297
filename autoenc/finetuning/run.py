"""Images in class folders in, a bundle that classifies out."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Mapping

from autoenc.encoders import Weights
from autoenc.errors import ArgumentError
from autoenc.finetuning.features import ACTIVATIONS, FEATURES
from autoenc.finetuning.result import FinetuningResult
from autoenc.finetuning.settings import BALANCED, Settings
from autoenc.images.finding import find_images
from autoenc.models.writing import check_target
from autoenc.progress import ProgressOption, telling
from autoenc.training.checkpoint import Checkpoint
from autoenc.training.libraries import loading_libraries, tensorflow_warnings_off

_COLUMNS = ("epoch", "phase", "loss", "accuracy", "val_loss", "val_accuracy", "seconds")


def finetune(
    images: str | os.PathLike[str],
    model: str | os.PathLike[str],
    *,
    base: str = "mobilenet",
    weights: Weights | None = None,
    epochs: int = 20,
    top_epochs: int = 12,
    batch_size: int = 32,
    latent_dim: int = 256,
    size: int | None = None,
    learning_rate: float = 1e-3,
    top_learning_rate: float = 3e-4,
    class_weights: str | Mapping[str, float] | None = BALANCED,
    copies: int = 4,
    validation: float | str | os.PathLike[str] = 0.15,
    patience: int = 5,
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    progress: ProgressOption = None,
) -> FinetuningResult:
    """Fine-tune a pretrained network on images in class folders and write it as a bundle.

    The bundle classifies (`autoenc.classify`), and its encoder makes vectors like that of `autoenc.train`: with
    `model=` it indexes, searches and compares as `learned`. First a new head is trained on the frozen base, then the
    base's top blocks with it, at a lower rate, and with their batch normalization frozen. The rest of the base never
    changes, so what it makes of the images is computed once, for each of their altered copies; it is kept beside the
    model until the fine-tuning ends, which takes about 0.2 MB a copy with MobileNet. Each epoch is saved when it ends,
    so that an interrupted fine-tuning can be resumed. Needs TensorFlow: pip install 'autoenc[train]'.

    Args:
        images: a folder, searched recursively. The class of an image is the name of the folder that holds it.
        model: folder to write the bundle to once all is done: a new folder, an empty one, or a bundle to replace. It
            must not lie in the folder of images.
        base: the pretrained network: "mobilenet", "mobilenetv3", "resnet50", "efficientnetb0" or "vgg16".
        weights: of the base, as for `create_encoder`: its name -> a file of weights as Keras writes it, "random", or
            "imagenet", the default, which Keras fetches once.
        epochs: of the head alone, at most.
        top_epochs: of the top blocks and the head, at most; 0 for none.
        batch_size: images per step.
        latent_dim: length of a latent, which is the layer before the last.
        size: height and width in pixels of the images that the model takes, from 32 to 256; by default what the base
            was trained with, 224. Half of it takes a quarter of the time.
        learning_rate: of the first step of the head alone; it falls to 0 along a cosine. The optimizer is Adam.
        top_learning_rate: the same for the top blocks with the head, at its highest: it rises over the first epoch.
        class_weights: how much a class counts: "balanced", the same for all, however many images each has; None, as
            much as it has images; or a number for each class.
        copies: how many altered copies of each image there are to train on, the image itself included. Each epoch takes
            one of them. The second is mirrored, the others are cropped and recolored.
        validation: share of each class that is held out to measure val_loss, at least one image; or a folder of class
            folders to measure it on.
        patience: end a phase after this many epochs without a lower val_loss. The weights of the best epoch are kept.
        seed: of the weights, the split and the order; up to 2**32 - 1.
        resume: continue an interrupted fine-tuning of this model after its last finished epoch. Everything but
            `patience` must be as it was, images and labels included.
        overwrite: replace a bundle even if its files were changed after autoenc wrote them.
        progress: as for `autoenc.train`.

    Returns:
        The bundle, losses, accuracies and the confusion matrix; `notes` says in sentences what deserves attention.

    Raises:
        MissingDependencyError: TensorFlow or another package of autoenc[train] is not installed.
        ArgumentError: a value out of range, an unknown base, weights of another network, or an image that is in both
            folders.
        NoImagesError: a folder that holds no image.
        LabelsError: one class only, or a class without an image to train on and one to validate on.
        EncoderError: the weights cannot be had, or are of another network.
        TrainingError: an unfinished fine-tuning is there and `resume` is False; with `resume`, it had other settings,
            images or labels, or is finished; or another process is at work on this model.
        OutputError: the folder cannot be written, lies among the images, or holds something else; or a file of its
            bundle was changed and `overwrite` is False.

    Source: two phases as in Chollet, "Deep Learning with Python", 2017, chapter 5; MobileNet: Howard et al., 2017.

    Example:
        >>> small = {"epochs": 1, "top_epochs": 1, "copies": 1, "size": 32}
        >>> result = finetune("photos", "fine", weights={"mobilenet": "random"}, **small)
        >>> result.classes
        ('bicycle', 'shoe', 't-shirt', 'watch')
        >>> result.bundle.encode("some.jpg").shape
        (1, 256)
    """
    settings = Settings(
        base=base,
        weights=weights,
        epochs=epochs,
        top_epochs=top_epochs,
        batch_size=batch_size,
        latent_dim=latent_dim,
        size=size,
        learning_rate=learning_rate,
        top_learning_rate=top_learning_rate,
        class_weights=class_weights,
        copies=copies,
        validation=validation,
        patience=patience,
        seed=seed,
    )
    if not isinstance(images, (str, os.PathLike)):
        raise ArgumentError(f"Expected a folder of class folders; got {reprlib.repr(images)}.")
    other = validation if isinstance(validation, (str, os.PathLike)) else None
    reading = [images] if other is None else [images, other]
    place = check_target(model, overwrite=overwrite, reading=reading)
    checkpoint = Checkpoint(place, columns=_COLUMNS, files=(ACTIVATIONS, FEATURES))
    checkpoint.check(resume=resume)
    found = find_images(images)
    theirs = None if other is None else find_images(other)
    with loading_libraries():
        from autoenc.finetuning.loop import fit
        from autoenc.finetuning.session import prepare
        from autoenc.finetuning.writing import confusion, write
    with checkpoint.locked(), tensorflow_warnings_off(), telling(progress) as report:
        session = prepare(found, theirs, settings, checkpoint, report)
        probabilities = fit(session, report)
        matrix = confusion(session.labels[session.held_out], probabilities)
        bundle = write(session, matrix, overwrite=overwrite)
    state, best = session.state, session.state.best_row
    head_epochs = sum(row["phase"] == 1 for row in state.history)
    return FinetuningResult(
        bundle=bundle,
        classes=bundle.classes,
        epochs=len(state.history),
        head_epochs=head_epochs,
        best_epoch=state.best_epoch,
        seconds=state.seconds,
        features_seconds=session.features.seconds,
        loss=best["loss"],
        accuracy=best["accuracy"],
        val_loss=best["val_loss"],
        val_accuracy=best["val_accuracy"],
        images=session.images,
        held_out=len(session.held_out),
        confusion=matrix.tolist(),
        history=state.history,
        skipped=session.skipped,
        ignored=session.ignored,
        stopped_early=head_epochs < epochs or len(state.history) - head_epochs < top_epochs,
        resumed_after=session.resumed_after if resume else None,
        weights=settings.base_weights,
    )
