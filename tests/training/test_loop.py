"""The loop tells how long it will take."""

from __future__ import annotations

import pytest

pytest.importorskip("keras", reason="training needs TensorFlow: pip install 'autoenc[train]'")

from autoenc.training import loop
from autoenc.training.loop import Forecast


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(loop.time, "perf_counter", fake)
    return fake


def test_the_time_in_all_follows_from_the_steps_that_are_done(clock: Clock) -> None:
    """Ten steps of 1,200 in 2 s: 240 s. A hundred in 30 s: 360 s."""
    forecast = Forecast(0, 1200)
    clock.now += 2
    assert forecast.note(10) == ", about 4 min in all"
    clock.now += 28
    assert forecast.note(100) == ", about 6 min in all"


def test_before_ten_steps_are_done_nothing_is_said(clock: Clock) -> None:
    forecast = Forecast(0, 1200)
    clock.now += 60
    assert forecast.note(9) == ""


def test_steps_of_earlier_sessions_took_none_of_this_ones_time(clock: Clock) -> None:
    """Twenty steps in 2 s, of the 200 that were left."""
    forecast = Forecast(1000, 1200)
    clock.now += 1
    assert forecast.note(1009) == ""
    clock.now += 1
    assert forecast.note(1020) == ", about 20 s in all"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5999, "100 min"), (6000, "1.7 h"), (90000, "25.0 h")],
)
def test_units(clock: Clock, seconds: float, said: str) -> None:
    forecast = Forecast(0, 10)
    clock.now += seconds
    assert forecast.note(10) == f", about {said} in all"
