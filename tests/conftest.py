# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What holds for all tests: the examples of property tests, the markers of folders, and one build of the own site."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import jinja2
import own_site
import pytest
from cheap_builds import collect_garbage_if_there_is_much, compile_once, disable_garbage_collection
from hypothesis import settings

# Property tests try the same examples in every run, however busy the machine.
settings.register_profile("kfuncdoc", derandomize=True, deadline=None, max_examples=40)
# The first ten of them are enough for a quick run: make quick.
settings.register_profile("quick", settings.get_profile("kfuncdoc"), max_examples=10)
settings.load_profile("kfuncdoc")

TESTS = Path(__file__).resolve().parent

#: The marker of every test below a folder of tests/; other tests are marked where they are defined.
MARKER_OF_FOLDER = {
    "sphinxext": "sphinx",
    "kernel_docs": "kernel",
    "programs": "compiler",
    "browser": "browser",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in MARKER_OF_FOLDER:
            item.add_marker(MARKER_OF_FOLDER[folder])


def pytest_collection_finish() -> None:
    disable_garbage_collection()


def pytest_runtest_logfinish() -> None:
    collect_garbage_if_there_is_much()


@pytest.fixture(autouse=True, scope="session")
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _compile_templates_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", compile_once)
        yield


@pytest.fixture(scope="session")
def site_of_this_repository(tmp_path_factory: pytest.TempPathFactory) -> own_site.OwnSite:
    """The site of this repository, built at most once for each builder, also where several processes run the tests."""
    folder = tmp_path_factory.getbasetemp()
    # pytest-xdist gives each of its processes a folder in the one of the run.
    return own_site.OwnSite(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)
