# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What README and the guide show is true: declarations pass, commands exist and print what stands there."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Iterator, NamedTuple

import pytest
from declared import ROOT, catalog_of

from kfuncdoc.base.diagnostics import Rule, as_text
from kfuncdoc.cli.main import make_parser
from kfuncdoc.record.load import load

README = ROOT / "README.md"
TUTORIAL = ROOT / "docs" / "first-declaration.rst"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "index.rst", *sorted((ROOT / "docs").glob("**/*.rst"))]

#: A file for the examples that are single events: what they are appended to, and what they name.
EVENTS_OF = """\
subsystem: sample
title: Sample kfuncs
recorded: v7.3
kfuncs:
  - name: bpf_sample_read
    summary: Read one of the values of a sample.
    prototype: u64 bpf_sample_read(struct bpf_sample *s, u32 index)
    history:
      - {release: v6.12, event: added}
  - name: bpf_sample_get
    summary: Read the value of a sample.
    prototype: u64 bpf_sample_get(struct bpf_sample *s)
    history:
      - {release: v6.12, event: added}
"""
OPEN_DEPRECATION = """\
- release: v7.1
  event: deprecated
  reason: A sample can hold more than one value.
  said_in: net/sample/sample.c
  removal: v7.5
  replacement: [bpf_sample_read]
"""


class Block(NamedTuple):
    """A block of code on a page: its language, its caption if it has one, and its text."""

    page: Path
    language: str
    caption: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}: {self.text.splitlines()[0]}"


_MARKDOWN = re.compile(r"^```(?P<language>\w+)()\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_RST = re.compile(
    r"^\.\. code-block:: (?P<language>\w+)\n(?:   :caption: (?P<caption>.*)\n)?\n(?P<text>(?:   .*\n|\n)+)",
    re.MULTILINE,
)


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of code of one page, in order."""
    pattern = _MARKDOWN if page.suffix == ".md" else _RST
    for match in pattern.finditer(page.read_text(encoding="utf-8")):
        caption = match.groupdict().get("caption") or ""
        text = textwrap.dedent(match["text"]).strip("\n") + "\n"
        yield Block(page, match["language"], caption, text)


BLOCKS = [block for page in PAGES for block in blocks(page)]
#: What has the name of a file of another kind is something else in YAML.
DECLARATIONS = [block for block in BLOCKS if block.language == "yaml" and block.caption[-12:] in ("", ".kfuncs.yaml")]
COMMANDS = [(block, line[2:]) for block in BLOCKS for line in block.text.splitlines() if line.startswith("$ kfuncdoc")]


def test_there_are_examples() -> None:
    assert len(DECLARATIONS) > 8
    assert len(COMMANDS) > 5


@pytest.mark.parametrize("block", DECLARATIONS, ids=str)
def test_declarations_pass(block: Block, tmp_path: Path) -> None:
    text = block.text
    if not text.startswith("subsystem:"):
        alone = "replacement:" in text and "event: withdrawn" not in text
        events = text if alone else OPEN_DEPRECATION + text
        text = EVENTS_OF + textwrap.indent(events, " " * 6)
    path = tmp_path / "sample.kfuncs.yaml"
    path.write_text(text, encoding="utf-8")
    assert [as_text(found) for found in load([str(path)]).diagnostics] == []


def command_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (commands,) = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(commands)


@pytest.mark.parametrize(("block", "line"), COMMANDS, ids=lambda value: value if isinstance(value, str) else "")
def test_commands_are_accepted(block: Block, line: str) -> None:
    make_parser().parse_args(shlex.split(line)[1:])


def test_commands_in_prose_exist() -> None:
    known = command_of(make_parser())
    for page in PAGES:
        for name in re.findall(r"``?kfuncdoc ([a-z]+)", page.read_text(encoding="utf-8")):
            assert name in known, page


def transcript(page: Path, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each kfuncdoc or sphinx-build command of *page*: the command, what the page shows, what it prints.

    Blocks with a caption are files, written as the reader would on the way; README's only file has no caption.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for block in blocks(page):
        name = block.caption or ("hid.kfuncs.yaml" if block.language == "yaml" else "")
        if name:
            (folder / name).write_text(block.text, encoding="utf-8")
        if block.language != "console":
            continue
        for session in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            line, shown = session.split("\n", 1)
            program, *arguments = shlex.split(line)
            module = {"kfuncdoc": "kfuncdoc", "sphinx-build": "sphinx"}.get(program)
            if module is None:
                continue
            run = subprocess.run(
                [sys.executable, "-m", module, *arguments], cwd=folder, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            assert run.returncode == 0, run.stdout
            yield line, shown.strip(), run.stdout.strip()


@pytest.mark.sphinx
@pytest.mark.parametrize("page", [README, TUTORIAL], ids=lambda page: page.name)
def test_shown_output_is_what_is_printed(page: Path, tmp_path: Path) -> None:
    lines = []
    for line, shown, printed in transcript(page, tmp_path):
        lines.append(line)
        if shown:
            assert printed == shown, line
    assert lines
    if page == TUTORIAL:
        assert "bpf_sample_get" in (tmp_path / "_build" / "sample.html").read_text(encoding="utf-8")


def test_tutorial_shows_the_mistake(tmp_path: Path) -> None:
    (shown,) = (block.text for block in blocks(TUTORIAL) if block.language == "none")
    *_, last = (block.text for block in blocks(TUTORIAL) if block.caption == "sample.kfuncs.yaml")
    catalog = catalog_of(tmp_path, faulty=True, sample=last.replace("bpf_sample_read]", "bpf_sample_raed]"))
    report = "\n".join(as_text(found) for found in catalog.diagnostics)
    assert report.replace(f"{tmp_path}{os.sep}", "").rstrip() == shown.rstrip()


def test_rules_in_prose_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"kfuncdoc: allow ([a-z-]+)", page.read_text(encoding="utf-8")):
            assert Rule.named(name), page
