"""What a new generation of a collection is to hold, and which one is begun or continued for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoenc.catalog.sources import encoder_spec, origins_of
from autoenc.encoders import Encoder, Model, Weights, check_used, create_encoders, is_known
from autoenc.errors import ArgumentError, EncoderError
from autoenc.store import Store, VectorSpec
from autoenc.store.status import Generation


@dataclass(frozen=True)
class Rebuild:
    """What a new generation is to hold.

    Attributes:
        wanted: named vector -> its encoder, of all that the generation has.
        made: those of them whose vectors are computed from the images; the others are copied.
    """

    wanted: Mapping[str, VectorSpec]
    made: Mapping[str, Encoder]

    @property
    def kept(self) -> list[str]:
        """The vectors that are copied."""
        return [name for name in self.wanted if name not in self.made]


def rebuild_of(
    store: Store, model: Model | None, encoders: Sequence[str | Encoder] | None, weights: Weights | None
) -> Rebuild:
    """What the new generation is to hold. An encoder of your own that is not passed is kept as it is.

    Raises:
        ArgumentError, EncoderError: as for `reindex_store`.
    """
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


def begun(old: Store, plan: Rebuild) -> Store:
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
