# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands that read kernels: scan, verify and update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional

from kfuncdoc.cli import arguments
from kfuncdoc.cli.command import CLEAN, FINDINGS, Command, argument, reason, refuse, refusing
from kfuncdoc.cli.inputs import load_catalog, observe, release_of_kernel, sound_catalog
from kfuncdoc.cli.output import put, put_diagnostics, tell

if TYPE_CHECKING:
    from kfuncdoc.kernels.observation import Observation


@dataclass(frozen=True)
class ScanCommand(Command):
    word = "scan"
    summary = "Read from a source tree or a built kernel which kfuncs it has."

    sources: tuple[str, ...] = argument(nargs="+", metavar="SOURCE", help=arguments.SOURCE)
    output: Optional[str] = arguments.output()
    format: str = arguments.report_format("text", "json")
    compact: bool = argument(
        "--compact", action="store_true", help="leave out of the JSON what is not compared with declarations"
    )

    def run(self) -> int:
        from kfuncdoc.kernels.observation import as_json, as_text

        observation = observe(self.sources)
        json = self.format == "json"
        put(as_json(observation, compact=self.compact) if json else as_text(observation), self.output)
        _tell_remarks(observation)
        return CLEAN


@dataclass(frozen=True)
class VerifyCommand(Command):
    word = "verify"
    summary = "Compare declarations with a kernel."

    data: tuple[str, ...] = arguments.data()
    against: tuple[str, ...] = argument(
        "--against", nargs="+", metavar="SOURCE", required=True, help=f"{arguments.SOURCE}, or what scan wrote"
    )
    release: Optional[str] = arguments.kernel_release()
    format: str = arguments.report_format("text", "json", "github")
    notes: bool = argument(
        "--notes", action="store_true", help="also report what the kernel's configuration may have left out"
    )

    def run(self) -> int:
        from kfuncdoc.base.diagnostics import Severity, fails
        from kfuncdoc.upkeep.verify import verify

        catalog = sound_catalog(self.data)
        observation = observe(self.against)
        _tell_remarks(observation)
        diagnostics = verify(catalog, observation, release_of_kernel(self.release, observation, catalog.calendar))
        if not self.notes:
            diagnostics = tuple(one for one in diagnostics if one.severity is not Severity.INFO)
        put_diagnostics(catalog, diagnostics, self.format)
        return FINDINGS if fails(diagnostics) else CLEAN


@dataclass(frozen=True)
class UpdateCommand(Command):
    word = "update"
    summary = "Append the events that make declarations true of a kernel."

    paths: tuple[str, ...] = argument(nargs="+", metavar="PATH", help="a file or a folder of declarations")
    sources: tuple[str, ...] = argument(
        "--from", nargs="+", metavar="SOURCE", required=True, help=f"{arguments.SOURCE}, or what scan wrote"
    )
    release: Optional[str] = arguments.kernel_release()
    dry_run: bool = argument("--dry-run", action="store_true", help="print what would change, and change nothing")

    def run(self) -> int:
        from kfuncdoc.base.progress import track
        from kfuncdoc.upkeep import update

        catalog = load_catalog(self.paths)
        observation = observe(self.sources)
        _tell_remarks(observation)
        release = release_of_kernel(self.release, observation, catalog.calendar)
        with refusing(update.UpdateRefused):
            changes = update.update(catalog, observation, release)
            if self.dry_run:
                put(update.diff(changes))
            else:
                try:
                    update.write(changes, track)
                except OSError as error:
                    refuse(f"cannot write {error.filename}: {reason(error)}")
        tell(*map(str, changes.events))
        if changes.questions:
            tell("\nLeft to you:", *map(str, changes.questions))
        done = "would change" if self.dry_run else "changed"
        tell(f"{len(changes.events)} events, {len(changes.texts)} files {done}")
        return CLEAN


def _tell_remarks(observation: Observation) -> None:
    """Print what the scan of a kernel could not read or understand, because that may be the cause of a difference."""
    tell(*(f"{remark.file}:{remark.line}: {remark.text}" for remark in observation.remarks))
