# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The output of commands: results go to standard output or a file, everything else to standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Optional, Sequence

from kfuncdoc.cli.command import reason, refuse

if TYPE_CHECKING:
    from kfuncdoc.base.diagnostics import Diagnostic
    from kfuncdoc.record.catalog import Catalog


def put(text: str, path: Optional[str] = None) -> None:
    """Write *text* to the file at *path*, whole or not at all, or to standard output.

    Raises Refused if it cannot be written, and BrokenPipeError if nobody reads standard output any more.
    """
    if path is None:
        _put_out(text)
        return
    from kfuncdoc.base.files import write_whole

    # The name of a file in a kernel's tree need not be valid text.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    try:
        write_whole(path, text)
    except OSError as error:
        refuse(f"cannot write {path}: {reason(error)}")


def _put_out(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()  # flushed before the messages on standard error that follow
    except OSError as error:
        # Python would report the error again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        refuse(f"cannot write to standard output: {reason(error)}")


def tell(*lines: str) -> None:
    """Print *lines* to standard error; ignore errors, because there is no other place for a message."""
    with contextlib.suppress(OSError):
        for line in lines:
            print(line, file=sys.stderr)


def put_diagnostics(catalog: Catalog, diagnostics: Sequence[Diagnostic], form: str) -> None:
    """Print *diagnostics* about *catalog* in one of the formats text, json and github; text ends with a count."""
    from kfuncdoc.base.diagnostics import as_github, as_json, as_text

    if form == "json":
        put(as_json(diagnostics))
        return
    report = as_github if form == "github" else as_text
    put("".join(f"{report(diagnostic)}\n" for diagnostic in diagnostics))
    if form == "text":
        tell(_count(catalog, diagnostics))


def _count(catalog: Catalog, diagnostics: Sequence[Diagnostic]) -> str:
    kfuncs, files = len(catalog.entries), len(catalog.subsystems)
    numbers: dict[str, int] = {}
    for diagnostic in diagnostics:
        numbers[diagnostic.severity.value] = numbers.get(diagnostic.severity.value, 0) + 1
    counts = ", ".join(
        f"{number} {severity}{'s' if number > 1 else ''}" for severity, number in sorted(numbers.items())
    )
    size = f"{kfuncs} kfunc{'' if kfuncs == 1 else 's'} in {files} file{'' if files == 1 else 's'}"
    return f"{size}: {counts or 'nothing to report'}"
