"""The learned encoder: a bundle's latents, as an encoder like any other."""

from __future__ import annotations

import os

from autoenc.encoders.base import Encoder
from autoenc.models.bundle import Bundle, load_bundle
from autoenc.vectors import Images, Vectors


class LearnedEncoder(Encoder):
    """The autoencoder's encoder, on ONNX Runtime."""

    name = "learned"

    def __init__(self, bundle: Bundle | str | os.PathLike[str]) -> None:
        self.bundle = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
        self.dim = self.bundle.latent_dim
        self.input_size = self.bundle.input_size
        self.fingerprint = self.bundle.fingerprint

    def _encode(self, images: Images) -> Vectors:
        return self.bundle.encode_pixels(images)
