"""What an indexing run did: its report, its notes, and what the store remembers of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoenc.catalog.metadata import TableReport
from autoenc.catalog.pipeline import Plan
from autoenc.catalog.products import unnamed_note
from autoenc.errors import StoreError
from autoenc.images.finding import Found, SkippedFile
from autoenc.store import Store
from autoenc.store.runs import Run, now
from autoenc.text import counted, exact, shown, some

_SELDOM = ("moved", "pruned")


@dataclass(frozen=True)
class IndexReport:
    """What `index_images` did with every image.

    Attributes:
        indexed: images that are new in the store.
        moved: images that were moved or renamed, with nothing else to do; their points kept their fields and vectors.
        updated: images that had changed, or that got vectors of one more encoder.
        unchanged: images that the store already held and that have not changed.
        missing: files that the store holds, that are no longer in the folder, and whose points stay in the store.
        pruned: files that are no longer in the folder, and whose points were removed.
        ignored: files without an image extension.
        skipped: files that could not be used, and why.
        seconds: time from the first file examined to the last flush.
        images_per_second: indexed, moved, updated and unchanged images, divided by that time.
        source: the source's name.
        notes: advice to the user, in sentences.
        table: what came of the table of metadata; None without one.
    """

    indexed: int
    moved: int
    updated: int
    unchanged: int
    missing: list[Path]
    pruned: list[Path]
    ignored: int
    skipped: list[SkippedFile]
    seconds: float
    images_per_second: float
    source: str
    notes: list[str] = field(default_factory=list)
    table: TableReport | None = None

    @property
    def usable(self) -> int:
        """How many images could be used."""
        return self.indexed + self.moved + self.updated + self.unchanged

    @property
    def counts(self) -> dict[str, int]:
        """How many images each of the words is true of, and how many files were ignored."""
        counts = {name: value for name, value in vars(self).items() if type(value) is int}
        return counts | {name: len(getattr(self, name)) for name in ("missing", "pruned", "skipped")}

    def told(self) -> str:
        """The counts as one line; of moved and pruned images only where there are some."""
        order = ("indexed", "moved", "updated", "unchanged", "missing", "pruned", "skipped", "ignored")
        counts = self.counts
        return ", ".join(f"{counts[name]} {name}" for name in order if counts[name] or name not in _SELDOM)

    def to_dict(self) -> dict[str, Any]:
        lists = {name: [exact(path) for path in getattr(self, name)] for name in ("missing", "pruned")}
        table = None if self.table is None else self.table.to_dict()
        return {**vars(self), **lists, "skipped": [skipped.to_dict() for skipped in self.skipped], "table": table}

    def __repr__(self) -> str:
        return f"<IndexReport {self.told()}>"


def remember_run(store: Store, report: IndexReport) -> None:
    """Let the store remember the run. All images are stored: a full disk or a read-only store is no failure now."""
    counts = {name: count for name, count in report.counts.items() if name != "ignored"}
    try:
        store.add_run(report.source, Run(finished=now(), seconds=round(report.seconds, 3), **counts))
    except StoreError as error:
        report.notes.append(f"`autoenc status` will not show this run: {error}")


def product_note(store: Store | None, plan: Plan, new: int) -> str | None:
    """`unnamed_note` for a run that leaves new images without their product."""
    product = None if store is None else store.info.product
    if product is None or (plan.fields and plan.fields.sets(product)):
        return None
    return unnamed_note(product, new)


def source_note(store: Store | None, before: Collection[str], added: str) -> str | None:
    """A sentence where a run has added a source to a store that had others `before`."""
    if store is None or not before or added in before or added not in store.info.sources:
        return None
    there = some([shown(name) for name in before])
    return f"{shown(added)} is a new source beside {there}: the store now has {len(before) + 1:,} sources."


def dropped_notes(dropped: Mapping[str, int]) -> list[str]:
    """A sentence for each name of vectors made elsewhere that changed images have lost: name -> how many images."""
    return [
        f"{counted(count, 'changed image')} {'has' if count == 1 else 'have'} no vector '{name}' now: it was made "
        f"elsewhere, of the picture as it was. Make it again there, and import '{name}' again."
        for name, count in dropped.items()
    ]


def notes_of(found: Found, plan: Plan, missing: Sequence[Path], new: int) -> list[str]:
    """Advice to the user: of encoders, of a folder inside a source, of missing files."""
    notes = [*dict.fromkeys(encoder.advice for encoder in plan.asked.values() if encoder.advice and new)]
    if found.whole and plan.place.within:
        notes.append(
            f"{shown(found.root or '')} lies in source {shown(plan.source)}, so its images belong to that source. With "
            f"source=NAME they would be stored a second time."
        )
    if missing:
        notes.append(
            f"{counted(len(missing), 'image')} of source '{plan.source}' {'is' if len(missing) == 1 else 'are'} stored "
            f"but no longer in the folder. prune=True removes what has gone."
        )
    return notes
