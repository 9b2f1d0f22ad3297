"""Encoders turn images into vectors, all through one interface."""

from autoenc.encoders.base import Encoder, TrainedEmphasis
from autoenc.encoders.description import EncoderDescription, Model
from autoenc.encoders.projection import base_name
from autoenc.encoders.registry import (
    ENCODER_NAMES,
    ENCODERS,
    PRETRAINED_NAMES,
    Weights,
    check_used,
    create_encoder,
    create_encoders,
    first_choice,
    is_known,
)

__all__ = [
    "ENCODERS",
    "ENCODER_NAMES",
    "PRETRAINED_NAMES",
    "Encoder",
    "EncoderDescription",
    "Model",
    "TrainedEmphasis",
    "Weights",
    "base_name",
    "check_used",
    "create_encoder",
    "create_encoders",
    "first_choice",
    "is_known",
]
