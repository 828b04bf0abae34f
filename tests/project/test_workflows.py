# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The workflows run nothing that somebody else can change, may do no more than they need, and run all of .ci/run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from declared import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI = ROOT / ".ci" / "run"
#: An action of a workflow by the commit, with its version for who reads it.
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}  # v\d+(\.\d+){2}")


def loaded(path: Path) -> Any:
    """Return a file of YAML with every scalar as text: to YAML 1.1, the key ``on`` is true."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def of_file(path: Path) -> str:
    return path.name


def unpinned(text: str) -> list[str]:
    """Return what the workflow *text* uses without a commit and a version."""
    used = re.findall(r"^[ -]*uses: *(.*)$", text, re.MULTILINE)
    return [action for action in used if not PINNED.fullmatch(action)]


def test_there_are_workflows() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "pages.yml"]
    assert [path for path in (ROOT / ".github").rglob("*") if path.suffix in (".yml", ".yaml")] == WORKFLOWS


@pytest.mark.parametrize("path", WORKFLOWS, ids=of_file)
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "uses:" in text
    assert unpinned(text) == []


@pytest.mark.parametrize(
    "action",
    [
        "actions/checkout@v7",
        "actions/checkout@main",
        "actions/checkout@3d3c42e",
        "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1",
        "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1  # the newest",
        "./.github/actions/build",
    ],
)
def test_an_action_that_is_not_pinned_is_seen(action: str) -> None:
    assert unpinned(f"steps:\n  - uses: {action}\n  - name: b\n    uses: {action}\n") == [action, action]


def test_an_action_that_is_pinned_is_none_of_them() -> None:
    assert unpinned("  - uses: a/b/c@3d3c42e5aac5ba805825da76410c181273ba90b1  # v7.0.1\n") == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=of_file)
def test_a_workflow_may_read_and_no_more(path: Path) -> None:
    """Where a job needs more, it says so itself."""
    assert loaded(path)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=of_file)
def test_no_checkout_leaves_the_token_behind(path: Path) -> None:
    steps = [step for job in loaded(path)["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert [step["with"]["persist-credentials"] for step in checkouts] == ["false"] * len(checkouts)


def test_changes_are_proposed_to_a_workflow_without_secrets() -> None:
    """``pull_request_target`` would run what a stranger proposes with the rights of the repository."""
    workflow = loaded(ROOT / ".github" / "workflows" / "ci.yml")
    assert set(workflow["on"]) == {"pull_request", "push"}
    assert [job for job in workflow["jobs"].values() if "permissions" in job] == []
    assert "secrets." not in str(workflow)


def steps_of_ci() -> list[str]:
    named = re.search('^ALL="(.*)"$', CI.read_text(encoding="utf-8"), re.MULTILINE)
    assert named
    return named[1].split()


def test_jobs_are_the_steps_of_ci() -> None:
    """All but ``html``, which the steps that need the site make themselves."""
    jobs = loaded(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    run = [step["run"] for job in jobs.values() for step in job["steps"] if ".ci/run" in step.get("run", "")]
    assert run == [".ci/run ${{ matrix.step }}", ".ci/run matrix"]
    assert {*jobs["step"]["strategy"]["matrix"]["step"], "matrix"} == {*steps_of_ci()} - {"html"}


def test_ci_explains_its_steps_and_begins_with_what_fails_fastest() -> None:
    text = CI.read_text(encoding="utf-8")
    assert re.findall(r"^#   ([a-z-]+)  ", text, re.MULTILINE) == steps_of_ci()
    assert re.findall(r"^step_([a-z-]+)\(\)", text, re.MULTILINE) == steps_of_ci()
    assert steps_of_ci()[:2] == ["check", "quick"]


def test_a_step_that_there_is_not_is_refused() -> None:
    done = subprocess.run(["bash", str(CI), "check", "chek"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{CI}: there is no step 'chek'; there are: {' '.join(steps_of_ci())}\n"


def test_pythons_of_the_matrix_are_set_up() -> None:
    steps = loaded(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["matrix"]["steps"]
    (pythons,) = [step["with"]["python-version"].split() for step in steps if "setup-python" in step.get("uses", "")]
    matrix = {path.name.partition("-")[0] for path in (ROOT / "tests" / "matrix").glob("*.txt")}
    assert {f"python{version}" for version in pythons} == matrix
