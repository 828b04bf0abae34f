# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A C header of kfuncs for a range of kernels, with which the compiler warns of those that go.

A program can have it beside other headers that declare the same kfuncs.  C lets a function be declared twice
only with the same types, so that a kfunc is declared under its own name only where it has had the same
prototype ever since; any ``vmlinux.h`` has that one, too.  Else, and where a header of the kernel has a
function or macro of that name, there are flavours of the name alone, which libbpf finds as well.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Iterator, Optional, Sequence

from kfuncdoc.bpf.prototype import parse_prototype
from kfuncdoc.bpf.shape import shape_of
from kfuncdoc.compat.advice import Adviser
from kfuncdoc.compat.guards import c_template
from kfuncdoc.compat.kernels import Kernel, KernelRecord, Presence, in_words
from kfuncdoc.record.lifecycle import Stability
from kfuncdoc.record.model import Kfunc
from kfuncdoc.record.variants import Variant, arena_pointers, is_plain, is_same_in_c, variants, weak_declaration
from kfuncdoc.views.words import announcement_in_words

_TYPE = re.compile(r"\b(?:struct|union|enum) \w+")


@dataclass(frozen=True)
class _Flavour:
    declaration: str
    #: On which of the kernels it is found; empty where that is said of the kfunc already.
    kernels: str


@dataclass(frozen=True)
class _Declared:
    """A kfunc as the template takes it."""

    name: str
    presence: str
    #: Its declaration, where it can be declared under its own name.
    plain: Optional[str]
    #: Whether it can be marked by a pragma: no header of the kernel's has a function or macro of that name.
    marked: bool
    warning: str
    flavours: tuple[_Flavour, ...]
    #: Whether it cannot be declared at all.
    unknown_type: bool


def header(record: KernelRecord, kernels: Sequence[Kernel], names: Sequence[str] = ()) -> str:
    """Return a C header that declares the kfuncs *names*, or else all that any of *kernels* has."""
    writer = _Writer(record, kernels)
    kfuncs = [each for each in map(writer.declared, names or sorted(writer.names())) if each is not None]
    declarations = [each.plain or "" for each in kfuncs]
    declarations += [flavour.declaration for each in kfuncs for flavour in each.flavours]
    return c_template("header.h.jinja").render(
        kernels=in_words(kernels, kernels),
        recorded=str(record.snapshot.last),
        types=sorted(set(_TYPE.findall("; ".join(declarations)))),
        kfuncs=kfuncs,
    )


class _Writer:
    def __init__(self, record: KernelRecord, kernels: Sequence[Kernel]) -> None:
        self._record = record
        self._kernels = tuple(kernels)
        self._adviser = Adviser(record, kernels)
        #: The functions and macros that the kernel's headers for programs have.
        self._wrappers = {
            declaration.kfunc.wrapper.name
            for _, declaration in record.snapshot.catalog.declarations
            if declaration.kfunc.wrapper is not None
        }

    def names(self) -> Iterator[str]:
        return (declaration.name for _, declaration in self._record.snapshot.catalog.declarations)

    def declared(self, name: str) -> Optional[_Declared]:
        """Return how the kfunc *name* is to be declared; None where no kernel has it."""
        found = self._record.snapshot.find(name)
        on = [kernel for kernel in self._kernels if self._is_on(name, kernel)]
        if found is None or not on:
            return None
        kfunc, wrapped = found[1].kfunc, name in self._wrappers
        within = [
            dataclasses.replace(each, prototype=_in_arena(kfunc, each.prototype)) for each in self._variants(kfunc)
        ]
        unknown = any(_has_unknown_type(each.prototype) for each in within)
        plainly = not unknown and not wrapped and is_plain(name) and is_same_in_c(kfunc)
        plain = weak_declaration(parse_prototype(kfunc.prototype)) if plainly else None
        warning = self._warning(name, len(within) > 1)
        flavours: tuple[_Flavour, ...] = ()
        if not unknown and (warning or not plain):
            flavours = tuple(self._flavour(each, len(within)) for each in within)
        return _Declared(name, in_words(on, self._kernels), plain, not wrapped, warning, flavours, unknown)

    def _is_on(self, name: str, kernel: Kernel) -> bool:
        return self._record.look(name, kernel).presence is Presence.PRESENT

    def _variants(self, kfunc: Kfunc) -> list[Variant]:
        return [
            each
            for each in variants(kfunc, self._record.snapshot.calendar, self._record.snapshot.last)
            if any(kernel.release is not None and each.holds(kernel.release) for kernel in self._kernels)
        ]

    def _flavour(self, variant: Variant, count: int) -> _Flavour:
        on = [kernel for kernel in self._kernels if kernel.release is not None and variant.holds(kernel.release)]
        return _Flavour(variant.declared_as(variant.flavour), in_words(on, self._kernels) if count > 1 else "")

    def _warning(self, name: str, several: bool) -> str:
        """Return what a compiler is to say of the kfunc, empty where it is there to stay as far as anybody knows."""
        lifecycles = [
            self._record.snapshot.lifecycle_at(name, kernel.release) for kernel in self._kernels if kernel.release
        ]
        last = next((each for each in reversed(lifecycles) if each and each.stability is not Stability.NOT_YET), None)
        if last is None:
            return ""
        first = self._kernels[0].release
        reasons = []
        if last.removed is not None:
            reasons.append(f"gone from {last.removed.by}")
        elif last.stability is Stability.DEPRECATED:
            reasons.append(announcement_in_words(last))
        elif several:
            reasons.append("its prototype differs between these kernels")
        if last.avoid_before and first is not None and first < last.avoid_before:
            reasons.append(f"not to be called before {last.avoid_before}")
        if not reasons:
            return ""
        flavours = [each.flavour for each in self._variants(self._kfunc(name))]
        if len(flavours) > 1:
            reasons.append(f"by prototype: {' and '.join(flavours)}")
        else:
            advice = self._adviser.about(name)
            reasons += [advice.words] if advice else []
            reasons.append(f"in a guard: {flavours[0]}")
        return _in_c("; ".join(reasons))

    def _kfunc(self, name: str) -> Kfunc:
        found = self._record.snapshot.find(name)
        assert found is not None
        return found[1].kfunc


def _in_arena(kfunc: Kfunc, prototype: str) -> str:
    """Return *prototype* with the address space of its pointers into an arena, as programs write it."""
    parsed, pointers = parse_prototype(prototype), arena_pointers(kfunc)
    parts = [parsed.returns, *parsed.parameters]
    marked = [
        re.sub(r"\*(?!.*\*)", "__arena *", part) if number in pointers and "__arena *" not in part else part
        for number, part in enumerate(parts)
    ]
    return str(dataclasses.replace(parsed, returns=marked[0], parameters=tuple(marked[1:])))


def _has_unknown_type(prototype: str) -> bool:
    """Whether *prototype* has a typedef that is no integer: what it is only the kernel's types tell."""

    def unknown(shape: object) -> bool:
        return any(map(unknown, shape)) if isinstance(shape, tuple) else shape is None

    return unknown(shape_of(prototype.replace("__arena *", "*")))


def _in_c(text: str) -> str:
    """Return *text* for a string of C."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
