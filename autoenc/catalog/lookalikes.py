"""Pairs of pictures that may be copies: near by an encoder, roughly alike, and then how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from autoenc.catalog.nearest_images import Search, nearest_by
from autoenc.catalog.pictures import Pictures
from autoenc.images.likeness import GRID, Way, likeness, rough, wholes
from autoenc.parallel import ordered_chunks
from autoenc.progress import Progress
from autoenc.store import Store

NEAR = 10
"""Different pictures, near each picture by an encoder, that are compared with it."""

FARTHEST = 1000
"""How many images are searched at most to find ten different pictures: many exact copies of one fill the list."""

_SEARCHED = 250
_COMPARED = 64
_TOLD = 10_000
_RUNS = 8
"""Pictures that are compared roughly at a time, each with those near it: what they need stays in a core's cache."""

_ABREAST = 64
"""How many near pictures are compared with one at a time, at most."""

Pairs = npt.NDArray[np.int32]


def near_pairs(store: Store, using: Sequence[str], pictures: Pictures, tell: Progress) -> tuple[Pairs, int]:
    """Pairs of pictures that one of the encoders finds near.

    Returns:
        (P, 2) numbers of pictures, the lower one first, each pair once; and how many images have no vector of any
        encoder.
    """
    count = np.int64(max(1, len(pictures.of)))
    keys = [np.zeros(0, np.int64)]
    seen = np.zeros(len(pictures.of), np.bool_)
    for name in using:
        search = nearest_by(store, name)
        k, left = NEAR, _one_of_each(store, name, pictures)
        while left:
            again: list[str] = []
            found = ordered_chunks(partial(_near, search, pictures.number, k), left, _SEARCHED)
            for done, (id, others, full) in enumerate(found):
                if done % _TOLD == 0:
                    tell(f"near by {name}", done, len(left), "")
                one = pictures.number[id]
                seen[one] = True
                lower, higher = np.minimum(others, one), np.maximum(others, one)
                keys.append(lower * count + higher)
                if full and len(others) < NEAR and k < FARTHEST:
                    again.append(id)
            tell(f"near by {name}", len(left), len(left), "")
            k, left = min(4 * k, FARTHEST), again
        keys = [np.unique(np.concatenate(keys))]
    lacking = sum(len(of) for of, is_seen in zip(pictures.of, seen, strict=True) if not is_seen)
    return np.stack(np.divmod(keys[0], count), axis=1).astype(np.int32), lacking


def _one_of_each(store: Store, name: str, pictures: Pictures) -> list[str]:
    """An image of each picture: the first that has a vector, if there are several."""
    images = [[pictures.images[number].id for number in of] for of in pictures.of]
    having = store.having_vectors([id for ids in images if len(ids) > 1 for id in ids], [name])
    return [next((id for id in ids if id in having), ids[0]) for ids in images]


def _near(
    search: Search, number: dict[str, int], k: int, ids: Sequence[str]
) -> list[tuple[str, npt.NDArray[np.int64], bool]]:
    """For each image: the other pictures that are near, and whether the search found k images."""
    found = []
    for id, (near, _) in search(ids, k).items():
        others = dict.fromkeys(number[other] for other in near if other in number and number[other] != number[id])
        found.append((id, np.fromiter(others, np.int64, len(others)), len(near) == k))
    return found


def roughly_alike(pictures: Pictures, pairs: Pairs, floor: float, tell: Progress) -> tuple[Pairs, list[Way]]:
    """Those of some pairs that are roughly alike, and how the one lies in the other.

    Args:
        pictures: all of them, read.
        pairs: (P, 2) numbers of pictures that could be read.
        floor: the least rough likeness.
        tell: is told how far it is.
    """
    if not len(pairs):
        return pairs, []
    grays = pictures.grays
    compared = np.zeros((len(grays) + 1, GRID * GRID), np.int16)  # the last row stands for no picture

    def describe(some: Sequence[int]) -> list[None]:
        compared[some[0] : some[-1] + 1] = wholes(grays[some[0] : some[-1] + 1])
        return [None]

    for _ in ordered_chunks(describe, range(len(grays)), _COMPARED):
        pass
    both = np.concatenate([pairs, pairs[:, ::-1]])
    order = np.argsort(both[:, 0], kind="stable")
    starts = np.flatnonzero(np.diff(both[order, 0], prepend=-1))
    score, mirrored = np.zeros(len(both), np.float32), np.zeros(len(both), np.bool_)

    def compare(some: Sequence[range]) -> list[None]:
        places = np.full((len(some), len(some[0])), -1)
        for row, run in zip(places, some, strict=True):
            row[: len(run)] = order[run.start : run.stop]
        there = places >= 0
        found = rough(grays[both[places[:, 0], 0]], compared[np.where(there, both[places, 1], -1)])
        score[places[there]], mirrored[places[there]] = found[0][there], found[1][there]
        return [None] * len(some)

    ends = pairwise([*starts.tolist(), len(order)])
    runs = [range(at, min(at + _ABREAST, stop)) for start, stop in ends for at in range(start, stop, _ABREAST)]
    runs.sort(key=len, reverse=True)  # those of one length together, since all are filled up to the longest
    for done, _ in enumerate(ordered_chunks(compare, runs, _RUNS)):
        if done % _TOLD == 0:
            tell("comparing roughly", done, len(runs), "")
    tell("comparing roughly", len(runs), len(runs), "")
    scores, flips = score.reshape(2, -1), mirrored.reshape(2, -1)
    swapped = scores[1] > scores[0]
    kept = np.flatnonzero(scores.max(0) >= floor)
    return pairs[kept], [Way(bool(swapped[n]), bool(flips[int(swapped[n]), n])) for n in kept]


def likenesses(pictures: Pictures, pairs: Pairs, ways: Sequence[Way], tell: Progress) -> list[float]:
    """How alike the pictures of each pair are."""
    grays = pictures.grays

    def compare(some: Sequence[int]) -> list[float]:
        return [likeness(grays[pairs[n, 0]], grays[pairs[n, 1]], (ways[n],)) for n in some]

    found = []
    for done, alike in enumerate(ordered_chunks(compare, range(len(pairs)), _COMPARED)):
        if done % _TOLD == 0:
            tell("comparing", done, len(pairs), "")
        found.append(alike)
    tell("comparing", len(pairs), len(pairs), "")
    return found
