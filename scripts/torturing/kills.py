"""Kill a process at a random moment: nothing that was there is lost, and the same command finishes the work."""

from __future__ import annotations

import os
import shutil
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path
from random import Random

from PIL import Image

from autoenc import draw_catalog
from torturing.copies import copied
from torturing.material import ENCODERS, SOURCE, Material, right
from torturing.outcomes import Fell, NotHere
from torturing.processes import Done, autoenc, child, complaint, run
from torturing.snapshots import Snapshot, snapshot
from torturing.trials import Kind


class StoreKill(Kind):
    """A process that writes to a store is killed within the time that it takes undisturbed."""

    before: Snapshot
    expected: Snapshot
    begins: float
    ends: float

    def __init__(self, material: Material) -> None:
        super().__init__(material)
        self.template = material.folder / self.name.replace("/", "-")

    def make(self, store: Path) -> None:  # by default, none
        """Make the store that the process finds."""

    @abstractmethod
    def command(self, store: Path) -> list[str]:
        """The process to kill, and to run again."""

    def prepare(self) -> None:
        self.make(self.template)
        self.before = snapshot(copied(self.template, self.material.folder / f"{self.template.name}-before"))
        whole = copied(self.template, self.material.folder / f"{self.template.name}-whole")
        there, changes = _state(whole), []

        def watch(passed: float) -> None:
            if not changes and _state(whole) != there:
                changes.append(passed)

        self.ends = right(run(self.command(whole), meanwhile=watch)).seconds
        self.begins = changes[0] if changes else 0.0
        self.expected = snapshot(whole)

    def trial(self, folder: Path, rng: Random) -> str:
        store = copied(self.template, folder / "store")
        there = _state(store)
        begins = rng.choice((0, self.begins, self.begins))  # most kills come after the first change
        killed = run(self.command(store), kill_after=rng.uniform(begins, 1.05 * self.ends))
        if not killed.stopped and (fault := complaint(killed)):
            raise Fell(fault)
        written = _state(store) != there
        left = snapshot(copied(store, folder / "left"))
        self.check_left(left, killed)
        whole_store(folder / "left")
        again = run(self.command(store))
        if again.code != 0 or complaint(again):
            raise Fell(complaint(again) or f"Run again, {again} failed: {again.err[-300:]!r}.")
        if difference := snapshot(store).difference(self.expected):
            raise Fell(f"Run again after a kill at {killed.seconds:.3f} s, {difference}.")
        whole_store(store)
        if not killed.stopped:
            return "ended before the kill"
        return "killed while it wrote" if written else "killed before it wrote"

    def check_left(self, left: Snapshot, killed: Done) -> None:
        """Every point from before is there with the user's fields, none is there twice, and none is unexpected."""
        if left.twice:
            raise Fell(f"After the kill, {left.twice} points are there twice.")
        if lost := self.before.points.keys() - left.points.keys():
            raise Fell(f"After the kill, {len(lost)} points are lost.")
        if added := left.points.keys() - self.expected.points.keys():
            raise Fell(f"After the kill, there are {len(added)} points that nobody wrote.")
        for id, payload in self.before.points.items():
            if any(left.points[id].get(key) != value for key, value in payload.items() if key != "_autoenc"):
                raise Fell(f"After the kill, point {id} has lost a field of the user's.")
        for name, rows in self.before.vectors.items():
            if lost := rows.keys() - left.vectors.get(name, {}).keys():
                raise Fell(f"After the kill, {len(lost)} points have lost their vector '{name}'.")


def _state(store: Path) -> set[tuple[str, int]]:
    """What shows whether a process has written anything."""
    found = set()
    with suppress(FileNotFoundError):  # removed while this looks on: it has written
        for path in store.rglob("*"):
            found.add((path.name, path.stat().st_mtime_ns))
    return found


def whole_store(store: Path) -> None:
    """Raise Fell unless `autoenc check` finds a store whole."""
    done = run(autoenc("check", "--store", store, "--quiet"))
    if "There is no store" in done.err or "no collection" in done.err:
        return
    expected = ("This is an unfinished copy", "There are no checksums")
    if expected[0] in done.err and all(line.startswith(expected) for line in done.err.splitlines()):
        return
    if done.code != 0 or complaint(done):
        raise Fell(complaint(done) or f"{done} found: {done.err[-500:]!r}.")


class Index(StoreKill):
    name = "kills/index"

    def command(self, store: Path) -> list[str]:
        return child("index", self.material.photos, store, self.material.model, SOURCE, ",".join(ENCODERS))

    def check_left(self, left: Snapshot, killed: Done) -> None:
        super().check_left(left, killed)
        told = max((int(line) for line in killed.out.split("\n")[:-1]), default=0)
        skipped = sum(path.is_file() for path in self.material.photos.rglob("*")) - len(self.expected.points)
        if len(left.points) < told - skipped:
            raise Fell(f"{told} photos were reported as done; after the kill, {len(left.points)} are there.")


class Changed(StoreKill):
    """A third of the photos have changed, some have another time, some are gone and some are new."""

    name = "kills/changed"

    def make(self, store: Path) -> None:
        copied(self.material.store, store)
        right(run(child("mark", store)))
        self.photos = self.template.with_name("kills-changed-photos")
        shutil.copytree(self.material.photos, self.photos)
        paths = [self.photos / path.relative_to(self.material.photos) for path in self.material.paths]
        for number, path in enumerate(paths):
            if number % 3 == 0:
                with Image.open(path) as picture:
                    turned = picture.convert("RGB").transpose(Image.Transpose.FLIP_TOP_BOTTOM)
                turned.save(path, "jpeg")
            elif number % 7 == 0:
                os.utime(path, (1, 1))
            elif number % 11 == 0:
                path.unlink()
            elif number % 13 == 0:
                shutil.copyfile(path, path.with_name(f"new-{number}.jpg"))

    def command(self, store: Path) -> list[str]:
        return self.material.index(store, self.photos)


class Prune(StoreKill):
    """A folder was renamed, files have gone, and some copies lost their originals: moves, then removals."""

    name = "kills/prune"

    def make(self, store: Path) -> None:
        copied(self.material.store, store)
        right(run(child("mark", store)))
        self.photos = self.template.with_name("kills-prune-photos")
        shutil.copytree(self.material.photos, self.photos)
        paths = [self.photos / path.relative_to(self.material.photos) for path in self.material.paths]
        self.gone = []
        for number, path in enumerate(paths):
            if number % 5 == 0:
                path.unlink()
                self.gone.append(path.relative_to(self.photos).as_posix())
            elif number % 2 == 0:
                to = self.photos / "renamed" / path.relative_to(self.photos)
                to.parent.mkdir(parents=True, exist_ok=True)
                path.rename(to)

    def command(self, store: Path) -> list[str]:
        return self.material.index(store, self.photos, "--prune", "--prune-limit", "1")

    def check_left(self, left: Snapshot, killed: Done) -> None:
        """A photo that is still there, under its old name or a new one, has a point with all its fields and vectors."""
        if left.twice:
            raise Fell(f"After the kill, {left.twice} points are there twice.")
        if added := left.points.keys() - self.expected.points.keys() - self.before.points.keys():
            raise Fell(f"After the kill, there are {len(added)} points that nobody wrote.")
        prices = {payload.get("price"): id for id, payload in left.points.items()}
        for id, payload in self.expected.points.items():
            if payload["price"] not in prices:
                raise Fell(f"After the kill, the fields of {payload['_autoenc']['path']} are lost.")
            held = prices[payload["price"]]
            for name in left.vectors:
                if held not in left.vectors[name] and id in self.expected.vectors[name]:
                    raise Fell(f"After the kill, {payload['_autoenc']['path']} has lost its vector '{name}'.")


class Remove(StoreKill):
    """A source is removed."""

    name = "kills/remove"

    def make(self, store: Path) -> None:
        copied(self.material.store, store)
        right(run(self.material.index(store, None, "--source", "other")))

    def command(self, store: Path) -> list[str]:
        return autoenc("remove", "--store", store, "--source", "other", "--yes", "--json")

    def trial(self, folder: Path, rng: Random) -> str:
        store = copied(self.template, folder / "store")
        killed = run(self.command(store), kill_after=rng.uniform(0, 1.05 * self.ends))
        left = snapshot(copied(store, folder / "left"))
        if lost := self.expected.points.keys() - left.points.keys():
            raise Fell(f"After the kill, {len(lost)} points of another source are lost.")
        again = run(self.command(store))
        over = again.code == 1 and "has no source other" in again.err
        if complaint(again) or (again.code != 0 and not over):
            raise Fell(complaint(again) or f"Run again, {again} failed: {again.err[-300:]!r}.")
        if difference := snapshot(store).difference(self.expected):
            raise Fell(f"Run again after a kill at {killed.seconds:.3f} s, {difference}.")
        whole_store(store)
        return "killed" if killed.stopped else "ended before the kill"


class Encoder(StoreKill):
    """One more encoder is added to every point."""

    name = "kills/encoder"

    def make(self, store: Path) -> None:
        copied(self.material.store, store)
        right(run(child("mark", store)))

    def command(self, store: Path) -> list[str]:
        return self.material.index(store, None, "--encoders", "edges")


class Copy(StoreKill):
    """A store is copied to a new one."""

    name = "kills/copy"

    def command(self, store: Path) -> list[str]:
        return autoenc("copy", "--from", self.material.store, "--to", store, "--quiet")


class Restore(StoreKill):
    """A store is restored from its backup to a new one."""

    name = "kills/restore"

    def make(self, store: Path) -> None:
        self.backup = self.template.with_name("kills-restore.zip")
        right(run(autoenc("backup", "--store", self.material.store, "--out", self.backup, "--quiet")))

    def command(self, store: Path) -> list[str]:
        return autoenc("restore", self.backup, "--store", store, "--overwrite", "--quiet")

    def check_left(self, left: Snapshot, killed: Done) -> None:
        """All of it is there, or nothing."""
        if left.points and (difference := left.difference(self.expected)):
            raise Fell(f"After the kill, {difference}.")


class Migration(StoreKill):
    """A store of format 1 is opened."""

    name = "kills/migration"

    def make(self, store: Path) -> None:
        right(run(child("fill_old", store, 700 if self.material.quick else 3000)))

    def command(self, store: Path) -> list[str]:
        return autoenc("status", "--store", store)

    def check_left(self, left: Snapshot, killed: Done) -> None:
        if difference := left.difference(self.expected):
            raise Fell(f"Opened after the kill, {difference}.")


class Optimize(StoreKill):
    """The approximate index of a large store is built."""

    name = "kills/optimize"

    def make(self, store: Path) -> None:
        right(run(child("fill_wide", store, 2700, 1024)))

    def command(self, store: Path) -> list[str]:
        return child("optimize", store)

    def check_left(self, left: Snapshot, killed: Done) -> None:
        if difference := left.difference(self.before):
            raise Fell(f"After the kill, {difference}.")


class Train(Kind):
    """A training is killed; `--resume` ends in the model that an uninterrupted training makes."""

    name = "kills/train"

    def prepare(self) -> None:
        import importlib.util

        if importlib.util.find_spec("tensorflow") is None:
            raise NotHere("TensorFlow is missing (pip install 'autoenc[train]')")
        self.pictures = self.material.folder / f"{self.name.replace('/', '-')}-pictures"
        draw_catalog(self.pictures, per_class=16)
        whole = self.material.folder / f"{self.name.replace('/', '-')}-whole"
        self.seconds = right(run(self.command(whole), memory=2**32)).seconds
        self.expected = right(run(child("fingerprint", whole))).out

    def command(self, model: Path, *options: str) -> list[str]:
        settings = ("--epochs", "6", "--batch-size", "16", "--seed", "3", "--quiet")
        return autoenc("train", self.pictures, "--model", model, *settings, *options)

    def begin(self, model: Path, rng: Random) -> list[str]:
        """The command to kill."""
        return self.command(model)

    def trial(self, folder: Path, rng: Random) -> str:
        model = folder / "model"
        # Most of the time goes into loading TensorFlow, of which a kill interrupts nothing.
        killed = run(self.begin(model, rng), kill_after=rng.uniform(0.4, 1.02) * self.seconds, memory=2**32)
        there = (model / "bundle.json").exists()
        if there and (seen := run(child("fingerprint", model))).out != self.expected:
            raise Fell(f"The kill left a model that is another one, or none: {seen.out}{seen.err[-300:]!r}.")
        again = run(self.command(model, "--resume"), memory=2**32)
        finished = there and again.code == 1 and "is finished" in again.err
        if again.code != 0 and not finished:
            raise Fell(f"{again} after a kill at {killed.seconds:.1f} s: {again.err[-500:]!r}.")
        seen = run(child("fingerprint", model))
        if seen.out != self.expected:
            raise Fell(
                f"After a kill at {killed.seconds:.1f} s, the resumed training made another model: {seen.err!r}."
            )
        left = [path.name for path in folder.iterdir() if path != model]
        if left and not finished:
            raise Fell(f"The training left {left} behind.")
        return "killed" if killed.stopped and not there else "finished before the kill"


class Resume(Train):
    """A training that goes on after a kill is killed again."""

    name = "kills/resume"

    def begin(self, model: Path, rng: Random) -> list[str]:
        run(self.command(model), kill_after=rng.uniform(0.6, 0.95) * self.seconds, memory=2**32)
        return self.command(model, "--resume")


KINDS = (Index, Changed, Prune, Remove, Encoder, Copy, Restore, Migration, Optimize, Train, Resume)
