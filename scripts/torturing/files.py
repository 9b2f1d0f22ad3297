"""Index folders of hostile files: each is accounted for, and none costs more than its time and memory."""

from __future__ import annotations

import json
import os
import shutil
import socket
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path
from random import Random

from torturing.material import ENCODERS
from torturing.mutations import FORMATS, bombs, encoded, mutated
from torturing.outcomes import Fell
from torturing.processes import Done, autoenc, complaint, run
from torturing.trials import Kind

BATCH_SECONDS = 60.0


class Batch(Kind):
    """A folder of hostile files, and two photos that are not, indexed by one process."""

    @abstractmethod
    def fill(self, folder: Path, rng: Random) -> None:
        """Put the hostile files into a folder."""

    def trial(self, folder: Path, rng: Random) -> str:
        photos = folder / "photos"
        photos.mkdir()
        for number, path in enumerate(self.material.paths[:2]):
            shutil.copyfile(path, photos / f"whole-{number}.jpg")
        self.fill(photos, rng)
        expected = files_in(photos)
        names = ",".join(ENCODERS)
        command = autoenc("index", photos, "--store", folder / "store", "--model", self.material.model, "--json")
        done = run([*command, "--encoders", names, "--quiet"], seconds=BATCH_SECONDS)
        return accounted(done, expected)


def files_in(folder: Path) -> int:
    """How many files a search finds that follows links to folders, but enters none twice."""
    searched: set[tuple[int, int]] = set()
    number = 0
    for here, below, names in os.walk(folder, followlinks=True):
        status = Path(here).stat()
        if (status.st_dev, status.st_ino) in searched:
            below.clear()
            continue
        searched.add((status.st_dev, status.st_ino))
        number += len(names)
    return number


def accounted(done: Done, expected: int) -> str:
    """Raise Fell unless a process that indexed a folder says of every file what became of it."""
    if fault := complaint(done):
        raise Fell(fault)
    try:
        report = json.loads(done.out)
    except ValueError:
        raise Fell(f"{done} printed no JSON: {done.out[-300:]!r}.") from None
    told = report["indexed"] + len(report["skipped"]) + report["ignored"]
    if told != expected:
        raise Fell(f"{done} accounted for {told} files of {expected}.")
    if any(len(skipped["reason"].split()) < 2 for skipped in report["skipped"]):
        raise Fell(f"{done} skipped a file without a reason.")
    if report["indexed"] < 2:
        raise Fell(f"{done} did not index the photos that are whole.")
    return "accounted for"


class Mutated(Batch):
    """Mutated photos of every format. The changes are blind: no coverage of the decoders guides them."""

    name = "files/mutated"

    def fill(self, folder: Path, rng: Random) -> None:
        for number in range(200 if self.material.quick else 600):
            extension, other = rng.choice(list(FORMATS)), rng.choice(list(FORMATS))
            photos = rng.choice(self.material.paths), rng.choice(self.material.paths)
            data = mutated(encoded(photos[0], extension, rng), encoded(photos[1], other, rng), rng)
            (folder / f"{number:04}.{extension}").write_bytes(data)


class Bombs(Batch):
    """Small files that claim huge pictures, or unpack to them; some are mutated."""

    name = "files/bombs"

    def prepare(self) -> None:
        self.bombs = bombs()

    def fill(self, folder: Path, rng: Random) -> None:
        for name, data in self.bombs.items():
            (folder / name).write_bytes(data)
            (folder / f"mutated-{name}").write_bytes(mutated(data, data, rng))


NAMES = (
    "new\nline.jpg", "tab\t.jpg", " space .jpg", "-dash.jpg", "--json.png", "'quote\".jpg", "%s%n.jpg", "$(id).jpg",
    "\x1b[31mred.jpg", "\u202egnp.jpg", "😀.jpg", "e\u0301.jpg", "é.jpg", "a\\b.jpg", "CON.jpg", "a=b.jpg", "[*?].jpg",
    "x" * 251 + ".jpg", "UPPER.JPG", ".hidden.jpg", "...jpg", "many.dots.jpg", "photo.jpg~", "\u2028.jpg", "\x7f.jpg",
)  # fmt: skip
RAW_NAMES = (b"latin-\xe9.jpg", b"\xff\xfe.png", b"half-\xf0\x9f.jpg")
TARGETS = (
    "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/stdin", "/dev/tty", "/dev/mem", "/proc/self/mem",
    "/proc/self/pagemap", "/proc/self/maps", "/proc/self/environ", "/proc/kcore", "/proc/kallsyms", "/proc/self/auxv",
    "/proc/self/clear_refs", "/proc/self/fd/0", "/nowhere", "loop.jpg", ".",
    "..", "/etc/passwd", "/sys/kernel/notes",
)  # fmt: skip
"""What links point to. /proc/kmsg is not among them: to read it would take messages away from the system."""


class Specials(Batch):
    """What is no regular file, links to devices and into /proc, and odd names."""

    name = "files/specials"

    def fill(self, folder: Path, rng: Random) -> None:
        photo = rng.choice(self.material.paths)
        inside = folder / "inside"  # so that a link to the folder above leads to this folder, and not to others
        inside.mkdir()
        for name in NAMES:
            with suppress(OSError):  # the file system does not take the name
                shutil.copyfile(photo, inside / name)
        for raw in RAW_NAMES:
            with suppress(OSError):
                shutil.copyfile(photo, os.path.join(os.fsencode(inside), raw))  # noqa: PTH118
        for number, target in enumerate(TARGETS):
            (inside / f"link-{number}.jpg").symlink_to(target)
        (inside / "loop.jpg").symlink_to("loop.jpg")
        (inside / "directory.jpg").mkdir()
        (inside / "directory.jpg" / "photo.jpg").symlink_to(photo)
        os.mkfifo(inside / "fifo.jpg")
        with socket.socket(socket.AF_UNIX) as listening, suppress(OSError):  # a path may be too long for a socket
            listening.bind(str(inside / "socket.jpg"))
        for size in (0, 1, 2, 3):
            (inside / f"{size}-bytes.jpg").write_bytes(photo.read_bytes()[:size])
        with (inside / "hole.jpg").open("wb") as hole:
            hole.truncate(2**40)
        deep = inside
        for _ in range(60):
            deep /= "deep"
        deep.mkdir(parents=True)
        shutil.copyfile(photo, deep / "photo.jpg")


KINDS = (Mutated, Bombs, Specials)
