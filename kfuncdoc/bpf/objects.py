# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a BPF object asks of a kernel: the kfuncs it declares, and which of its programs call them.

``kfuncdoc.scan.objects`` reads it from the file; ``audit`` compares it with kernels.  This module needs
none of the libraries that reading needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Mapping, Optional

from kfuncdoc.bpf.shape import Shape

#: libbpf's separator of a name and its flavour: three underscores between characters that are none.
_FLAVOUR = re.compile(r"(.*[^_])___[^_].*", re.DOTALL)


def essential_name(name: str) -> str:
    """Return *name* without its flavour, which is the name that libbpf looks for in the kernel.

    The last ``___x`` of any name is a flavour (``bpf_core_essential_name_len()`` in ``tools/lib/bpf``), so that
    ``scx_bpf_dsq_insert___v2``, a kfunc of that very name, is declared as ``scx_bpf_dsq_insert___v2___compat``.
    """
    match = _FLAVOUR.fullmatch(name)
    return match[1] if match else name


@dataclass(frozen=True)
class Extern:
    """A kfunc that an object declares, ``extern ... __ksym``, and needs or can do without (``__weak``)."""

    name: str
    weak: bool
    #: As the program declared it, in C and as libbpf compares it; None where the object does not tell.
    prototype: Optional[str] = None
    shape: Shape = None

    @property
    def kfunc(self) -> str:
        """The name that libbpf looks for."""
        return essential_name(self.name)


@dataclass(frozen=True)
class Program:
    """A program of an object: what is loaded into the kernel, and verified there, as a whole."""

    name: str
    section: str
    #: As in ``BPF_PROG_TYPE_XDP``; None where the section does not tell.
    program_type: Optional[str] = None
    #: The structure of callbacks that it belongs to, and its name there.
    struct_ops: Optional[str] = None
    member: Optional[str] = None
    #: Whether it may sleep, by its section; None where that does not tell.
    sleepable: Optional[bool] = None
    #: Whether libbpf leaves it out unless it is told to load it (``SEC("?tc")``).
    optional: bool = False


@dataclass(frozen=True)
class SourceLine:
    """A place in the C source that an object was compiled from; *line* and *column* count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True)
class Call:
    """A call of a kfunc, in the program or subprogram *function*."""

    extern: str
    function: str
    #: Every program that the call is part of, be it through subprograms or callbacks.
    programs: tuple[Program, ...]
    source: Optional[SourceLine] = None
    #: The externs that every way to the call has found there, and those that it has found missing.
    found: frozenset[str] = frozenset()
    missed: frozenset[str] = frozenset()
    #: The programs that get there by calls alone, so that it runs where they do; a callback may run elsewhere.
    directly: tuple[Program, ...] = ()

    @property
    def guarded(self) -> bool:
        """Whether every way to the call goes through a test that the kfunc is there."""
        return self.extern in self.found

    def reached(self, present: Mapping[str, Optional[bool]]) -> bool:
        """Whether the call may be reached on a kernel, of which *present* says which externs libbpf finds there.

        What is not reached because of these tests the verifier does not look at.
        """
        if not self.found and not self.missed:
            return True  # which most are
        return all(present.get(name) is not False for name in self.found) and all(
            present.get(name) is not True for name in self.missed
        )


@dataclass(frozen=True)
class BpfObject:
    """One object: *path* as the user named it, with the member of a library in parentheses."""

    path: str
    externs: tuple[Extern, ...] = ()
    programs: tuple[Program, ...] = ()
    calls: tuple[Call, ...] = ()
    #: Whether it has type information, without which libbpf resolves no kfunc.
    has_btf: bool = True
    #: Symbols that are defined nowhere and have no type, in an object that has types: libbpf resolves none of them.
    untyped: tuple[str, ...] = ()
