"""Carry over what was written to one generation of a collection into an older one, before that answers again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoenc.catalog.fields import same_picture
from autoenc.catalog.scales import refresh_scales
from autoenc.errors import StoreError
from autoenc.store import Record, Store
from autoenc.store.copying import AT_ONCE, ROUNDS, batches, is_same
from autoenc.store.records import listed
from autoenc.text import counted


@dataclass(frozen=True)
class RollbackReport:
    """What `roll_back` did.

    Attributes:
        collection: the collection's name.
        before: the number of the generation that answered.
        generation: the number of the one that answers now.
        carried: images whose fields were changed since the switch, or that were indexed since; they were carried over.
        lacking: images that lack a vector of an encoder of this generation, such as those that were indexed since.
        returned: images that were removed since, and are there again.
        notes: advice to the user, in sentences.
    """

    collection: str
    before: int
    generation: int
    carried: int
    lacking: int
    returned: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<RollbackReport generation {self.generation}, which answers now: {self.carried} images carried over>"


def carry_over(newer: Store, older: Store) -> RollbackReport:
    """Let an older generation hold the fields that the newer one holds, and its points.

    An image that both hold in the same version keeps its vectors. Any other has those of the encoders that both
    generations share. What the newer one no longer holds stays. If the work is interrupted, call this again.

    Args:
        newer: the generation that answers.
        older: the one that shall answer next.

    Raises:
        StoreError: others write to `newer` faster than it can be read; or the store cannot be written to.
    """
    carried: set[str] = set()
    for _ in range(ROUNDS):
        older.catch_up(newer)
        if not (written := _write(newer, older)):
            break
        carried |= written
    else:
        raise StoreError(
            f"Collection '{newer.collection}' of {newer.location} has changed again each time it was compared with "
            f"generation {older.generation}. Run the same command again once nobody writes to it."
        )
    if carried:
        older.optimize()
        refresh_scales(older, 0)
    lacking = len(older) - older.count(having=list(older.info.of_images))
    returned = max(0, len(older) - len(newer))
    return RollbackReport(
        collection=newer.collection,
        before=newer.generation or 0,
        generation=older.generation or 0,
        carried=len(carried),
        lacking=lacking,
        returned=returned,
        notes=_notes(older, lacking, returned),
    )


def _write(newer: Store, older: Store) -> set[str]:
    """Write the points that the older generation lacks, or holds with another payload; their ids."""
    theirs = older.info.vectors
    shared = [name for name, spec in newer.info.vectors.items() if name in theirs and spec.same_encoder(theirs[name])]
    written: set[str] = set()
    for batch in batches(newer.scroll(batch=AT_ONCE)):
        there = _by_id(older, [record.id for record in batch], ())
        wrong = [record.id for record in batch if not is_same(record, there.get(record.id))]
        held = _by_id(older, wrong, list(theirs))
        records = [_joined(record, held.get(id)) for id, record in _by_id(newer, wrong, shared).items()]
        older.upsert_records(records)
        written |= {record.id for record in records}
    return written


def _by_id(store: Store, ids: Sequence[str], vectors: Sequence[str]) -> dict[str, Record]:
    return {record.id: record for record in store.retrieve(ids, vectors=vectors)}


def _joined(record: Record, held: Record | None) -> Record:
    """A point as the newer generation holds it, with the vectors that the older one holds of the same picture."""
    if held is None or not same_picture(record, held):
        return record
    return replace(record, vectors={**record.vectors, **held.vectors})


def _notes(older: Store, lacking: int, returned: int) -> tuple[str, ...]:
    notes = []
    if lacking:
        has, which = ("has", "its folder") if lacking == 1 else ("have", "their folders")
        notes.append(
            f"{counted(lacking, 'image')} {has} no vectors of all encoders of generation {older.generation} "
            f"({listed(older.info.of_images)}): index {which} again."
        )
    if returned:
        was, again = ("was", "is there again: remove it") if returned == 1 else ("were", "are there again: remove them")
        notes.append(f"{counted(returned, 'image')} that {was} removed since the switch {again} once more.")
    return tuple(notes)
