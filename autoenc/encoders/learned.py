"""The learned encoder: a trained model's latents as vectors."""

from __future__ import annotations

from autoenc.encoders.base import Encoder, TrainedEmphasis
from autoenc.encoders.description import EncoderDescription, Model
from autoenc.errors import EncoderError
from autoenc.models.bundle import Bundle, load_bundle
from autoenc.models.ready import READY_MODELS, advice, ready_name
from autoenc.vectors import Images, Vectors

NAME = "learned"


class LearnedEncoder(Encoder):
    """The encoder part of a trained autoencoder, or of a fine-tuned classifier, run by ONNX Runtime.

    Args:
        model: the bundle, its folder, or the name of a ready model.

    Raises:
        EncoderError: no model was given.
        BundleError: the model cannot be used.
    """

    name = NAME

    def __init__(self, model: Model | None) -> None:
        if model is None:
            raise EncoderError(
                f"Encoder '{NAME}' needs a trained model: use model= to name its folder, or a model that comes with "
                f"autoenc ({', '.join(READY_MODELS)})."
            )
        self.bundle = model if isinstance(model, Bundle) else load_bundle(model)
        self.dim = self.bundle.latent_dim
        self.input_size = self.bundle.input_size
        self.fingerprint = self.bundle.fingerprint
        self.origin = self.bundle.location
        ready = ready_name(self.bundle.path)
        self.advice = advice(ready) if ready else ""
        self.emphasis = _emphasis(self.bundle)
        self.model_bytes = self.bundle.encoder_bytes
        self.labeled = bool(self.bundle.classes or self.bundle.info["training"].get("labels"))

    def _encode(self, images: Images) -> Vectors:
        return self.bundle.encode_pixels(images)


def _emphasis(bundle: Bundle) -> TrainedEmphasis | None:
    """What the bundle says of it."""
    weights = bundle.weights
    if weights is None:
        return None
    asked = bundle.info["training"]["emphasis"].get("asked")
    return TrainedEmphasis(asked if isinstance(asked, str) else "weights", max(weights, key=weights.__getitem__))


DESCRIPTION = EncoderDescription(
    name=NAME,
    dim=None,
    input_size=None,
    preprocessing="RGB, squeezed by area to the size of the model, 32x32 for an autoencoder",
    summary="latents of an autoencoder trained on images like these",
    source="autoenc.train",
    make=LearnedEncoder,
    trained=True,
)
