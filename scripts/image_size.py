"""The size of the Docker image, from what its layers hold; no Docker is needed.

python scripts/image_size.py [--python 3.13]

Installs what the Dockerfile installs (its extras, constraints.txt, wheels for Linux on x86-64 and the Python of its
base image) into a temporary folder, and prints the megabytes (10**6 bytes) of each package, the largest first. To them
come the base image and what apt-get adds. Ends with code 1 above the limit of 600 MB.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 600.0  # MB
BASE = 130.0  # MB: python:3.13-slim for amd64, unpacked, rounded up
FONTS = 3.0  # MB: fonts-dejavu-core as apt tells it
LISTED = 12
PLATFORMS = ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]


def dockerfile() -> tuple[str, str]:
    """The Python of the base image, and the extras that are installed."""
    text = (ROOT / "Dockerfile").read_text()
    pythons = re.findall(r"^FROM python:([\d.]+)-slim", text, re.MULTILINE)
    extras = re.findall(r"--constraint constraints\.txt '\.\[([\w,]+)\]'", text)
    if len(set(pythons)) != 1 or len(extras) != 1:
        sys.exit("The Dockerfile is not written as this script reads it.")
    return pythons[0], extras[0]


def wanted(extras: str) -> list[str]:
    """The requirements of autoenc with these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = extras.split(",")
    return [*project["dependencies"], *(each for name in names for each in project["optional-dependencies"][name])]


def install(folder: Path, python: str, requirements: list[str]) -> None:
    """Unpack wheels for the image, and autoenc itself, compiled as pip compiles them."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder)]
    platforms = [option for platform in PLATFORMS for option in ("--platform", platform)]
    foreign = ["--python-version", python, "--only-binary", ":all:", *platforms]
    subprocess.run([*pip, *foreign, "--constraint", str(ROOT / "constraints.txt"), *requirements], check=True)
    for package in ("autoenc", "baselines"):  # a build would leave its folders here
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=False, stdout=subprocess.DEVNULL)


def sizes(folder: Path) -> dict[str, float]:
    """Megabytes of each top folder and file, blocks of 4 KiB counted whole; a package's libraries count with it."""
    found: dict[str, float] = {}
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            top = file.relative_to(folder).parts[0].removesuffix(".libs")
            name = {"opencv_python_headless": "cv2"}.get(top, top)
            found[name] = found.get(name, 0.0) + -(-file.stat().st_size // 4096) * 4096 / 1e6
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="version of Python to take wheels for (default: that of the base image)")
    options = parser.parse_args()
    python, extras = dockerfile()
    with tempfile.TemporaryDirectory(prefix="autoenc-image-") as folder:
        install(Path(folder), options.python or python, wanted(extras))
        found = sizes(Path(folder))
    largest = sorted(found.items(), key=lambda item: -item[1])
    for name, size in largest[:LISTED]:
        print(f"{size:8.1f} MB  {name}")
    print(f"{sum(size for _, size in largest[LISTED:]):8.1f} MB  {len(largest) - LISTED} more")
    print(f"{BASE:8.1f} MB  the base image, python:{python}-slim")
    print(f"{FONTS:8.1f} MB  fonts-dejavu-core")
    total = sum(found.values()) + BASE + FONTS
    print(f"{total:8.1f} MB  in all; the limit is {LIMIT:g} MB")
    sys.exit(total > LIMIT)


if __name__ == "__main__":
    main()
