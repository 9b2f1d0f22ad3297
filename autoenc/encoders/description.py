"""What is known of an encoder before one is made."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from autoenc.encoders.base import Encoder
from autoenc.models.bundle import Bundle

Model = Bundle | str | os.PathLike[str]
"""A trained model as callers may give it: a bundle, its folder, or the name of one that comes with the package."""


@dataclass(frozen=True)
class EncoderDescription:
    """An encoder that can be made by name.

    Attributes:
        name: of the encoder.
        dim: length of a vector; None where its model decides.
        input_size: height and width in pixels of the pictures it takes; None where its model decides.
        preprocessing: what is done to a picture before it is encoded.
        summary: what its numbers are.
        source: the paper or standard behind it.
        make: makes one, from a model if `trained`.
        trained: whether it needs a model.
    """

    name: str
    dim: int | None
    input_size: int | None
    preprocessing: str
    summary: str
    source: str
    make: Callable[[Model | None], Encoder]
    trained: bool = False
