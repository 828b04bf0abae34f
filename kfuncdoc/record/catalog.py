# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The catalog of all declarations.  The loader makes it; everything else reads it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Iterator, Mapping, Optional, Union

from kfuncdoc.base.diagnostics import Diagnostic
from kfuncdoc.base.yaml_text import Key, Place, SourceFile
from kfuncdoc.kernels.flags import FlagMeaning
from kfuncdoc.kernels.hooks import HookMap
from kfuncdoc.kernels.releases import Release, ReleaseCalendar
from kfuncdoc.record.model import Header, Kfunc


@dataclass(frozen=True)
class Declaration:
    """A kfunc and where it is declared: entry *index* of *source*."""

    kfunc: Kfunc
    source: SourceFile
    index: int

    @property
    def name(self) -> str:
        return self.kfunc.name

    def place(self, *keys: Key) -> Place:
        """Return the place of the value at the path of *keys* in the entry."""
        return self.source.place("kfuncs", self.index, *keys)

    def lines(self, *keys: Key) -> Iterator[int]:
        """Yield the line of the file for each line of the prose at *keys*."""
        return self.source.lines("kfuncs", self.index, *keys)


@dataclass(frozen=True)
class Stub:
    """A kfunc whose declaration is wrong: only its name, so that links to it work."""

    name: str


@dataclass(frozen=True)
class SubsystemFile:
    """One file: a subsystem and a page.  A file that cannot be read has a title and no entries."""

    path: str
    page: str
    header: Header
    recorded: Release
    entries: tuple[Union[Declaration, Stub], ...] = ()
    source: Optional[SourceFile] = None

    @property
    def declarations(self) -> Iterator[Declaration]:
        return (entry for entry in self.entries if isinstance(entry, Declaration))


@dataclass(frozen=True)
class Catalog:
    """Every declaration that was loaded, and the diagnostics."""

    calendar: ReleaseCalendar
    flags: Mapping[str, FlagMeaning]
    hooks: HookMap
    subsystems: tuple[SubsystemFile, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @cached_property
    def entries(self) -> Mapping[str, tuple[SubsystemFile, Union[Declaration, Stub]]]:
        """The entry of each kfunc by name, also of stubs, with the subsystem that declares it."""
        return {entry.name: (subsystem, entry) for subsystem in self.subsystems for entry in subsystem.entries}

    @property
    def declarations(self) -> Iterator[tuple[SubsystemFile, Declaration]]:
        """Every usable declaration with its subsystem, in the order of files and entries."""
        return ((subsystem, entry) for subsystem in self.subsystems for entry in subsystem.declarations)

    def get(self, name: str) -> Optional[Declaration]:
        """Return the usable declaration of *name*, or None."""
        entry = self.entries.get(name, (None, None))[1]
        return entry if isinstance(entry, Declaration) else None
