# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the loader printed, and what it means: does the kernel take the program, or is a kfunc the reason that not?

::

    lines of loader.c --parse--> Load of each program --answer--> Answer and the line that tells it
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Iterable, NamedTuple, Optional


class Answer(Enum):
    """What a kernel says of the kfuncs of a program."""

    ACCEPTED = "loads"
    REFUSED = "refuses a kfunc"
    #: It fails for another reason, which can hide what the kernel has to say about kfuncs.
    UNTOLD = "fails for another reason"


@dataclass
class Load:
    """One attempt to load a program; *program* is empty if libbpf cannot open the object."""

    number: int
    program: str = ""
    section: str = ""
    #: ``loaded``, ``open``, ``load``, ``crash``, ``timeout``, or ``hang`` if the kernel hung.
    step: str = "hang"
    #: An errno, or the signal of a crash.
    error: int = 0
    log: list[str] = field(default_factory=list)


@dataclass
class Loads:
    """What a boot printed: the attempts by object, and whether it came to the end."""

    by_object: dict[str, list[Load]] = field(default_factory=dict)
    #: The modules that the kernel did not take.
    refused_modules: list[str] = field(default_factory=list)
    is_done: bool = False

    @property
    def last(self) -> Optional[tuple[str, Load]]:
        """The last object and attempt; None if there is none."""
        for path in reversed(self.by_object):
            if self.by_object[path]:
                return path, self.by_object[path][-1]
        return None


def parse(lines: Iterable[str]) -> Loads:
    """Return the attempts in *lines*.  Lines that the loader does not print say nothing, such as a cut last one."""
    loads = Loads()
    attempts: list[Load] = []
    for line in lines:
        word, _, rest = line.rstrip("\r\n").partition(" ")
        if word == "object":
            attempts = loads.by_object.setdefault(rest, [])
        elif word == "try" and rest.isdecimal():
            attempts.append(Load(int(rest)))
        elif word == "module":
            loads.refused_modules.append(rest)
        elif word == "done" and not rest:
            loads.is_done = True
        elif attempts:
            _add(attempts[-1], word, rest)
    for path, attempts in loads.by_object.items():
        loads.by_object[path] = [load for load in attempts if load.step != "none"]  # an object without programs
    return loads


def _add(load: Load, word: str, rest: str) -> None:
    if word == "program":
        load.program, _, load.section = rest.partition(" ")
    elif word == "log":
        load.log.append(rest)
    elif word == "end" and re.fullmatch(r"\w+ \d+", rest):
        load.step, error = rest.split()
        load.error = int(error)


#: What libbpf and the verifier print if they refuse a program because of a kfunc: who may call it, whether it is there,
#: and whether its prototype is the declared one.  Messages about arguments and locks are not among them.
_ABOUT_KFUNCS = re.compile(
    "|".join((
        # bpf_object__resolve_ksym_func_btf_id() of libbpf
        r"extern \(func ksym\) '[^']+': not found in kernel or module BTFs",
        r"extern \(func ksym\) '[^']+': func_proto .*incompatible with",
        # bpf_object__collect_externs() of libbpf: the object cannot be opened
        r"failed to find BTF for extern '[^']+'",
        # fixup_log_missing_kfunc_call() of libbpf: a weak kfunc is missing, and called
        r"kfunc '[^']+' is referenced but wasn't resolved",
        # fetch_kfunc_meta() and check_kfunc_call() of the verifier
        r"calling kernel function \S+ is not allowed",
        r"program must be sleepable to call sleepable kfunc",
        r"destructive kfunc calls require CAP_SYS_BOOT",
        r"cannot call kernel function from non-GPL compatible program",
        r"kernel btf_id \d+ is not a function",
        r"invalid kernel function call not eliminated",
        r"cannot find address for kernel function",
        r"JIT does not support calling kernel function",
    ))
)  # fmt: skip
#: bpf_object_init_prog_arrays() of libbpf comes after all programs are loaded; it misses those that were left out.
_AFTER_PROGRAMS = "failed to initialize slot ["
#: libbpf prints this of sections that it does not know, and goes on.
_HARMLESS = "elf: skipping "
#: Only one who reached the verifier gets its log: libbpf has resolved the externs of the object.
_VERIFIER_LOG = "-- BEGIN PROG LOAD LOG --"


class Reply(NamedTuple):
    """The *answer* of a kernel, the *line* of the log that gives it, and whether libbpf *resolved* all kfuncs."""

    answer: Answer
    line: str
    resolved: bool


def answer(load: Load) -> Reply:
    """Return what *load* tells of the kfuncs of its program."""
    if load.step == "loaded" or any(_AFTER_PROGRAMS in line for line in load.log):
        return Reply(Answer.ACCEPTED, "", True)
    resolved = any(_VERIFIER_LOG in line for line in load.log)
    for line in load.log:
        if _ABOUT_KFUNCS.search(line):
            return Reply(Answer.REFUSED, _bare(line), resolved)
    return Reply(Answer.UNTOLD, _reason(load), resolved)


def _bare(line: str) -> str:
    return line[len("libbpf: ") :] if line.startswith("libbpf: ") else line


def _reason(load: Load) -> str:
    """Return the line that says best why a program fails: the last of the verifier, else the first of libbpf."""
    verifier = False
    lines = []
    for line in load.log:
        if "-- END PROG LOAD LOG --" in line:
            break
        if verifier and line.strip():
            lines.append(line)
        verifier = verifier or _VERIFIER_LOG in line
    if lines:
        return lines[-1]
    of_libbpf = [bare for bare in map(_bare, load.log) if not bare.startswith(_HARMLESS)]
    return of_libbpf[0] if of_libbpf else f"{load.step} {load.error}"
