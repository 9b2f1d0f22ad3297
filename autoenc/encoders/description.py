"""What is known about an encoder before it is created."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from autoenc.encoders.base import Encoder
from autoenc.models.bundle import Bundle

Model = Bundle | str | os.PathLike[str]
"""Any form in which callers may pass a trained model: a bundle, its folder, or the name of one in the package."""


@dataclass(frozen=True)
class EncoderDescription:
    """An encoder that can be created by name.

    Attributes:
        name: the encoder's name.
        dim: length of a vector; None if the model determines it.
        input_size: height and width in pixels of the images it takes; None if the model determines it.
        preprocessing: what is done to an image before it is encoded.
        summary: what its numbers are.
        source: the paper or standard that it follows.
        make: creates the encoder from a model, which it ignores if it has no use for one; from weights, if `weighted`.
        trained: whether it needs a trained model.
        weighted: whether it is a pretrained network, whose weights `weights=` names.
    """

    name: str
    dim: int | None
    input_size: int | None
    preprocessing: str
    summary: str
    source: str
    make: Callable[[Model | None], Encoder]
    trained: bool = False
    weighted: bool = False
