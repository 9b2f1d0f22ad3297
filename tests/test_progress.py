"""Progress: shown where somebody looks, told to whoever asks."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from autoenc import progress as module
from autoenc.progress import telling


def test_plain_lines_on_standard_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PLAIN_SECONDS", 0.0)
    clock = iter(range(0, 100, 10))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    with telling(True) as tell:
        tell("training", 60, 100, "epoch 7")  # resumed: what was done before took no time of ours
        tell("training", 60, 100, "epoch 7")
        tell("training", 70, 100, "epoch 8")
        tell("training", 80, 100, "")
    printed = capsys.readouterr()
    assert printed.out == ""
    # 10 done in 20 s, 30 left; then 20 in 30 s, 20 left
    assert printed.err == "training 70/100, epoch 8, 60 s left\ntraining 80/100, 30 s left\n"


@pytest.mark.parametrize("progress", [False, None])
def test_nothing_where_nobody_looks(progress: bool | None, capsys: pytest.CaptureFixture[str]) -> None:
    with telling(progress) as tell:
        assert tell is module.silent
        tell("training", 90, 100, "")
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal_begins_where_the_work_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with telling(None) as tell:
        tell("training", 60, 100, "")
        assert (tell._bar.initial, tell._bar.n) == (60, 60)  # type: ignore[attr-defined]
        tell("training", 70, 100, "")
        assert tell._bar.n == 70  # type: ignore[attr-defined]
    assert "70/100" in capsys.readouterr().err


def test_a_bar_in_a_notebook(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    with telling(None) as tell:
        tell("reading", 1, 2, "")
    assert "reading" in capsys.readouterr().err


def test_a_function_is_called() -> None:
    seen: list[tuple[str, int, int, str]] = []
    with telling(lambda *step: seen.append(step)) as tell:
        tell("reading", 1, 2, "note")
    assert seen == [("reading", 1, 2, "note")]
