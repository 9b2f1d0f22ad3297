"""What a reader of a comparison has to know beside its figures, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autoenc.comparison.fields import Attributes
from autoenc.comparison.fusion import Fusion
from autoenc.comparison.halves import LEAST
from autoenc.comparison.split import Split
from autoenc.encoders import Encoder
from autoenc.tables.labels import LabelTable
from autoenc.text import counted, shown, some


def labeled_notes(encoders: Mapping[str, Encoder], split: Split) -> Iterator[str]:
    """A sentence for encoders that may have seen the labels that they are scored by."""
    if len(split.labeled) and (names := [name for name, encoder in encoders.items() if encoder.labeled]):
        yield (
            f"The training of {some(names)} used labels: compare on images, and with labels, that it did not see, and "
            "not by these figures with encoders that know no labels."
        )


def split_notes(
    table: LabelTable | None, lone_label: str | None, split: Split, unfit: list[Encoder], *, untried: bool
) -> Iterator[str]:
    """Sentences about what was left out or could not be measured."""
    if table is not None and table.broken:
        yield f"{counted(table.broken, 'row')} of {shown(table.file)} left out: too many or too few fields."
    if lone_label is not None:
        yield f"Every labeled image is '{lone_label}': there is nothing to tell apart."
    if not len(split.labeled):
        yield "No query has a label that another image shares, so only self-recall was measured."
    for encoder in unfit:
        yield f"{encoder.name} is left out: it needs {encoder.dim} images or more, and there are {len(split.gallery)}."
    if untried:
        yield (
            "No fusion of encoders was tried: its weights are found on one half of the labeled queries and scored on "
            f"the other, and each half needs {LEAST} queries that share a label with another of its images."
        )


def boost_notes(attributes: Attributes | None, boosted: Fusion | None, *, tried: bool) -> Iterator[str]:
    """Sentences about the fields that were tried beside encoders."""
    if attributes is None:
        return
    yield from attributes.notes
    fields = list(dict.fromkeys(attribute.field for attribute in attributes.tried))
    if tried and boosted is None:
        yield f"Tried as boosts, and found to add nothing: {', '.join(fields)}."
    elif boosted is not None:
        yield f"Tried as boosts: {', '.join(fields)}."
        for attribute in boosted.attributes:
            if attribute.field in attributes.follow:
                yield (
                    f"Field '{attribute.field}' is the same for all images of a label, so that its boost repeats a "
                    "part of the label: what it gains here holds only where the field is known as reliably."
                )
