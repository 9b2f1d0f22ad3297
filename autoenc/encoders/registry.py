"""Every encoder that can be made by name, and the making."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoenc.encoders import handcrafted, learned
from autoenc.encoders.base import Encoder
from autoenc.encoders.description import EncoderDescription, Model
from autoenc.encoders.projection import Projection, parse_projection
from autoenc.errors import ArgumentError, EncoderError

ENCODERS: dict[str, EncoderDescription] = {
    description.name: description for description in (learned.DESCRIPTION, *handcrafted.DESCRIPTIONS)
}
"""Name -> description; where one has to be chosen, the first that is at hand."""

ENCODER_NAMES = tuple(ENCODERS)


def create_encoder(name: str, model: Model | None = None) -> Encoder:
    """The encoder of that name.

    Args:
        name: one of ENCODER_NAMES, or NAME+pcaK for its K principal components, which are to be fitted before use.
        model: the bundle of a trained encoder, its folder, or the name of a ready one; the others take none.

    Raises:
        EncoderError: an unknown name, or a trained encoder without a model.
        BundleError: the bundle cannot be used.

    Example:
        >>> create_encoder("edges")
        <DescriptorEncoder 'edges' 32x32 -> 324-d>
    """
    (encoder,) = create_encoders([name], model).values()
    return encoder


def create_encoders(
    encoders: Sequence[str | Encoder], model: Model | None = None, origins: Mapping[str, str | None] | None = None
) -> dict[str, Encoder]:
    """Encoders by name, and those that are made already as they are.

    Args:
        encoders: names, as of `create_encoder`, or encoders; each once.
        model: the bundle of those that are trained.
        origins: where each one's model was, for those that are trained if no model is given.

    Returns:
        name -> encoder, in the order asked for.

    Raises:
        EncoderError, BundleError: as `create_encoder`.
        ArgumentError: none, one named twice, or something else than names and encoders.
    """
    if isinstance(encoders, str) or not encoders:
        raise ArgumentError(f"Expected a list of one encoder or more; got {encoders!r}.")
    made: dict[str, Encoder] = {}
    bases: dict[str, Encoder] = {}  # so that `learned` and `learned+pca32` load one model once

    def base(name: str) -> Encoder:
        if name not in ENCODERS:
            raise EncoderError(f"Unknown encoder '{name}'; there are: {', '.join(ENCODER_NAMES)}.")
        if name not in bases:
            description = ENCODERS[name]
            origin = model if model is not None else (origins or {}).get(name)
            bases[name] = description.make(origin if description.trained else None)
        return bases[name]

    for asked in encoders:
        if isinstance(asked, Encoder):
            encoder = asked
        elif not isinstance(asked, str):
            raise ArgumentError(f"Expected names of encoders, or encoders; got {asked!r}.")
        elif (projected := parse_projection(asked)) is not None:
            encoder = Projection(base(projected[0]), projected[1])
        else:
            encoder = base(asked)
        if encoder.name in made:
            raise ArgumentError(f"Encoder '{encoder.name}' is named twice; name each encoder once.")
        made[encoder.name] = encoder
    return made


def first_choice(names: Sequence[str]) -> str:
    """Of some encoders' names, the one to take where none is asked for: the registry's first, or simply the first."""
    return next((name for name in ENCODERS if name in names), names[0])
