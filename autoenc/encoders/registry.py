"""The registry of encoders, and their creation by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoenc.encoders import handcrafted, learned, pretrained
from autoenc.encoders.base import Encoder
from autoenc.encoders.description import EncoderDescription, Model
from autoenc.encoders.exported import ExportedEncoder, is_exported
from autoenc.encoders.projection import Projection, base_name, parse_projection
from autoenc.errors import ArgumentError, EncoderError
from autoenc.text import meant, no_comma, shown, some

ENCODERS: dict[str, EncoderDescription] = {
    description.name: description
    for description in (learned.DESCRIPTION, *pretrained.DESCRIPTIONS, *handcrafted.DESCRIPTIONS)
}
"""Name -> description, in order of preference where an encoder has to be chosen."""

ENCODER_NAMES = tuple(name for name, description in ENCODERS.items() if not description.weighted)
"""The encoders that autoenc brings along."""

PRETRAINED_NAMES = tuple(name for name, description in ENCODERS.items() if description.weighted)
"""The networks of Keras Applications, whose weights are fetched or named."""

Weights = Mapping[str, str]
"""Encoder's name -> what its weights are: a file, "imagenet" or "random"; of an exported model, where it is now."""


def create_encoder(name: str, model: Model | None = None, *, weights: Weights | None = None) -> Encoder:
    """Create the encoder of a given name.

    Args:
        name: one of ENCODER_NAMES or PRETRAINED_NAMES; onnx:FILE or litert:FILE for an exported model that
            `describe_model` has described; or NAME+pcaK for K principal components of any of these, which must be
            fitted before use.
        model: the model of `learned`, and of `handcrafted`'s weights: a bundle, its folder, or the name of a ready
            model; other encoders do not need one.
        weights: of a pretrained network: its name -> a file of weights as Keras writes it, "random", or "imagenet",
            the default, which Keras fetches once.

    Raises:
        EncoderError: an unknown name, a trained encoder without a model, or weights that cannot be used.
        BundleError: the bundle cannot be used.
        MissingDependencyError: TensorFlow or LiteRT, which the encoder needs, is not installed.

    Example:
        >>> create_encoder("edges")
        <DescriptorEncoder 'edges' 32x32 -> 324-d>
    """
    (encoder,) = create_encoders([name], model, weights=weights).values()
    return encoder


def create_encoders(
    encoders: Sequence[str | Encoder],
    model: Model | None = None,
    origins: Mapping[str, str | None] | None = None,
    *,
    weights: Weights | None = None,
) -> dict[str, Encoder]:
    """Create encoders by name; encoders that exist already are returned as they are.

    Args:
        encoders: names, as for `create_encoder`, or encoders, each once. The name of an exported model serves where
            `origins` says where it is.
        model: the model of `learned`, and of `handcrafted`'s weights.
        origins: encoder's name -> where its model or its weights were, None for an encoder that was made without, which
            is made so again; used if no model or no weights of it are given.
        weights: as for `create_encoder`.

    Returns:
        Name -> encoder, in the order of `encoders`.

    Raises:
        EncoderError, BundleError, MissingDependencyError: as for `create_encoder`.
        ArgumentError: no encoder, one named twice, something other than names and encoders, or weights of an encoder
            that takes none.
    """
    if isinstance(encoders, str) or not encoders:
        raise ArgumentError(f"Expected a list of one encoder or more; got {encoders!r}.")
    made: dict[str, Encoder] = {}
    remembered = origins or {}
    named = weights or {}
    _check_weights(named, remembered)
    bases: dict[str, Encoder] = {}  # so that `learned` and `learned+pca32` load their model once

    def base(name: str) -> Encoder:
        if name not in bases:
            bases[name] = _made(name, model, remembered, named)
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


def check_used(weights: Weights | None, encoders: Sequence[str | Encoder]) -> None:
    """Raise ArgumentError for weights of an encoder that is not among some encoders."""
    _check_mapping(weights or {})
    names = {base_name(each if isinstance(each, str) else each.name) for each in encoders}
    if unused := [name for name in weights or () if name not in names]:
        raise ArgumentError(
            f"weights= names {some(unused)}, and the encoders are {some(sorted(names)) or 'none'}: name it among them, "
            "or leave its weights out."
        )


def is_known(name: str, origin: str | None = None) -> bool:
    """Whether an encoder of a store can be made by its name and its origin; an `Encoder` of the user's cannot.

    Example:
        >>> is_known("edges"), is_known("features", "onnx:/models/features.onnx"), is_known("mine")
        (True, True, False)
    """
    return name in ENCODERS or is_exported(origin)


def _made(name: str, model: Model | None, remembered: Mapping[str, str | None], weights: Weights) -> Encoder:
    """An encoder that is no projection."""
    origin = remembered.get(name)
    if name in ENCODERS:
        description = ENCODERS[name]
        if description.weighted:
            return description.make(weights.get(name, origin))
        made_without = name in remembered and origin is None and not description.trained
        return description.make(model if model is not None and not made_without else origin)
    place = name if is_exported(name) else weights.get(name, origin)
    if is_exported(origin) and place and not is_exported(place):  # the model has moved
        place = f"{str(origin).partition(':')[0]}:{place}"
    if not is_exported(place):
        raise EncoderError(
            f"Unknown encoder '{name}'; the encoders are: {', '.join((*ENCODER_NAMES, *PRETRAINED_NAMES))}, onnx:FILE "
            f"and litert:FILE.{no_comma(name) or meant(name, ENCODERS)}"
        )
    encoder = ExportedEncoder(str(place))
    if encoder.name in ENCODERS:
        raise EncoderError(
            f"The sidecar of {shown(encoder.path)} calls it '{encoder.name}', as one of autoenc's own encoders is "
            "called; give it another name with `autoenc describe-model --name`."
        )
    if name != place and encoder.name != name:
        raise EncoderError(
            f"Expected the exported model '{name}'; the sidecar of {shown(encoder.path)} calls it '{encoder.name}'."
        )
    return encoder


def _check_weights(weights: Weights, remembered: Mapping[str, str | None]) -> None:
    """Raise ArgumentError for weights of encoders that take none."""
    _check_mapping(weights)
    for name in weights:
        if name not in PRETRAINED_NAMES and not is_exported(remembered.get(name)):
            raise ArgumentError(
                f"weights= are for pretrained encoders ({', '.join(PRETRAINED_NAMES)}), and say where an exported "
                f"model is that a store holds vectors of; '{name}' is none.{meant(name, PRETRAINED_NAMES)}"
            )


def _check_mapping(weights: Weights) -> None:
    if not isinstance(weights, Mapping) or not all(isinstance(value, str) and value for value in weights.values()):
        raise ArgumentError(f"weights= maps names of encoders to files, 'imagenet' or 'random'; got {weights!r}.")


def first_choice(names: Sequence[str]) -> str:
    """The default among the names of some encoders: the one first in the registry, or else the first name.

    Of no names, it is the first in the registry.
    """
    return next((name for name in ENCODERS if name in names), (*names, *ENCODER_NAMES)[0])
