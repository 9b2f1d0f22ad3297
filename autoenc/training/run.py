"""Images in, a bundle out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from autoenc.errors import ArgumentError
from autoenc.images.finding import Pictures, gather
from autoenc.models.writing import check_target
from autoenc.progress import ProgressOption, telling
from autoenc.training.checkpoint import Checkpoint
from autoenc.training.classes import TrainingLabels, find_labels
from autoenc.training.libraries import loading_libraries, tensorflow_warnings_off
from autoenc.training.result import TrainingResult
from autoenc.training.settings import AUTO, DEFAULT_OBJECTIVE, EPOCHS, TAUGHT_EPOCHS, Settings
from autoenc.training.teacher import create_teacher

if TYPE_CHECKING:
    from autoenc.encoders import Encoder
    from autoenc.training.objectives import Objective


def train(
    images: Pictures,
    model: str | os.PathLike[str],
    *,
    epochs: int | None = None,
    batch_size: int = 64,
    latent_dim: int = 32,
    objective: str | Sequence[Objective] = DEFAULT_OBJECTIVE,
    emphasis: str | Mapping[str, float] = AUTO,
    learning_rate: float = 2e-3,
    validation: float = 0.1,
    patience: int = 20,
    seed: int = 0,
    max_images: int | None = None,
    teacher: str | Encoder | None = None,
    weights: Mapping[str, str] | None = None,
    labels: TrainingLabels | None = None,
    label_column: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: ProgressOption = None,
) -> TrainingResult:
    """Train an autoencoder on images and write it as a bundle.

    Without `labels`, no label is known here: folder names are not read. One seed gives one result on one machine. Each
    epoch is saved when it ends, so that an interrupted training can be resumed. Needs TensorFlow: pip install
    'autoenc[train]'.

    Args:
        images: a folder, searched recursively; a list of image files; arrays (H, W, 3) uint8 of any size, one array
            (N, H, W, 3) uint8, or PIL images. All are resized to 32x32.
        model: folder to write the bundle to once training ends: a new folder, an empty one, or a bundle to replace. It
            must not lie in the folder of images.
        epochs: passes over the images, at most; None is 80, and 140 with a teacher.
        batch_size: images per step.
        latent_dim: length of a latent: numbers per image.
        objective: what to minimize: "reconstruction", "structure" and "neighbors", joined by "+", or a list of
            objectives with their weights, such as `[Reconstruction(0.2), Structure(1)]`, from
            `autoenc.training.objectives`. The default is all three. Named terms have weight 1; with a teacher,
            "neighbors" has 2. "reconstruction" alone is the plain autoencoder: images are not altered and latents are
            not whitened.
        emphasis: what makes images similar: "shape", "color", "texture", weights such as `{"edges": 1, "color": 0.5}`,
            or "auto", the default, which finds the weights from the images alone (`autoenc.training.emphasis`). The
            objective "reconstruction" alone does not use them.
        learning_rate: of the first step; it falls to 0 along a cosine. The optimizer is Muon for the matrices of
            dense layers, and Adam for everything else.
        validation: share of the images held out to measure val_loss, at least one image.
        patience: stop after this many epochs without a lower val_loss. The weights of the best epoch are kept.
        seed: of the weights, the split, the order and the alterations; up to 2**32 - 1.
        max_images: train on a sample of at most this many, drawn evenly in their order (a folder's images are in the
            order of their paths); None for all of them.
        teacher: the name of an encoder to learn from, or an encoder. What it sees in each image, unaltered and at its
            own size, stands beside edges, color and texture in what "structure" and "neighbors" predict, and weighs as
            much as they do together. No label is used. The trained model is as small and as fast as without a teacher.
        weights: of a pretrained teacher: its name -> a file of weights, "imagenet" or "random"; see `create_encoder`.
        labels: train with labels: "folders", for the names of the folders that hold the images; a table, CSV or
            Parquet, with one row per image; a mapping from an image's path, name or stem to its label; or a list with
            one label or None for each of `images`. They add the term "supervised", with weight 1; images without a
            label do not count in it. Compare such a model on classes that it has not seen.
        label_column: the column of that table that holds the labels; without it, "label".
        resume: continue an interrupted training of this model after its last finished epoch. Everything but
            `patience` must be as it was. A teacher that has finished is not asked again.
        overwrite: replace a bundle even if its files were changed after autoenc wrote them. A folder that holds
            anything else is never replaced.
        progress: True shows progress, False does not, None shows it on a terminal or in a notebook; a function is
            called instead (`autoenc.Progress`). The note has the loss and, after a few steps, the time that this
            session will take.

    Returns:
        The bundle, losses and measures; `notes` says in sentences what deserves attention.

    Raises:
        MissingDependencyError: TensorFlow or another package of autoenc[train] is not installed.
        ArgumentError: a value out of range, or images that are neither files nor uint8; a teacher that must be fitted,
            or that no term learns from.
        EncoderError: an unknown teacher, or weights that cannot be used.
        LabelsError: labels that cannot be read or matched, or fewer than two classes.
        NoImagesError: fewer than two readable images.
        TrainingError: color alone is asked for, and the images are gray; an unfinished training is there and `resume`
            is False; with `resume`, it had other settings, images or labels or another teacher, or was started by
            another version, or it is finished; another process is training this model; or the teacher's vectors are all
            the same, or not finite.
        OutputError: the folder cannot be written, lies among the images, or holds something else; or a file of its
            bundle was changed and `overwrite` is False.

    Example:
        >>> result = train("photos", "new-model", epochs=2, max_images=24)
        >>> result.epochs, result.images, result.found
        (2, 24, 48)
        >>> result.bundle.encode("some.jpg").shape
        (1, 32)
    """
    if epochs is None:
        epochs = EPOCHS if teacher is None else TAUGHT_EPOCHS
    settings = Settings(
        epochs=epochs,
        batch_size=batch_size,
        latent_dim=latent_dim,
        objective=objective,
        emphasis=emphasis,
        learning_rate=learning_rate,
        validation=validation,
        patience=patience,
        seed=seed,
        max_images=max_images,
    )
    checkpoint = Checkpoint(check_target(model, overwrite=overwrite, reading=[images]))
    checkpoint.check(resume=resume)
    found = gather(images)
    named = find_labels(labels, label_column, images, found)
    if weights and teacher is None:
        raise ArgumentError("weights= are those of a teacher; name it with teacher=.")
    taught_by = None if teacher is None else create_teacher(teacher, weights)
    with loading_libraries():
        from autoenc.training.loop import fit
        from autoenc.training.selection import judge
        from autoenc.training.session import prepare
        from autoenc.training.writing import write
    with checkpoint.locked(), tensorflow_warnings_off(), telling(progress) as report:
        session = prepare(found, settings, checkpoint, report, teacher=taught_by, labels=named)
        speed = fit(session, report)
        judgment = judge(session)
        bundle = write(session, judgment, overwrite=overwrite)
    state = session.state
    return TrainingResult(
        bundle=bundle,
        epochs=len(state.history),
        best_epoch=state.best_epoch,
        seconds=state.seconds,
        images_per_second=speed,
        loss=state.best_row["loss"],
        val_loss=state.best_row["val_loss"],
        images=len(session.pixels),
        found=len(found.items),
        held_out=len(session.held_out),
        history=state.history,
        health=judgment.health,
        cluster_map=judgment.cluster_map,
        emphasis=session.emphasis,
        teacher=session.teacher,
        classes=session.classes,
        skipped=session.pixels.skipped,
        ignored=found.ignored,
        stopped_early=len(state.history) < epochs,
        resumed_after=session.resumed_after if resume else None,
    )
