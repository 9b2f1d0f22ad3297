"""Whether a picture is unlike anything in a catalog, judged by how near the catalog's own images are to one another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from autoenc.catalog.sources import make_encoders
from autoenc.encoders import PRETRAINED_NAMES, Encoder, Model, Weights
from autoenc.errors import ArgumentError, AutoencError
from autoenc.images.decoding import Picture
from autoenc.images.files import load_pixels_of
from autoenc.store import Scale, Store
from autoenc.store.scale import SAMPLE
from autoenc.vectors import Pixels

UNLIKE = 2.0
"""A picture at this percentile or below is called unlike anything in the catalog."""

_SLOW = "It takes seconds to load: name it with encoders= or using= if it shall judge."


@dataclass(frozen=True)
class Novelty:
    """How far a picture is from a catalog.

    Attributes:
        percentile: how many in a hundred of the catalog's own images are as far from their nearest neighbors as this
            picture is, or farther, all encoders taken together: 100 for a picture that is there, near 0 for one that is
            unlike anything there.
        percentiles: encoder -> the same by this encoder alone.
        cosines: encoder -> the cosine of the picture and its nearest neighbor.
        left_out: encoder of the store -> why it was not asked.
    """

    percentile: float
    percentiles: dict[str, float]
    cosines: dict[str, float]
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def unlike(self) -> bool:
        """Whether the picture is unlike anything in the catalog: percentile 2 or below."""
        return self.percentile <= UNLIKE

    def told(self) -> str:
        """One sentence about it.

        Example:
            >>> print(Novelty(1.5, {"learned": 40.0, "color": 0.25}, {"learned": 0.9, "color": 0.2}).told())
            Unlike anything in this catalog: only 1.5% of its own images are this far from all others (learned 40%,
            color 0.25%).
            >>> Novelty(64.0, {"color": 64.0}, {"color": 0.9}).told()
            "64% of the catalog's own images are this far from all others (color 64%)."
        """
        share = _percent(self.percentile)
        own = f"Unlike anything in this catalog: only {share} of its" if self.unlike else f"{share} of the catalog's"
        each = ", ".join(f"{name} {_percent(percentile)}" for name, percentile in self.percentiles.items())
        return f"{own} own images are this far from all others ({each})."

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "unlike": self.unlike}


def novelty(
    store: Store,
    picture: Picture,
    *,
    encoders: Sequence[str | Encoder] | None = None,
    model: Model | None = None,
) -> Novelty | None:
    """Judge whether a picture is unlike anything in a catalog.

    By each encoder, the cosine of the picture and its nearest neighbor is compared with those of the catalog's own
    images and their nearest neighbors (`Scale.percentiles`), which gives a percentile. The percentiles are combined,
    because no encoder notices every kind of difference: to one that is blind to color, a lemon may look like a hat.

    An encoder that was trained on the catalog calls new pictures unlike it more often than two in a hundred times. By
    one encoder, nothing is unlike a catalog of fewer than 50 images, because one of them counts as this far in any
    case. For many pictures, `Searcher.answer` keeps the encoders.

    Args:
        store: an open store.
        picture: as for `search`; one that is not stored.
        encoders: names of the store's encoders, or your own `Encoder` objects; by default, all that the store holds.
        model: as for `search`.

    Returns:
        The verdict; None if no encoder can give one. Encoders that cannot are left out: those without a scale (see
        `measure_scales`), and, by default, those that cannot be created.

    Raises:
        ImageError: the picture cannot be used.
        StoreError, BundleError, EncoderError: an encoder in `encoders` cannot be created or is not the store's.
        ArgumentError: not an open store, no encoder, or one named twice.

    Source: Fisher, "Statistical Methods for Research Workers", 4th edition, 1932, section 21.1, for the combination; it
    takes encoders as independent. The percentiles are conformal p-values: Vovk, Gammerman and Shafer, "Algorithmic
    Learning in a Random World", 2005. Departs from it: at least one image in the sample counts as this far.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     autoenc.novelty(store, "some.jpg").unlike
        False
    """
    if not isinstance(store, Store):
        raise ArgumentError(f"Expected an open store (autoenc.open_store); got {store!r}.")
    pixels_of = cache(partial(load_pixels_of, picture))
    if encoders is None:
        return judge(store, pixels_of, *makeable(store, model, {}))
    return judge(store, pixels_of, make_encoders(encoders, model, store), {})


def judge(
    store: Store, pixels_of: Callable[[int], Pixels], encoders: Mapping[str, Encoder], left_out: Mapping[str, str]
) -> Novelty | None:
    """`novelty` by encoders that were made for the store.

    Args:
        store: an open store.
        pixels_of: size -> (size, size, 3) uint8, the picture.
        encoders: name -> encoder.
        left_out: the store's other encoders -> why they could not be made.
    """
    left_out = dict(left_out)
    cosines: dict[str, float] = {}
    percentiles: dict[str, float] = {}
    for name, encoder in encoders.items():
        scale = store.info.scales.get(name)
        if scale is None:
            left_out[name] = "The store has not measured its scale: index again, or call autoenc.measure_scales."
            continue
        vector = encoder.encode(pixels_of(encoder.input_size)[None])[0]
        if not (hits := store.search(vector, using=name, k=1)):
            left_out[name] = "The store holds no vector of it."
            continue
        cosines[name] = hits[0].score
        percentiles[name] = _percentile(scale, hits[0].score)
    if not percentiles:
        return None
    return Novelty(combined(percentiles), percentiles, cosines, left_out)


def combined(percentiles: Mapping[str, float]) -> float:
    """The percentile of several independent ones, by Fisher's method.

    Example:
        >>> round(combined({"learned": 10.0}), 6), round(combined({"learned": 10.0, "color": 10.0}), 6)
        (10.0, 5.60517)
    """
    # Twice this sum has a chi-square distribution of 2n degrees of freedom, whose tail has this closed form.
    total = -sum(math.log(percentile / 100) for percentile in percentiles.values())
    terms = sum(total**power / math.factorial(power) for power in range(len(percentiles)))
    return 100 * min(1.0, math.exp(-total) * terms)


def makeable(
    store: Store, model: Model | None, made: Mapping[str, Encoder], weights: Weights | None = None
) -> tuple[dict[str, Encoder], dict[str, str]]:
    """A store's encoders, as far as they are made or can be made in a moment, and why the others cannot."""
    made = dict(made)
    left_out: dict[str, str] = {}
    for name in store.info.of_images:
        if name in made:
            continue
        if name in PRETRAINED_NAMES:
            left_out[name] = _SLOW
            continue
        try:
            (encoder,) = make_encoders([name], model, store, weights).values()
        except AutoencError as error:
            left_out[name] = str(error)
            continue
        if encoder.slow_to_load:
            left_out[name] = _SLOW
        else:
            made[name] = encoder
    return made, left_out


def _percentile(scale: Scale, cosine: float) -> float:
    return max(scale.percentile(cosine), 100 / (min(scale.points, SAMPLE) + 1))


def _percent(percentile: float) -> str:
    return f"{percentile:.3g}%"
