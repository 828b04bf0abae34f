# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every path of the repository that is named in its files is there: a file that moves takes its name along."""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from pathlib import Path
from typing import Iterator

import pytest
from declared import ROOT

#: The folders at the top of the repository.
FOLDERS = (".ci", ".github", "LICENSES", "benchmarks", "data", "docs", "kfuncdoc", "templates", "tests")
_PATH = re.compile(rf"(?<![\w/.<>$-])(?:{'|'.join(map(re.escape, FOLDERS))})/(?:[\w.*/-]*[\w*/])?")
#: The files of tests are known by their names, and where they are need not be said from the top on.
_TEST = re.compile(r"(?<![\w/])(?:\w+/)*test_\w+\.py\b")

#: What looks like a path of the repository, and is another one.
ELSEWHERE = {
    "pyproject.toml": {"kfuncdoc/data", "kfuncdoc/templates"},  # folders of the wheel
    "docs/checking-programs.rst": {".github/workflows/kfuncs.yml"},  # a file of the reader
    "docs/publishing.rst": {"data/task", "data/task.html", "data/task/"},  # addresses of an example
}

PLAIN = [
    ROOT / "Makefile", ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "index.rst", ROOT / "pyproject.toml",
    ROOT / ".readthedocs.yaml", ROOT / ".ci" / "run", ROOT / "tests" / "matrix" / "run",
    *sorted((ROOT / "docs").rglob("*.rst")), *sorted((ROOT / ".github").rglob("*.yml")),
]  # fmt: skip
#: Of these, what is written for readers counts.
PYTHON = [ROOT / "conf.py", *(path for name in FOLDERS for path in sorted((ROOT / name).rglob("*.py")))]


def comments_and_docstrings(text: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield ast.get_docstring(node) or ""


def paths(text: str) -> set[str]:
    """Return the paths of the repository, with or without ``*``, that *text* names."""
    return {match[0] for match in _PATH.finditer(text)}


@functools.cache
def exists(path: str) -> bool:
    # A document is named without its suffix.
    return any(ROOT.glob(path.rstrip("/"))) or (ROOT / f"{path}.rst").is_file()


@functools.cache
def files_of_tests() -> dict[str, list[str]]:
    """Return where each test is below tests/, by the name of its file."""
    found: dict[str, list[str]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        found.setdefault(path.name, []).append(path.relative_to(ROOT).as_posix())
    return found


def is_a_test(path: str) -> bool:
    return any(f"/{there}".endswith(f"/{path}") for there in files_of_tests().get(path.rpartition("/")[2], ()))


def missing(text: str) -> set[str]:
    """Return the paths and the tests that *text* names and that are not there."""
    return {path for path in paths(text) if not exists(path)} | {
        path for path in _TEST.findall(text) if not is_a_test(path)
    }


def of_file(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PLAIN, ids=of_file)
def test_paths_in_text_are_there(path: Path) -> None:
    assert missing(path.read_text(encoding="utf-8")) == ELSEWHERE.get(of_file(path), set())


def test_paths_in_comments_are_there() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in PYTHON}
    wrong = {
        of_file(path): found for path, text in texts.items()
        if missing(text) and (found := missing("\n".join(comments_and_docstrings(text))))
    }  # fmt: skip
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("those of docs/site.rst, taken anew", {"docs/site.rst"}),
        ("``tests/rules/*.md`` and `tests/rules/`.", {"tests/rules/*.md", "tests/rules/"}),
        ("in ``gone/test_paths.py``, and ``project/test_paths.py``", {"gone/test_paths.py"}),
        ("see data/task.kfuncs.yaml, tests/conftest.py, docs/*.rst, kfuncdoc/ and docs/reading", set()),
        ("https://example.org/docs/gone.html, $DIR/data/gone, <docs/gone>, linux/tests/gone", set()),
        ("metadata/gone, docs, and/or data", set()),
    ],
)
def test_what_is_not_there_is_seen(text: str, expected: set[str]) -> None:
    assert missing(text) == expected


def test_folders_are_those_at_the_top() -> None:
    assert [name for name in FOLDERS if not (ROOT / name).is_dir()] == []
