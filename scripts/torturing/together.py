"""Threads that share a store; each function runs in a process of its own, and exits with a sentence if it fell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from random import Random
from typing import Any

import numpy as np

from autoenc.store import Store, VectorSpec, open_store, point_id

THREADS = 8
DIM = 24


def read_and_write(folder: str, seconds: str, seed: str) -> None:
    """Eight threads search, count and retrieve while another adds points and sets fields."""
    with open_store(folder) as store:
        shared = _Shared(store, int(seed))
        with _threads([lambda n=n: shared.read(n) for n in range(THREADS)], shared.errors):
            shared.write(time.monotonic() + float(seconds))
        shared.check(store)
    with open_store(folder) as store:
        shared.check(store)
    if shared.errors:
        raise SystemExit(shared.errors[0])
    print("no update lost")


class _Shared:
    """What the writer has written, for the readers to find.

    Attributes:
        turns: id -> the turn that was set on it last; noted once the write has returned.
        errors: what went wrong.
    """

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.seed = store, seed
        self.name = "drawn"
        store.add_vector(self.name, VectorSpec(DIM, "drawn", 1))
        store.add_field("turn", "integer")
        self.before = len(store)
        self.turns: dict[str, int] = {}
        self.errors: list[str] = []
        self.over = False

    def vector(self, number: int) -> Any:
        return np.random.default_rng([self.seed, number]).normal(size=DIM).astype(np.float32)

    def write(self, until: float) -> None:
        rng = Random(self.seed)
        turn = 0
        try:
            while time.monotonic() < until and not self.errors:
                turn += 1
                numbers = range(10 * turn, 10 * turn + rng.randint(1, 10))
                ids = [point_id("threads", str(number)) for number in numbers]
                rows = np.stack([self.vector(number) for number in numbers])
                self.store.upsert(ids, {self.name: rows}, [{"turn": turn}] * len(ids))
                self.turns |= dict.fromkeys(ids, turn)
                again = rng.sample(sorted(self.turns), min(5, len(self.turns)))
                self.store.set_payloads(again, [{"turn": turn}] * len(again))
                self.turns |= dict.fromkeys(again, turn)
        finally:
            self.over = True

    def read(self, thread: int) -> None:
        rng = Random(f"{self.seed} {thread}")
        while not self.over:
            known = dict(self.turns)
            if not known:
                continue
            rng.choice((self._search, self._count, self._retrieve, self._scroll))(known, rng)

    def _search(self, known: dict[str, int], rng: Random) -> None:
        hits = self.store.search(self.vector(rng.randrange(1000)), using=self.name, k=5)
        scores = [hit.score for hit in hits]
        self._demand(len(hits) >= min(5, len(known)), f"a search found {len(hits)} of {len(known)} points")
        self._demand(scores == sorted(scores, reverse=True), f"a search is not in order: {scores}")

    def _count(self, known: dict[str, int], rng: Random) -> None:
        found = len(self.store)
        self._demand(found >= self.before + len(known), f"{found} points of {self.before + len(known)}")

    def _retrieve(self, known: dict[str, int], rng: Random) -> None:
        ids = rng.sample(sorted(known), min(20, len(known)))
        found = {record.id: record for record in self.store.retrieve(ids, vectors=[self.name])}
        for id in ids:
            self._demand(id in found, f"point {id} is not there")
            self._demand(found[id].payload["turn"] >= known[id], f"point {id} has an older payload")
            self._demand(self.name in found[id].vectors, f"point {id} has no vector")

    def _scroll(self, known: dict[str, int], rng: Random) -> None:
        turn = max(known.values())
        found = [record.id for record in self.store.scroll({"turn": turn})]
        self._demand(len(found) == len(set(found)), "a scroll found a point twice")

    def _demand(self, held: bool, otherwise: str) -> None:
        if not held:
            raise AssertionError(otherwise)

    def check(self, store: Store) -> None:
        """Everything that was written is there, and nothing else."""
        found = {record.id: record.payload["turn"] for record in store if "turn" in record.payload}
        self._demand(found == self.turns, f"{len(found)} points are there instead of {len(self.turns)}, or differ")
        self._demand(len(store) == self.before + len(self.turns), f"{len(store)} points are counted")
        for id in found:
            self._demand(bool(store.having_vectors([id], [self.name])), f"point {id} has lost its vector")


def remember(folder: str, seed: str) -> None:
    """Eight threads add a vector, a source and a field each, several times."""
    errors: list[str] = []

    def add(store: Store, thread: int) -> None:
        rng = Random(f"{seed} {thread}")
        for number in range(4):
            name = f"{thread}-{number}"
            steps: list[Callable[[], None]] = [
                lambda name=name: store.add_vector(f"v{name}", VectorSpec(4, name, 1)),
                lambda name=name: store.add_source(f"s{name}", f"/photos/{name}"),
                lambda name=name: store.add_field(f"f{name}", "integer"),
            ]
            rng.shuffle(steps)
            for step in steps:
                step()

    with (
        open_store(folder, create=True) as store,
        _threads([lambda n=n: add(store, n) for n in range(THREADS)], errors),
    ):
        pass
    names = {f"{thread}-{number}" for thread in range(THREADS) for number in range(4)}
    with open_store(folder) as store:
        info = store.info
        remembered = (
            {name: spec.fingerprint for name, spec in info.vectors.items()} == {f"v{name}": name for name in names}
            and info.sources == {f"s{name}": f"/photos/{name}" for name in names}
            and info.fields == {f"f{name}": "integer" for name in names}
        )
        store.upsert([point_id("s", "1")], {f"v{name}": np.ones((1, 4), np.float32) for name in names}, [{"f0-0": 3}])
        if not remembered or store.count({"f0-0": 3}) != 1:
            errors.append(f"the store forgot some of {len(names)} vectors, sources and fields: {info}")
    if errors:
        raise SystemExit(errors[0])
    print("all remembered")


@contextmanager
def _threads(works: list[Callable[[], None]], errors: list[str]) -> Any:
    """Threads that run beside the block; what goes wrong in one is added to `errors`."""

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # a panic of the engine is a BaseException
            errors.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
