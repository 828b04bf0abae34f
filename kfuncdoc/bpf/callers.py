# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The programs that a filter of the kernel lets call a kfunc.

::

    AllowedCaller, Program --is_allowed--> True, False, or None if the object does not say

A filter is the function ``filter`` of ``struct btf_kfunc_id_set``.  It looks at a program's type, its attach type, the
structure of callbacks and the member there, and the LSM hook.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

from kfuncdoc.bpf.objects import Program


@dataclass(frozen=True)
class AllowedCaller:
    """One kind of program that may call a kfunc.  A field that is empty limits nothing."""

    #: A name such as ``BPF_PROG_TYPE_LSM``.
    program_type: Optional[str] = None
    #: The program types that are left out: a filter that is registered for one hook does not check programs of others.
    except_program_types: tuple[str, ...] = ()
    #: Names of ``enum bpf_attach_type``, such as ``BPF_TRACE_ITER``.
    attach_types: tuple[str, ...] = ()
    #: The structures of callbacks, such as ``sched_ext_ops``, and their members.
    struct_ops: tuple[str, ...] = ()
    callbacks: tuple[str, ...] = ()
    #: LSM hooks without ``bpf_lsm_``: those that are allowed, and those that are not.
    lsm_hooks: tuple[str, ...] = ()
    except_lsm_hooks: tuple[str, ...] = ()


def is_allowed(callers: Sequence[AllowedCaller], program: Program) -> Optional[bool]:
    """Whether *program* is one of *callers*; None if the object does not say enough about the program.

    If *callers* is empty, no program is: only the kernel itself calls the kfunc.
    """
    answers = {_is(caller, program) for caller in callers}
    if True in answers:
        return True
    return None if None in answers else False


def _is(caller: AllowedCaller, program: Program) -> Optional[bool]:
    answers = {
        _is_one_of((caller.program_type,) if caller.program_type else (), program.program_type),
        _is_none_of(caller.except_program_types, program.program_type),
        _is_one_of(caller.attach_types, program.attach_type),
        _is_one_of(caller.struct_ops, program.struct_ops),
        _is_one_of(caller.callbacks, program.member),
        _is_one_of(caller.lsm_hooks, program.lsm_hook),
        _is_none_of(caller.except_lsm_hooks, program.lsm_hook),
    }
    if False in answers:
        return False
    return None if None in answers else True


def _is_one_of(names: Sequence[str], name: Optional[str]) -> Optional[bool]:
    """Whether *name* is one of *names*; None if *name* is not known.  If *names* is empty, every name is allowed."""
    if not names:
        return True
    return None if name is None else name in names


def _is_none_of(names: Sequence[str], name: Optional[str]) -> Optional[bool]:
    if not names:
        return True
    return None if name is None else name not in names
