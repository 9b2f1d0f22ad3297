"""Memory that threads share, and time that nobody may exceed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from autoenc.errors import ImageDecodeError, ImageTooLargeError
from autoenc.images import decoding, guard, limits
from autoenc.images.files import load_images
from autoenc.images.finding import SkippedFile
from autoenc.images.guard import Budget, guarded, in_time


def peak_of(budget: Budget, amounts: list[int]) -> int:
    """The most that threads hold at once when each takes one of the amounts for a moment."""
    held, peak, lock = 0, 0, threading.Lock()

    def use(amount: int) -> None:
        nonlocal held, peak
        budget.take(amount)
        with lock:
            held += amount
            peak = max(peak, held)
        time.sleep(0.003)
        with lock:
            held -= amount
        budget.give_back(amount)
        budget.leave()

    threads = [threading.Thread(target=use, args=(amount,)) for amount in amounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return peak


def test_threads_never_hold_more_than_there_is() -> None:
    assert 60 < peak_of(Budget(100), [30, 40, 20, 90, 10] * 8) <= 100


def test_what_is_more_than_all_there_is_goes_alone() -> None:
    assert peak_of(Budget(100), [30, 250, 40, 250, 60]) == 250


def test_a_result_or_an_error_comes_through() -> None:
    assert in_time(lambda: 7) == 7
    with pytest.raises(ImageTooLargeError, match="too large"):
        in_time(lambda: (_ for _ in ()).throw(ImageTooLargeError("too large")))


def test_what_takes_too_long_is_given_up_and_nobody_waits_for_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 0.05)
    monkeypatch.setattr(guard, "_memory", Budget(100))
    stuck = threading.Event()
    with pytest.raises(ImageDecodeError, match=r"^It took longer than 0\.05 s to decode\.$"):
        guarded(stuck.wait, 80, watched=True)
    assert guarded(lambda: "next", 80, watched=False) == "next"
    assert guarded(lambda: "another", 80, watched=True) == "another"
    stuck.set()


def test_a_thread_that_is_given_up_keeps_its_memory_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 0.02)
    budget = Budget(100)
    monkeypatch.setattr(guard, "_memory", budget)
    stuck = threading.Event()
    with pytest.raises(ImageDecodeError):
        guarded(stuck.wait, 80, watched=True)
    budget.take(10)  # alone
    waiting = threading.Thread(target=budget.take, args=(30,))
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    stuck.set()
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_slow_file_is_listed_and_the_others_are_loaded(picture_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = sorted(picture_folder.glob("*/*.png"))
    slow, stuck, decoded = paths[3].read_bytes(), threading.Event(), decoding._decoded

    def stuck_at_one(promise: Any, data: bytes, *others: Any) -> Any:
        return stuck.wait() if data == slow else decoded(promise, data, *others)

    monkeypatch.setattr(limits, "SECONDS", 0.2)
    monkeypatch.setattr(limits, "UNWATCHED_PIXELS", 0)
    monkeypatch.setattr(decoding, "_decoded", stuck_at_one)
    loaded = list(load_images(paths, 8))
    stuck.set()
    assert [item.path for item in loaded] == paths
    assert [str(item) for item in loaded if isinstance(item, SkippedFile)] == [
        f"{paths[3]}: It took longer than 0.2 s to decode."
    ]


def test_the_end_of_the_process_does_not_wait() -> None:
    code = """
import threading
from autoenc.errors import ImageDecodeError
from autoenc.images import guard, limits
limits.SECONDS = 0.05
try:
    guard.guarded(threading.Event().wait, 10, watched=True)
except ImageDecodeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "It took longer than 0.05 s to decode.\n"
    assert done.stderr == ""
