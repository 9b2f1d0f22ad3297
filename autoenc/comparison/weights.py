"""Find the weights of a fusion of encoders, by mAP on some labeled queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from autoenc.vectors import Indices, Vectors

SMALLER = (0.5, 0.25, 0.125)
"""The weights beside the largest, which is 1; equal weights are tried too."""

MOST = 3
"""How many encoders a fusion has at most."""

_GRID = 2**20  # cosines are told apart to a millionth, as in `rankings`


@dataclass(frozen=True)
class Trial:
    """Some labeled queries and some labeled images, on which weights are tried.

    Attributes:
        cosines: encoder -> (q, g) float32.
        relevant: (q, g) bool, whether query and image share a label; at least once for each query.
        own: (q,) the position of the query itself among the images, -1 where it is not one of them. It is no result.
        spans: encoder -> what one step on its scale is in cosines: `Scale.span`.
    """

    cosines: dict[str, Vectors]
    relevant: npt.NDArray[np.bool_]
    own: Indices
    spans: dict[str, float]
    _known: dict[tuple[tuple[str, float], ...], float] = field(default_factory=dict, init=False)

    def __len__(self) -> int:
        return len(self.relevant)

    def score(self, weights: Mapping[str, float]) -> float:
        """The sum of the average precisions of all queries. Of equal scores, what is relevant comes last.

        Args:
            weights: encoder -> weight of its scaled cosine, above 0.

        Example:
            >>> found = np.array([[0.75, 0.5, 0.25]], np.float32)
            >>> trial = Trial({"a": found}, np.array([[True, False, True]]), np.array([-1]), {"a": 0.5})
            >>> round(trial.score({"a": 1.0}), 4)
            0.8333
        """
        asked = tuple(sorted(weights.items()))
        if asked not in self._known:
            self._known[asked] = float(self._average_precisions(weights).sum())
        return self._known[asked]

    def _average_precisions(self, weights: Mapping[str, float]) -> npt.NDArray[np.float64]:
        # One integer holds the distance and, in its last bit, the relevance: plain sorting is the fastest there is.
        distances = np.zeros(self.relevant.shape, np.float32)
        for name, share in shares(weights, self.spans).items():
            distances -= self.cosines[name] * np.float32(share * _GRID)
        keys = np.rint(distances, out=distances).astype(np.int32) << 1
        keys |= self.relevant
        rows = np.flatnonzero(self.own >= 0)
        keys[rows, self.own[rows]] = np.iinfo(np.int32).max - 1  # last, and not relevant
        keys.sort(axis=1)
        query, rank = np.nonzero(keys & 1)
        totals = np.bincount(query, minlength=len(self))
        hits = np.arange(1, len(query) + 1) - (np.cumsum(totals) - totals)[query]
        return np.asarray(np.bincount(query, hits / (rank + 1), minlength=len(self)) / totals, np.float64)


def shares(weights: Mapping[str, float], spans: Mapping[str, float]) -> dict[str, float]:
    """What each encoder's cosine counts in a weighted sum of scaled cosines; they add up to 1.

    The sum of weight * (cosine - zero) / span orders images as that of share * cosine does.

    Example:
        >>> shares({"learned": 1.0, "color": 0.5}, {"learned": 0.5, "color": 0.75})
        {'learned': 0.75, 'color': 0.25}
    """
    slopes = {name: weight / spans[name] for name, weight in weights.items()}
    total = sum(slopes.values())
    return {name: slope / total for name, slope in slopes.items()}


def find_weights(trials: Sequence[Trial]) -> dict[str, float]:
    """The weights with the highest mAP over all queries of some trials.

    First all pairs of encoders are tried, with weights of 1 to 1, and of 1 to each of SMALLER either way. Then, while
    it raises the mAP, one more encoder is added to the best, up to MOST, with a weight of 1 or one of SMALLER.

    Args:
        trials: of the same two encoders or more.

    Returns:
        encoder -> weight, falling from 1; equal weights in the order of the encoders.

    Source: Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models", ICML 2004.
    Departs from it: it starts from all pairs, and weights come from a grid instead of repetition.

    Example:
        >>> cosines = {"a": np.array([[0.5, 0.5, 0.25]], np.float32), "b": np.array([[0.75, 0.5, 0.25]], np.float32)}
        >>> trial = Trial(cosines, np.array([[True, False, False]]), np.array([-1]), {"a": 1.0, "b": 1.0})
        >>> find_weights([trial])
        {'a': 1.0, 'b': 1.0}
    """
    names = list(trials[0].cosines)

    def score(weights: Mapping[str, float]) -> float:
        return sum(trial.score(weights) for trial in trials)

    best = max(_pairs(names), key=score)  # the first of equals, here and below
    while len(best) < min(MOST, len(names)):
        more = [best | {name: weight} for name in names if name not in best for weight in (1.0, *SMALLER)]
        further = max(more, key=score)
        if score(further) <= score(best):
            break
        best = further
    order = sorted(best, key=lambda name: (-best[name], names.index(name)))
    return {name: best[name] for name in order}


def _pairs(names: Sequence[str]) -> Iterator[dict[str, float]]:
    for a, b in combinations(names, 2):
        yield {a: 1.0, b: 1.0}
        for weight in SMALLER:
            yield {a: 1.0, b: weight}
            yield {a: weight, b: 1.0}
