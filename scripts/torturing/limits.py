"""Too little disk, memory or open files: a sentence and exit code 1, and later nothing is missing."""

from __future__ import annotations

import math
import os
import resource
import shutil
import subprocess
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path
from random import Random

from torturing.copies import copied
from torturing.kills import whole_store
from torturing.outcomes import Fell, NotHere
from torturing.processes import Done, autoenc, complaint, run
from torturing.snapshots import snapshot
from torturing.trials import Kind

MIB = 2**20


class Limit(Kind):
    """Verbs under a limit."""

    def finish(self, store: Path) -> None:
        """Without the limit, the same command ends in a store like one that never met it."""
        again = run(self.material.index(store))
        if again.code != 0 or complaint(again):
            raise Fell(complaint(again) or f"Without the limit, {again} failed: {again.err[-300:]!r}.")
        if difference := snapshot(store).difference(self.material.clean):
            raise Fell(f"Indexed again without the limit, {difference}.")
        whole_store(store)

    def tidy(self, done: Done, under: str) -> bool:
        """Raise Fell unless a process succeeded or ended in a sentence; whether it succeeded."""
        if fault := complaint(done):
            raise Fell(f"With {under}: {fault}")
        return done.code == 0


class Disk(Limit):
    """A disk that is too small, or that another program fills meanwhile."""

    name = "limits/disk"

    def prepare(self) -> None:
        if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
            raise NotHere("only root can mount a small disk")
        probe = self.material.folder / "probe"
        probe.mkdir()
        try:
            _mount(probe, MIB)
        except subprocess.CalledProcessError as error:
            raise NotHere("a small disk cannot be mounted here") from error
        _unmount(probe)
        self.seconds = run(self.material.index(self.material.folder / "measured")).seconds

    def trial(self, folder: Path, rng: Random) -> str:
        disk = folder / "disk"
        disk.mkdir()
        size = rng.randrange(16 * MIB, 96 * MIB)  # 16 MiB are always kept free
        _mount(disk, size)
        try:
            ending = self.on(disk, size, rng)
        except Fell:
            shutil.copytree(disk, folder / "was-on-disk", symlinks=True)
            raise
        finally:
            _unmount(disk)
        return ending

    def on(self, disk: Path, size: int, rng: Random) -> str:
        store, filler = disk / "store", disk / "filler"
        # When another program fills the disk: at once, meanwhile, or after the first command.
        begin = rng.choice((0.0, rng.uniform(0, self.seconds), rng.uniform(0, self.seconds), math.inf))
        left = rng.choice((0, rng.randrange(17 * MIB)))  # what it leaves free
        under = f"a disk of {size:,} bytes, filled up to {left:,} after {begin:.3f} s"

        def fill(passed: float) -> None:
            if passed >= begin and not filler.exists():
                _fill(filler, left)

        succeeded = self.tidy(run(self.material.index(store), meanwhile=fill), under)
        fill(begin)
        for command in rng.sample((self.material.query(store, "color"), autoenc("status", "--store", store)), 2):
            self.tidy(run(command), under)
        self.tidy(run(self.material.index(store, None, "--encoders", "edges")), under)
        filler.unlink(missing_ok=True)
        subprocess.run(["mount", "-o", f"remount,size={2**30}", str(disk)], check=True)
        if "edges" in snapshot(store).vectors:  # it got that far
            return "room for all"
        self.finish(store)
        return "room for all" if succeeded else "refused, finished later"


def _fill(filler: Path, left: int) -> None:
    """Write a file until only this many bytes are free."""
    status = os.statvfs(filler.parent)
    with suppress(OSError), filler.open("wb") as file:  # full earlier than expected, because autoenc writes too
        for _ in range(max(0, status.f_bavail * status.f_frsize - left) // 65536):
            file.write(bytes(65536))


def _mount(folder: Path, size: int) -> None:
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True, capture_output=True
    )


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


class Resource(Limit):
    """The verbs under a limit of the system."""

    limit: int
    what: str

    @abstractmethod
    def draw(self, rng: Random) -> int:
        """The limit's value."""

    def trial(self, folder: Path, rng: Random) -> str:
        value = self.draw(rng)
        store, whole = folder / "store", copied(self.material.store, folder / "whole")
        commands = (
            self.material.index(store),
            self.material.query(whole, rng.choice(("learned", "color"))),
            autoenc("status", "--store", whole),
            autoenc("check", "--store", whole, "--quiet"),
        )
        under = f"{value:,} {self.what}"
        succeeded = [self.tidy(run(command, limits={self.limit: value}), under) for command in commands]
        self.finish(store)
        return "all succeeded" if all(succeeded) else "refused, finished later"


class Memory(Resource):
    """Little address space. The engine maps files that are larger than what is in them, so it needs much of it."""

    name = "limits/memory"
    limit, what = resource.RLIMIT_AS, "bytes of address space"

    def draw(self, rng: Random) -> int:
        return int(2**30 * rng.uniform(1, 3))


class Descriptors(Resource):
    """Few open files. Python itself needs a dozen to load the libraries."""

    name = "limits/descriptors"
    limit, what = resource.RLIMIT_NOFILE, "open files"

    def draw(self, rng: Random) -> int:
        return rng.randrange(16, 128)


KINDS = (Disk, Memory, Descriptors)
