# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A C header of kfuncs for a range of kernels, with which the compiler warns of deprecated and removed kfuncs.

::

    KernelRecord, kernels, names --header--> templates/c/header.h.jinja --> C

A program can include it together with other headers that declare the same kfuncs.  C allows a second declaration of a
function only with the same types.  So a kfunc is declared under its own name

* always, if every ``vmlinux.h`` declares the same: it never had another prototype, and none that a ``vmlinux.h`` writes
  in another way;
* with ``BPF_NO_KFUNC_PROTOTYPES``, which takes the kfuncs out of ``vmlinux.h``, if it has one prototype on the kernels
  asked for.

A comment says why a name is left out.  Where a header of the kernel has a function or macro of that name, the
declaration is left out if that header was included before.  Flavours of the name, which libbpf finds as well, are
declared where the own name may be missing, or warns.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
import textwrap
from dataclasses import dataclass
from typing import Iterator, Optional, Sequence

from kfuncdoc.base.prose import as_words
from kfuncdoc.bpf.objects import essential_name
from kfuncdoc.bpf.prototype import parse_prototype
from kfuncdoc.bpf.shape import shape_of
from kfuncdoc.compat.advice import Adviser
from kfuncdoc.compat.guards import c_template
from kfuncdoc.compat.kernels import Kernel, KernelRecord, Presence, in_words
from kfuncdoc.record.model import Kfunc
from kfuncdoc.record.stability import Stability
from kfuncdoc.record.variants import (
    Variant,
    arena_pointers,
    is_plain,
    is_same_in_c,
    types_in_c,
    variants,
    weak_declaration,
)
from kfuncdoc.views.allowed import filter_in_words
from kfuncdoc.views.words import announcement_in_words

#: What a program defines so that vmlinux.h declares no kfuncs (``bpftool btf dump``).
_WITHOUT_VMLINUX = "BPF_NO_KFUNC_PROTOTYPES"
#: The flag of kfuncs with an argument that the verifier passes: pahole before 1.26 does not take it out of the BTF.
_IMPLICIT = "KF_IMPLICIT_ARGS"
#: The macros that show that a header was included.  Other headers define only macros, which show it themselves.
_INCLUDED = {"compat.bpf.h": "__SCX_COMPAT_BPF_H"}
#: The columns of a line of text in a comment.
_COMMENT_WIDTH = 96

_TYPE = re.compile(r"\b(?:struct|union|enum) \w+")


@dataclass(frozen=True)
class _Flavour:
    """One declaration of a kfunc under a flavour of its name."""

    declaration: str
    #: The kernels on which libbpf finds it; empty if they are those of the kfunc.
    kernels: str


@dataclass(frozen=True)
class _HeaderKfunc:
    """A kfunc for the template: how to declare it, and the warning of the compiler, empty if there is none."""

    name: str
    presence: str
    #: The declaration under its own name; None if it cannot be declared under that.
    plain: Optional[str]
    #: The conditions of the preprocessor for that declaration.
    conditions: tuple[str, ...]
    #: Why it is not declared under its own name, or only without the kfuncs of vmlinux.h; empty if it is.
    reason: str
    #: Whether a pragma may mark the name: no header of the kernel has a function or macro of that name.
    may_be_marked: bool
    warning: str
    flavours: tuple[_Flavour, ...]
    #: What its filter on the newest kernel says, in lines for a comment.
    callers: tuple[str, ...]


def header(record: KernelRecord, kernels: Sequence[Kernel], names: Sequence[str] = ()) -> str:
    """Return a C header that declares those of the kfuncs *names* that any of *kernels* has; without *names*, all."""
    writer = _HeaderWriter(record, kernels)
    kfuncs = [kfunc for kfunc in map(writer.declared, names or sorted(writer.names())) if kfunc is not None]
    declarations = [kfunc.plain or "" for kfunc in kfuncs]
    declarations += [flavour.declaration for kfunc in kfuncs for flavour in kfunc.flavours]
    return c_template("header.h.jinja").render(
        kernels=in_words(kernels, kernels),
        recorded=str(record.snapshot.last),
        types=sorted(set(_TYPE.findall("; ".join(declarations)))),
        kfuncs=kfuncs,
    )


class _HeaderWriter:
    """Works out how to declare the kfuncs of *record* for *kernels*."""

    def __init__(self, record: KernelRecord, kernels: Sequence[Kernel]) -> None:
        self._record = record
        self._kernels = tuple(kernels)
        self._adviser = Adviser(record, kernels)
        #: The functions and macros in headers for programs, with the macro that tells that the header was included.
        self._wrappers = {
            declaration.kfunc.wrapper.name: _INCLUDED.get(posixpath.basename(declaration.kfunc.wrapper.header), "")
            for _, declaration in record.snapshot.catalog.declarations
            if declaration.kfunc.wrapper is not None
        }

    def names(self) -> Iterator[str]:
        return (declaration.name for _, declaration in self._record.snapshot.catalog.declarations)

    def declared(self, name: str) -> Optional[_HeaderKfunc]:
        """Return how to declare the kfunc *name*; None if it is not declared in the record, or no kernel has it."""
        declared = self._record.snapshot.find(name)
        having = [kernel for kernel in self._kernels if self._is_on(name, kernel)]
        if declared is None or not having:
            return None
        kfunc, has_wrapper = declared[1].kfunc, name in self._wrappers
        prototypes = [
            dataclasses.replace(variant, prototype=_with_address_space(kfunc, variant.prototype))
            for variant in self._variants(kfunc)
        ]
        is_unknown = any(_has_unknown_type(variant.prototype) for variant in prototypes)
        reason = self._reason_against_plain(name, having, is_unknown=is_unknown)
        differing = "" if reason else self._reason_against_vmlinux(kfunc)
        warning = self._warning(name, has_variants=len(prototypes) > 1)
        flavours: tuple[_Flavour, ...] = ()
        if not is_unknown and (warning or reason or differing or has_wrapper):
            flavours = tuple(self._flavour(variant, len(prototypes)) for variant in prototypes)
        conditions = [f"!defined({name})"]
        conditions += [f"!defined({self._wrappers[name]})"] if self._wrappers.get(name) else []
        conditions += [f"defined({_WITHOUT_VMLINUX})"] if differing else []
        return _HeaderKfunc(
            name,
            in_words(having, self._kernels),
            None if reason else self._plain(kfunc, having),
            tuple(conditions),
            reason or differing,
            not has_wrapper,
            warning,
            flavours,
            self._callers(name, having),
        )

    def _plain(self, kfunc: Kfunc, having: Sequence[Kernel]) -> str:
        """Return the declaration of *kfunc* under its own name, with the prototype that it has on the last kernel."""
        prototype = self._prototypes(kfunc.name, having)[-1]
        return weak_declaration(parse_prototype(_with_address_space(kfunc, prototype)))

    def _prototypes(self, name: str, kernels: Sequence[Kernel]) -> list[str]:
        """Return the recorded prototype on each of *kernels*, all of which have the kfunc."""
        releases = [kernel.release for kernel in kernels if kernel.release is not None]
        known = [self._record.snapshot.lifecycle_at(name, release) for release in releases]
        return [lifecycle.facts.prototype for lifecycle in known if lifecycle] or [self._kfunc(name).prototype]

    def _reason_against_plain(self, name: str, having: Sequence[Kernel], *, is_unknown: bool) -> str:
        """Return why the kfunc cannot be declared under its own name; empty if it can."""
        if is_unknown:
            return "its prototype has a type that only vmlinux.h of a kernel with it defines"
        if not is_plain(name):
            return f"libbpf takes the end of the name for a flavour, and looks for {essential_name(name)}"
        if len(set(map(types_in_c, self._prototypes(name, having)))) > 1:
            return "its prototype differs between these kernels"
        return ""

    @staticmethod
    def _reason_against_vmlinux(kfunc: Kfunc) -> str:
        """Return why some vmlinux.h declare *kfunc* in another way; empty if all declare the same."""
        if arena_pointers(kfunc):
            return "some vmlinux.h name the address space of the arena, others do not"
        if not is_same_in_c(kfunc):
            return "other kernels have another prototype"
        return "some vmlinux.h have the implicit argument" if _IMPLICIT in kfunc.flags else ""

    def _callers(self, name: str, having: Sequence[Kernel]) -> tuple[str, ...]:
        """Return what the filter of *name* says on the newest of *having*, the kernels with it.

        It names that kernel if the filter differs on another.
        """
        looks = [self._record.look(name, kernel).declared for kernel in having]
        filters = [filter_in_words(declared.facts) if declared else "" for declared in looks]
        if not filters[-1]:
            return ()
        where = f"On {having[-1].name}: " if len(set(filters)) > 1 else ""
        return tuple(textwrap.wrap(where + as_words(filters[-1]), _COMMENT_WIDTH, break_long_words=False))

    def _is_on(self, name: str, kernel: Kernel) -> bool:
        return self._record.look(name, kernel).presence is Presence.PRESENT

    def _variants(self, kfunc: Kfunc) -> list[Variant]:
        """Return the prototypes that *kfunc* has on any of the kernels."""
        return [
            variant
            for variant in variants(kfunc, self._record.snapshot.calendar, self._record.snapshot.last)
            if any(kernel.release is not None and variant.holds(kernel.release) for kernel in self._kernels)
        ]

    def _flavour(self, variant: Variant, count: int) -> _Flavour:
        having = [kernel for kernel in self._kernels if kernel.release is not None and variant.holds(kernel.release)]
        return _Flavour(variant.declared_as(variant.flavour), in_words(having, self._kernels) if count > 1 else "")

    def _warning(self, name: str, *, has_variants: bool) -> str:
        """Return the compiler's warning for the kfunc; empty if no end and no change is known."""
        lifecycles = [
            self._record.snapshot.lifecycle_at(name, kernel.release) for kernel in self._kernels if kernel.release
        ]
        known = (state for state in reversed(lifecycles) if state and state.stability is not Stability.NOT_YET)
        last = next(known, None)
        if last is None:
            return ""
        first = self._kernels[0].release
        reasons = []
        if last.removed is not None:
            reasons.append(f"gone from {last.removed.by}")
        elif last.stability is Stability.DEPRECATED:
            reasons.append(announcement_in_words(last))
        elif has_variants:
            reasons.append("its prototype differs between these kernels")
        if last.avoid_before and first is not None and first < last.avoid_before:
            reasons.append(f"not to be called before {last.avoid_before}")
        if not reasons:
            return ""
        flavours = [variant.flavour for variant in self._variants(self._kfunc(name))]
        if len(flavours) > 1:
            reasons.append(f"by prototype: {' and '.join(flavours)}")
        else:
            advice = self._adviser.about(name)
            reasons += [advice.words] if advice else []
            reasons.append(f"in a guard: {flavours[0]}")
        return _c_string("; ".join(reasons))

    def _kfunc(self, name: str) -> Kfunc:
        declared = self._record.snapshot.find(name)
        assert declared is not None  # its warning is asked for
        return declared[1].kfunc


def _with_address_space(kfunc: Kfunc, prototype: str) -> str:
    """Return *prototype* with ``__arena`` at its pointers into an arena, as programs write it."""
    parsed, pointers = parse_prototype(prototype), arena_pointers(kfunc)
    parts = [parsed.returns, *parsed.parameters]
    marked = [
        re.sub(r"\*(?!.*\*)", "__arena *", part) if number in pointers and "__arena *" not in part else part
        for number, part in enumerate(parts)
    ]
    return str(dataclasses.replace(parsed, returns=marked[0], parameters=tuple(marked[1:])))


def _has_unknown_type(prototype: str) -> bool:
    """Whether *prototype* has a typedef that is no integer: only ``vmlinux.h`` of a kernel defines it."""

    def unknown(shape: object) -> bool:
        return any(map(unknown, shape)) if isinstance(shape, tuple) else shape is None

    return unknown(shape_of(prototype.replace("__arena *", "*")))


def _c_string(text: str) -> str:
    """Return *text* as it is written between the quotes of a string in C."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
