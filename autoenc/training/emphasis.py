"""What the photos are to be told apart by: the weights of edges, color and texture in the targets of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoenc.errors import ArgumentError, TrainingError
from autoenc.images.alterations import GAIN, altered_copies
from autoenc.models.manifest import DESCRIPTORS
from autoenc.progress import Progress, silent
from autoenc.text import counted
from autoenc.training.clusters import CLUSTERS, cluster_map
from autoenc.training.descriptors import Describer, Mix, joined
from autoenc.training.diffusion import Diffusion
from autoenc.training.settings import AUTO
from autoenc.vectors import Images, Indices, Vectors, evenly

EMPHASES = {
    "shape": Mix(edges=1, texture=0.5),
    "color": Mix(edges=0.3, color=1, texture=0.3),
    "texture": Mix(edges=0.5, color=0.3, texture=1),
}
"""Mixes for those who know what matters in their photos."""

CANDIDATES = (
    Mix(edges=1),
    Mix(edges=1, texture=0.7),
    Mix(edges=0.7, texture=1),
    Mix(edges=1, color=0.3, texture=0.5),
    Mix(edges=1, color=0.5, texture=0.7),
    Mix(edges=1, color=1, texture=0.7),
    Mix(edges=0.5, color=1, texture=0.7),
    Mix(edges=0.3, color=1, texture=0.3),
    Mix(color=1, texture=0.7),
    Mix(color=1),
)
"""Mixes to choose from, from edges to color."""

UNDECIDED = Mix(edges=1, color=0.5, texture=0.7)
"""Where there are too few photos to choose by, or no mix forms clusters."""

FEWEST = 200
"""Different images to train on that there must be to choose by."""

_NEAR = 0.9
"""Mixes whose score is at least this share of the best one's cannot be told apart: their mean is taken."""

_COMPARED = 3000  # images, so that the time is bounded
MANY = 1500
"""Images that are left to find clusters among, from which on there are 20 clusters, as elsewhere."""

FEW_CLUSTERS = 5
"""Of fewer images. By twenty, color is chosen for a few hundred photos of clothes, which retrieves worst; by five it is
shape. Measured with `scripts/bench_selection.py mixes --images 300 500 1200`."""

_FOLDS = 3  # one fold alone chooses other weights with each draw
_VIEW_SEED = 1
LEAST_GAIN = 0.1
"""How far copies are recolored where color tells most, and where mixes are compared."""


@dataclass(frozen=True)
class Score:
    """What a mix was found to be worth.

    Attributes:
        mix: the weights.
        joined: cluster mAP of the joined descriptors, the mean over the folds.
        diffused: cluster mAP of the coordinates of their diffusion map, the mean over the folds.
    """

    mix: Mix
    joined: float
    diffused: float

    @property
    def total(self) -> float:
        """What the choice is made by."""
        return max(self.joined, 0) * max(self.diffused, 0) ** 2

    def to_dict(self) -> dict[str, Any]:
        return {"weights": self.mix.to_dict(), "joined": self.joined, "diffused": self.diffused, "score": self.total}


@dataclass(frozen=True)
class Emphasis:
    """The weights that a training uses, and where they come from.

    Attributes:
        asked: "auto", a name, or weights.
        mix: the weights.
        scores: of every mix that was compared, in the order of `CANDIDATES`, and of the mean of the best ones; empty if
            nothing was chosen.
        reason: why these weights were taken, if it is not that they were asked for or chosen.
    """

    asked: str | dict[str, float]
    mix: Mix
    scores: tuple[Score, ...] = ()
    reason: str = ""

    @property
    def gain(self) -> float:
        """How far altered copies are recolored: less, the more color counts, so that it is not hidden."""
        squares = {name: weight**2 for name, weight in self.mix.relative().items()}
        return GAIN - (GAIN - LEAST_GAIN) * min(1.0, 2 * squares["color"] / sum(squares.values()))

    @property
    def sentence(self) -> str:
        """The weights in words: what was found, or what was asked for."""
        if self.scores:
            return f"These images are told apart by: {self.mix}."
        because = f" ({self.reason})" if self.reason else ""
        return f"The targets are made of: {self.mix}{because}."

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Emphasis:
        """What `to_dict` returned.

        Raises:
            ArgumentError, KeyError, TypeError: it cannot have.
        """
        scores = [Score(Mix(**score["weights"]), score["joined"], score["diffused"]) for score in told["scores"]]
        return cls(told["asked"], Mix(**told["weights"]), tuple(scores), told["reason"])

    def to_dict(self) -> dict[str, Any]:
        """What `bundle.json` says."""
        return {
            "asked": self.asked,
            "weights": self.mix.to_dict(),
            "gain": self.gain,
            "reason": self.reason,
            "scores": [score.to_dict() for score in self.scores],
        }


def parse_emphasis(asked: str | Mapping[str, float]) -> str | dict[str, float]:
    """Check an emphasis: "auto", a name in `EMPHASES`, or weights of edges, color and texture; missing ones are 0.

    Raises:
        ArgumentError: anything else, or weights below 0 or all 0.

    Example:
        >>> parse_emphasis({"color": 1})
        {'edges': 0.0, 'color': 1.0, 'texture': 0.0}
    """
    if isinstance(asked, str):
        if asked != AUTO and asked not in EMPHASES:
            raise ArgumentError(f"emphasis= must be {AUTO}, {', '.join(EMPHASES)}, or weights; got '{asked}'.")
        return asked
    if not isinstance(asked, Mapping) or not asked or any(name not in DESCRIPTORS for name in asked):
        raise ArgumentError(
            f"emphasis= must be {AUTO}, {', '.join(EMPHASES)}, or weights such as {{'edges': 1, 'color': 0.5}}, of "
            f"{', '.join(DESCRIPTORS)}; got {asked!r}."
        )
    return Mix(**asked).to_dict()


def decide(
    asked: str | dict[str, float], describer: Describer, images: Images, progress: Progress = silent
) -> Emphasis:
    """Find the weights for some photos.

    Args:
        asked: as `parse_emphasis` returns it.
        describer: fitted on the photos.
        images: (N, 32, 32, 3) uint8, no two the same.
        progress: told of each mix that is compared.

    Raises:
        TrainingError: color alone is asked for, and the photos are gray.
    """
    if asked != AUTO:
        mix = EMPHASES[asked] if isinstance(asked, str) else Mix(**asked)
        if mix.color and not describer.colorful:
            if not (mix.edges or mix.texture):
                raise TrainingError(
                    "The images are gray: there is no color to tell them apart by. Train with another emphasis=."
                )
            return Emphasis(asked, Mix(mix.edges, 0, mix.texture), reason="the images are gray")
        return Emphasis(asked, mix)
    if len(images) < FEWEST:
        different = counted(len(images), "different image")
        reason = f"only {different} to train on, and choosing needs {FEWEST}"
        return Emphasis(asked, undecided(describer), reason=reason)
    folds = describe_folds(describer, images)
    mixes = [mix for mix in CANDIDATES if describer.colorful or not mix.color]
    scores = compare_mixes(folds, mixes, progress)
    best = max(score.total for score in scores)
    if best == 0:
        return Emphasis(asked, undecided(describer), reason="no mix tells them apart")
    mean = _mean([score.mix for score in scores if score.total >= _NEAR * best])
    if mean not in mixes:
        scores += compare_mixes(folds, [mean])
    worth = {score.mix: score.total for score in scores}
    # The mean of quite different mixes may be worse than either.
    chosen = mean if worth[mean] >= _NEAR * best else max(worth, key=worth.__getitem__)
    return Emphasis(asked, chosen, tuple(scores))


def undecided(describer: Describer) -> Mix:
    """What is taken where nothing is compared."""
    return UNDECIDED if describer.colorful else Mix(UNDECIDED.edges, 0, UNDECIDED.texture)


def _mean(mixes: Sequence[Mix]) -> Mix:
    """The mean direction of some mixes, with 1 for its largest weight."""
    rows = np.array([[*mix.to_dict().values()] for mix in mixes])
    mean = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).mean(axis=0)
    return Mix(*(mean / mean.max()).round(2).tolist())


Fold = tuple[Mapping[str, Vectors], Mapping[str, Vectors], Mapping[str, Vectors]]
"""Described: the images that a graph is made of, those held out, and an altered copy of each of the latter."""


def describe_folds(describer: Describer, images: Images) -> list[Fold]:
    """Draw the images that mixes are compared on, alter a copy of each, describe all, and hold out a third at a time.

    Args:
        describer: fitted on the images.
        images: (N, 32, 32, 3) uint8, 3 or more; an even sample of 3,000 is used.
    """
    drawn = evenly(np.arange(len(images)), _COMPARED)
    copies = altered_copies(images[drawn], seed=_VIEW_SEED, indices=drawn, gain=LEAST_GAIN)
    described, altered = describer(images[drawn]), describer(copies)

    def rows(parts: Mapping[str, Vectors], which: Indices) -> dict[str, Vectors]:
        return {name: vectors[which] for name, vectors in parts.items()}

    thirds = np.array_split(np.random.default_rng(0).permutation(len(drawn)), _FOLDS)
    return [
        (rows(described, np.concatenate(thirds[:at] + thirds[at + 1 :])), rows(described, third), rows(altered, third))
        for at, third in enumerate(thirds)
    ]


def compare_mixes(folds: Sequence[Fold], mixes: Sequence[Mix], progress: Progress = silent) -> list[Score]:
    """Score mixes without labels.

    A mix is worth the product of two cluster mAPs (see `autoenc.training.clusters`), the second one squared: c1 * c2^2.
    The first is measured in the joined space of the descriptors, the second in the coordinates of the diffusion map
    that a training with this mix predicts, with the defaults of `Neighbors`. Altered copies are cropped and mirrored as
    in training, but recolored only a little, since a stronger change hides what color can tell. Either measure alone
    misleads: the first prefers what an alteration leaves as it was, which on photos of clothes is color, and spaces of
    fewer dimensions; the second prefers whatever falls into islands.

    Source: `cluster_map`; `scripts/bench_selection.py` measures how well it ranks mixes. The candidates, the power, the
    numbers of clusters and the recoloring were chosen with the labels of three sets in view.

    Args:
        folds: as `describe_folds` returns them.
        mixes: to be scored.
        progress: told of each mix.
    """
    scores = []
    for at, mix in enumerate(mixes, start=1):
        rows = [[joined(parts, mix) for parts in fold] for fold in folds]
        maps = [(_cluster_map(fold), _diffused_map(fold)) for fold in rows]
        scores.append(Score(mix, *np.mean(maps, axis=0).tolist()))
        progress("choosing the emphasis", at, len(mixes), str(mix))
    return scores


def _cluster_map(rows: Sequence[Vectors]) -> float:
    fitted, held_out, copies = rows
    clusters = CLUSTERS if len(fitted) >= MANY else FEW_CLUSTERS
    return cluster_map(fitted, held_out, [copies], clusters=clusters, clusterings=1)


def _diffused_map(rows: Sequence[Vectors]) -> float:
    try:
        diffusion = Diffusion(rows[0])
    except TrainingError:  # its eigenvectors cannot be found: not a mix to train with
        return 0.0
    return _cluster_map([diffusion.apply(each) for each in rows])
