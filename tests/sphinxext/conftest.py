# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the tests of the Sphinx extension share: an installation that can be edited, and a maker of projects."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any, Callable, Iterator

import fresh_processes
import pytest

pytest.register_assert_rewrite("projects")

from projects import ROOT, Project  # noqa: E402  (its assertions are to be rewritten as those of tests are)

FLAGS = """\
flags:
  - {flag: KF_ACQUIRE, first: v6.1, meaning: The program owns what it gets.}
  - {flag: KF_RCU, first: v6.3, meaning: Pointers protected by RCU will do.}
"""
HOOKS = """\
hooks:
  - {program_type: BPF_PROG_TYPE_XDP, hook: xdp, since: v6.1}
  - {program_type: BPF_PROG_TYPE_TRACING, hook: tracing, since: v6.1}
  - {program_type: BPF_PROG_TYPE_TRACEPOINT, hook: tracing, since: v6.12}
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have kfuncdoc find ``data/`` and ``templates/`` in a folder of the test, and return that.

    The calendar is that of the tests, which does not move, and all of it may be edited.
    """
    folder = tmp_path / "installed"
    shutil.copytree(ROOT / "templates", folder / "templates")
    (folder / "data").mkdir()
    shutil.copy(ROOT / "tests" / "calendar.yaml", folder / "data" / "releases.yaml")
    (folder / "data" / "flags.yaml").write_text(FLAGS, encoding="utf-8")
    (folder / "data" / "hooks.yaml").write_text(HOOKS, encoding="utf-8")
    monkeypatch.setattr("kfuncdoc.base.resources._PACKAGE", folder / "kfuncdoc")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return folder


@pytest.fixture(autouse=True, scope="session")
def _end_of_fresh_processes() -> Iterator[None]:
    yield
    fresh_processes.stop()


@pytest.fixture(autouse=True)
def _no_progress_of_sphinx() -> Iterator[None]:
    """Make no records of the thousand things that Sphinx logs below a warning in each of some hundred builds."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Project]:
    """Return a maker of projects: ``make(files, **conf)``."""
    made: list[Project] = []

    def make_project(files: dict[str, str], **conf: Any) -> Project:
        made.append(Project(tmp_path / f"project{len(made)}", files, **conf))
        return made[-1]

    return make_project
