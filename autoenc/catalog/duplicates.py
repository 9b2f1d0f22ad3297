"""Find the images of a store that are copies of one another: the same file, or the same picture altered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from autoenc.catalog.copies import THRESHOLD, Duplicates, suggested_threshold
from autoenc.catalog.keeping import described
from autoenc.catalog.lookalikes import likenesses, near_pairs, roughly_alike
from autoenc.catalog.pictures import Image, Pictures
from autoenc.catalog.searching import Searcher
from autoenc.encoders import first_choice
from autoenc.errors import ArgumentError
from autoenc.images.likeness import likeness
from autoenc.progress import ProgressOption, telling
from autoenc.store import Store

_ROUGHER = 0.28
"""By how much a rough likeness falls short at most: the worst of 150 random crops of photos of clothes did by .27."""

_ROUGHLY = 0.56
"""The least rough likeness of pairs that are compared further: copies have it at .84, the least that is suggested."""


def find_duplicates(
    store: Store,
    *,
    using: str | Sequence[str] | None = None,
    threshold: float | None = None,
    progress: ProgressOption = None,
) -> Duplicates:
    """Find the images of a store that are copies of one another.

    Exact copies have the same digest. Altered ones are looked for among the ten nearest different pictures of each
    image, by each encoder, and their files are compared. Resized, recompressed, mirrored and tinted copies are found,
    most crops by up to 15% of the area (some by up to 30%) and frames of a few percent of a side; a lower
    `threshold` finds more of them, and more that are no copies. Images that were marked with `mark_not_duplicates` are
    kept apart. A picture whose file is gone, or has changed since it was indexed, is listed under `unread`.

    Groups do not run away: the image with the most copies that is in no group yet is the center of one, and only copies
    of that very image join it. So any two of a group are two steps apart at most.

    Args:
        store: an open store.
        using: the encoder that looks for neighbors, or several; by default, the one that `search` uses and `color`, to
            which a mirrored picture is the same.
        threshold: the least likeness of two copies, above 0 up to 1. By default the valley of the likenesses between
            .82 and .92, or .86 where there are few copies. A lower one takes longer.
        progress: as for `index_images`.

    Raises:
        StoreMismatchError: the store holds no vectors of one of the encoders.
        ArgumentError: a threshold out of range, no encoder, or not an open store.

    Source: for the groups, Hartigan, "Clustering Algorithms", 1975, chapter 3 (leaders). Departs from it: images take
    their turn by the number of their copies, so that a border or a watermark does not lead.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     found = autoenc.find_duplicates(store, threshold=0.9)
        >>> found.images, found.groups
        (48, [])
    """
    if not isinstance(store, Store):
        raise ArgumentError(f"Expected an open store (autoenc.open_store); got {store!r}.")
    if threshold is not None and not (type(threshold) in (int, float) and 0 < threshold <= 1):
        raise ArgumentError(f"threshold= must be a number above 0 and up to 1; got {threshold!r}.")
    names = _encoders(store, using)
    floor = _ROUGHLY if threshold is None else min(_ROUGHLY, threshold - _ROUGHER)
    with telling(progress) as tell:
        pictures = Pictures.listed(store, tell)
        pairs, lacking = near_pairs(store, names, pictures, tell)
        unread = pictures.read(tell)
        pairs, ways = roughly_alike(pictures, pairs[pictures.readable[pairs].all(axis=1)], floor, tell)
        alike = likenesses(pictures, pairs, ways, tell)
        suggested = suggested_threshold(alike) if threshold is None else None
        used = threshold or suggested or THRESHOLD
        known: dict[int, dict[int, float]] = {}
        for (one, other), value in zip(pairs.tolist(), alike, strict=True):
            if value >= used:
                known.setdefault(one, {})[other] = known.setdefault(other, {})[one] = value

        def compare(one: int, other: int) -> float:
            value = known.get(one, {}).get(other)
            return likeness(pictures.grays[one], pictures.grays[other]) if value is None else value

        groups = list(
            described(store, pictures, [*grouped(pictures.images, pictures.of, known, used, compare)], compare)
        )
    return Duplicates(
        groups=sorted(groups, key=lambda group: (-len(group), group[0].id)),
        threshold=used,
        suggested=suggested is not None,
        likenesses=tuple(alike),
        using=tuple(names),
        images=len(pictures.images),
        lacking=lacking,
        foreign=pictures.foreign,
        unread=unread,
    )


def _encoders(store: Store, using: str | Sequence[str] | None) -> list[str]:
    if using is None:
        held = list(store.info.of_images)
        names = [first_choice(held), *(name for name in ("color",) if name in held)] if held else ["learned"]
    else:
        names = [using] if isinstance(using, str) else list(using)
    if not names:
        raise ArgumentError("using= must name one encoder or more; got none.")
    return list(dict.fromkeys(Searcher(store, using=name).using for name in names))


def grouped(
    images: Sequence[Image],
    of: Sequence[Sequence[int]],
    known: Mapping[int, Mapping[int, float]],
    threshold: float,
    compare: Callable[[int, int], float],
) -> Iterator[list[int]]:
    """The groups, as numbers of images, the center of each first.

    Each image in its turn, the one with the most known copies first, is the center of a group, unless it is in one
    already. Copies of that image join it, and those copies of copies that are copies of that image as well, unless a
    verdict keeps them from one that has joined before.

    Args:
        images: all images.
        of: number of a picture -> the numbers of its images.
        known: number of a picture -> those that are known to be copies of it, with their likeness; both ways.
        threshold: the least likeness of copies.
        compare: the likeness of two pictures.
    """
    picture_of = {image: number for number, held in enumerate(of) if len(held) > 1 or number in known for image in held}

    def quality(image: int) -> tuple[int, int, str]:
        told = images[image]
        return -told.width * told.height, -told.bytes, told.id

    taken: set[int] = set()
    for center in sorted(picture_of, key=lambda image: (-len(known.get(picture_of[image], {})), quality(image))):
        if center in taken:
            continue
        own = picture_of[center]
        copies = _copies(own, known, threshold, compare, lambda number: not taken.issuperset(of[number]))
        joining = [image for number in copies for image in of[number] if image not in taken and image != center]
        group = [center]
        # Exact copies first, so that a verdict about one of them cannot be overruled by something less alike.
        for image in sorted(joining, key=lambda image: (picture_of[image] != own, quality(image))):
            if not any(_told_apart(images[image], images[other]) for other in group):
                group.append(image)
        taken.update(group)
        if len(group) > 1:
            yield group


def _copies(
    picture: int,
    known: Mapping[int, Mapping[int, float]],
    threshold: float,
    compare: Callable[[int, int], float],
    left: Callable[[int], bool],
) -> dict[int, float]:
    """The copies of a picture, itself included, with their likeness to it.

    A picture has ten neighbors only, and may have more copies: those are found through the ones that it has found.
    """
    mine = known.get(picture, {})
    copies = {picture: 1.0}
    tried = {picture}
    frontier = [picture]
    while frontier:
        for number in sorted(known.get(frontier.pop(), {}).keys() - tried):
            tried.add(number)
            if not left(number):
                continue
            value = mine[number] if number in mine else compare(picture, number)
            if value >= threshold:
                copies[number] = value
                frontier.append(number)
    return copies


def _told_apart(one: Image, other: Image) -> bool:
    return one.digest in other.verdicts and other.digest in one.verdicts
