# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Only kfuncdoc/sphinxext knows Sphinx and docutils: the rest is what the command line uses too.

That no module says so in an import is held by import-linter, in ``make check`` (see pyproject.toml).  Here is what it
cannot see.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys

import pytest
from declared import ROOT

FORBIDDEN = {"sphinx", "docutils"}
#: Every module outside the extension, by its dotted name; __main__ runs the command line when it is imported.
PURE = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).replace(".__init__", ""): path
    for path in sorted((ROOT / "kfuncdoc").rglob("*.py"))
    if "sphinxext" not in path.parts
}

TELL = """\
import importlib, json, sys

for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
    found = sorted({module.split(".")[0] for module in sys.modules} & set(json.loads(sys.argv[2])))
    print(json.dumps([name, found]))
"""


def imported_by_name(text: str) -> set[str]:
    """Return the modules that a source names to be imported: ``importlib.import_module(...)``, ``__import__(...)``."""
    return {
        argument.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("import_module", "__import__")
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }


def test_all_modules_are_looked_at() -> None:
    assert {
        "kfuncdoc", "kfuncdoc.record.model", "kfuncdoc.record.load", "kfuncdoc.pages.renderer", "kfuncdoc.cli.main",
    } <= PURE.keys()  # fmt: skip
    text = "import importlib\nimportlib.import_module('sphinx.util')\n__import__('docutils')\nimport sys"
    assert imported_by_name(text) == {"sphinx.util", "docutils"}


def test_no_module_imports_either_by_its_name() -> None:
    named = {name: imported_by_name(path.read_text(encoding="utf-8")) for name, path in PURE.items()}
    assert any(named.values())
    wrong = {
        name: modules for name, modules in named.items()
        if any(module.split(".")[0] in FORBIDDEN or module.startswith("kfuncdoc.sphinxext") for module in modules)
    }  # fmt: skip
    assert wrong == {}


def test_the_entrance_imports_the_extension_and_nothing_else_of_it() -> None:
    """conf.py names the package itself: its setup(), called by Sphinx, hands over to where the extension is.

    import-linter is told to let that pass.
    """
    found = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(PURE["kfuncdoc"].read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert [name for name in found if "sphinx" in name] == ["sphinx.application.Sphinx", "kfuncdoc.sphinxext"]


@pytest.mark.process
def test_importing_brings_neither() -> None:
    names = [name for name in PURE if not name.endswith("__main__")]
    # One process for all of them is enough: what one brings in, the next ones would show.  Nor is the library of feeds
    # brought in, which is not needed by those who have none.
    result = subprocess.run(
        [sys.executable, "-c", TELL, json.dumps(names), json.dumps(sorted({*FORBIDDEN, "feedgen"}))],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [[name, []] for name in names]


@pytest.mark.process
def test_command_line_brings_neither() -> None:
    """Nor does a run of it."""
    code = (
        "import sys\nfrom kfuncdoc.cli.main import main\n"
        "code = main(['show', 'bpf_task_acquire'])\n"
        "print(code, sorted({name.split('.')[0] for name in sys.modules} & {'sphinx', 'docutils'}))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1] == "0 []"
