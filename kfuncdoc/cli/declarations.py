# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands for those who write declarations, or read what kfuncdoc prints: check and schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kfuncdoc.cli import arguments
from kfuncdoc.cli.command import CLEAN, FINDINGS, Command, argument
from kfuncdoc.cli.inputs import load_catalog
from kfuncdoc.cli.output import put, put_diagnostics


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


@dataclass(frozen=True)
class SchemaCommand(Command):
    word = "schema"
    summary = "Print the JSON Schema of declarations, for editors."

    export: bool = argument("--export", action="store_true", help="the schema of the export instead")

    def run(self) -> int:
        import json

        from kfuncdoc.pages import export
        from kfuncdoc.record import model

        schema: dict[str, Any] = export.json_schema() if self.export else model.json_schema()
        put(json.dumps(schema, indent=2) + "\n")
        return CLEAN
