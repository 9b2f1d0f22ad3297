"""Train the model that comes with the package, and copy the files that the package carries to their place.

python scripts/make_ready_model.py TRAIN

TRAIN is the folder `train` of clothing-dataset-small; the names of its class folders are not used. The objective, the
seed and everything else are the defaults of `autoenc.train`. The model's README.md is written by hand: update its
scores with `autoenc compare TRAIN --queries TEST --model clothing-32`.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from autoenc import train
from autoenc.models.manifest import DECODER, ENCODER
from autoenc.models.ready import ready_folder
from autoenc.models.writing import write_manifest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    folder = ready_folder("clothing-32")
    assert folder is not None
    with tempfile.TemporaryDirectory() as scratch:
        bundle = train(parser.parse_args().train, Path(scratch) / "model").bundle
        carried = Path(scratch) / "carried"
        carried.mkdir()
        for name in (ENCODER, DECODER):
            shutil.copyfile(bundle.path / name, carried / name)
        write_manifest(carried, {name: value for name, value in bundle.info.items() if name != "checksums"})
        shutil.copytree(carried, folder, dirs_exist_ok=True)
    print(f"{folder}: {sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
