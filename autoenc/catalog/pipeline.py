"""The reader, the encoder and the writer: the three steps from pictures to points.

`look_up` runs ahead on the caller's thread. `work` reads, encodes and writes pictures, and runs on every core. Only
one thread at a time uses the store.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from autoenc.catalog.changes import Outcome, Task, examine
from autoenc.catalog.fields import UNCHANGED, own_fields, own_of, write_changes
from autoenc.catalog.image_fields import ImageFields
from autoenc.catalog.sources import Place, encoder_spec
from autoenc.catalog.survey import Survey
from autoenc.catalog.target import Target
from autoenc.encoders import Encoder
from autoenc.encoders.base import encode_loaded
from autoenc.images.finding import Files, Found, NamedPicture, SkippedFile, path_of
from autoenc.store import OWN, Store, point_id
from autoenc.vectors import Vectors

LOOKED_UP = 256
"""Pictures looked up in the store at a time."""

WORKED = 64
"""Pictures that one core reads, encodes and writes at a time, so that the descriptors' intermediate arrays fit its
cache."""


@dataclass(frozen=True)
class Plan:
    """What one indexing run has to do.

    Attributes:
        place: the images' source, and the folder that their paths are relative to.
        asked: the requested encoders, whose vectors every image gets.
        stored: the other encoders whose vectors the store holds; a changed image gets new vectors for these as well.
        lost: encoders whose vectors the store holds but that cannot be created: name -> reason.
        fields: what the user's fields of the images are to be; None leaves them as they are.
    """

    place: Place
    asked: dict[str, Encoder]
    stored: Mapping[str, Encoder] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)
    fields: ImageFields | None = None

    @property
    def source(self) -> str:
        """The name of the images' source."""
        return self.place.source

    @property
    def location(self) -> str:
        """The source's root as the store remembers it; empty for pictures in memory."""
        return str(self.place.root) if self.place.root.is_absolute() else ""

    def relative(self, items: Iterable[Path | NamedPicture]) -> Iterator[str]:
        """The path of each picture relative to its source, with '/' between folders; of one in memory, its name."""
        top = len(os.path.join(self.place.root, ""))  # noqa: PTH118  ends in one separator, for the root folder too
        for item in items.names if isinstance(items, Files) else items:
            name = item.name if isinstance(item, NamedPicture) else str(item)[top:]
            yield name.replace(os.sep, "/")

    @cached_property
    def sizes(self) -> list[int]:
        """Heights and widths to decode pictures to: the input sizes of the encoders."""
        return sorted({encoder.input_size for encoder in (*self.asked.values(), *self.stored.values())})

    def encoders_for(self, outcome: Outcome) -> Mapping[str, Encoder]:
        """The encoders to encode a picture with."""
        if outcome.loaded is None:
            return {}
        if outcome.kind == "lacking":
            return {name: encoder for name, encoder in self.asked.items() if name in outcome.task.lacking}
        return {**self.asked, **self.stored} if outcome.kind == "changed" else self.asked


def look_up(
    found: Found, plan: Plan, target: Target, survey: Survey | None, unchanged: Callable[[int], None]
) -> Iterator[Task]:
    """Yield every picture with what the store knows about it, except for files that a survey knows as unchanged and
    whose fields stay as they are.

    Args:
        found: the pictures.
        plan: what is to be done.
        target: the store.
        survey: what is known of the files of a whole folder.
        unchanged: called with the number of files that are left out.
    """
    for start in range(0, len(found.items), LOOKED_UP):
        batch = found.items[start : start + LOOKED_UP]
        changed = range(len(batch)) if survey is None else survey.changed(start, start + LOOKED_UP)
        if plan.fields is None or plan.fields.steady:
            if len(changed) < len(batch):
                unchanged(len(batch) - len(changed))
            batch = [batch[at] for at in changed]
            changed = range(len(batch))
        if not batch:
            continue
        relative = list(plan.relative(batch))
        ids = [point_id(plan.source, name) for name in relative]
        held_as: dict[str, Mapping[str, Any]] = {}
        having: dict[str, Collection[str]] = {}
        with target.lock:
            store = target.store
            if store is not None:
                held_as = {record.id: record.payload for record in store.retrieve(ids)}
            if store is not None and held_as:
                held, there = store.info.vectors, [id for id in (ids[at] for at in changed) if id in held_as]
                asked = plan.asked if there else ()
                having = {name: store.having_vectors(there, [name]) if name in held else () for name in asked}
        examined, left_out = set(changed), 0
        for at, (item, name, id) in enumerate(zip(batch, relative, ids, strict=True)):
            payload = held_as.get(id)
            known = None if payload is None else own_of(payload)
            change = plan.fields.change(name, payload or {}) if plan.fields else UNCHANGED
            as_surveyed = at not in examined and known is not None
            if as_surveyed and not change:
                left_out += 1
                continue
            without = (vector for vector, ids_with in having.items() if id in held_as and id not in ids_with)
            yield Task(item, name, id, known, frozenset() if as_surveyed else frozenset(without), change)
        if left_out:
            unchanged(left_out)


def work(tasks: Sequence[Task], plan: Plan, target: Target) -> list[Outcome]:
    """Read, encode and write some pictures; those that are returned are stored."""
    outcomes = read(tasks, plan)
    dropped: dict[str, tuple[str, ...]] = {}
    for group in grouped(outcomes, plan):
        vectors = encode(group, plan.encoders_for(group[0]))
        with target.lock:
            dropped |= write(group, vectors, plan, prepared(plan, target))
    changes = {task.id: task.change for task in tasks if task.known is not None and task.change}
    if changes:
        with target.lock:
            write_changes(prepared(plan, target), changes)
    return [replace(each, dropped=dropped.get(each.task.id, ())) for each in outcomes] if dropped else outcomes


def prepared(plan: Plan, target: Target) -> Store:
    """The store, ready for what the run writes."""
    specs = {name: encoder_spec(encoder) for name, encoder in plan.asked.items()}
    return target.prepared(specs, plan.source, plan.location, plan.fields)


def read(tasks: Sequence[Task], plan: Plan) -> list[Outcome]:
    """Compare some pictures with what the store knows, and decode those that have to be encoded."""
    return [_kept_whole(examine(task, plan.sizes), plan) for task in tasks]


def grouped(outcomes: Sequence[Outcome], plan: Plan) -> list[list[Outcome]]:
    """The pictures that can be used, in groups of the same kind that need the same encoders."""
    groups: dict[tuple[str, tuple[str, ...]], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.kind != "skipped":
            groups[outcome.kind, tuple(plan.encoders_for(outcome))].append(outcome)
    return list(groups.values())


def encode(group: Sequence[Outcome], encoders: Mapping[str, Encoder]) -> dict[str, Vectors]:
    """The vectors of some pictures: encoder's name -> (N, dim) float32."""
    loaded = [outcome.loaded for outcome in group if outcome.loaded is not None]
    return encode_loaded(loaded, encoders)


def write(
    group: Sequence[Outcome], vectors: Mapping[str, Vectors], plan: Plan, store: Store
) -> dict[str, tuple[str, ...]]:
    """Write pictures that are all of the same kind.

    A new picture becomes a point. In an existing point, only vectors and autoenc's own fields change. The vectors are
    written first, so that a picture half written at a kill still counts as changed the next time. The point of a
    changed picture loses the vectors that were made elsewhere of the picture as it was.

    Returns:
        The id of each point that has lost such vectors -> their names.
    """
    if group[0].kind == "unchanged":
        return {}
    ids = [outcome.task.id for outcome in group]
    own = [_own(outcome, plan) for outcome in group]
    if group[0].kind == "new":
        mine = [outcome.task.change.set for outcome in group]
        store.upsert(ids, vectors, [{**fields, OWN: each} for fields, each in zip(mine, own, strict=True)])
        return {}
    dropped = _drop_outdated(group, store) if group[0].kind == "changed" else {}
    if vectors:
        store.update_vectors(ids, vectors)
    store.set_payloads(ids, own, key=OWN)
    return dropped


def _drop_outdated(group: Sequence[Outcome], store: Store) -> dict[str, tuple[str, ...]]:
    """Write the points of changed pictures again without the vectors made elsewhere; what it returns is as of `write`.

    A point that was imported without its file has no digest, and its vectors may be of this picture: they stay.
    """
    elsewhere = [name for name, spec in store.info.vectors.items() if not (spec.of_images or spec.of_behavior)]
    known = [each.task.id for each in group if each.task.known and each.task.known.get("digest")]
    outdated = {id for name in elsewhere for id in store.having_vectors(known, [name])}
    records = store.retrieve(sorted(outdated), vectors=list(store.info.vectors)) if outdated else []
    kept = [{name: row for name, row in each.vectors.items() if name not in elsewhere} for each in records]
    store.upsert_records([replace(each, vectors=rows) for each, rows in zip(records, kept, strict=True)])
    return {each.id: tuple(name for name in elsewhere if name in each.vectors) for each in records}


def _own(outcome: Outcome, plan: Plan) -> Mapping[str, Any]:
    if outcome.kind in ("new", "changed") and outcome.loaded is not None:
        return own_fields(plan.source, outcome.task.relative, outcome.loaded)
    return outcome.touched


def _kept_whole(outcome: Outcome, plan: Plan) -> Outcome:
    """Skip a changed picture, so that its point stays as it is, if one of its vectors cannot be replaced."""
    if outcome.kind != "changed" or not plan.lost:
        return outcome
    name, why = next(iter(plan.lost.items()))
    reason = (
        f"It has changed, but its vector of encoder '{name}' cannot be replaced, so its point stays as it was: {why}"
    )
    return Outcome(outcome.task, "skipped", skipped=SkippedFile(path_of(outcome.task.item), reason))
