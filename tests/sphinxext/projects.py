# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Small Sphinx projects that are built in the process of the tests, and tell what a build did.

A build fails on every warning that is not expected, word for word.
"""

from __future__ import annotations

import dataclasses
import io
import logging
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Iterable, Mapping, Optional, Sequence

import fresh_processes
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

BASIC_OVERVIEWS = ("index", "deprecated", "removed", "changes")

#: The folder that holds the package; a subprocess finds it there.
ROOT = Path(__file__).resolve().parents[2]

#: What conf.py has to say so that no builder asks for more, and each writes one file or many under known names.
FOR_EVERY_BUILDER: Mapping[str, Any] = {
    "project": "Kernel",
    "version": "1",
    "epub_copyright": "us",
    "latex_documents": [("index", "kernel.tex", "Kernel", "us", "manual")],
    "texinfo_documents": [("index", "kernel", "Kernel", "us", "kernel", "Kernel", "Programming")],
}

#: A day on which v7.3 of the tests' calendar is out and v7.4 is not.
DATE = "2026-11-01"


@dataclasses.dataclass
class Build:
    """What one build did."""

    app: Sphinx
    #: Every warning, as "PLACE: WARNING: MESSAGE", paths relative to the source directory; kfuncdoc's with their type.
    warnings: list[str] = dataclasses.field(default_factory=list)
    #: The documents that were read, in order.
    read: list[str] = dataclasses.field(default_factory=list)
    #: Whether documents were read in other processes.
    read_in_parallel: bool = False

    @property
    def output(self) -> Path:
        return Path(self.app.outdir)

    def text(self, name: str) -> str:
        """Return the text of the output file *name*."""
        return (self.output / name).read_text(encoding="utf-8")


class Project:
    """A source directory with its ``conf.py``, below *folder*; outputs and doctrees stand beside it.

    *conf* are the values of ``conf.py`` and may change between builds; *files* are the texts of the
    source directory.
    """

    def __init__(self, folder: Path, files: Mapping[str, str], **conf: Any) -> None:
        self.folder = folder
        self.source = folder / "source"
        # Other overviews are many pages, which take most of a build; the tests that are about them ask for them.
        self.conf: dict[str, Any] = {
            "extensions": ["kfuncdoc"], "kfuncdoc_date": DATE, "kfuncdoc_overviews": ["index"], **conf,
        }  # fmt: skip
        #: What the last build printed of warnings.
        self.printed = ""
        self.source.mkdir(parents=True)
        for name, text in files.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the source directory (or of any other, where *name* is an absolute path)."""
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        # The clock of the file system is coarse: without this, an edit just after a build can be older than it.
        now = time.time()
        os.utime(path, (now, now))
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace *old*, which must be there once, in a file."""
        text = (self.source / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} has {text.count(old)} times {old!r}"
        self.write(name, text.replace(old, new))

    def build(
        self,
        builder: str = "text",
        *,
        jobs: int = 1,
        expected: Sequence[str] = (),
        output: Optional[str] = None,
        doctrees: str = "doctrees",
        fresh: bool = False,
        filenames: Sequence[str] = (),
    ) -> Build:
        """Build in this process, and fail unless exactly the *expected* warnings came.

        Where there are *filenames*, only the pages of these sources are written.
        """
        self._write_conf()
        self.printed = ""
        stream = _Stream(self)
        with patch_docutils(str(self.source)), docutils_namespace():
            app = Sphinx(
                str(self.source), str(self.source), str(self.folder / (output or builder)),
                str(self.folder / doctrees), builder, status=io.StringIO(), warning=stream, freshenv=fresh,
                parallel=jobs,
            )  # fmt: skip
            build = Build(app)
            types = _Types()
            # Before Sphinx's own handlers, which change what they print.
            logging.getLogger("sphinx").handlers.insert(0, types)

            def before_read(app: Sphinx, env: object, docnames: list[str]) -> None:
                build.read = list(docnames)

            def merged(*_: object) -> None:
                build.read_in_parallel = True

            # After every other listener, as they may change the list.
            app.connect("env-before-read-docs", before_read, priority=9999)
            app.connect("env-merge-info", merged)
            try:
                app.build(filenames=[str(self.source / name) for name in filenames])
            finally:
                logging.getLogger("sphinx").removeHandler(types)
        build.warnings = types.lines(stream.getvalue(), str(self.source))
        __tracebackhide__ = True
        # Processes that read at the same time tell what they find in no certain order.
        in_order = sorted if build.read_in_parallel else list
        warned, wanted = "\n".join(in_order(build.warnings)), "\n".join(in_order(expected))
        assert warned == wanted
        assert app.statuscode == 0
        return build

    def run(self, builder: str, *options: str, env: Optional[Mapping[str, str]] = None) -> subprocess.CompletedProcess:
        """Build with ``python -m sphinx`` in a process of its own."""
        self._write_conf()
        command = ["-b", builder, "-d", str(self.folder / "doctrees"), *options]
        return sphinx_build(*command, str(self.source), str(self.folder / builder), env=env)

    def _write_conf(self) -> None:
        text = "".join(f"{name} = {value!r}\n" for name, value in self.conf.items())
        if "datetime." in text or "Path(" in text:
            text = f"import datetime\nfrom pathlib import PosixPath, WindowsPath\n\n{text}"
        (self.source / "conf.py").write_text(text, encoding="utf-8")


class _Stream(io.StringIO):
    """Gives what is written to it to the project too, where it is found when a build ends in an exception."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project

    def write(self, text: str) -> int:
        self._project.printed += text
        return super().write(text)


class _Types(logging.Handler):
    """Notes the type of each of kfuncdoc's warnings: Sphinx prints it in later versions only."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.types: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "type", None) == "kfuncdoc":
            self.types[str(record.msg)] = f" [kfuncdoc.{record.subtype}]"  # type: ignore[attr-defined]

    def lines(self, printed: str, source: str) -> list[str]:
        """Return the warnings that Sphinx *printed*, with types of kfuncdoc only and paths relative to *source*."""
        plain = re.sub("\x1b.*?m", "", printed)
        # What docutils calls an error is told as one in later versions of Sphinx only.
        plain = re.sub(": (ERROR|CRITICAL): ", ": WARNING: ", plain)
        lines = [re.sub(r" \[(?!kfuncdoc\.)[a-z._]+\]$", "", line) for line in plain.splitlines() if line.strip()]
        ends = {line: next((self.types[text] for text in self.types if line.endswith(text)), "") for line in lines}
        return [(line + ends[line]).replace(source + os.sep, "") for line in lines]


def sphinx_build(*arguments: str, env: Optional[Mapping[str, str]] = None) -> subprocess.CompletedProcess:
    """Run ``python -m sphinx`` with the package on its path; the result has both streams as text."""
    return fresh_processes.run(fresh_processes.SPHINX, arguments, environment(env))


def run_code(code: str, *arguments: str, env: Optional[Mapping[str, str]] = None) -> subprocess.CompletedProcess:
    """Run ``python -c`` with the package on its path; the result has both streams as text."""
    return fresh_processes.run(code, arguments, environment(env))


def environment(more: Optional[Mapping[str, str]]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **(more or {})}


def snapshot(folder: Path, *, without: Iterable[str] = ()) -> dict[str, bytes]:
    """Return every file below *folder* with its bytes, but those whose path matches one of *without*."""
    left_out = re.compile("|".join(f"(?:{pattern})" for pattern in without) or "(?!)")
    return {
        name: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not left_out.fullmatch(name := path.relative_to(folder).as_posix())
    }


# -- what declarations are made of


def declarations(name: str, *entries: str, head: str = "", recorded: str = "v7.3") -> str:
    """Return the text of a declaration file; *head* are more lines before ``kfuncs:``."""
    return f"subsystem: {name}\ntitle: The {name} kfuncs\nrecorded: {recorded}\n{head}kfuncs:\n{''.join(entries)}"


def kfunc(name: str, *events: str, added: str = "v6.2", **fields: str) -> str:
    """Return one entry that was added in release *added*; *events* are flow mappings without their braces."""
    lines = [f"- name: {name}", f"  summary: Do {name}.", f"  prototype: void {name}(void)"]
    lines += [f"  {key}: {value}" for key, value in fields.items()]
    lines += ["  history:", f"    - {{release: {added}, event: added}}", *(f"    - {{{event}}}" for event in events)]
    return "\n".join(lines) + "\n"


def deprecated(release: str, removal: str, replacement: str) -> str:
    """Return a deprecation for :func:`kfunc`."""
    return (
        f"release: {release}, event: deprecated, reason: It is slow., removal: {removal}, "
        f"replacement: [{replacement}], said_in: kernel/bpf/helpers.c"
    )


def removed(release: str) -> str:
    """Return the removal of what was deprecated before, for :func:`kfunc`."""
    return f"release: {release}, event: removed"


def toctree(*entries: str, glob: bool = False) -> str:
    """Return a page with a table of contents."""
    title = "Contents\n========\n\n"
    return (
        title + ".. toctree::\n" + ("   :glob:\n" if glob else "") + "\n" + "".join(f"   {name}\n" for name in entries)
    )
