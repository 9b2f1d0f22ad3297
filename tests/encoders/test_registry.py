"""The registry: a description of each encoder, and one line to add another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoenc import compare, index_images, open_store, search
from autoenc.encoders import (
    ENCODER_NAMES,
    ENCODERS,
    PRETRAINED_NAMES,
    Encoder,
    EncoderDescription,
    Model,
    create_encoder,
    create_encoders,
    first_choice,
)
from autoenc.errors import ArgumentError
from autoenc.vectors import Images, Vectors


class Thumbnail(Encoder):
    """Sixteen gray values; it has to be trained, and what it learned is a brightness to subtract."""

    name, dim, input_size = "thumbnail", 16, 4

    def __init__(self, model: Model | None) -> None:
        self.origin = str(model)
        self._mean = float(Path(self.origin).read_text())
        self.fingerprint = f"thumbnail-1 mean={self._mean}"

    def _encode(self, images: Images) -> Vectors:
        return np.asarray(images.mean(axis=3).reshape(len(images), -1) - self._mean, np.float32)


THUMBNAIL = EncoderDescription(
    name="thumbnail",
    dim=16,
    input_size=4,
    preprocessing="RGB, squeezed to 4x4 by area",
    summary="gray values",
    source="none",
    make=Thumbnail,
    trained=True,
)


def test_every_encoder_is_described_as_it_is(bundle_dir: Path) -> None:
    assert set(ENCODERS) == {*ENCODER_NAMES, *PRETRAINED_NAMES}
    for name, description in ENCODERS.items():
        encoder = create_encoder(name, bundle_dir, weights=dict.fromkeys(PRETRAINED_NAMES, "random"))
        assert encoder.name == description.name == name
        assert description.dim in (encoder.dim, None)
        assert description.input_size in (encoder.input_size, None)
        assert (encoder.origin is not None) == (
            description.trained or description.weighted or name == "handcrafted"
        )  # whose weights are the model's
        assert description.preprocessing
        assert description.summary
        assert description.source


def test_a_new_encoder_is_one_line_and_takes_part_in_everything(
    monkeypatch: pytest.MonkeyPatch, picture_folder: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(ENCODERS, "thumbnail", THUMBNAIL)
    model = tmp_path / "mean.txt"
    model.write_text("100.0")
    index_images(picture_folder, tmp_path / "s", encoders=["thumbnail", "color"], model=model)
    picture = picture_folder / "green" / "1.png"
    with open_store(tmp_path / "s") as store:
        assert store.info.vectors["thumbnail"].origin == str(model)
        assert search(store, picture, using="thumbnail", k=1)[0].path == picture  # the store remembers the model
    assert index_images(picture_folder, tmp_path / "s", encoders=["thumbnail"]).unchanged == 12
    comparison = compare(picture_folder, encoders=["color", "thumbnail", "thumbnail+pca4"], model=model)
    assert comparison.encoders["thumbnail"].dim == 16
    assert comparison.encoders["thumbnail+pca4"].dim == 4
    assert {difference.a for difference in comparison.differences} == {"thumbnail"}  # the first that is trained


def test_the_first_choice_is_the_registrys() -> None:
    assert first_choice(["edges", "color", "learned"]) == "learned"
    assert first_choice(["edges", "color"]) == "color"
    assert first_choice(["color", "vgg16"]) == "vgg16"
    assert first_choice(["mine", "yours"]) == "mine"


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"edges": "random"}, r"'edges' is none"),
        ({"vgg": "random"}, r"'vgg' is none\. Did you mean 'vgg16'\?"),
        ({"vgg16": ""}, r"weights= maps names of encoders to files"),
        (["vgg16"], r"weights= maps names of encoders to files"),
    ],
)
def test_weights_are_for_pretrained_encoders(weights: dict[str, str], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        create_encoders(["color"], weights=weights)


@pytest.mark.parametrize("asked", [[], "color", [7], [None]])
def test_something_else_than_encoders(asked: list[str]) -> None:
    with pytest.raises(ArgumentError, match="Expected"):
        create_encoders(asked)
