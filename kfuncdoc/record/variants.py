# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The prototypes that a kfunc has had, and the names under which a program can declare each.

A program that is to load on kernels with either of two prototypes declares the kfunc twice, under two
*flavours* of its name.  libbpf cuts the flavour off and leaves out the weak extern whose prototype is not that
of the kernel.  Prototypes that libbpf takes for the same need one flavour only.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Optional

from kfuncdoc.bpf.objects import essential_name
from kfuncdoc.bpf.prototype import Prototype, PrototypeError, name_of_parameter, parse_prototype
from kfuncdoc.bpf.shape import compatible, shape_of
from kfuncdoc.kernels.releases import Release, ReleaseCalendar
from kfuncdoc.record.lifecycle import facts_after, replay
from kfuncdoc.record.model import Added, Kfunc, Removed

#: The flavour of a kfunc with one prototype; the kernel's own headers have the same.
ONLY = "___compat"


@dataclass(frozen=True)
class Variant:
    """A kfunc with one prototype, as libbpf compares them: from *since* until before *until*."""

    kfunc: str
    prototype: str
    since: Release
    until: Optional[Release] = None
    #: Whether the kfunc never had another prototype.
    only: bool = True

    @property
    def flavour(self) -> str:
        """The name to declare it under, which clashes with no other declaration and with no macro."""
        return self.kfunc + (ONLY if self.only else f"___{self.since.name.replace('.', '_')}")

    def holds(self, release: Release) -> bool:
        return self.since <= release and (self.until is None or release < self.until)

    def declared_as(self, name: str) -> str:
        """Return what declares the kfunc under *name* in C, over as many lines as it takes."""
        return declaration(dataclasses.replace(parse_prototype(self.prototype), name=name))


@dataclass(frozen=True)
class Announced(Variant):
    """A prototype that the kernel said a kfunc is to have, and that it has on no release yet."""

    @property
    def flavour(self) -> str:
        return f"{self.kfunc}___announced"


def declaration(prototype: Prototype) -> str:
    """Return a weak declaration of a kfunc in C, over as many lines as it takes."""
    laid_out = dataclasses.replace(prototype, returns=f"extern {prototype.returns}").laid_out()
    return f"{laid_out[:-1]} __ksym __weak"


def variants(kfunc: Kfunc, calendar: ReleaseCalendar, last: Release) -> tuple[Variant, ...]:
    """Return the prototypes that *kfunc* had up to the release *last*, in order.

    Of prototypes that libbpf takes for the same the last one stands for all.  A kfunc that went and came back
    has a variant for each time, even where they are the same.
    """
    found: list[Variant] = []
    for step in replay(kfunc, calendar):
        if step.when.by > last:
            break
        prototype = facts_after(kfunc, step.index).prototype
        begins = isinstance(step.event, Added)
        if begins or (step.after.present and not alike(found[-1].prototype, prototype)):
            if not begins:
                found[-1] = dataclasses.replace(found[-1], until=step.when.by)
            found.append(Variant(kfunc.name, prototype, step.when.by))
        elif isinstance(step.event, Removed) and found:
            found[-1] = dataclasses.replace(found[-1], until=step.when.by)
        elif found:
            found[-1] = dataclasses.replace(found[-1], prototype=prototype)
    only = all(alike(found[0].prototype, each.prototype) for each in found)
    return tuple(dataclasses.replace(each, only=only) for each in found)


def alike(one: str, other: str) -> bool:
    """Whether libbpf takes the two prototypes for the same."""
    try:
        return compatible(shape_of(one), shape_of(other))
    except PrototypeError:
        return one == other


def same_in_c(kfunc: Kfunc) -> bool:
    """Whether every prototype that *kfunc* ever had is the same to a compiler: one declaration agrees with all.

    With pointers into an arena it is not: of which address space they are, some ``vmlinux.h`` say and some do not.
    """
    if arena_pointers(kfunc):
        return False
    prototypes = {facts_after(kfunc, index).prototype for index in range(len(kfunc.history))}
    return len(set(map(in_c, prototypes))) == 1


#: What a flag, or the end of the name of a parameter, says of pointers into an arena.
_ARENA_FLAGS = {"KF_ARENA_RET": 0, "KF_ARENA_ARG1": 1, "KF_ARENA_ARG2": 2}
_ARENA_PARAMETER = "__arena"


def arena_pointers(kfunc: Kfunc) -> frozenset[int]:
    """Return which of its types are pointers into an arena: 0 for the result, 1 for the first parameter, and so on."""
    parameters = parse_prototype(kfunc.prototype).parameters
    flagged = {_ARENA_FLAGS[flag] for flag in kfunc.flags if flag in _ARENA_FLAGS}
    named = {number for number, each in enumerate(parameters, 1) if each.endswith(_ARENA_PARAMETER)}
    return frozenset(flagged | named)


def in_c(prototype: str) -> tuple[str, ...]:
    """Return the types of *prototype* as a compiler tells them apart, to be compared with another such tuple.

    Other than to libbpf, ``const`` counts behind a pointer, and the sizes of integers do.
    """
    parsed = parse_prototype(prototype)
    return tuple(map(_type_in_c, (f"{parsed.returns} {parsed.name}", *parsed.parameters)))


#: Names of the same type.
_SAME = {
    "u8": "unsigned char", "u16": "unsigned short", "u32": "unsigned", "u64": "unsigned long long",
    "s8": "signed char", "s16": "short", "s32": "int", "s64": "long long", "size_t": "unsigned long",
    "_Bool": "bool",
}  # fmt: skip


_WORDS_OF_INTEGERS = frozenset(["char", "short", "int", "long", "signed", "unsigned"])
_CALLBACK = re.compile(r"(?P<returns>.*?)\s*\(\*?\s*\w*\)\s*\((?P<parameters>[^()]*)\)", re.ASCII)


def _type_in_c(declaration: str) -> str:
    callback = _CALLBACK.fullmatch(declaration)
    if callback:
        parameters = ", ".join(map(_type_in_c, callback["parameters"].split(",")))
        return f"{_type_in_c(callback['returns'])} (*)({parameters})"
    name = name_of_parameter(declaration)
    bare = re.sub(rf"\b{name}\b(?!.*\b{name}\b)", "", declaration) if name else declaration
    # What is const itself, and not behind a pointer, is so for the function alone.
    target, star, rest = bare.rpartition("*")
    if not star:
        target, rest = re.sub(r"\bconst\b", "", rest), ""
    names = [_SAME.get(word.replace("__", "", 1), word) for word in re.findall(r"\w+|[^\w\s]", target)]
    words = " ".join(names).split()
    integer = sorted(word for word in words if word in _WORDS_OF_INTEGERS)
    if len(integer) > 1 and "int" in integer:
        integer.remove("int")  # `unsigned int` is `unsigned`
    return " ".join(integer + [word for word in words if word not in _WORDS_OF_INTEGERS]) + star


def is_plain(name: str) -> bool:
    """Whether libbpf finds the kfunc *name* under this very name: it ends in nothing that looks like a flavour."""
    return essential_name(name) == name
