# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What publishes the site of this repository: its files name what is there, and each other's names."""

from __future__ import annotations

import re
import runpy
import sys
from typing import Any

import pytest
import yaml
from declared import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "pages.yml"
READ_THE_DOCS = ROOT / ".readthedocs.yaml"
GUIDE = ROOT / "docs" / "publishing.rst"
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PYTHONS = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PYPROJECT)


def loaded(path: Any) -> Any:
    """Return a file of YAML with every scalar as text: to YAML 1.1, the key ``on`` is true."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


JOBS = loaded(WORKFLOW)["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]


def extras() -> set[str]:
    """Return the names of the extras in pyproject.toml."""
    section = re.search(r"^\[project\.optional-dependencies\]\n(.*?)^\[", PYPROJECT, re.MULTILINE | re.DOTALL)
    assert section
    return set(re.findall(r"^(\w+) = \[", section[1], re.MULTILINE))


# -- Read the Docs


def test_read_the_docs_builds_this_site() -> None:
    configuration = loaded(READ_THE_DOCS)
    assert set(configuration) == {"version", "build", "sphinx", "python"}
    assert configuration["version"] == "2"
    assert configuration["build"]["tools"]["python"] in PYTHONS
    assert configuration["sphinx"] == {"configuration": "conf.py", "fail_on_warning": "true"}
    (install,) = configuration["python"]["install"]
    assert set(install) <= {"method", "path", "extra_requirements"}
    assert (install["method"], install["path"]) == ("pip", ".")
    assert set(install.get("extra_requirements", ())) <= extras()


def test_the_extras_are_read() -> None:
    assert {"scan", "test", "check"} <= extras()


# -- GitHub Pages


def test_the_workflow_builds_with_every_change_and_every_week() -> None:
    workflow = loaded(WORKFLOW)
    assert set(workflow["on"]) == {"push", "schedule", "workflow_dispatch"}
    (schedule,) = workflow["on"]["schedule"]
    minute, hour, day, month, weekday = schedule["cron"].split()
    assert (day, month, weekday) == ("*", "*", "1")
    assert minute.isdigit()
    assert hour.isdigit()
    assert workflow["concurrency"]["group"]


def test_the_workflow_makes_what_it_publishes() -> None:
    targets = [step["run"] for _, step in STEPS if "run" in step]
    assert targets == ["make html"]
    builders = re.search(r"^BUILDERS = (.*)$", MAKEFILE, re.MULTILINE)
    assert builders
    assert "html" in builders[1].split()
    assert "-b $@ . _build/$@" in MAKEFILE
    (path,) = [step["with"]["path"] for _, step in STEPS if "upload-pages-artifact" in step.get("uses", "")]
    assert path == "_build/html"


def test_the_workflow_takes_these_actions() -> None:
    used = [step["uses"] for _, step in STEPS if "uses" in step]
    assert [action.partition("@")[0] for action in used] == [
        "actions/checkout", "actions/setup-python", "actions/configure-pages", "actions/upload-pages-artifact",
        "actions/deploy-pages",
    ]  # fmt: skip
    (python,) = [step["with"]["python-version"] for _, step in STEPS if "setup-python" in step.get("uses", "")]
    assert python in PYTHONS


@pytest.mark.parametrize("name", JOBS)
def test_what_a_job_takes_from_its_steps_is_there(name: str) -> None:
    named = {step["id"] for job, step in STEPS if job == name and "id" in step}
    taken = set(re.findall(r"\$\{\{ steps\.(\w+)\.outputs\.\w+ \}\}", str(JOBS[name])))
    assert taken == named != set()
    assert str(JOBS[name]).count("${{") == len(taken)
    assert set(JOBS[name]) >= {"runs-on", "permissions", "steps"}


def test_only_the_job_that_publishes_may_write() -> None:
    writing = {name: [what for what, how in job["permissions"].items() if how == "write"] for name, job in JOBS.items()}
    assert writing == {"build": [], "deploy": ["pages", "id-token"]}
    assert loaded(WORKFLOW)["permissions"] == {"contents": "read"}
    assert JOBS["deploy"]["needs"] == "build"


def test_the_site_speaks_as_of_the_day_of_the_build() -> None:
    (environment,) = [step["env"] for _, step in STEPS if "env" in step]
    assert set(environment) == {"KFUNCDOC_BASE_URL"}


# -- the address


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, ""),
        ({"KFUNCDOC_BASE_URL": ""}, ""),
        ({"KFUNCDOC_BASE_URL": "https://example.org/kfuncs"}, "https://example.org/kfuncs/"),
        ({"READTHEDOCS_CANONICAL_URL": "https://example.org/en/latest/"}, "https://example.org/en/latest/"),
        ({"READTHEDOCS_CANONICAL_URL": "https://a.org/", "KFUNCDOC_BASE_URL": "https://b.org"}, "https://a.org/"),
    ],
)
def test_the_site_knows_its_address_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], address: str
) -> None:
    for variable in ("READTHEDOCS_CANONICAL_URL", "KFUNCDOC_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert runpy.run_path(str(ROOT / "conf.py"))["html_baseurl"] == address


def test_the_guide_shows_these_very_files() -> None:
    shown = re.findall(r"^\.\. literalinclude:: (.*)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(GUIDE.parent / path).resolve() for path in shown] == [WORKFLOW, READ_THE_DOCS]
