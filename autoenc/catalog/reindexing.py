"""Reindex a collection with another model: a new generation is built beside the old one, compared, and switched to."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoenc.catalog.agreement import Agreement, compare_generations
from autoenc.catalog.generations import opened_collection
from autoenc.catalog.rebuild_plan import Rebuild, begun, rebuild_of
from autoenc.catalog.rebuilding import Built, build, check_missing, missing_files
from autoenc.encoders import ENCODERS, Encoder, Model, Weights
from autoenc.errors import ArgumentError
from autoenc.images.finding import SkippedFile
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import WAIT_SECONDS, Store
from autoenc.store.copying import check_whole
from autoenc.store.records import listed
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
    with opened_collection(store, collection, wait) as old, telling(progress) as tell:
        check_whole(old, f"Collection '{old.collection}' of {old.location}")
        plan = rebuild_of(old, model, encoders, weights)
        number, left_out = old.generation or 0, sorted(old.info.vectors.keys() - plan.wanted.keys())
        if not plan.made and not left_out:
            return ReindexReport(old.collection, number, number, False, len(old), notes=[_nothing_to_do(plan, model)])
        if plan.made:
            lost, total = missing_files(old)
            where = f"collection '{old.collection}' of {old.location}"
            check_missing(lost, total, missing_limit, where, "Nothing was changed.")
        with old.being_replaced():
            new = begun(old, plan)
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


def _nothing_to_do(plan: Rebuild, model: Model | None) -> str:
    takes = [name for name in plan.wanted if name in ENCODERS and ENCODERS[name].trained]
    if model is not None and not takes:
        return (
            f"There is nothing to do: none of the encoders of this collection ({listed(plan.wanted)}) takes a model. "
            f"Name those that it shall have with encoders=."
        )
    return f"There is nothing to do: the encoders are those of this collection already ({listed(plan.wanted)})."


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
