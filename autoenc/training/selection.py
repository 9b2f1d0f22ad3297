"""How well latents retrieve, measured without labels: what a whitening, and a model, are chosen by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autoenc.images.alterations import GAIN, altered_copies
from autoenc.quiet import tensorflow_silenced
from autoenc.training.clusters import VIEW_SEEDS, cluster_map
from autoenc.training.latents import LatentHealth, Whitening, fit_whitening, latent_health
from autoenc.vectors import Vectors

if TYPE_CHECKING:
    from autoenc.training.session import Session

WHITENING = (0.0, 0.25, 0.5)
"""Strengths to choose from: principal axes are divided by their standard deviation to this power; 0 only rotates."""

HEAD_POWERS = (0.5, 0.75, 1.0)
"""To choose from: the singular values of a head to this power stretch the latents, which are then rotated only."""

_JUDGED_BY = 2000


@dataclass(frozen=True)
class Judgment:
    """What a trained model is worth.

    Attributes:
        health: of the latents of all images, before whitening.
        whitening: the one chosen; None for an objective that does not alter images, whose latents stay as they are.
        cluster_map: of the latents, whitened as chosen.
    """

    health: LatentHealth
    whitening: Whitening | None
    cluster_map: float


@tensorflow_silenced()
def judge(session: Session) -> Judgment:
    """Measure the latents of a trained model and choose the whitening.

    The choice rests on at most 2,000 held-out images and three altered copies of each.
    """
    trainer, images = session.trainer, session.pixels.images
    latents = trainer.encode(images)
    judged = session.held_out[:_JUDGED_BY]
    gain = GAIN if session.examples.gain is None else session.examples.gain
    altered = [altered_copies(images[judged], seed=view, indices=judged, gain=gain) for view in VIEW_SEEDS]
    copies = [trainer.encode(pictures) for pictures in altered]
    measured = latents[session.training], latents[judged], copies
    if session.examples.gain is not None:
        whitening, quality = choose_whitening(WHITENING, *measured, trainer.heads())
        return Judgment(latent_health(latents), whitening, quality)
    return Judgment(latent_health(latents), None, cluster_map(*measured))


def choose_whitening(
    strengths: Sequence[float],
    latents: Vectors,
    held_out: Vectors,
    copies: Sequence[Vectors],
    heads: Mapping[str, Vectors] | None = None,
) -> tuple[Whitening, float]:
    """Choose the whitening with the highest `cluster_map`: its strength, or the head that stretches instead.

    Args:
        strengths: one or more to choose from; see `Whitening`.
        latents: as in `cluster_map`, and so are the next two.
        held_out: images not trained on.
        copies: altered copies of those.
        heads: objective -> (D, T) float32, the weights of its linear head; see `fit_whitening`.
            One that predicts fewer than D numbers is left out, because it does not use every dimension.

    Returns:
        The whitening and its cluster mAP.

    Example:
        >>> latents = np.repeat(np.eye(2, dtype=np.float32), 10, axis=0)
        >>> whitening, quality = choose_whitening((0.0, 0.5), latents, latents, [latents])
        >>> whitening.strength, quality
        (0.0, 1.0)
    """

    def quality(whitening: Whitening) -> float:
        whitened = [whitening.apply(copy) for copy in copies]
        return cluster_map(whitening.apply(latents), whitening.apply(held_out), whitened)

    wide = {name: kernel for name, kernel in (heads or {}).items() if kernel.shape[1] >= latents.shape[1]}
    fitted = [fit_whitening(latents, strength) for strength in strengths]
    fitted += [fit_whitening(latents, 0.0, name, wide[name], power) for name in wide for power in HEAD_POWERS]
    return max(((whitening, quality(whitening)) for whitening in fitted), key=lambda pair: pair[1])
