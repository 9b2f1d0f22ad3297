"""Encoders turn images into vectors, all through one interface."""

from autoenc.encoders.base import Encoder, TrainedEmphasis
from autoenc.encoders.description import EncoderDescription, Model
from autoenc.encoders.projection import base_name
from autoenc.encoders.registry import ENCODER_NAMES, ENCODERS, create_encoder, create_encoders, first_choice

__all__ = [
    "ENCODERS",
    "ENCODER_NAMES",
    "Encoder",
    "EncoderDescription",
    "Model",
    "TrainedEmphasis",
    "base_name",
    "create_encoder",
    "create_encoders",
    "first_choice",
]
