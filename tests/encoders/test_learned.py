"""The learned encoder: what it takes over from its bundle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autoenc import compare, load_bundle
from autoenc.encoders import Encoder, create_encoder
from autoenc.encoders.learned import LearnedEncoder
from autoenc.models.bundle import Bundle


def told(emphasis: Any) -> Bundle:
    """A bundle that says this of its emphasis."""
    bundle = load_bundle("clothing-32")
    return replace(bundle, info={**bundle.info, "training": {"emphasis": emphasis}})


@pytest.mark.parametrize(
    ("emphasis", "known"),
    [
        ({"asked": "auto", "weights": {"edges": 0.5, "color": 1.0, "texture": 0.25}}, ("auto", "color")),
        ({"asked": "shape", "weights": {"edges": 1, "color": 0, "texture": 0}}, ("shape", "edges")),
    ],
)
def test_it_knows_the_emphasis_asked_for_and_the_heaviest_descriptor(emphasis: Any, known: tuple[str, str]) -> None:
    assert LearnedEncoder(told(emphasis)).emphasis == known


def test_a_model_of_reconstruction_alone_has_none() -> None:
    assert LearnedEncoder(told(None)).emphasis is None


def test_an_older_bundle_tells_nothing_and_other_encoders_have_no_emphasis() -> None:
    assert create_encoder("learned", "clothing-32").emphasis is None
    assert create_encoder("edges").emphasis is Encoder.emphasis is None


def test_its_model_is_the_graph_that_encodes_and_a_descriptor_has_none() -> None:
    learned = create_encoder("learned", "clothing-32")
    assert isinstance(learned, LearnedEncoder)
    assert learned.model_bytes == (learned.bundle.path / "encoder.onnx").stat().st_size > 100_000
    assert create_encoder("edges").model_bytes == 0


def test_a_comparison_and_a_projection_take_it_over() -> None:
    model = told({"asked": "color", "weights": {"edges": 0.5, "color": 1.0, "texture": 0}})
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)
    found = compare(images, labels=list("ababab"), model=model, encoders=["learned", "learned+pca4", "color"])
    assert [scores.emphasis for scores in found.encoders.values()] == [("color", "color"), ("color", "color"), None]
