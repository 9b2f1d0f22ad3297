"""Find the weights of encoders, and of attributes beside them, by mAP on some labeled queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from autoenc.comparison.attributes import Attribute
from autoenc.vectors import Indices, Vectors

Part = str | Attribute
"""An encoder, by its name, or an attribute."""

Weights = Mapping[Part, float]

SMALLER = (0.5, 0.25, 0.125)
"""The weights beside the largest, which is 1; equal weights are tried too."""

MOST = 3
"""How many encoders a fusion has at most."""

GRID = (4.0, 2.0, 1.0, *SMALLER)
"""The weights of an attribute; the largest of an encoder is 1."""

MOST_FIELDS = 4
"""How many fields a hybrid search weighs at most."""

STEP = 0.002
"""In mAP: a smaller gain is not worth another part or weight."""

_GRID = 2**20  # cosines are told apart to a millionth, as in `rankings`


@dataclass(frozen=True)
class Trial:
    """Some labeled queries and some labeled images, on which weights are tried.

    Attributes:
        parts: encoder -> (q, g) float32, the cosines; attribute -> likewise, from 0 to 1.
        relevant: (q, g) bool, whether query and image share a label; at least once for each query.
        own: (q,) the position of the query itself among the images, -1 where it is not one of them. It is no result.
        spans: encoder -> what one step on its scale is in cosines: `Scale.span`; attribute -> 1.
    """

    parts: dict[Part, Vectors]
    relevant: npt.NDArray[np.bool_]
    own: Indices
    spans: dict[Part, float]
    _known: dict[frozenset[tuple[Part, float]], float] = field(default_factory=dict, init=False)

    def __len__(self) -> int:
        return len(self.relevant)

    def score(self, weights: Weights) -> float:
        """The sum of the average precisions of all queries. Of equal scores, what is relevant comes last.

        Args:
            weights: encoder -> weight of its scaled cosine, above 0; attribute -> its weight.

        Example:
            >>> found = np.array([[0.75, 0.5, 0.25]], np.float32)
            >>> trial = Trial({"a": found}, np.array([[True, False, True]]), np.array([-1]), {"a": 0.5})
            >>> round(trial.score({"a": 1.0}), 4)
            0.8333
        """
        asked = frozenset(weights.items())
        if asked not in self._known:
            self._known[asked] = float(self._average_precisions(weights).sum())
        return self._known[asked]

    def _average_precisions(self, weights: Weights) -> npt.NDArray[np.float64]:
        # One integer holds the distance and, in its last bit, the relevance: plain sorting is the fastest there is.
        distances = np.zeros(self.relevant.shape, np.float32)
        for name, share in shares(weights, self.spans).items():
            distances -= self.parts[name] * np.float32(share * _GRID)
        keys = np.rint(distances, out=distances).astype(np.int32) << 1
        keys |= self.relevant
        rows = np.flatnonzero(self.own >= 0)
        keys[rows, self.own[rows]] = np.iinfo(np.int32).max - 1  # last, and not relevant
        keys.sort(axis=1)
        query, rank = np.nonzero(keys & 1)
        totals = np.bincount(query, minlength=len(self))
        hits = np.arange(1, len(query) + 1) - (np.cumsum(totals) - totals)[query]
        return np.asarray(np.bincount(query, hits / (rank + 1), minlength=len(self)) / totals, np.float64)


def shares(weights: Weights, spans: Mapping[Part, float]) -> dict[Part, float]:
    """What each encoder's cosine, or an attribute, counts in a weighted sum of scaled parts; they add up to 1.

    The sum of weight * (cosine - zero) / span orders images as that of share * cosine does.

    Example:
        >>> shares({"learned": 1.0, "color": 0.5}, {"learned": 0.5, "color": 0.75})
        {'learned': 0.75, 'color': 0.25}
    """
    slopes = {name: weight / spans[name] for name, weight in weights.items()}
    total = sum(slopes.values())
    return {name: slope / total for name, slope in slopes.items()}


def find_weights(trials: Sequence[Trial]) -> dict[Part, float]:
    """The weights of several encoders with the highest mAP over all queries of some trials.

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
    names = _encoders(trials)

    def score(weights: Weights) -> float:
        return sum(trial.score(weights) for trial in trials)

    best = max(_pairs(names), key=score)  # the first of equals, here and below
    while len(best) < min(MOST, len(names)):
        more = [best | {name: weight} for name in names if name not in best for weight in (1.0, *SMALLER)]
        further = max(more, key=score)
        if score(further) <= score(best):
            break
        best = further
    return _ordered(best, names)


def find_hybrid(trials: Sequence[Trial]) -> dict[Part, float]:
    """The weights of encoders and attributes together with the highest mAP that coordinate ascent finds.

    It starts from the best of the encoders alone and of their fusions (see `find_weights`). Then the one change that
    raises the mAP most is made, as long as one raises it by STEP: another weight of one part, from GRID; a further
    encoder, up to MOST, or attribute, up to MOST_FIELDS; or a part that is left out. The weights of all parts are tried
    again at each step, so that those of the encoders suit the attributes, and theirs the encoders.

    Args:
        trials: of the same encoders and attributes.

    Returns:
        encoder -> weight, falling from 1, then attribute -> weight, falling.

    Source: Metzler and Croft, "Linear feature-based models for information retrieval", Information Retrieval 2007, for
    coordinate ascent on mAP. Departs from it: the best change of all is made, not the best of one coordinate after the
    other, and weights come from a grid.

    Example:
        >>> parts = {"a": np.array([[0.5, 0.5, 0.25]], np.float32), Attribute("brand"): np.eye(1, 3, dtype=np.float32)}
        >>> trial = Trial(parts, np.array([[True, False, False]]), np.array([-1]), {"a": 1.0, Attribute("brand"): 1.0})
        >>> find_hybrid([trial])
        {'a': 1.0, Attribute(field='brand', scale=None): 4.0}
    """
    names = _encoders(trials)
    attributes = [part for part in trials[0].parts if isinstance(part, Attribute)]
    least = STEP * sum(map(len, trials))

    def score(weights: Weights) -> float:
        return sum(trial.score(weights) for trial in trials)

    starts: list[dict[Part, float]] = [{name: 1.0} for name in names]
    if len(names) > 1:
        starts.append(find_weights(trials))
    best = max(starts, key=score)
    while True:
        further = max(_changed(best, names, attributes), key=score)
        if score(further) < score(best) + least:
            return _ordered(best, names)
        best = further


def _changed(weights: Weights, names: Sequence[str], attributes: Sequence[Attribute]) -> Iterator[dict[Part, float]]:
    """Everything that one change makes of some weights; the largest of an encoder stays 1."""
    encoders = [part for part in weights if isinstance(part, str)]
    fields = {part.field for part in weights if isinstance(part, Attribute)}
    parts: list[Part] = [*names, *attributes]
    for part in parts:
        without = {other: weight for other, weight in weights.items() if other != part}
        if part in weights and (isinstance(part, Attribute) or len(encoders) > 1):
            yield _scaled(without)
        if isinstance(part, Attribute):
            if part not in weights and part.field in fields:  # the same field with another scale takes its place
                without = {other: weight for other, weight in without.items()
                           if not isinstance(other, Attribute) or other.field != part.field}  # fmt: skip
            elif part not in weights and len(fields) == MOST_FIELDS:
                continue
        elif part not in weights and len(encoders) == MOST:
            continue
        for weight in GRID:
            if weights.get(part) != weight:
                yield _scaled(without | {part: weight})


def _scaled(weights: dict[Part, float]) -> dict[Part, float]:
    top = max(weight for part, weight in weights.items() if isinstance(part, str))
    return {part: weight / top for part, weight in weights.items()}


def _encoders(trials: Sequence[Trial]) -> list[str]:
    return [part for part in trials[0].parts if isinstance(part, str)]


def _ordered(weights: Weights, names: Sequence[str]) -> dict[Part, float]:
    """Encoders before attributes, by falling weight; equal weights in the order of the encoders, and of the fields."""

    def place(part: Part) -> tuple[bool, float, int, str]:
        if isinstance(part, str):
            return False, -weights[part], names.index(part), ""
        return True, -weights[part], 0, part.field

    return {part: weights[part] for part in sorted(weights, key=place)}


def _pairs(names: Sequence[str]) -> Iterator[dict[Part, float]]:
    for a, b in combinations(names, 2):
        yield {a: 1.0, b: 1.0}
        for weight in SMALLER:
            yield {a: 1.0, b: weight}
            yield {a: weight, b: 1.0}
