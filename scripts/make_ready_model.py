"""Train a model that comes with the package, and copy the files that the package carries to its folder.

python scripts/make_ready_model.py NAME TRAIN [TRAIN …]

NAME is one of `READY_MODELS` in autoenc/models/ready.py. Each TRAIN is the folder `train` of a set of photos; together
they are what the model is trained on. The names of class folders are not used. The emphasis, the objective, the seed
and everything else are the defaults of `autoenc.train`. The model's README.md is written by hand: update its scores
with `autoenc compare TRAIN --queries TEST --model NAME`.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoenc import find_images, train
from autoenc.models.manifest import DECODER, ENCODER
from autoenc.models.ready import READY_MODELS, ready_folder
from autoenc.models.writing import write_manifest
from autoenc.vectors import evenly

MOST = 3100
"""Photos of one set, so that none outweighs the others; an even sample of a larger one."""


def photos_of(sets: Sequence[Path], most: int = MOST) -> list[Path]:
    """The photos of several sets: all of a small one, an even sample of a larger one."""
    return [path for folder in sets for path in evenly(np.array(find_images(folder).paths), most)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=READY_MODELS)
    parser.add_argument("train", type=Path, nargs="+")
    options = parser.parse_args()
    folder = ready_folder(options.name)
    assert folder is not None
    with tempfile.TemporaryDirectory() as scratch:
        result = train(photos_of(options.train), Path(scratch) / "model", progress=True)
        print(result.emphasis.sentence if result.emphasis else "")
        bundle = result.bundle
        carried = Path(scratch) / "carried"
        carried.mkdir()
        for name in (ENCODER, DECODER):
            shutil.copyfile(bundle.path / name, carried / name)
        write_manifest(carried, {name: value for name, value in bundle.info.items() if name != "checksums"})
        shutil.copytree(carried, folder, dirs_exist_ok=True)
    print(f"{folder}: {sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
