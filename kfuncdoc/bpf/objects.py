# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a BPF object needs from a kernel: the kfuncs that it declares, and which of its programs call them.

:mod:`kfuncdoc.scan.binary.objects` makes a :class:`BpfObject` from the file; :mod:`kfuncdoc.audit` compares it with
kernels.  This module does not need the libraries that read the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Optional

from kfuncdoc.bpf.conditions import ALWAYS, Condition, CoreOutcome, FactsOfKernel, KfuncFound
from kfuncdoc.bpf.shape import Shape

#: libbpf's separator of a name and its flavour: three underscores, with no further underscore on either side.
_FLAVOUR = re.compile(r"(.*[^_])___[^_].*", re.DOTALL)


def essential_name(name: str) -> str:
    """Return *name* without its flavour.  libbpf looks for this name in the kernel.

    The last ``___x`` of any name is a flavour (``bpf_core_essential_name_len()`` in ``tools/lib/bpf``).  So programs
    declare the kfunc ``scx_bpf_dsq_insert___v2``, whose own name ends so, as ``scx_bpf_dsq_insert___v2___compat``.
    """
    match = _FLAVOUR.fullmatch(name)
    return match[1] if match else name


@dataclass(frozen=True)
class Extern:
    """A kfunc that an object declares, ``extern ... __ksym``.  The object needs it, unless it is ``__weak``."""

    name: str
    weak: bool
    #: The declared prototype, in C and as libbpf compares it; None if the object does not tell.
    prototype: Optional[str] = None
    shape: Shape = None
    #: Whether the loader looks for the whole name: cilium/ebpf does, and libbpf removes the flavour.
    is_exact: bool = False

    @property
    def kfunc(self) -> str:
        """The name that the loader looks for."""
        return self.name if self.is_exact else essential_name(self.name)


class SymbolFault(Enum):
    """Why libbpf refuses an undefined symbol when it opens the object (``bpf_object__collect_externs()``)."""

    #: BTF has no type for it: "failed to find BTF for extern 'x': -2".
    UNTYPED = "untyped"
    #: Its type says that the object defines it, as GCC 12 writes it: "failed to find BTF for extern 'x': -22".
    NOT_EXTERN = "not extern"
    #: Its type is in no section: "failed to find BTF for extern 'x' [6] section: -2".
    WITHOUT_SECTION = "without section"
    #: Its type is in a section other than ``.ksyms`` and ``.kconfig``: "unrecognized extern section '.maps'".
    WRONG_SECTION = "wrong section"


@dataclass(frozen=True)
class UnplacedSymbol:
    """An undefined symbol that libbpf takes neither for a kfunc nor for another extern, and why."""

    name: str
    fault: SymbolFault
    #: The section that BTF has it in; empty without one.
    section: str = ""


@dataclass(frozen=True)
class Program:
    """A program of an object.  The kernel loads and verifies it as a whole."""

    name: str
    section: str
    #: A name such as ``BPF_PROG_TYPE_XDP``; None if the section does not tell.
    program_type: Optional[str] = None
    #: The structure of callbacks that it belongs to, and the name of its member there.
    struct_ops: Optional[str] = None
    member: Optional[str] = None
    #: A name of ``enum bpf_attach_type``, such as ``BPF_TRACE_ITER``; empty if it has none, None if the section does
    #: not say.
    attach_type: Optional[str] = None
    #: The LSM hook without ``bpf_lsm_``, such as ``file_open``; None if it is no LSM program or names no hook.
    lsm_hook: Optional[str] = None
    #: Whether it may sleep; None if the section does not tell.
    sleepable: Optional[bool] = None
    #: Whether libbpf loads it only on request (``SEC("?tc")``).
    optional: bool = False


def kept_by(struct_ops: str) -> CoreOutcome:
    """Return the question whether a kernel takes callbacks of the structure *struct_ops*.

    libbpf looks for the structure of this name in which the kernel keeps it (``find_struct_ops_kern_types()``), and
    refuses the object if there is none: "struct bpf_struct_ops_NAME is not found in kernel BTF".
    """
    return CoreOutcome("type_exists", "struct", f"bpf_struct_ops_{struct_ops}")


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
    #: Every program that the call is part of, also through subprograms or callbacks.
    programs: tuple[Program, ...]
    source: Optional[SourceLine] = None
    #: The condition on which a kernel reaches the call.
    condition: Condition = ALWAYS
    #: The programs that reach the call without a callback, so that it runs in their context.
    directly: tuple[Program, ...] = ()

    @property
    def found(self) -> frozenset[str]:
        """The externs that every path to the call has tested to be in the kernel."""
        return self._tested(holds=True)

    @property
    def missed(self) -> frozenset[str]:
        """The externs that every path to the call has tested not to be in the kernel."""
        return self._tested(holds=False)

    def _tested(self, *, holds: bool) -> frozenset[str]:
        return frozenset(
            fact.name
            for fact in self.condition.facts
            if isinstance(fact, KfuncFound) and self.condition.requires(fact, holds=holds)
        )

    @property
    def guarded(self) -> bool:
        """Whether every path to the call goes through a test that the kernel has the kfunc."""
        return self.condition.requires(KfuncFound(self.extern))

    def reached(self, facts: FactsOfKernel) -> Optional[bool]:
        """Whether the call is reached on the kernel with these *facts*; None if that depends on unknown facts.

        The verifier does not check calls that are not reached.
        """
        return self.condition.value(facts)


@dataclass(frozen=True)
class BpfObject:
    """One object: its *path* as the user named it, followed in parentheses by its name inside that file, if any."""

    path: str
    externs: tuple[Extern, ...] = ()
    programs: tuple[Program, ...] = ()
    calls: tuple[Call, ...] = ()
    #: Whether it has type information.  Without it, libbpf resolves no kfunc.
    has_btf: bool = True
    #: The undefined symbols for which libbpf refuses to open the object; none in an object without type information.
    unplaced: tuple[UnplacedSymbol, ...] = ()
    #: The global functions and variables that it defines, which other objects may need.
    defined: frozenset[str] = frozenset()
    #: The offset in bytes in the file that contains it; None if it is the file itself, or is in a text.
    offset: Optional[int] = None

    @property
    def questions(self) -> frozenset[CoreOutcome]:
        """The questions about types of the kernel that decide whether calls are reached, and callbacks loaded."""
        tests = (fact for call in self.calls for fact in call.condition.facts if isinstance(fact, CoreOutcome))
        return frozenset((*tests, *(kept_by(program.struct_ops) for program in self.programs if program.struct_ops)))
