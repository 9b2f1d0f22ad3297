"""What a comparison shows about the encoders of a store, for the store to remember."""

from __future__ import annotations

from datetime import UTC, datetime

from autoenc.comparison.records import Comparison
from autoenc.encoders import first_choice
from autoenc.errors import ArgumentError
from autoenc.images.files import PREPROCESSING_VERSION
from autoenc.metrics.bootstrap import bootstrap_intervals
from autoenc.store import Better, Store, VectorSpec
from autoenc.store.records import listed

METRIC = "map"


def remember_comparison(store: Store, comparison: Comparison) -> str:
    """Let a store remember whether one of its encoders retrieves better than the one it is searched with by default.

    That encoder is compared with the store's others, as far as the comparison has exactly these encoders. The best of
    those that have a higher mAP by a paired 95% interval is remembered in place of what an earlier comparison said;
    if there is none, that is forgotten. `Store.status` tells it, and `autoenc query` suggests the better encoder.
    Searches in Python stay as they are.

    Args:
        store: an open store.
        comparison: what `compare` returned.

    Returns:
        what the store remembers now, or why the comparison tells it nothing, in one sentence.

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
    default = first_choice(list(store.info.vectors))
    same = _as_stored(store, comparison)
    others = [name for name in same if name != default]
    if default not in same or not others:
        return (
            f"The store remembers nothing of this comparison: expected '{default}', with which it is searched by "
            f"default, and another of its encoders; of those, exactly as they are, the comparison has {listed(same)}."
        )
    better = _best(comparison, default, others)
    store.set_better(default, better)
    if better is None:
        return f"No encoder of the store is shown to retrieve better than {default}; compared were {listed(others)}."
    return f"The store remembers: {better.told(default)}."


def _as_stored(store: Store, comparison: Comparison) -> list[str]:
    """The encoders of a comparison that are exactly those of the store."""
    return [
        name
        for name, scores in comparison.encoders.items()
        if (known := store.info.vectors.get(name)) is not None
        and known.same_encoder(VectorSpec(scores.dim, scores.fingerprint, PREPROCESSING_VERSION))
    ]


def _best(comparison: Comparison, default: str, others: list[str]) -> Better | None:
    """The encoder that is furthest ahead of the default; None if no interval excludes zero in its favor."""
    encoders = comparison.encoders
    than = encoders[default]
    leads = bootstrap_intervals([encoders[name].scores(METRIC) - than.scores(METRIC) for name in others])
    ahead = {name: lead for name, lead in zip(others, leads, strict=True) if lead.low > 0}
    if not ahead:
        return None
    name = max(ahead, key=lambda name: ahead[name].mean)
    return Better(
        encoder=name,
        map=encoders[name].figures[METRIC].mean,
        than_map=than.figures[METRIC].mean,
        ci_low=ahead[name].low,
        ci_high=ahead[name].high,
        queries=len(comparison.labeled),
        date=datetime.now(UTC).date().isoformat(),
        fingerprint=encoders[name].fingerprint,
        than_fingerprint=than.fingerprint,
    )
