"""Many threads in one store, and many processes at one store."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from torturing.copies import copied
from torturing.kills import whole_store
from torturing.material import ENCODERS, neighbors
from torturing.outcomes import Fell
from torturing.processes import Done, autoenc, child, complaint, run
from torturing.snapshots import snapshot
from torturing.trials import Kind


class Threads(Kind):
    """Eight threads read while one writes: no error, and no update is lost."""

    name = "concurrency/threads"

    def trial(self, folder: Path, rng: Random) -> str:
        store = copied(self.material.store, folder / "store")
        done = run(child("read_and_write", store, 2 if self.material.quick else 5, rng.randrange(2**32)))
        _demand_success(done)
        whole_store(store)
        return done.out.strip()


class Remembering(Kind):
    """Eight threads add vectors, sources and fields: the store remembers them all."""

    name = "concurrency/remembering"

    def trial(self, folder: Path, rng: Random) -> str:
        done = run(child("remember", folder / "store", rng.randrange(2**32)))
        _demand_success(done)
        return done.out.strip()


class Processes(Kind):
    """Processes index, query and ask for the status at once: each succeeds, or says that the store is open."""

    name = "concurrency/processes"

    def trial(self, folder: Path, rng: Random) -> str:
        store = copied(self.material.store, folder / "store")
        commands = []
        for number in range(3):
            photos = folder / f"photos-{number}"
            photos.mkdir()
            for path in rng.sample(self.material.paths, 20):
                shutil.copyfile(path, photos / f"{number}-{path.name}")
            commands.append(self.material.index(store, photos, "--source", f"more-{number}"))
        commands += [self.material.query(store, rng.choice(ENCODERS)) for _ in range(3)]
        commands += [autoenc("status", "--store", store, "--json") for _ in range(2)]
        waits = rng.choice(((0, 0.3, 60), (60,)))
        commands = [[*command, "--wait", str(rng.choice(waits))] for command in commands]
        rng.shuffle(commands)
        with ThreadPoolExecutor(len(commands)) as pool:
            ended = list(pool.map(run, commands))
        for done in ended:
            self.check(done)
        self.finish(store, [done for done in ended if "index" in done.command])
        busy = sum(done.code != 0 for done in ended)
        return "all succeeded" if not busy else "some found the store open"

    def check(self, done: Done) -> None:
        """Raise Fell unless a process succeeded with all of its answer, or said that the store was open."""
        if fault := complaint(done):
            raise Fell(fault)
        if done.code == 1 and not ("is open in" in done.err and done.command[-1] != "60"):
            raise Fell(f"{done} failed beside other processes: {done.err[-300:]!r}.")
        if done.code == 0 and "query" in done.command and len(neighbors(done)) != 20:
            raise Fell(f"{done} found {len(neighbors(done))} neighbors of 20.")

    def finish(self, store: Path, indexed: list[Done]) -> None:
        """What was indexed is there, and what was refused left nothing."""
        found = snapshot(store)
        for done in indexed:
            photos = Path(done.command[4])
            source = done.command[len(done.command) - 3]
            expected = {path.name for path in photos.iterdir()} if done.code == 0 else set()
            own = [payload["_autoenc"] for payload in found.points.values()]
            if {each["path"] for each in own if each["source"] == source} != expected:
                raise Fell(f"{done} ended with exit code {done.code}, but not all of its photos are there, or any.")
        whole_store(store)


def _demand_success(done: Done) -> None:
    if done.code != 0 or complaint(done):
        raise Fell(f"{done} ended with exit code {done.code}: {done.err[-1000:]!r}.")


KINDS = (Threads, Remembering, Processes)
