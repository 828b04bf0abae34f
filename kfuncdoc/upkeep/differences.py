# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where a declaration and a kernel differ.

A declaration is folded to one release (``lifecycle.facts_at``) and held against what a scan found.
Only what a witness can tell is compared: a built kernel knows no registrations, and what it lacks
its configuration may have left out.  ``verify`` makes findings of the differences, ``update`` events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional

from kfuncdoc.bpf.prototype import PrototypeError, as_callers_see
from kfuncdoc.kernels.observation import Kind, Observation, ObservedKfunc
from kfuncdoc.record.catalog import Catalog, SubsystemFile
from kfuncdoc.record.lifecycle import Facts
from kfuncdoc.record.model import Kfunc


@dataclass(frozen=True)
class FieldDifference:
    """One field of a declaration that is not as the kernel has it."""

    #: The field, named as in a declaration.
    field: str
    declared: Any
    observed: Any
    #: Whether a caller can notice it.  Another parameter name, ``const`` or a moved file nobody notices.
    visible: bool = True


def differences(facts: Facts, observed: ObservedKfunc, kind: Kind) -> Iterator[FieldDifference]:
    """Yield each field in which *facts*, at the release of the kernel, differ from what was *observed*."""
    if observed.prototype is not None and facts.prototype != observed.prototype:
        visible = not same_to_callers(facts.prototype, observed.prototype)
        # A built kernel's prototype is put together from types: its spelling proves nothing.
        if visible or kind is Kind.TREE:
            yield FieldDifference("prototype", facts.prototype, observed.prototype, visible)
    yield from _flags(facts, observed)
    types = observed.program_types
    if types is not None and set(types) != set(facts.program_types):
        yield FieldDifference("program_types", facts.program_types, types)
    narrowed = {name for registration in observed.registrations for name in registration.struct_ops}
    if narrowed and narrowed != set(facts.struct_ops):
        yield FieldDifference("struct_ops", facts.struct_ops, tuple(sorted(narrowed)))
    if observed.source is not None and facts.source != observed.source:
        yield FieldDifference("source", facts.source, observed.source, visible=False)
    yield from _module(facts, observed, kind)
    if observed.depends_on is not None and conjuncts(facts.depends_on or "") != conjuncts(observed.depends_on):
        yield FieldDifference("depends_on", facts.depends_on, observed.depends_on or None)


def same_to_callers(one: str, other: str) -> bool:
    """Whether two prototypes are the same to whoever calls them."""
    try:
        return as_callers_see(one) == as_callers_see(other)
    except PrototypeError:
        return one == other


def _flags(facts: Facts, observed: ObservedKfunc) -> Iterator[FieldDifference]:
    """Compare flags by program type where that is known, else the different lists of them altogether."""
    if observed.flags is None:
        return
    if observed.flags_for is None:
        declared = {frozenset(facts.flags), *map(frozenset, facts.flags_for.values())}
        if declared != {frozenset(registration.flags) for registration in observed.registrations}:
            yield FieldDifference("flags", facts.flags, observed.flags)
        return
    types = set(observed.program_types or ()) | set(facts.program_types)
    if _by_type(facts.flags, facts.flags_for, types) == _by_type(observed.flags, observed.flags_for, types):
        return
    if set(facts.flags) != set(observed.flags):
        yield FieldDifference("flags", facts.flags, observed.flags)
    if _as_sets(facts.flags_for) != _as_sets(observed.flags_for):
        yield FieldDifference("flags_for", facts.flags_for, observed.flags_for)


def _by_type(
    flags: tuple[str, ...], flags_for: Mapping[str, tuple[str, ...]], types: set[str]
) -> dict[str, frozenset[str]]:
    return {program_type: frozenset(flags_for.get(program_type, flags)) for program_type in types}


def _as_sets(flags_for: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    return {program_type: frozenset(flags) for program_type, flags in flags_for.items()}


def _module(facts: Facts, observed: ObservedKfunc, kind: Kind) -> Iterator[FieldDifference]:
    if observed.module is None or observed.module == (facts.module or ""):
        return
    # What can be a module may be built in as well.
    if kind is Kind.IMAGE and not observed.module:
        return
    yield FieldDifference("module", facts.module, observed.module or None)


def conjuncts(expression: str) -> frozenset[str]:
    """Return the conditions of a Kconfig expression that must all hold, whatever their order."""
    parts, depth, start = [], 0, 0
    for match in re.finditer(r"[()]|&&", expression):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if match[0] == "&&" and depth == 0:
            parts.append(expression[start : match.start()])
            start = match.end()
    parts.append(expression[start:])
    return frozenset("".join(part.split()) for part in parts if part.strip())


def is_backported(kfunc: Kfunc, observation: Observation) -> bool:
    """Whether the kernel is a stable one that got a later change of *kfunc* too."""
    series, point = observation.release, observation.point
    versions = [backport.kernel.rpartition(".") for backport in kfunc.backports]
    return any(version == series and int(number) <= point for version, _, number in versions)


# -- where a kfunc belongs


def home_of(catalog: Catalog, observed: ObservedKfunc) -> Optional[SubsystemFile]:
    """Return the file in which a kfunc that is not declared belongs; None where it has no relatives.

    Names count first, since a file like ``kernel/bpf/helpers.c`` has the kfuncs of many subsystems:
    those that begin with the same words.  Then the file of the source.
    """
    best: tuple[tuple[int, int], Optional[SubsystemFile]] = ((0, 0), None)
    for subsystem in catalog.subsystems:
        declared = [declaration.kfunc for declaration in subsystem.declarations]
        nearest = max((_shared_words(kfunc.name, observed.name) for kfunc in declared), default=0)
        together = sum(kfunc.source is not None and kfunc.source == observed.source for kfunc in declared)
        best = max(best, ((nearest, together), subsystem), key=lambda each: each[0])
    return best[1]


def _shared_words(one: str, other: str) -> int:
    """Count the words with which both names begin, without the ``bpf`` that says nothing."""
    count = 0
    for left, right in zip(_name_words(one), _name_words(other)):
        if left != right:
            break
        count += 1
    return count


def _name_words(name: str) -> list[str]:
    words = [word for word in name.split("_") if word]
    return words[1:] if words[:1] == ["bpf"] else words
