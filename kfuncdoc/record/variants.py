# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The prototypes that a kfunc has had, and the names under which a program can declare each.

A program that is to load on kernels with either of two prototypes declares the kfunc twice, under two *flavours* of
its name: ``NAME___v6_12`` and ``NAME___v7_0``.  libbpf cuts the flavour off (``bpf_core_essential_name_len()``), and
resolves only the weak extern whose prototype is that of the kernel.  Prototypes that libbpf takes for the same need
one flavour only.

::

    Kfunc, calendar, release --variants--> a Variant for each prototype --compat--> C declarations and guards
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

#: The flavour of a kfunc that had one prototype only.  Headers of the kernel's own schedulers (``scx/compat.bpf.h``)
#: use the same.
SINGLE_PROTOTYPE_FLAVOUR = "___compat"


@dataclass(frozen=True)
class Variant:
    """A kfunc with one prototype, as libbpf compares them: from *since* until before *until*."""

    kfunc: str
    prototype: str
    since: Release
    until: Optional[Release] = None
    #: Whether the kfunc never had another prototype.
    is_only: bool = True

    @property
    def flavour(self) -> str:
        """The name to declare the kfunc under; no other declaration and no macro has it."""
        return self.kfunc + (SINGLE_PROTOTYPE_FLAVOUR if self.is_only else f"___{self.since.name.replace('.', '_')}")

    def holds(self, release: Release) -> bool:
        """Whether the kfunc has this prototype in *release*."""
        return self.since <= release and (self.until is None or release < self.until)

    def declared_as(self, name: str) -> str:
        """Return the C declaration of the kfunc under *name*, on one line or several."""
        return weak_declaration(dataclasses.replace(parse_prototype(self.prototype), name=name))


@dataclass(frozen=True)
class AnnouncedVariant(Variant):
    """A prototype that the kernel announced for a kfunc, and that no release has yet."""

    @property
    def flavour(self) -> str:
        return f"{self.kfunc}___announced"


class PlainVariant(Variant):
    """A prototype that is declared under the name of the kfunc itself, for loaders that know no flavours."""

    @property
    def flavour(self) -> str:
        return self.kfunc


def weak_declaration(prototype: Prototype) -> str:
    """Return a weak extern declaration of a kfunc in C, without a semicolon, on one line or several."""
    laid_out = dataclasses.replace(prototype, returns=f"extern {prototype.returns}").laid_out()
    return f"{laid_out[:-1]} __ksym __weak"


def variants(kfunc: Kfunc, calendar: ReleaseCalendar, last: Release) -> tuple[Variant, ...]:
    """Return the prototypes that *kfunc* had up to the release *last*, in order.

    Of several prototypes in a row that libbpf takes for the same, the last one stands for all.  A kfunc that was
    removed and came back has a variant for each time, even where the prototypes are the same.

    Raises :exc:`~kfuncdoc.kernels.releases.UnknownRelease` where the history names a release that *calendar* does not
    know.
    """
    prototypes: list[Variant] = []
    for step in replay(kfunc, calendar):
        if step.when.by > last:
            break
        prototype = facts_after(kfunc, step.index).prototype
        is_added = isinstance(step.event, Added)
        if is_added or (step.after.present and not is_same_to_libbpf(prototypes[-1].prototype, prototype)):
            if not is_added:
                prototypes[-1] = dataclasses.replace(prototypes[-1], until=step.when.by)
            prototypes.append(Variant(kfunc.name, prototype, step.when.by))
        elif isinstance(step.event, Removed) and prototypes:
            prototypes[-1] = dataclasses.replace(prototypes[-1], until=step.when.by)
        elif prototypes:
            prototypes[-1] = dataclasses.replace(prototypes[-1], prototype=prototype)
    is_only = all(is_same_to_libbpf(prototypes[0].prototype, variant.prototype) for variant in prototypes)
    return tuple(dataclasses.replace(variant, is_only=is_only) for variant in prototypes)


def is_same_to_libbpf(one: str, other: str) -> bool:
    """Whether libbpf takes the two prototypes for the same."""
    try:
        return compatible(shape_of(one), shape_of(other))
    except PrototypeError:
        return one == other


def is_same_in_c(kfunc: Kfunc) -> bool:
    """Whether every prototype that *kfunc* ever had is the same to a compiler, so that one declaration agrees with all.

    A prototype with a pointer into an arena never counts as the same: some ``vmlinux.h`` name its address space, and
    others do not.
    """
    if arena_pointers(kfunc):
        return False
    prototypes = {facts_after(kfunc, index).prototype for index in range(len(kfunc.history))}
    return len(set(map(types_in_c, prototypes))) == 1


#: The number of the type that points into an arena, by the flag that says so (``include/linux/btf.h``), and the suffix
#: of a parameter's name that says the same of the parameter.
_ARENA_FLAGS = {"KF_ARENA_RET": 0, "KF_ARENA_ARG1": 1, "KF_ARENA_ARG2": 2}
_ARENA_PARAMETER = "__arena"


def arena_pointers(kfunc: Kfunc) -> frozenset[int]:
    """Return the numbers of the types that point into an arena: 0 is the result, 1 the first parameter, and so on."""
    parameters = parse_prototype(kfunc.prototype).parameters
    flagged = {_ARENA_FLAGS[flag] for flag in kfunc.flags if flag in _ARENA_FLAGS}
    named = {number for number, parameter in enumerate(parameters, 1) if parameter.endswith(_ARENA_PARAMETER)}
    return frozenset(flagged | named)


def types_in_c(prototype: str) -> tuple[str, ...]:
    """Return the types of *prototype* as a compiler tells them apart; equal tuples are the same to it.

    Unlike libbpf, a compiler tells apart integers of different sizes, and pointers to what is const from others.
    """
    parsed = parse_prototype(prototype)
    return tuple(map(_type_in_c, (f"{parsed.returns} {parsed.name}", *parsed.parameters)))


#: Other names of a type, with the name that stands for all of them.
_SAME_TYPE = {
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
    # A parameter that is const itself, and does not point to what is const, is so for the function alone.
    target, star, rest = bare.rpartition("*")
    if not star:
        target, rest = re.sub(r"\bconst\b", "", rest), ""
    names = [_SAME_TYPE.get(word.replace("__", "", 1), word) for word in re.findall(r"\w+|[^\w\s]", target)]
    words = " ".join(names).split()
    integer = sorted(word for word in words if word in _WORDS_OF_INTEGERS)
    if len(integer) > 1 and "int" in integer:
        integer.remove("int")  # `unsigned int` is `unsigned`
    return " ".join(integer + [word for word in words if word not in _WORDS_OF_INTEGERS]) + star


def is_plain(name: str) -> bool:
    """Whether libbpf looks for the kfunc *name* under this very name: no part of it looks like a flavour."""
    return essential_name(name) == name
