# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands that describe kfuncs in the terminal: show and diff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional

from kfuncdoc.cli import arguments
from kfuncdoc.cli.command import CLEAN, FINDINGS, Command, Refused, argument, refuse, refusing
from kfuncdoc.cli.inputs import error_lines, load_catalog, release_at, sound_catalog
from kfuncdoc.cli.output import put

if TYPE_CHECKING:
    import datetime

    from kfuncdoc.views.difference import Difference


@dataclass(frozen=True)
class ShowCommand(Command):
    word = "show"
    summary = "Show one kfunc in the terminal."

    name: str = argument(metavar="NAME", help="the name of the kfunc")
    data: tuple[str, ...] = arguments.data()
    release: Optional[str] = arguments.release()
    date: datetime.date = arguments.date()

    def run(self) -> int:
        from kfuncdoc.base.diagnostics import nearest
        from kfuncdoc.pages.templates import TemplateFailed
        from kfuncdoc.pages.terminal import show

        catalog = load_catalog(self.data)
        release = release_at(self.release, catalog.calendar, self.date)
        try:
            text = show(catalog, self.name, release, self.date)
        except TemplateFailed as error:
            refuse(f"template {error}")
        if text is None and self.name in catalog.entries:
            wrong = f"kfuncdoc: the declaration of '{self.name}' is wrong and cannot be shown"
            raise Refused([*error_lines(catalog.diagnostics), wrong], FINDINGS)
        if text is None:
            hint = nearest(self.name, catalog.entries)
            refuse(f"no kfunc '{self.name}' is declared{': ' + hint if hint else ''}", FINDINGS)
        put(f"{text}\n")
        return CLEAN


@dataclass(frozen=True)
class DiffCommand(Command):
    word = "diff"
    summary = "Tell what happened to kfuncs from one release to another."

    first: str = argument(metavar="FROM", help="the release that programs run on, as v6.12")
    last: str = argument(metavar="TO", help="a later one that they are to run on")
    data: tuple[str, ...] = arguments.data()
    format: str = arguments.report_format("text", "markdown", "json")
    all: bool = argument("--all", action="store_true", help="also report what no caller notices (JSON always does)")
    output: Optional[str] = arguments.output()

    def run(self) -> int:
        from kfuncdoc.api import diff
        from kfuncdoc.audit.asked_kernels import KernelUnknown

        catalog = sound_catalog(self.data)
        with refusing(KernelUnknown):
            difference = diff(catalog, self.first, self.last)
        put(self._text(difference), self.output)
        return CLEAN

    def _text(self, difference: Difference) -> str:
        import shutil

        from kfuncdoc.pages.difference_report import as_json, as_markdown, as_text

        if self.format == "json":
            return as_json(difference)
        if self.format == "markdown":
            return as_markdown(difference, with_unnoticed=self.all)
        return as_text(difference, shutil.get_terminal_size().columns, with_unnoticed=self.all)
