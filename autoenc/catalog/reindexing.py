"""Reindex a collection with another model: a new generation is built beside the old one, compared, and switched to."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoenc.catalog.agreement import Agreement, compare_generations
from autoenc.catalog.carrying import RollbackReport, carry_over
from autoenc.catalog.rebuilding import Built, Rebuild, build, check_missing, missing_files
from autoenc.catalog.sources import encoder_spec, origins_of
from autoenc.encoders import ENCODERS, Encoder, Model, Weights, check_used, create_encoders, is_known
from autoenc.errors import ArgumentError, EncoderError, StoreError
from autoenc.images.finding import SkippedFile
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import WAIT_SECONDS, Store, open_store
from autoenc.store.copying import check_whole
from autoenc.store.naming import split_name
from autoenc.store.records import VectorSpec, listed
from autoenc.store.status import Generation
from autoenc.text import counted, exact

MISSING_LIMIT = 0.2
"""The largest share of the images that may go without the new vectors without being asked for."""


@dataclass(frozen=True)
class ReindexReport:
    """What `reindex_store` did.

    Attributes:
        collection: the collection's name.
        before: the number of the generation that answered.
        generation: the number of the new one; the same as `before` if there was nothing to do.
        switched: whether the new one answers now.
        points: how many images it holds.
        encoded: how many images were encoded by this call; others had been before it was interrupted.
        made: encoders whose vectors were computed.
        kept: encoders whose vectors were copied.
        left_out: encoders of the old generation that the new one does not have.
        missing: files that are gone; their points lack the vectors that were computed.
        skipped: files that could not be used, and why; so do theirs.
        agreement: encoder -> how it compares with the one that it replaces.
        seconds: how long it took.
        notes: advice to the user, in sentences.
    """

    collection: str
    before: int
    generation: int
    switched: bool
    points: int
    encoded: int = 0
    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    agreement: dict[str, Agreement] = field(default_factory=dict)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The report as a document for JSON."""
        return {
            **vars(self),
            "missing": [exact(path) for path in self.missing],
            "skipped": [skipped.to_dict() for skipped in self.skipped],
            "agreement": {name: each.to_dict() for name, each in self.agreement.items()},
        }

    def __repr__(self) -> str:
        if self.generation == self.before:
            return f"<ReindexReport generation {self.generation}, nothing to do>"
        answers = "which answers now" if self.switched else "not switched to"
        return f"<ReindexReport generation {self.generation}, {answers}: {self.points} points, {self.encoded} encoded>"


def reindex_store(
    store: Store | str | os.PathLike[str],
    *,
    model: Model | None = None,
    encoders: Sequence[str | Encoder] | None = None,
    weights: Weights | None = None,
    collection: str = "images",
    wait: float = WAIT_SECONDS,
    missing_limit: float = MISSING_LIMIT,
    switch: bool = True,
    progress: ProgressOption = None,
) -> ReindexReport:
    """Encode a collection's images with another model, beside what there is, and then let that answer.

    The new generation has the same points with the same fields, products and verdicts. Of encoders that are as they
    were, the vectors are copied; of the others, the images are encoded, each from where it was indexed. The old
    generation answers until everything is done, and is kept: `roll_back` returns to it, and `drop_old_generations`
    removes it. `open_store(collection="images@1")` opens it. If the work is interrupted, at any moment, call this again
    to finish it.

    In a folder, nobody else can open the collection meanwhile. On a server, index nothing into it meanwhile: what is
    written before the last comparison is taken over, and what comes after it remains in the old generation.

    Args:
        store: an open store, which answers from the new generation afterward; or the location of one.
        model: the new model of `learned` and of `handcrafted`'s weights.
        encoders: names of the encoders that the new generation has, or your own `Encoder` objects, each once; by
            default, those that the collection has. Vectors of behavior and those made elsewhere are always copied.
        weights: of pretrained encoders, as for `create_encoder`; by default those that the collection remembers.
        collection: the collection, if `store` is a location.
        wait: as for `open_store`, if `store` is a location.
        missing_limit: the largest share of the images that may go without the new vectors, because their files are
            gone or cannot be used. They stay in the store, with their fields and the vectors that are copied.
        switch: let the new generation answer. With False it is built and compared only; call this again to switch.
        progress: as for `index_images`.

    Raises:
        EncoderError, BundleError: an encoder cannot be created. Nothing is written.
        StoreNotFoundError: there is no such collection.
        StoreLockedError: it is open elsewhere.
        StoreError: too many files are gone; the collection is an unfinished copy, or on a server and made before there
            were generations; or it cannot be written to. The old generation answers.
        ArgumentError: a limit that is no share, or the name of a generation.

    Example:
        >>> autoenc.reindex_store("store", model="model", encoders=["learned", "edges", "texture"])
        <ReindexReport generation 2, which answers now: 48 points, 48 encoded>
        >>> autoenc.roll_back("store")
        <RollbackReport generation 1, which answers now: 0 images carried over>
    """
    if isinstance(missing_limit, bool) or not isinstance(missing_limit, (int, float)) or not 0 <= missing_limit <= 1:
        raise ArgumentError(f"missing_limit= is a share from 0 to 1, such as 0.2; got {missing_limit!r}.")
    start = time.perf_counter()
    with _opened(store, collection, wait) as old, telling(progress) as tell:
        check_whole(old, f"Collection '{old.collection}' of {old.location}")
        plan = _plan(old, model, encoders, weights)
        number, left_out = old.generation or 0, sorted(old.info.vectors.keys() - plan.wanted.keys())
        if not plan.made and not left_out:
            return ReindexReport(old.collection, number, number, False, len(old), notes=[_nothing_to_do(plan, model)])
        if plan.made:
            lost, total = missing_files(old)
            where = f"collection '{old.collection}' of {old.location}"
            check_missing(lost, total, missing_limit, where, "Nothing was changed.")
        with old.being_replaced():
            new = _begun(old, plan)
            try:
                built = build(old, new, plan, missing_limit, tell)
                agreement = _compared(old, new, plan, tell)
                generation = new.generation or 0
                if switch:
                    old.switch_to(new)
            finally:
                if not switch or old.generation != new.generation:
                    new.close()
        return ReindexReport(
            collection=old.collection,
            before=number,
            generation=generation,
            switched=switch,
            points=built.points,
            encoded=built.encoded,
            made=list(plan.made),
            kept=plan.kept,
            left_out=left_out,
            missing=sorted(built.missing),
            skipped=built.skipped,
            agreement=agreement,
            seconds=time.perf_counter() - start,
            notes=_notes(built, plan),
        )


def roll_back(
    store: Store | str | os.PathLike[str], *, collection: str = "images", wait: float = WAIT_SECONDS
) -> RollbackReport:
    """Let the generation before the one that answers answer again. Both are kept.

    The fields of all images are carried over first, as they are now. Images that were indexed since the collection was
    reindexed come along without the vectors that only the older model makes: index their folders again. Images that
    were removed since are there again. Reindexing with the newer model makes the newer generation answer again, with
    what the older one holds then. If the work is interrupted, at any moment, call this again to finish it.

    Args:
        store: an open store, which answers from the older generation afterward; or the location of one.
        collection: the collection, if `store` is a location.
        wait: as for `open_store`, if `store` is a location.

    Returns:
        Which generation answers now, and what was carried over.

    Raises:
        StoreError: there is no older generation, or the store cannot be opened or written to.
        ArgumentError: the name of a generation.

    Example:
        >>> copied = autoenc.copy_store("store", "copy")
        >>> report = autoenc.reindex_store("copy", encoders=["edges"])
        >>> autoenc.roll_back("copy").generation
        1
    """
    with _opened(store, collection, wait) as current:
        number = current.generation or 0
        others = current.generations()
        older = [each.number for each in others if each.number < number and not each.unfinished]
        if not older:
            newer = [str(each.number) for each in others if each.number > number]
            told = f" Generation {', '.join(newer)} is newer: reindex with its model." if newer else ""
            raise StoreError(
                f"Collection '{current.collection}' of {current.location} has no generation before {number}.{told}"
            )
        other = current.beside(max(older))
        try:
            with current.being_replaced():
                report = carry_over(current, other)
                current.switch_to(other)
        except BaseException:
            other.close()
            raise
        return report


def drop_old_generations(
    store: Store | str | os.PathLike[str], *, collection: str = "images", wait: float = WAIT_SECONDS
) -> list[int]:
    """Remove every generation of a collection but the one that answers, unfinished ones too.

    Args:
        store: an open store, or the location of one.
        collection: the collection, if `store` is a location.
        wait: as for `open_store`, if `store` is a location.

    Returns:
        The numbers of those that were removed.

    Raises:
        StoreLockedError: one of them is open.
        StoreError: the store cannot be opened or written to.
        ArgumentError: the name of a generation.

    Example:
        >>> copied = autoenc.copy_store("store", "other")
        >>> report = autoenc.reindex_store("other", encoders=["edges"])
        >>> autoenc.drop_old_generations("other")
        [1]
    """
    with _opened(store, collection, wait) as current:
        numbers = [each.number for each in current.generations() if not each.current]
        for number in numbers:
            current.drop_generation(number)
        return numbers


@contextmanager
def _opened(store: Store | str | os.PathLike[str], collection: str, wait: float) -> Iterator[Store]:
    """A store that can have generations, open during a `with` block."""
    if not isinstance(store, Store):
        with open_store(store, collection, wait=wait) as opened, _opened(opened, collection, wait) as checked:
            yield checked
        return
    name, number = split_name(store.collection)
    if number is not None:
        raise ArgumentError(f"Expected a collection, such as '{name}'; got {store.collection}, one generation of it.")
    if store.generation is None:
        raise StoreError(
            f"Collection '{name}' of {store.location} was made before collections had generations. Make a backup of "
            f"it with `autoenc backup`, and put it back with `autoenc restore --overwrite`; then it has them."
        )
    yield store


def _plan(
    store: Store, model: Model | None, encoders: Sequence[str | Encoder] | None, weights: Weights | None
) -> Rebuild:
    """What the new generation is to hold. An encoder of your own that is not passed is kept as it is."""
    held = store.info.vectors
    if isinstance(encoders, str) or (encoders is not None and not encoders):
        raise ArgumentError(f"Expected a list of one encoder or more; got {encoders!r}.")
    names = list(held) if encoders is None else list(encoders)
    origins = origins_of(store)
    foreign = [each for each in names if isinstance(each, str) and each in held and not is_known(each, origins[each])]
    asked = [each for each in names if each not in foreign]
    made = create_encoders(asked, model, origins, weights=weights) if asked else {}
    check_used(weights, list(made))
    for name, encoder in made.items():
        if not encoder.fitted:
            raise EncoderError(
                f"Encoder '{name}' is fitted on the images of each comparison, so a store cannot hold its vectors. "
                f"Reindex with the encoder that it projects."
            )
    wanted: dict[str, VectorSpec] = {name: held[name] for name in foreign}
    wanted |= {name: spec for name, spec in held.items() if not spec.of_images}  # no encoder could make them again
    wanted |= {name: encoder_spec(encoder) for name, encoder in made.items()}
    changed = {name: each for name, each in made.items() if not _same(held.get(name), wanted[name])}
    return Rebuild(wanted, changed)


def _same(one: VectorSpec | None, other: VectorSpec) -> bool:
    return one is not None and one.same_encoder(other)


def _nothing_to_do(plan: Rebuild, model: Model | None) -> str:
    takes = [name for name in plan.wanted if name in ENCODERS and ENCODERS[name].trained]
    if model is not None and not takes:
        return (
            f"There is nothing to do: none of the encoders of this collection ({listed(plan.wanted)}) takes a model. "
            f"Name those that it shall have with encoders=."
        )
    return f"There is nothing to do: the encoders are those of this collection already ({listed(plan.wanted)})."


def _begun(old: Store, plan: Rebuild) -> Store:
    """The generation to fill: a new one, or one of the same encoders that was begun or built before.

    One that was begun with other encoders is dropped: nothing would ever finish it.
    """
    others = [each for each in old.generations() if not each.current]
    fitting = [each.number for each in others if _fits(each, plan)]
    for each in others:
        if each.unfinished and each.number not in fitting:
            old.drop_generation(each.number)
    if fitting:
        return old.beside(max(fitting))
    return old.beside(max([old.generation or 0, *(each.number for each in others)]) + 1, create=True)


def _fits(other: Generation, plan: Rebuild) -> bool:
    same = all(name in plan.wanted and _same(spec, plan.wanted[name]) for name, spec in other.encoders.items())
    return same and (other.unfinished or other.encoders.keys() == plan.wanted.keys())


def _compared(old: Store, new: Store, plan: Rebuild, tell: Progress) -> dict[str, Agreement]:
    found = {}
    for done, (name, encoder) in enumerate(plan.made.items()):
        tell("searching", done, len(plan.made), name)
        if name in old.info.vectors and (each := compare_generations(old, new, encoder)) is not None:
            found[name] = each
    tell("searching", len(plan.made), len(plan.made), "")
    return found


def _notes(built: Built, plan: Rebuild) -> list[str]:
    lost = len(built.missing) + len(built.skipped)
    notes = []
    if lost:
        notes.append(
            f"{counted(lost, 'image')} without a usable file {'has' if lost == 1 else 'have'} no vectors of "
            f"{listed(plan.made)}; all else of {'it' if lost == 1 else 'them'} is kept."
        )
    if built.changed:
        notes.append(
            f"{counted(built.changed, 'file')} {'holds' if built.changed == 1 else 'hold'} another picture than when "
            f"{'it was' if built.changed == 1 else 'they were'} indexed: index the folder again."
        )
    return notes
