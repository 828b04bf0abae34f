# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The words for a filter, and the program types of which it lets some program call a kfunc.

::

    Facts --filter_in_words--> "Only from ``dispatch()`` of ``sched_ext_ops``."
    Facts, a program type and a structure of callbacks --lets_call--> True or False

The words are reStructuredText.  They come from ``allowed`` and ``enforced_by`` of a declaration, followed by the prose
of ``filter``.
"""

from __future__ import annotations

import dataclasses
from typing import Iterator, Optional, Sequence

from kfuncdoc.bpf.callers import AllowedCaller
from kfuncdoc.kernels.hooks import ANY, STRUCT_OPS
from kfuncdoc.record.lifecycle import Facts

#: The fields of a declaration that together say what a filter does.
FILTER_FIELDS = frozenset({"allowed", "enforced_by", "filter"})
_PREFIX = "BPF_PROG_TYPE_"
#: Short names of program types that are not words.
_ACRONYMS = frozenset({"LSM", "LWT", "SK", "SKB", "XDP"})


def lets_call(facts: Facts, program_type: str, struct_ops: Optional[str] = None) -> bool:
    """Whether the filter of a kfunc with *facts* lets any program of *program_type* call it; true without a filter.

    Programs of struct_ops are callbacks of the structure *struct_ops*, or of any structure if that is None.
    ``BPF_PROG_TYPE_UNSPEC`` stands for programs of any type.
    """
    if facts.allowed is None:
        return True
    return any(_includes(caller, program_type, struct_ops) for caller in facts.allowed)


def _includes(caller: AllowedCaller, program_type: str, struct_ops: Optional[str]) -> bool:
    if caller.program_type not in (None, program_type) or program_type in caller.except_program_types:
        return False
    if program_type == ANY:
        return not caller.except_program_types
    return program_type != STRUCT_OPS or not caller.struct_ops or struct_ops in caller.struct_ops


def filter_in_words(facts: Facts) -> str:
    """Return what the filter of a kfunc with *facts* says, as sentences; empty if it has none."""
    return " ".join(filter(None, [_allowed_in_words(facts), (facts.filter or "").rstrip()]))


def _allowed_in_words(facts: Facts) -> str:
    if facts.allowed is None:
        return ""
    if not facts.allowed:
        return "Refused to all programs; only the kernel calls it."
    sentence = f"Only {_enumerated([f'from {caller}' for caller in _each_in_words(facts.allowed)], comma=True)}."
    if facts.enforced_by == "run-time":
        sentence += " The kernel checks this when the call is made: a program with another call loads."
    return sentence


def callers_in_words(callers: Sequence[AllowedCaller]) -> str:
    """Return who may call a kfunc, without a sentence around: "``dispatch()`` of ``sched_ext_ops``"."""
    return _enumerated(_each_in_words(callers), comma=True) or "no programs"


def _each_in_words(callers: Sequence[AllowedCaller]) -> list[str]:
    return [_caller_in_words(caller) for caller in _merged(callers)]


def _merged(callers: Sequence[AllowedCaller]) -> Iterator[AllowedCaller]:
    """Yield *callers*; those that differ only in their callbacks become one, with all the callbacks."""
    callbacks: dict[AllowedCaller, tuple[str, ...]] = {}
    for caller in callers:
        others = dataclasses.replace(caller, callbacks=())
        known = callbacks.setdefault(others, caller.callbacks)
        is_limited = bool(known and caller.callbacks)
        callbacks[others] = tuple(dict.fromkeys((*known, *caller.callbacks))) if is_limited else ()
    return (dataclasses.replace(caller, callbacks=names) for caller, names in callbacks.items())


def _caller_in_words(caller: AllowedCaller) -> str:
    if caller.struct_ops:
        members = _enumerated([f"``{name}()``" for name in caller.callbacks]) or "any callback"
        return f"{members} of {_literals(caller.struct_ops)}"
    words = f"{type_in_words(caller.program_type)} programs" if caller.program_type else "programs"
    if caller.attach_types:
        words += f" with the attach type {_literals(caller.attach_types, 'or')}"
    if caller.lsm_hooks:
        words += f" on {_literals(caller.lsm_hooks)}"
    if caller.except_lsm_hooks:
        words += f" except on {_literals(caller.except_lsm_hooks)}"
    if caller.except_program_types:
        words += f" that are not {_enumerated([type_in_words(name) for name in caller.except_program_types], 'or')}"
    return words


def type_in_words(program_type: str) -> str:
    """Return the words for *program_type*: "syscall", "LSM", "cgroup sock addr", "struct_ops"."""
    if program_type == STRUCT_OPS:
        return "struct_ops"
    words = program_type.replace(_PREFIX, "").split("_")
    return " ".join(word if word in _ACRONYMS else word.lower() for word in words)


def _literals(names: Sequence[str], conjunction: str = "and") -> str:
    return _enumerated([f"``{name}``" for name in names], conjunction)


def _enumerated(words: Sequence[str], conjunction: str = "and", *, comma: bool = False) -> str:
    """Return *words* as an enumeration; *comma* puts a comma before the conjunction, for words that contain commas."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])}{',' if comma else ''} {conjunction} {words[-1]}"
