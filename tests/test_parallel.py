"""Work on all cores: in order, not far ahead, and honest about errors."""

from __future__ import annotations

import threading
import time

import pytest

from autoenc.parallel import ordered_map


def test_results_come_in_order_whatever_finishes_first() -> None:
    def slow_when_even(number: int) -> int:
        time.sleep(0.002 * (number % 2 == 0))
        return number * number

    assert list(ordered_map(slow_when_even, range(200))) == [n * n for n in range(200)]


def test_it_does_not_run_far_ahead_of_its_reader() -> None:
    started: set[int] = set()
    lock = threading.Lock()

    def note(number: int) -> int:
        with lock:
            started.add(number)
        return number

    results = ordered_map(note, range(100_000))
    next(results)
    time.sleep(0.1)
    assert len(started) < 1500
    results.close()
    assert len(started) < 1500


def test_an_error_reaches_the_reader() -> None:
    def fail_at_seven(number: int) -> int:
        if number == 7:
            raise RuntimeError("seven")
        return number

    with pytest.raises(RuntimeError, match="seven"):
        list(ordered_map(fail_at_seven, range(100)))
