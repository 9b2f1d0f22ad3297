"""Damage a store or a model: an answer is right, or there is none and a sentence says why."""

from __future__ import annotations

import os
import shutil
from abc import abstractmethod
from pathlib import Path
from random import Random
from typing import Any

from autoenc.store.sparse import BLOCK
from torturing.copies import copied
from torturing.material import ENCODERS, collections, neighbors
from torturing.outcomes import Fell
from torturing.processes import Done, autoenc, complaint, run
from torturing.trials import Kind


def damage(folder: Path, rng: Random, *, keep_time: bool = False) -> str:
    """Damage one random file below a folder, and say how. Small files are chosen as often as large ones.

    Args:
        folder: a closed store, or a model.
        rng: draws the file and the damage.
        keep_time: leave its size and its modification time as they were, as a failing disk does.
    """
    path = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    before = path.stat()
    how = rng.choice(
        ("flipped", "noise") if keep_time else ("flipped", "noise", "cut", "emptied", "deleted", "swapped")
    )
    if how in ("flipped", "noise"):
        _overwrite(path, before.st_size, how, rng)
    elif how == "cut":
        with path.open("r+b") as file:
            file.truncate(rng.randrange(before.st_size + 1))
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "deleted":
        path.unlink()
    else:
        other = rng.choice(sorted(other for other in folder.rglob("*") if other.is_file()))
        swap = path.with_name("swap")
        path.rename(swap)
        if other != path:
            other.rename(path)
        swap.rename(other)
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return f"{path.relative_to(folder)} {how}"


def _overwrite(path: Path, size: int, how: str, rng: Random) -> None:
    """Change some bytes, most often where there are any: the engine's files are mostly holes."""
    with path.open("r+b") as file:
        at = rng.randrange(size) if size else 0
        if rng.random() < 0.8:
            head = file.read(16 * BLOCK)
            filled = [start for start in range(0, len(head), 64) if any(head[start : start + 64])]
            at = rng.choice(filled or [0]) + rng.randrange(64)
            at = min(at, max(0, size - 1))
        file.seek(at)
        old = file.read(1 if how == "flipped" else rng.choice((4, 100, 4096)))
        file.seek(at)
        file.write(bytes([old[0] ^ 1 << rng.randrange(8)]) if how == "flipped" and old else rng.randbytes(len(old)))


class Damage(Kind):
    """A copy of the store is damaged, and then asked."""

    @abstractmethod
    def damage(self, folder: Path, rng: Random) -> tuple[str, list[str | Path]]:
        """Damage `folder`/store or something beside it: how, and the options that a query needs then."""

    def trial(self, folder: Path, rng: Random) -> str:
        copied(self.material.store, folder / "store")
        how, options = self.damage(folder, rng)
        answers = {}
        for verb in rng.sample(("query", "status", "check"), 3):
            answers[verb] = self.ask(verb, folder / "store", options, rng)
        wrong = [verb for verb, (_, right) in answers.items() if right is False]
        faults = [fault for done, _ in answers.values() if (fault := complaint(done))]
        if faults:
            raise Fell(f"After {how}: {faults[0]}")
        if wrong:
            return self.wrong(wrong, how, answers["check"][0])
        return "answered" if all(done.code == 0 for done, _ in answers.values()) else "refused"

    def ask(self, verb: str, store: Path, options: list[str | Path], rng: Random) -> tuple[Done, bool | None]:
        """How a verb ended, and whether its answer is right; None if it gave none."""
        using = rng.choice(ENCODERS)
        commands = {
            "query": self.material.query(store, using, *options),
            "status": autoenc("status", "--store", store, "--json"),
            "check": autoenc("check", "--store", store, "--quiet"),
        }
        done = run(commands[verb])
        if done.code != 0 or verb == "check":
            return done, None
        expected = self.material.answers[using if verb == "query" else verb]
        return done, _equal(neighbors(done) if verb == "query" else collections(done), expected)

    def wrong(self, verbs: list[str], how: str, check: Done) -> str:
        """What to make of wrong answers."""
        raise Fell(f"After {how}: wrong answer of {' and '.join(verbs)}, with exit code 0.")


def _equal(answer: Any, expected: Any) -> bool:
    """Whether an answer is right; the order of equal scores is free."""
    if isinstance(expected, list):
        return sorted(answer) == sorted(map(tuple, expected))
    return bool(answer == expected)


class Closed(Damage):
    """A store that was closed: its manifest tells what was changed since."""

    name = "damage/store"

    def damage(self, folder: Path, rng: Random) -> tuple[str, list[str | Path]]:
        return damage(folder / "store", rng), []


class Rot(Damage):
    """A file changes and keeps its size and its time, as on a failing disk: only `check` has to notice."""

    name = "damage/rot"

    def damage(self, folder: Path, rng: Random) -> tuple[str, list[str | Path]]:
        return damage(folder / "store", rng, keep_time=True), []

    def wrong(self, verbs: list[str], how: str, check: Done) -> str:
        if check.code == 0:
            raise Fell(f"After {how}: wrong answer of {' and '.join(verbs)}, and `check` found the store whole.")
        return "found by check only"


class Unclean(Damage):
    """A store as a kill leaves it, without a manifest: a wrong answer cannot be noticed, and is counted."""

    name = "damage/killed"

    def damage(self, folder: Path, rng: Random) -> tuple[str, list[str | Path]]:
        (folder / "store" / "images" / "autoenc.manifest.json").unlink()
        return damage(folder / "store", rng), []

    def wrong(self, verbs: list[str], how: str, check: Done) -> str:
        return "answered wrongly, as may be without a manifest"


class Model(Damage):
    """A model is damaged."""

    name = "damage/model"

    def damage(self, folder: Path, rng: Random) -> tuple[str, list[str | Path]]:
        shutil.copytree(self.material.model, folder / "model")
        (folder / "model" / "README.md").unlink(missing_ok=True)
        return damage(folder / "model", rng), ["--model", folder / "model"]


KINDS = (Closed, Rot, Unclean, Model)
