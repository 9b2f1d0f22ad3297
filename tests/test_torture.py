"""The torture campaign holds for a moment, and its judgments can fail."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torture
from PIL import Image
from torturing.damage import damage
from torturing.files import accounted, files_in
from torturing.kills import Index
from torturing.mutations import FORMATS, bombs, encoded, mutated
from torturing.outcomes import Fell, NotHere
from torturing.processes import MEMORY, Done, complaint, run
from torturing.snapshots import Snapshot
from torturing.together import _Shared
from torturing.trials import Campaign, Kind, table

from autoenc.store import open_store

SCRIPT = Path(__file__).parents[1] / "scripts" / "torture.py"
WELL = Done(["python", "index"], 0, "{}", "", peak=10**8, seconds=1.0)


@pytest.mark.slow
def test_a_short_campaign_holds() -> None:
    only = "kills/index,files/mutated,files/specials,damage/store,concurrency/remembering"
    command = [sys.executable, str(SCRIPT), "--quick", "--minutes", "0.05", "--seed", "2", "--only", only]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(name in done.stdout for name in only.split(","))


# ---- how a process ended ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "done",
    [
        replace(WELL, code=1, err="Traceback (most recent call last):\n  File ...\nKeyError: 'a'\n"),
        replace(WELL, err="thread '<unnamed>' panicked at src/lib.rs:3\nautoenc: The engine failed on the store.\n"),
        replace(WELL, code=-11),
        replace(WELL, code=2, err="autoenc: This value is not allowed.\n"),
        replace(WELL, code=1),
        replace(WELL, peak=MEMORY + 1),
        replace(WELL, code=-9, stopped="too slow"),
    ],
    ids=["traceback", "panic", "signal", "usage", "no sentence", "memory", "time"],
)
def test_a_process_that_ended_badly_is_complained_about(done: Done) -> None:
    assert complaint(done)


def test_success_and_one_sentence_are_no_complaint() -> None:
    assert not complaint(WELL)
    assert not complaint(replace(WELL, code=1, err="autoenc: There is no store at x. Index images into it first.\n"))


def test_a_process_is_killed_in_time_and_its_signal_is_seen() -> None:
    killed = run([sys.executable, "-c", "import time; time.sleep(60)"], kill_after=0.2)
    assert (killed.code, killed.stopped) == (-9, "killed")
    assert killed.seconds < 10
    assert "SIGABRT" in complaint(run([sys.executable, "-c", "import os; os.abort()"]))


def test_a_process_that_takes_too_much_memory_is_stopped() -> None:
    greedy = run([sys.executable, "-c", "import time; x = b'1' * 2**28; time.sleep(60)"], memory=2**27)
    assert greedy.stopped == "too large"


@pytest.mark.parametrize(
    "report",
    [
        {"indexed": 8, "ignored": 0, "skipped": []},
        {"indexed": 9, "ignored": 0, "skipped": [{"path": "x", "reason": ""}]},
        {"indexed": 0, "ignored": 10, "skipped": []},
    ],
    ids=["a file is lost", "no reason", "whole photos were not indexed"],
)
def test_a_report_that_does_not_account_for_every_file_falls(report: dict[str, Any]) -> None:
    with pytest.raises(Fell):
        accounted(replace(WELL, out=json.dumps(report)), 10)


def test_files_are_counted_once_though_links_lead_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").touch()
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "dangling.jpg").symlink_to("nowhere")
    assert files_in(tmp_path) == 2


# ---- what is in a store -----------------------------------------------------------------------

ROW = np.array([0.6, 0.8], np.float32)
STORE = Snapshot({"1": {"price": 3}, "2": {}}, {"color": {"1": ROW, "2": ROW}}, {"sources": {}})


@pytest.mark.parametrize(
    "other",
    [
        replace(STORE, points={"1": {"price": 3}}),
        replace(STORE, points={**STORE.points, "3": {}}),
        replace(STORE, points={"1": {"price": 4}, "2": {}}),
        replace(STORE, vectors={"color": {"1": ROW}}),
        replace(STORE, vectors={}),
        replace(STORE, vectors={"color": {"1": ROW, "2": ROW + np.float32(3e-6)}}),
        replace(STORE, record={"sources": {"shop": "/"}}),
        replace(STORE, twice=1),
    ],
    ids=["lost", "added", "payload", "no vector", "no vectors", "other vector", "record", "twice"],
)
def test_stores_that_differ_are_told_apart(other: Snapshot) -> None:
    assert other.difference(STORE)


def test_stores_that_differ_by_rounding_are_equal() -> None:
    assert not STORE.difference(STORE)
    assert not replace(STORE, vectors={"color": {"1": ROW, "2": ROW + np.float32(2e-7)}}).difference(STORE)


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (replace(STORE, points={"1": {"price": 3}}), "1 points are lost"),
        (replace(STORE, points={"1": {}, "2": {}}), "lost a field of the user's"),
        (replace(STORE, points={**STORE.points, "9": {}}), "nobody wrote"),
        (replace(STORE, vectors={"color": {"1": ROW}}), "lost their vector 'color'"),
        (replace(STORE, twice=2), "there twice"),
        (STORE, "3 photos were reported as done; after the kill, 2"),
    ],
)
def test_what_a_kill_must_not_leave(left: Snapshot, told: str, tmp_path: Path) -> None:
    kill = object.__new__(Index)
    kill.before = kill.expected = STORE
    kill.material = argparse.Namespace(photos=tmp_path)  # type: ignore[assignment]
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / name).touch()
    with pytest.raises(Fell, match=told):
        kill.check_left(left, replace(WELL, out="1\n3\n2"))  # the last line may be cut
    kill.check_left(STORE, replace(WELL, out="2\n3"))


def test_a_lost_update_is_found(tmp_path: Path) -> None:
    with open_store(tmp_path / "store", create=True) as store:
        shared = _Shared(store, seed=1)
        shared.write(until=0)
        shared.check(store)
        shared.turns["a point that was never written"] = 1
        with pytest.raises(AssertionError):
            shared.check(store)


# ---- what is done to files --------------------------------------------------------------------


@pytest.mark.parametrize("keep_time", [False, True])
def test_damage_changes_a_file(tmp_path: Path, keep_time: bool) -> None:
    for seed in range(40):
        folder = tmp_path / str(seed)
        folder.mkdir()
        for name in "ab":
            (folder / name).write_bytes(name.encode() * 5000)
        times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        damage(folder, Random(seed), keep_time=keep_time)
        sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
        if keep_time:
            assert sizes == {"a": 5000, "b": 5000}
            assert times == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
            assert any(set(path.read_bytes()) != set(path.name.encode()) for path in folder.iterdir())


@pytest.mark.parametrize("extension", FORMATS)
def test_mutations_differ_and_can_be_repeated(tmp_path: Path, extension: str) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 40, 3), np.uint8)).save(photo)
    data = encoded(photo, extension, Random(1))
    made = [mutated(data, data, Random(seed)) for seed in range(30)]
    assert made == [mutated(data, data, Random(seed)) for seed in range(30)]
    assert sum(each != data for each in made) > 25
    assert all(made)


def test_bombs_are_small() -> None:
    assert max(map(len, bombs().values())) < 1_000_000


# ---- the campaign -----------------------------------------------------------------------------


def kind(name: str, trial: Callable[[Random], str]) -> Kind:
    made = type("Made", (Kind,), {"name": name, "trial": lambda _self, _folder, rng: trial(rng)})
    return made(None)  # type: ignore[arg-type,no-any-return]


def falling(rng: Random) -> str:
    raise Fell(f"It broke at {rng.random():.3f}.")


def absent(rng: Random) -> str:
    raise NotHere("only root can")


def test_each_group_runs_and_what_falls_is_kept(tmp_path: Path) -> None:
    kinds = [kind("a/holds", lambda _: "held"), kind("b/falls", falling), kind("c/absent", absent)]
    campaign = Campaign(kinds, tmp_path, seed=7)
    campaign.run(seconds=0)
    (fall,) = campaign.falls
    assert fall.startswith("b/falls --seed 7 --number 0: It broke at")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(("a", "b"))] == ["b-falls-0"]
    lines = [line.split(maxsplit=4) for line in table(campaign.tallies).splitlines()]
    assert lines[1][:3] == ["a/holds", "1", "0"]
    assert lines[1][4] == "1 held"
    assert lines[2][:3] == ["b/falls", "1", "1"]
    assert lines[3][4] == "left out: only root can"


def test_a_number_repeats_one_trial(tmp_path: Path) -> None:
    many = Campaign([kind("b/falls", falling)], tmp_path / "many", seed=7)
    many.run(seconds=0.1)
    one = Campaign([kind("b/falls", falling)], tmp_path / "one", seed=7, number=2)
    one.run(seconds=0.1)
    assert [fall.partition(" Kept")[0] for fall in one.falls] == [many.falls[2].partition(" Kept")[0]]


def test_kinds_are_chosen_by_name_or_by_group() -> None:
    assert [each.name for each in torture.chosen("damage/rot,concurrency")] == [
        "damage/rot",
        "concurrency/threads",
        "concurrency/remembering",
        "concurrency/processes",
    ]
    with pytest.raises(argparse.ArgumentTypeError, match="unknown: fire; there are kills/index"):
        torture.chosen("fire")
