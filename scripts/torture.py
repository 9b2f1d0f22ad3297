"""Attack autoenc from outside, on any photos, and see what holds.

    python scripts/torture.py --minutes 30 --photos FOLDER

Each trial breaks something at random: kills a process, damages a store, hands over hostile files, takes away disk or
memory, or uses one store from many sides at once. Prints a table of the trials and a line for each that fell, with the
folder that was kept. The exit code is 1 if any fell. Linux; killing trainings needs TensorFlow, small disks need root.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from torturing import concurrency, damage, files, kills, limits
from torturing.material import Material
from torturing.trials import Campaign, Kind, table

KINDS: tuple[type[Kind], ...] = tuple(
    kind for module in (kills, files, damage, limits, concurrency) for kind in module.KINDS
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="for all trials together (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of every random choice (default: %(default)s)")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="images to use (default: drawn ones)")
    parser.add_argument("--only", type=chosen, default=KINDS, metavar="NAME,…", help=f"of {', '.join(names())}")
    parser.add_argument("--number", type=int, help="run only the trial of this number, of each kind")
    parser.add_argument("--quick", action="store_true", help="fewer photos and smaller trials")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where to work, and to keep what fell")
    options = parser.parse_args(arguments)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="autoenc-torture-"))
    folder.mkdir(parents=True, exist_ok=True)
    material = Material(folder / "material", options.photos, options.seed, options.quick)
    campaign = Campaign([kind(material) for kind in options.only], folder, options.seed, options.number)
    campaign.run(60 * options.minutes)
    print(table(campaign.tallies))
    for fall in campaign.falls:
        print(f"FELL {fall}")
    if not campaign.falls:
        shutil.rmtree(folder)
    return 1 if campaign.falls else 0


def names() -> list[str]:
    return [kind.name for kind in KINDS]


def chosen(text: str) -> list[type[Kind]]:
    """Option type: names of kinds, or of their groups, separated by commas."""
    wanted = text.split(",")
    unknown = [name for name in wanted if not any(name in (known, known.split("/")[0]) for known in names())]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {', '.join(names())}")
    return [kind for kind in KINDS if kind.name in wanted or kind.name.split("/")[0] in wanted]


if __name__ == "__main__":
    sys.exit(main())
