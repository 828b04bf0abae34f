# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Progress: after a second on a terminal, gone at the end, and nothing anywhere else."""

from __future__ import annotations

import io

import pytest

from kfuncdoc.base import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a quarter of a second each time it is looked at."""
    seconds = iter(quarter / 4 for quarter in range(1000))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))


def test_a_terminal_shows_progress_once_a_second_is_over(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    assert list(progress.track(["a", "b", "c", "d", "e"])) == ["a", "b", "c", "d", "e"]
    assert terminal.getvalue() == "\rreading 4/5\rreading 5/5\r\x1b[K"


def test_quick_work_shows_nothing(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    assert list(progress.track(["a", "b"])) == ["a", "b"]
    assert terminal.getvalue() == ""


def test_a_pipe_is_told_nothing(clock, monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr(progress.sys, "stderr", pipe)
    assert list(progress.track(["a", "b", "c", "d", "e", "f"])) == ["a", "b", "c", "d", "e", "f"]
    assert pipe.getvalue() == ""


def test_work_that_ends_early_leaves_the_line_empty(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    for number, _ in enumerate(progress.track(["a"] * 9)):
        if number == 5:
            break
    assert terminal.getvalue() == "\rreading 4/9\rreading 5/9\r\x1b[K"
