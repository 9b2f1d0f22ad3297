"""What all trials share: some photos, a model, and a store of them that is known to be right."""

from __future__ import annotations

import json
import shutil
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from autoenc import draw_catalog, find_images
from autoenc.models.ready import ready_folder
from torturing.outcomes import Fell
from torturing.processes import Done, autoenc, run
from torturing.snapshots import Snapshot, snapshot

ENCODERS = ("learned", "color")
SOURCE = "shop"


class Material:
    """Photos, a model and a store, made on first use.

    Args:
        folder: where to put them.
        photos: a folder of images to draw from; None draws the sample catalog.
        seed: for the draw.
        quick: make everything small.

    Attributes:
        photos: a folder of a few hundred photos.
        model: a copy of the model that comes with autoenc.
        quick: whether trials are to be small.
    """

    def __init__(self, folder: Path, photos: Path | None, seed: int, quick: bool) -> None:
        self.folder, self.quick = folder, quick
        self.photos, self.model = folder / "photos", folder / "model"
        number = 150 if quick else 400
        if photos is None:
            draw_catalog(self.photos, per_class=number // 4, seed=seed)
            (self.photos / "catalog.csv").unlink()
        else:
            found = find_images(photos)
            for path in Random(f"{seed} photos").sample(found.paths, min(number, len(found.paths))):
                copy = self.photos / path.relative_to(found.root or photos)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        shutil.copytree(ready_folder("clothing-32") or "", self.model)

    @cached_property
    def paths(self) -> list[Path]:
        """The photos that the store holds."""
        held = {payload["_autoenc"]["path"] for payload in self.clean.points.values()}
        return [path for path in find_images(self.photos).paths if path.relative_to(self.photos).as_posix() in held]

    def index(self, store: Path, photos: Path | None = None, *options: str) -> list[str]:
        """The command that indexes photos."""
        rest = ("--model", self.model, "--encoders", ",".join(ENCODERS), "--source", SOURCE, "--json", "--quiet")
        return autoenc("index", photos or self.photos, "--store", store, *rest, *options)

    def query(self, store: Path, using: str, *options: str | Path) -> list[str]:
        """The command that asks for the neighbors of a photo."""
        return autoenc("query", self.paths[0], "--store", store, "--using", using, "-k", "20", "--json", *options)

    @cached_property
    def store(self) -> Path:
        """A store of the photos, closed."""
        store = self.folder / "store"
        right(run(self.index(store)))
        return store

    @cached_property
    def clean(self) -> Snapshot:
        """What is in the store."""
        return snapshot(self.store)

    @cached_property
    def answers(self) -> dict[str, Any]:
        """What `query` finds, by encoder, and what `status` says."""
        found = {using: neighbors(right(run(self.query(self.store, using)))) for using in ENCODERS}
        return {**found, "status": collections(right(run(autoenc("status", "--store", self.store, "--json"))))}


def right(done: Done) -> Done:
    """A process that has to succeed before any trial makes sense."""
    if done.code != 0:
        raise Fell(f"{done} failed without any torture: {done.err[-2000:]!r}.")
    return done


def neighbors(done: Done) -> list[tuple[str, float]]:
    """The ids that `autoenc query` found, with rounded scores."""
    return [(each["id"], round(each["score"], 5)) for each in json.loads(done.out)["neighbors"]]


def collections(done: Done) -> Any:
    """What `autoenc status` says about each collection, but for the disk that it takes: a copy has other holes."""
    found = json.loads(done.out)["collections"]
    return {name: {key: told for key, told in each.items() if key != "disk_bytes"} for name, each in found.items()}
