"""What a comparison shows about the encoders and fields of a store, for the store to remember."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from autoenc.comparison.fusion import Fusion
from autoenc.comparison.records import Comparison
from autoenc.encoders import first_choice
from autoenc.errors import ArgumentError
from autoenc.images.files import PREPROCESSING_VERSION
from autoenc.metrics.bootstrap import Interval, bootstrap_intervals
from autoenc.store import Better, Store, VectorSpec
from autoenc.store.records import listed

METRIC = "map"


def remember_comparison(store: Store, comparison: Comparison) -> str:
    """Let a store remember what retrieves better than the encoder that it is searched with by default.

    As far as the comparison has exactly the store's encoders, it is the fusion, if that is worth its longer vectors, or
    else the best of the encoders that have a higher mAP by a paired 95% interval; for searches by stored images, whose
    fields are known, also a hybrid of encoders and attributes that is better than all of these. It takes the place of
    what an earlier comparison said; if there is nothing better, that is forgotten. `Store.status` tells it, and
    `autoenc query` suggests it. Searches in Python stay as they are.

    Args:
        store: an open store.
        comparison: what `compare` returned.

    Returns:
        what the store remembers now, or why the comparison tells it nothing.

    Raises:
        StoreError: the store cannot be written to.
        ArgumentError: not an open store, or not a comparison.

    Example:
        >>> comparison = autoenc.compare("photos", model="model", encoders=["learned", "color", "edges"])
        >>> with autoenc.open_store("store") as store:
        ...     print(autoenc.remember_comparison(store, comparison))
        The store ...
    """
    if not isinstance(store, Store) or not isinstance(comparison, Comparison):
        raise ArgumentError(f"Expected an open store and a comparison; got {store!r} and {comparison!r}.")
    if METRIC not in comparison.metrics:
        return "The store remembers nothing of this comparison, which had no labels to judge by."
    default = first_choice(list(store.info.of_images))
    same = _as_stored(store, comparison)
    others = [name for name in same if name != default]
    if default not in same or not (others or comparison.boosts_tried):
        return (
            f"The store remembers nothing of this comparison: expected '{default}', with which it is searched by "
            f"default, and another of its encoders; of those, exactly as they are, the comparison has {listed(same)}."
        )
    found = _best(comparison, default, same, others)
    store.set_better("picture", found)
    said = (
        f"No encoder of the store is shown to retrieve better than {default}; compared were {listed(others)}."
        if found is None
        else f"The store remembers: {found.told()}."
    )
    if comparison.boosts_tried:
        hybrid = comparison.hybrid
        known = hybrid is not None and {part.field for part in hybrid.attributes} <= store.info.fields.keys()
        boosted = _together(comparison, default, same, hybrid) if known else None
        store.set_better("stored", boosted)
        if boosted is not None:
            said += f" For searches by stored images, it remembers: {boosted.told()}."
        elif hybrid is not None and hybrid.worthwhile and not known:
            said += " It cannot be searched with the boosts that were found, because it cannot filter by their fields."
    return said


def _as_stored(store: Store, comparison: Comparison) -> list[str]:
    """The encoders of a comparison that are exactly those of the store."""
    return [
        name
        for name, scores in comparison.encoders.items()
        if (known := store.info.vectors.get(name)) is not None
        and known.same_encoder(VectorSpec(scores.dim, scores.fingerprint, PREPROCESSING_VERSION))
    ]


def _best(comparison: Comparison, default: str, same: list[str], others: list[str]) -> Better | None:
    """The fusion, or the encoder that is furthest ahead of the default; None if nothing is shown to be better."""
    fused = _together(comparison, default, same, comparison.fusion)
    if fused is not None:
        return fused
    if not others:
        return None
    encoders = comparison.encoders
    than = encoders[default]
    leads = bootstrap_intervals([encoders[name].scores(METRIC) - than.scores(METRIC) for name in others])
    ahead = {name: lead for name, lead in zip(others, leads, strict=True) if lead.low > 0}
    if not ahead:
        return None
    name = max(ahead, key=lambda name: ahead[name].mean)
    return _better(comparison, default, {"using": name}, [name], encoders[name].figures[METRIC].mean, ahead[name])


def _together(comparison: Comparison, default: str, same: list[str], found: Fusion | None) -> Better | None:
    """A fusion or a hybrid, if it is worthwhile, of these encoders, and shown to be better than the default."""
    if found is None or not found.worthwhile or not found.encoders.keys() <= set(same):
        return None
    (lead,) = bootstrap_intervals([found.per_query[METRIC] - comparison.encoders[default].scores(METRIC)])
    if lead.low <= 0:
        return None
    fields = tuple(part.field for part in found.attributes)
    names = list(found.encoders)
    return _better(comparison, default, found.options, names, found.figures[METRIC].mean, lead, fields)


def _better(
    comparison: Comparison,
    default: str,
    options: Mapping[str, str],
    names: Sequence[str],
    mean: float,
    lead: Interval,
    fields: tuple[str, ...] = (),
) -> Better:
    encoders = comparison.encoders
    return Better(
        **options,
        than=default,
        map=mean,
        than_map=encoders[default].figures[METRIC].mean,
        ci_low=lead.low,
        ci_high=lead.high,
        queries=len(comparison.labeled),
        date=datetime.now(UTC).date().isoformat(),
        fingerprints={name: encoders[name].fingerprint for name in dict.fromkeys((*names, default))},
        fields=fields,
    )
