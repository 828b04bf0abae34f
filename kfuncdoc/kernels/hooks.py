# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Hooks: which program types may call a kfunc that is registered for some program types.

The kernel keeps registrations by *hook*, not by program type, and several program types share a hook
(``bpf_prog_type_to_kfunc_hook()`` in ``kernel/bpf/btf.c``).  If a kfunc is registered for one of them, all of them
can call it, unless a filter refuses the call.  When the kernel adds a program type to a hook, as v6.12 did with
tracepoints, no registration changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Mapping, Optional, Sequence

from kfuncdoc.kernels.releases import Release, ReleaseCalendar, When

#: The type of a registration for every type: any program may call the kfunc.
ANY = "BPF_PROG_TYPE_UNSPEC"
#: The type of programs that replace another program, of any type, and may call what that program may call.
REPLACES_ANOTHER = "BPF_PROG_TYPE_EXT"
#: The type of programs that are callbacks of a structure of the kernel; the kernel has several such structures.
STRUCT_OPS = "BPF_PROG_TYPE_STRUCT_OPS"


@dataclass(frozen=True)
class HookEntry:
    """A program type and the hook it belongs to, from *since* until before *until*."""

    program_type: str
    hook: str
    since: When
    until: Optional[Release] = None

    def holds(self, release: Release) -> bool:
        return self.since.by <= release and (self.until is None or release < self.until)


class HookMap:
    """The kernel's map from program type to hook, by release."""

    def __init__(self, entries: Sequence[HookEntry]) -> None:
        self.entries = tuple(entries)

    @classmethod
    def from_mapping(cls, hooks: Mapping[str, Sequence[Mapping[str, str]]], calendar: ReleaseCalendar) -> HookMap:
        """Make a map from the content of ``data/hooks.yaml``."""
        return cls(
            [
                HookEntry(
                    entry["program_type"],
                    entry["hook"],
                    calendar.when(entry["since"]),
                    calendar[entry["until"]] if "until" in entry else None,
                )
                for entry in hooks["hooks"]
            ]
        )

    @property
    def program_types(self) -> tuple[str, ...]:
        """Every program type that has or ever had a hook, and the type that stands for any, in the order of the map."""
        return tuple(dict.fromkeys(entry.program_type for entry in self.entries))

    def is_open(self, program_type: str, release: Release) -> bool:
        """Whether *program_type* has a hook at *release*."""
        return any(entry.program_type == program_type and entry.holds(release) for entry in self.entries)

    def opened(self, program_type: str, release: Release) -> When:
        """Return when *program_type* got a hook, which was in *release*, with what is uncertain about it."""
        opened = (entry.since for entry in self.entries if entry.program_type == program_type)
        return next((since for since in opened if since.by == release), When(release))

    def sharing(self, registered: Iterable[str], release: Release) -> tuple[str, ...]:
        """Return the other program types that share a hook with one of *registered* at *release*."""
        registered = set(registered)
        now = [entry for entry in self.entries if entry.holds(release)]
        hooks = {entry.hook for entry in now if entry.program_type in registered}
        return tuple(
            entry.program_type for entry in now if entry.hook in hooks and entry.program_type not in registered
        )

    def may_call(self, registered: Iterable[str], program_type: str, release: Release) -> bool:
        """Whether programs of *program_type* may call a kfunc with these *registered* types, by hooks alone."""
        registered = set(registered)
        return bool({program_type, ANY} & registered) or program_type in self.sharing(registered, release)
