"""A shop of thirty small pictures, indexed with a model that another one can replace."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from corners import Corners
from PIL import Image

from autoenc import index_images, mark_not_duplicates, tag_images
from autoenc.encoders import Encoder
from autoenc.images.files import load_image
from autoenc.store import Store


def draw_shop(folder: Path) -> Path:
    """Thirty small pictures, in two folders."""
    rng = np.random.default_rng(2)
    for number in range(30):
        file = folder / ("red" if number % 2 else "blue") / f"{number:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (2, 2, 3), np.uint8)
        Image.fromarray(pixels).resize((24, 24), Image.Resampling.NEAREST).save(file)
    return folder


def indexed(store: Store, folder: Path) -> Store:
    """The pictures, indexed with the first model; with fields, a verdict and a product."""
    index_images(folder, store, encoders=[Corners("one"), "color"], source="shop", products="folders")
    tag_images(store, where={"folder": "red"}, set={"sale": True}, filterable={"sale": "bool"})
    mark_not_duplicates(store, ["red/01.png", "red/03.png"])
    return store


def content(store: Store, *vectors: str) -> dict[str, tuple[str, dict[str, list[float]]]]:
    """Every point with its payload and some of its vectors."""
    return {
        record.id: (
            json.dumps(record.payload, sort_keys=True),
            {name: row.round(5).tolist() for name, row in record.vectors.items()},
        )
        for record in store.scroll(vectors=vectors)
    }


def check_encoded(store: Store, encoder: Encoder, folder: Path, images: int = 30) -> None:
    """Each vector is what the encoder makes of the file."""
    records = list(store.scroll(vectors=[encoder.name]))
    assert len(records) == images
    for record in records:
        path = folder / record.payload["_autoenc"]["path"]
        (row,) = encoder.encode(load_image(path, size=32).pixels[None, 2::4, 2::4])
        cosine = row @ record.vectors[encoder.name] / np.linalg.norm(row)
        assert cosine > 0.999, path
