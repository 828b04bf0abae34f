# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands for those who write declarations, or read what kfuncdoc prints: check and schema."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kfuncdoc.cli import arguments
from kfuncdoc.cli.command import CLEAN, FINDINGS, Command, argument
from kfuncdoc.cli.inputs import load_catalog
from kfuncdoc.cli.output import put, put_diagnostics

if TYPE_CHECKING:
    from kfuncdoc.base.json_schema import Schema


@dataclass(frozen=True)
class CheckCommand(Command):
    word = "check"
    summary = "Check declarations and report everything that is wrong with them."

    paths: tuple[str, ...] = argument(
        nargs="*", metavar="PATH", default=["."], help="a file or a folder (default: this folder)"
    )
    format: str = arguments.report_format("text", "json", "github")
    strict: bool = argument("--strict", action="store_true", help="fail on warnings too")

    def run(self) -> int:
        from kfuncdoc.base.diagnostics import fails

        catalog = load_catalog(self.paths)
        put_diagnostics(catalog, catalog.diagnostics, self.format)
        return FINDINGS if fails(catalog.diagnostics, strict=self.strict) else CLEAN


#: The formats that kfuncdoc reads and writes, each with the module that has its JSON Schema.
FORMATS = {
    "declaration": "kfuncdoc.record.model",
    "check": "kfuncdoc.base.diagnostics",
    "diff": "kfuncdoc.pages.difference_schema",
    "audit": "kfuncdoc.audit.reports",
    "explain": "kfuncdoc.pages.explanation",
    "scan": "kfuncdoc.kernels.observation",
    "export": "kfuncdoc.pages.export",
}


def json_schema(format: str) -> Schema:
    """Return the JSON Schema of one of :data:`FORMATS`."""
    schema: Schema = importlib.import_module(FORMATS[format]).json_schema()
    return schema


@dataclass(frozen=True)
class SchemaCommand(Command):
    word = "schema"
    summary = "Print the JSON Schema of declarations, for editors, or of what a command prints as JSON."

    format: str = argument(
        nargs="?", metavar="FORMAT", choices=tuple(FORMATS), default="declaration",
        help="the format to describe; verify prints the format of check (default: declaration)",
    )  # fmt: skip

    def run(self) -> int:
        import json

        put(json.dumps(json_schema(self.format), indent=2) + "\n")
        return CLEAN
