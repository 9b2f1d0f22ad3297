"""Encoders: pictures in, vectors out, all behind one contract."""

from __future__ import annotations

import os
from collections.abc import Sequence

from autoenc.encoders.base import Encoder
from autoenc.encoders.handcrafted import HANDCRAFTED
from autoenc.encoders.learned import LearnedEncoder
from autoenc.errors import EncoderError
from autoenc.models.bundle import Bundle
from autoenc.models.ready import READY_MODELS

ENCODER_NAMES = ("learned", *HANDCRAFTED)


def create_encoder(name: str, *, model: Bundle | str | os.PathLike[str] | None = None) -> Encoder:
    """The encoder of that name.

    Args:
        name: one of ENCODER_NAMES.
        model: the bundle of `learned`, its folder, or the name of a ready one; the others take none.

    Raises:
        EncoderError: an unknown name, or `learned` without a model.
        BundleError: the bundle cannot be used.
    """
    if name == "learned":
        if model is None:
            raise EncoderError(
                f"Encoder 'learned' needs a trained model: name its folder with --model (model=), or one that comes "
                f"with autoenc: {', '.join(READY_MODELS)}."
            )
        return LearnedEncoder(model)
    if name not in HANDCRAFTED:
        raise EncoderError(f"Unknown encoder '{name}'; there are: {', '.join(ENCODER_NAMES)}.")
    return HANDCRAFTED[name]()


def create_encoders(
    names: Sequence[str], *, model: Bundle | str | os.PathLike[str] | None = None
) -> dict[str, Encoder]:
    """`create_encoder` for several names.

    Raises:
        EncoderError, BundleError: as `create_encoder`; or a name is given twice.
    """
    made: dict[str, Encoder] = {}
    for name in names:
        if name in made:
            raise EncoderError(f"Encoder '{name}' is named twice; name each encoder once.")
        made[name] = create_encoder(name, model=model)
    return made


__all__ = ["ENCODER_NAMES", "Encoder", "LearnedEncoder", "create_encoder", "create_encoders"]
