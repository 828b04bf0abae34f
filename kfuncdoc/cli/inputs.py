# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The inputs of commands: declarations, kernels, and releases."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Iterable, Optional, Sequence

from kfuncdoc.cli.command import FINDINGS, Refused, reason, refuse, refusing

if TYPE_CHECKING:
    import datetime

    from kfuncdoc.base.diagnostics import Diagnostic
    from kfuncdoc.compat.kernels import Kernel, KernelRecord
    from kfuncdoc.kernels.observation import Observation
    from kfuncdoc.kernels.releases import Release, ReleaseCalendar
    from kfuncdoc.record.catalog import Catalog


def existing(paths: Iterable[str]) -> None:
    """Refuse a path that does not exist."""
    for path in paths:
        if not os.path.lexists(path):
            refuse(f"there is no file or folder '{path}'")


# -- declarations


def load_catalog(paths: Sequence[str]) -> Catalog:
    """Return the catalog of the declarations at *paths*, also if they have errors; by default of the record."""
    from kfuncdoc.base.diagnostics import as_text
    from kfuncdoc.base.progress import track
    from kfuncdoc.base.resources import packaged
    from kfuncdoc.base.yaml_text import Unusable
    from kfuncdoc.record.cache import cached
    from kfuncdoc.record.declaration_files import find

    is_packaged = not paths
    paths = paths or [str(packaged("data"))]
    existing(paths)
    files = find(paths)
    if not files:
        refuse(f"no *.kfuncs.yaml in {', '.join(paths)}")

    def read() -> Catalog:
        from kfuncdoc.record.load import load

        return load(files, track=track)

    try:
        catalog = cached(files, read) if is_packaged else read()
    except Unusable as error:
        # A packaged file that every declaration needs: releases.yaml, flags.yaml or hooks.yaml.
        raise Refused([as_text(error.diagnostic)]) from None
    if not catalog.subsystems:
        refuse("; ".join(f"{diagnostic.file}: {diagnostic.message}" for diagnostic in catalog.diagnostics))
    return catalog


def sound_catalog(paths: Sequence[str]) -> Catalog:
    """Return the catalog of :func:`load_catalog`; refuse one with errors, which ``check`` reports in full."""
    catalog = load_catalog(paths)
    refuse_errors(catalog.diagnostics)
    return catalog


def refuse_errors(diagnostics: Iterable[Diagnostic]) -> None:
    """Refuse with the errors among *diagnostics*, if there are any."""
    errors = error_lines(diagnostics)
    if errors:
        raise Refused(errors, FINDINGS)


def error_lines(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Return the errors among *diagnostics* as text."""
    from kfuncdoc.base.diagnostics import Severity, as_text

    return [as_text(diagnostic) for diagnostic in diagnostics if diagnostic.severity is Severity.ERROR]


# -- releases


def release_at(given: Optional[str], calendar: ReleaseCalendar, date: datetime.date) -> Release:
    """Return the release *given*, else the newest one out on *date*."""
    from kfuncdoc.kernels.reference import ReferenceUnknown, reference_release

    with refusing(ReferenceUnknown):
        return reference_release(given, calendar, date)


def release_of_kernel(given: Optional[str], observation: Observation, calendar: ReleaseCalendar) -> Release:
    """Return the release *given*, else the one that the kernel of *observation* says it is of."""
    from kfuncdoc.kernels.reference import ReferenceUnknown, real_release

    name = given or observation.release
    if name is None:
        refuse("this does not tell which release it is of; say it with --release")
    with refusing(ReferenceUnknown):
        return real_release(name, calendar)


def kernels_asked_for(
    record: KernelRecord, *, first: Optional[str], last: Optional[str], names: Sequence[str], long_term: bool
) -> tuple[Kernel, ...]:
    """Return the kernels of *record* from *first* to *last*, those of *names*, and the *long_term* ones."""
    from kfuncdoc.audit.asked_kernels import KernelUnknown, asked_for

    with refusing(KernelUnknown):
        return asked_for(record, first=first, last=last, names=names, long_term=long_term)


# -- kernels


def observe(sources: Sequence[str]) -> Observation:
    """Return what *sources*, a kernel or a saved observation of one, have."""
    from kfuncdoc.base.progress import track

    if len(sources) == 1 and sources[0].endswith(".json"):
        return _saved_observation(sources[0])
    from kfuncdoc.scan import Unscannable, scan

    try:
        with refusing(Unscannable):
            return scan(sources, track=track)
    except ImportError as error:
        refuse(f"to read a kernel needs {error.name}: install kfuncdoc[scan]")


def _saved_observation(path: str) -> Observation:
    from kfuncdoc.kernels.observation import ObservationUnusable, from_json

    try:
        with open(path, encoding="utf-8") as stream:
            return from_json(stream.read())
    except OSError as error:
        refuse(f"{path}: {reason(error)}")
    except (UnicodeDecodeError, ObservationUnusable) as error:
        refuse(f"{path}: {str(error).lower()}")
