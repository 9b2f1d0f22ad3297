"""Train the model that comes with the package and put what the package carries of it in its place.

python scripts/make_ready_model.py TRAIN

TRAIN is the folder `train` of clothing-dataset-small; its class folders are not read. The objective, the seed and
everything else are the defaults of `autoenc.train`. Its README.md is written by hand: bring the scores up to date with
`autoenc compare TRAIN --queries TEST --model clothing-32`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from autoenc import train
from autoenc.models.bundle import ENCODER, write_manifest
from autoenc.models.ready import ready_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    folder = ready_folder("clothing-32")
    assert folder is not None
    with tempfile.TemporaryDirectory() as scratch:
        bundle = train(parser.parse_args().train, Path(scratch) / "model").bundle
        carried = Path(scratch) / "carried"
        carried.mkdir()
        shutil.copyfile(bundle.path / ENCODER, carried / ENCODER)
        write_manifest(carried, {name: value for name, value in bundle.info.items() if name != "checksums"})
        shutil.copytree(carried, folder, dirs_exist_ok=True)
    print(f"{folder}: {sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
