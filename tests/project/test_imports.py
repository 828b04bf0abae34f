# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Only kfuncdoc/sphinxext knows Sphinx and docutils: the rest is what the command line uses too."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = {"sphinx", "docutils"}
#: Every module outside the extension, by its dotted name; __main__ runs the command line when it is imported.
PURE = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).replace(".__init__", ""): path
    for path in sorted((ROOT / "kfuncdoc").rglob("*.py"))
    if "sphinxext" not in path.parts
}

#: conf.py names the package itself as the extension: its setup(), called by Sphinx, hands over to where it is.
ENTRANCE = {"kfuncdoc": {"kfuncdoc.sphinxext", "sphinx.application.Sphinx"}}

TELL = """\
import importlib, json, sys

for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
    found = sorted({module.split(".")[0] for module in sys.modules} & set(json.loads(sys.argv[2])))
    print(json.dumps([name, found]))
"""


def imports(path: Path) -> set[str]:
    """Return the top-level packages that a module imports anywhere, in functions and for type checking too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if node.module else {"."}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            found |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return found


def test_all_modules_are_looked_at() -> None:
    assert {
        "kfuncdoc",
        "kfuncdoc.record.model",
        "kfuncdoc.record.load",
        "kfuncdoc.pages.renderer",
        "kfuncdoc.cli.main",
    } <= PURE.keys()
    assert imports(ROOT / "kfuncdoc" / "sphinxext" / "parser.py") >= {"docutils.nodes", "sphinx.parsers.RSTParser"}


@pytest.mark.parametrize("name", PURE)
def test_source_imports_neither(name: str) -> None:
    imported = imports(PURE[name])
    wrong = {found for found in imported if found.split(".")[0] in FORBIDDEN or found.startswith("kfuncdoc.sphinxext")}
    assert wrong == ENTRANCE.get(name, set())


def test_only_the_feed_knows_the_library_of_feeds() -> None:
    using = {name for name, path in PURE.items() if any(found.split(".")[0] == "feedgen" for found in imports(path))}
    assert using == {"kfuncdoc.pages.feed"}


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
