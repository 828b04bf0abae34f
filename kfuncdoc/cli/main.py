# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""``kfuncdoc COMMAND``: the parser of all commands, and the code that runs one of them.

Exit status: 0 clean, 1 findings, 2 unusable arguments.  ``audit`` has those of :class:`kfuncdoc.audit.findings.Status`,
and 1 for unusable input of any kind.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import io
import os
import sys
from typing import NoReturn, Optional, Sequence

from kfuncdoc import __version__
from kfuncdoc.cli.arguments import DATA_OPTION
from kfuncdoc.cli.command import FINDINGS, UNUSABLE, Command, Refused, reason, refuse
from kfuncdoc.cli.declarations import CheckCommand, SchemaCommand
from kfuncdoc.cli.kernels import ScanCommand, UpdateCommand, VerifyCommand
from kfuncdoc.cli.kfuncs import DiffCommand, ShowCommand
from kfuncdoc.cli.output import tell
from kfuncdoc.cli.pages import ExportCommand, FeedCommand, OverlayCommand, RenderCommand
from kfuncdoc.cli.programs import AuditCommand, HeaderCommand

#: In the order of the help.
COMMANDS: tuple[type[Command], ...] = (
    CheckCommand, RenderCommand, OverlayCommand, ExportCommand, FeedCommand, SchemaCommand, ShowCommand, DiffCommand,
    ScanCommand, VerifyCommand, UpdateCommand, AuditCommand, HeaderCommand,
)  # fmt: skip
#: The exit status after Ctrl-C, that of shells.
INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """A parser that ends with its command's exit status if arguments are wrong."""

    unusable = UNUSABLE

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(self.unusable, f"{self.prog}: error: {message}\n")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; the reference of the guide is generated from it."""
    parser = _Parser(prog="kfuncdoc", description="Stability pages for BPF kernel functions (kfuncs).")
    parser.add_argument("--version", action="version", version=f"kfuncdoc {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        subparser = subparsers.add_parser(
            command.word, help=command.summary, description=command.summary, epilog=command.epilog
        )
        subparser.unusable = command.unusable
        subparser.set_defaults(command=command, parser=subparser)
        command.add_arguments(subparser)
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command and return its exit status; arguments that no command takes end in SystemExit."""
    namespace, unknown = make_parser().parse_known_args(arguments)
    command: type[Command] = namespace.command
    if unknown:
        _refuse_unknown(namespace.parser, command, unknown)
    for stream in (sys.stdout, sys.stderr):
        # Names of files and keys may have characters that the terminal cannot show; the finding must be shown anyway.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    _collect_garbage_rarely()
    try:
        return _run(command, namespace)
    except Refused as refused:
        lines = refused.lines
        status = command.unusable if refused.status is None else refused.status
    # Only here, after the error is handled, has the work ended and removed its progress from the terminal.
    tell(*lines)
    return status


def _collect_garbage_rarely() -> None:
    """Let Python look for garbage less often: imports and the record make many objects, which all stay."""
    first, second, third = gc.get_threshold()
    if first:
        gc.set_threshold(max(first, 50_000), second, third)


def _refuse_unknown(parser: argparse.ArgumentParser, command: type[Command], unknown: Sequence[str]) -> NoReturn:
    hint = ""
    takes_data = any(DATA_OPTION in field.metadata["flags"] for field in dataclasses.fields(command))
    if takes_data and not unknown[0].startswith("-"):
        hint = f"; for declarations use {DATA_OPTION} PATH"
    parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")


def _run(command: type[Command], namespace: argparse.Namespace) -> int:
    try:
        _refuse_without_folder()
        return command.of(namespace).run()
    except BrokenPipeError:
        # The reader of the output, such as `head`, has closed it.
        return FINDINGS
    except OSError as error:
        # The code that writes reports its own errors.
        refuse(f"cannot read {error.filename or 'a file'}: {reason(error)}")
    except KeyboardInterrupt:
        return INTERRUPTED


def _refuse_without_folder() -> None:
    """Refuse to run in a folder that was deleted, because relative paths would name nothing."""
    try:
        os.getcwd()
    except OSError as error:
        refuse(f"cannot read the current folder: {reason(error)}")
