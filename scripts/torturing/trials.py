"""What a trial is, and a campaign of many."""

from __future__ import annotations

import shutil
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

from torturing.material import Material
from torturing.outcomes import Fell, NotHere


class Kind(ABC):
    """One kind of trial.

    Attributes:
        name: GROUP/NAME; a campaign gives each group the same time.
    """

    name: str

    def __init__(self, material: Material) -> None:
        self.material = material

    def prepare(self) -> None:  # noqa: B027  # most kinds need none
        """Called once, before the first trial; raises NotHere if these trials cannot run on this machine."""

    @abstractmethod
    def trial(self, folder: Path, rng: Random) -> str:
        """Run one trial in an empty folder, with every choice drawn from `rng`.

        Returns:
            How it ended, in a few words that many trials share.

        Raises:
            Fell: a promise was broken.
        """


@dataclass
class Tally:
    """The trials of one kind so far.

    Attributes:
        seconds: time spent on them, and on preparing them.
        endings: how trials ended -> how many.
        falls: a sentence for each trial that fell.
        absent: why none can run on this machine.
    """

    kind: Kind
    seconds: float = 0.0
    endings: Counter[str] = field(default_factory=Counter)
    falls: list[str] = field(default_factory=list)
    absent: str = ""
    prepared: bool = False
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def trials(self) -> int:
        return self.endings.total() + len(self.falls)


class Campaign:
    """Trials of several kinds, for some time.

    Args:
        kinds: the kinds of one or more groups.
        folder: where the trials run; the folders of those that fall are kept.
        seed: the same seed draws the same choices.
        number: run only the trial of this number, of each kind.
    """

    def __init__(self, kinds: Sequence[Kind], folder: Path, seed: int, number: int | None = None) -> None:
        self.tallies = [Tally(kind) for kind in kinds]
        self._folder, self._seed, self._number = folder, seed, number

    @property
    def falls(self) -> list[str]:
        return [fall for tally in self.tallies for fall in tally.falls]

    def run(self, seconds: float) -> None:
        """Give each group the same time. At least one trial of each group runs."""
        groups: dict[str, list[Tally]] = {}
        for tally in self.tallies:
            groups.setdefault(tally.kind.name.partition("/")[0], []).append(tally)
        for tallies in groups.values():
            deadline = time.monotonic() + seconds / len(groups)
            while ready := [tally for tally in tallies if not tally.absent and not self._over(tally)]:
                if time.monotonic() > deadline and any(tally.trials for tally in tallies):
                    break
                self._one(min(ready, key=lambda tally: tally.seconds))

    def _over(self, tally: Tally) -> bool:
        return self._number is not None and tally.trials > 0

    def _one(self, tally: Tally) -> None:
        """One more trial of a kind."""
        began = time.monotonic()
        kind = tally.kind
        number = next(tally.numbers) if self._number is None else self._number
        folder = self._folder / f"{kind.name.replace('/', '-')}-{number}"
        try:
            if not tally.prepared:
                kind.prepare()
                tally.prepared = True
            folder.mkdir(parents=True)
            ending = kind.trial(folder, Random(f"{self._seed} {kind.name} {number}"))
        except NotHere as error:
            tally.absent = str(error)
        except Fell as error:
            if not tally.prepared:
                tally.absent = "its preparation fell"
            tally.falls.append(f"{kind.name} --seed {self._seed} --number {number}: {error} Kept in {folder}.")
        except OSError as error:  # of the trial itself: the others go on
            tally.falls.append(f"{kind.name} --seed {self._seed} --number {number} could not be run: {error!r}")
        else:
            tally.endings[ending] += 1
            shutil.rmtree(folder)
        tally.seconds += time.monotonic() - began


def table(tallies: Sequence[Tally]) -> str:
    """One line for each kind: how many trials, how they ended, how many fell."""
    rows = [("kind", "trials", "fell", "seconds", "how the others ended")]
    for tally in tallies:
        endings = ", ".join(f"{number} {ending}" for ending, number in tally.endings.most_common())
        left_out = f"left out: {tally.absent}" if tally.absent else "no time left"
        rows.append(
            (
                tally.kind.name,
                str(tally.trials),
                str(len(tally.falls)),
                f"{tally.seconds:.0f}",
                endings if tally.trials else left_out,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}".rstrip()
        for row in rows
    )
