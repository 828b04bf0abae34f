# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The wheel is whole: installed into an empty environment, it renders and shows from its own data and templates."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import cheap_builds
import pytest
from declared import ROOT

pytestmark = pytest.mark.wheel

BUILT_FROM = ("kfuncdoc", "data", "templates", "pyproject.toml", "README.md")
LIBRARIES = sysconfig.get_path("purelib")


def run(*command: str, folder: Path) -> str:
    """Run a command away from the checkout, with nothing of this process's surroundings, and return its output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Build the wheel from a copy of what it is made of."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in BUILT_FROM:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(str(ROOT / name), str(folder / name))
    command = [sys.executable, "-m", "pip", "wheel", str(folder), "--no-deps", "--quiet", "-w", str(folder / "dist")]
    # An environment that has the build backend needs no network.
    if importlib.util.find_spec("hatchling"):
        command.append("--no-build-isolation")
    run(*command, folder=folder)
    (built,) = (folder / "dist").glob("kfuncdoc-*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """Install the wheel into an empty environment, which takes its dependencies from the running one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(str(folder), with_pip=False)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = Path(run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip())
    command = [sys.executable, "-m", "pip", "install", str(wheel), "--no-deps", "--quiet", "--target", str(site)]
    run(*command, "--disable-pip-version-check", folder=folder)
    # Behind the environment's own, so that it is the wheel which is imported and no kfuncdoc of the running one.
    (site / "dependencies.pth").write_text(f"{LIBRARIES}\n", encoding="utf-8")
    return python, site


def test_the_wheel_is_what_is_imported(installed, tmp_path):
    python, site = installed
    code = (
        "import kfuncdoc; from kfuncdoc.base.resources import packaged; "
        "print(kfuncdoc.__file__, packaged('data'), packaged('templates'), sep='\\n')"
    )
    package = site.resolve() / "kfuncdoc"
    found = [Path(line).resolve() for line in run(str(python), "-c", code, folder=tmp_path).split("\n") if line]
    assert found == [package / "__init__.py", package / "data", package / "templates"]


@pytest.mark.parametrize("folder", ["data", "templates"])
def test_the_wheel_carries_every_file(installed, folder):
    _, site = installed
    assert sorted(os.listdir(site / "kfuncdoc" / folder)) == sorted(os.listdir(ROOT / folder))


def test_the_wheel_renders_its_data_from_another_folder(installed, tmp_path):
    python, site = installed
    run(str(python), "-m", "kfuncdoc", "render", "-o", "pages", "--date", "2026-11-01", folder=tmp_path)
    written = {path.stem for path in (tmp_path / "pages").iterdir()}
    declared = {path.name.split(".")[0] for path in (site / "kfuncdoc" / "data").glob("*.kfuncs.yaml")}
    assert written == declared | {"index", "deprecated", "removed", "changes"}


def test_the_wheel_publishes_its_record_in_any_project(installed, tmp_path):
    python, _ = installed
    # The other overviews take most of the time, and are built from the same data by the tests of the site.
    conf = 'extensions = ["kfuncdoc"]\nkfuncdoc_data = ["packaged"]\nkfuncdoc_overviews = ["index"]\n'
    conf += 'exclude_patterns = ["_build"]\n'
    (tmp_path / "conf.py").write_text(conf, encoding="utf-8")
    (tmp_path / "index.rst").write_text("Site\n====\n\n.. toctree::\n\n   kfuncs/index\n", encoding="utf-8")
    sphinx = cheap_builds.__file__
    run(str(python), "-W", "ignore", sphinx, "-q", "-W", "-b", "text", ".", "_build", folder=tmp_path)
    assert "bpf_task_acquire" in (tmp_path / "_build" / "kfuncs" / "task.txt").read_text(encoding="utf-8")


def test_the_wheel_shows_a_kfunc_from_another_folder(installed, tmp_path):
    python, site = installed
    text = run(str(python), "-m", "kfuncdoc", "show", "bpf_task_acquire", "--date", "2026-11-01", folder=tmp_path)
    assert text.startswith("bpf_task_acquire\n")
    assert "Stability: present" in text
    declared = re.search(r"Declared in:\s(.*):\d+,\s+recorded", text, re.DOTALL)
    path = Path("".join(declared[1].split()))  # a long path is spread over lines
    assert path.resolve() == (site / "kfuncdoc" / "data" / "task.kfuncs.yaml").resolve()
