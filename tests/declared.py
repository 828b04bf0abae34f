# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tests share: a calendar and flags that do not move, and catalogs made of a few lines of YAML."""

from __future__ import annotations

import datetime
from pathlib import Path
from textwrap import dedent, indent

from kfuncdoc.base.diagnostics import as_text
from kfuncdoc.cli.command import UNUSABLE
from kfuncdoc.cli.main import main
from kfuncdoc.kernels.flags import FlagMeaning
from kfuncdoc.kernels.hooks import HookMap
from kfuncdoc.kernels.packaged import load_calendar
from kfuncdoc.kernels.releases import ReleaseCalendar
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.load import load

TESTS = Path(__file__).resolve().parent
#: The folder that holds the package; a subprocess finds it there.
ROOT = TESTS.parent

CALENDAR: ReleaseCalendar = load_calendar(str(TESTS / "calendar.yaml"))
FLAGS = {
    "KF_ACQUIRE": FlagMeaning("KF_ACQUIRE", "The program owns\nwhat it gets.", "v6.0"),
    "KF_RCU": FlagMeaning("KF_RCU", "Pointers protected by RCU will do."),
    "KF_TRUSTED_ARGS": FlagMeaning("KF_TRUSTED_ARGS", "Pointers had to be trusted.", "v6.0", "v6.19"),
}
#: As in the kernel, where tracepoints were let into the hook of tracing in v6.12.
HOOKS = HookMap.from_mapping(
    {
        "hooks": [
            {"program_type": "BPF_PROG_TYPE_XDP", "hook": "xdp", "since": "v6.1"},
            {"program_type": "BPF_PROG_TYPE_TRACING", "hook": "tracing", "since": "v6.1"},
            {"program_type": "BPF_PROG_TYPE_TRACEPOINT", "hook": "tracing", "since": "v6.12"},
        ]
    },
    CALENDAR,
)
#: A day on which v7.3 is out and v7.4 is not.
TODAY = datetime.date(2026, 11, 1)


def subsystem(entries: str = "", *, name: str = "demo", recorded: str = "v7.3", more: str = "") -> str:
    """Return the text of a declaration file with *entries*, as they are written below ``kfuncs:``."""
    head = f"subsystem: {name}\ntitle: The {name} kfuncs\nrecorded: {recorded}\n{dedent(more)}"
    return f"{head}kfuncs:\n{indent(dedent(entries), '  ')}"


def entry(name: str, *events: str, **fields: str) -> str:
    """Return one entry: a kfunc with *events* as flow mappings, with other *fields* where they are given."""
    fields = {"summary": f"Do {name}.", "prototype": f"void {name}(void)", **fields}
    lines = [f"- name: {name}", *(f"  {key}: {value}" for key, value in fields.items())]
    return "\n".join([*lines, "  history:", *(f"    - {{{event}}}" for event in events)]) + "\n"


def write_files(folder: Path, texts: dict[str, str]) -> list[str]:
    """Write each text as ``NAME.kfuncs.yaml`` and return the paths."""
    paths = []
    for name, text in texts.items():
        path = folder / f"{name}.kfuncs.yaml"
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    return paths


def catalog_of(folder: Path, *, faulty: bool = False, **texts: str) -> Catalog:
    """Return the catalog of *texts* by file name; no error is in them unless *faulty* says so."""
    catalog = load(write_files(folder, texts), calendar=CALENDAR, flags=FLAGS, hooks=HOOKS)
    errors = [as_text(found) for found in catalog.diagnostics if found.severity.value == "error"]
    assert faulty or not errors, "\n".join(errors)
    return catalog


def refused(capsys, *arguments: str) -> str:
    """Run a command that is to refuse its arguments, and return what it says."""
    try:
        status = main(arguments)
    except SystemExit as end:  # argparse knows no other way
        status = end.code
    assert status == UNUSABLE
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err
