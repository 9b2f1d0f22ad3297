"""The registry of encoders, and their creation by name."""

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
"""Name -> description, in order of preference where an encoder has to be chosen."""

ENCODER_NAMES = tuple(ENCODERS)


def create_encoder(name: str, model: Model | None = None) -> Encoder:
    """Create the encoder of a given name.

    Args:
        name: one of ENCODER_NAMES, or NAME+pcaK for K principal components of it, which must be fitted before use.
        model: the model of `learned`, and of `handcrafted`'s weights: a bundle, its folder, or the name of a ready
            model; other encoders do not need one.

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
    """Create encoders by name; encoders that exist already are returned as they are.

    Args:
        encoders: names, as for `create_encoder`, or encoders, each once.
        model: the model of `learned`, and of `handcrafted`'s weights.
        origins: encoder's name -> where its model was, None for an encoder that was made without one, which is made so
            again; used if no model is given.

    Returns:
        Name -> encoder, in the order of `encoders`.

    Raises:
        EncoderError, BundleError: as for `create_encoder`.
        ArgumentError: no encoder, one named twice, or something other than names and encoders.
    """
    if isinstance(encoders, str) or not encoders:
        raise ArgumentError(f"Expected a list of one encoder or more; got {encoders!r}.")
    made: dict[str, Encoder] = {}
    remembered = origins or {}
    bases: dict[str, Encoder] = {}  # so that `learned` and `learned+pca32` load their model once

    def base(name: str) -> Encoder:
        if name not in ENCODERS:
            raise EncoderError(f"Unknown encoder '{name}'; the encoders are: {', '.join(ENCODER_NAMES)}.")
        if name not in bases:
            description = ENCODERS[name]
            made_without = name in remembered and remembered[name] is None and not description.trained
            origin = model if model is not None and not made_without else remembered.get(name)
            bases[name] = description.make(origin)
        return bases[name]

    for asked in encoders:
        if isinstance(asked, Encoder):
            encoder = asked
        elif not isinstance(asked, str):
            raise ArgumentError(
                f"Expected names of encoders, or instances of a subclass of autoenc.Encoder; got {asked!r}."
            )
        elif (projected := parse_projection(asked)) is not None:
            encoder = Projection(base(projected[0]), projected[1])
        else:
            encoder = base(asked)
        if encoder.name in made:
            raise ArgumentError(f"Encoder '{encoder.name}' is named twice; name each encoder once.")
        made[encoder.name] = encoder
    return made


def first_choice(names: Sequence[str]) -> str:
    """The default among the names of some encoders: the one first in the registry, or else the first name.

    Of no names, it is the first in the registry.
    """
    return next((name for name in ENCODERS if name in names), (*names, *ENCODER_NAMES)[0])
