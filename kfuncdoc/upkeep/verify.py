# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whether the declarations are true of one kernel.

The facts of every declaration at the release of the kernel are compared with the result of a scan::

    Catalog, Observation, release --differences--> findings at the lines of the declarations

Two rules keep a true declaration from a finding.  An event whose release is a range may or may not have happened
in a kernel inside the range: the kernel may agree with either.  And a kernel of a stable series may have a change
that came later in the mainline: a ``backports`` entry says so.
"""

from __future__ import annotations

import itertools
from typing import FrozenSet, Iterator, Mapping, Optional, Union

from kfuncdoc.base.diagnostics import Diagnostic, Rule
from kfuncdoc.base.yaml_text import Place
from kfuncdoc.kernels.observation import Kind, Observation, ObservedKfunc
from kfuncdoc.kernels.releases import Release, ReleaseCalendar, When
from kfuncdoc.record.catalog import Catalog, Declaration, SubsystemFile
from kfuncdoc.record.lifecycle import State, facts_without, replay, undone
from kfuncdoc.record.model import Kfunc
from kfuncdoc.upkeep.differences import FieldDifference, differences, home_of, is_backported

#: The rule of each field that a declaration and a kernel may differ in.
RULES: Mapping[str, Rule] = {
    "prototype": Rule.PROTOTYPE_DIFFERS,
    "flags": Rule.FLAGS_DIFFER,
    "flags_for": Rule.FLAGS_DIFFER,
    "program_types": Rule.REGISTRATIONS_DIFFER,
    "allowed": Rule.REGISTRATIONS_DIFFER,
    "source": Rule.SOURCE_DIFFERS,
    "module": Rule.MODULE_DIFFERS,
    "depends_on": Rule.CONFIGURATION_DIFFERS,
}
#: The indexes, in the history, of the events that have happened.
Past = FrozenSet[int]
#: As many uncertain events are tried in all combinations; any others count as not happened.
_MOST_UNCERTAIN = 6
#: The words for fields in messages, where they are not the name of the field.
_WORDS = {
    "program_types": "registrations",
    "allowed": "filter",
    "depends_on": "configuration",
    "flags_for": "flags by program type",
}


def verify(catalog: Catalog, observation: Observation, release: Release) -> tuple[Diagnostic, ...]:
    """Compare every usable declaration with *observation*, a kernel of *release*; return sorted findings."""
    findings = list(_hooks(catalog, observation, release))
    for _, declaration in catalog.declarations:
        findings += _verify_declaration(declaration, catalog.calendar, observation, release)
    findings += (
        _undeclared(catalog, observed) for observed in observation.kfuncs if observed.name not in catalog.entries
    )
    return tuple(sorted(findings, key=lambda finding: finding.sort_key))


def _verify_declaration(
    declaration: Declaration, calendar: ReleaseCalendar, observation: Observation, release: Release
) -> Iterator[Diagnostic]:
    kfunc = declaration.kfunc
    observed = observation.by_name.get(kfunc.name)
    pasts = possible_pasts(kfunc, calendar, release)
    present = [past for past in pasts if _state(kfunc, calendar, past).present]
    if observed is None:
        if len(present) == len(pasts):
            yield _absent(declaration, observation, release, _state(kfunc, calendar, pasts[0]))
        return
    # A backport may change any field, and the declaration does not say which.  It removes no kfunc, so a missing
    # one was reported above.
    if is_backported(kfunc, observation):
        return
    if not present:
        yield _too_early_or_gone(declaration, release, pasts[0])
        return
    # Each past may be the true one: report the one with the fewest differences, and of these the surest.
    candidates = [(past, _differences(kfunc, past, observed, observation.kind)) for past in present]
    past, fewest = min(candidates, key=lambda candidate: len(candidate[1]))
    for difference in fewest:
        yield _differs(declaration, past, difference, release)


def _differences(kfunc: Kfunc, past: Past, observed: ObservedKfunc, kind: Kind) -> list[FieldDifference]:
    facts = facts_without(kfunc, _still_to_come(kfunc, past))
    return [
        difference
        for difference in differences(facts, observed, kind)
        if difference.visible or difference.field == "source"
    ]


def _still_to_come(kfunc: Kfunc, past: Past) -> list[int]:
    return [index for index in range(len(kfunc.history)) if index not in past]


def possible_pasts(kfunc: Kfunc, calendar: ReleaseCalendar, release: Release) -> list[Past]:
    """Return the sets of events of *kfunc* that may have happened at *release*, the surest first.

    There is more than one only if *release* is inside the range of an event, which may then have happened or not.
    """
    whens = [calendar.when(event.release) for event in kfunc.history]
    sure = [index for index, when in enumerate(whens) if when.by <= release]
    unsure = [index for index, when in enumerate(whens) if when.by > release and _may_have_happened(when, release)]
    return [
        frozenset({*sure, *more})
        for count in range(len(unsure[:_MOST_UNCERTAIN]) + 1)
        for more in itertools.combinations(unsure[:_MOST_UNCERTAIN], count)
    ]


def _may_have_happened(when: When, release: Release) -> bool:
    return when.uncertain and (when.after is None or when.after < release)


def _state(kfunc: Kfunc, calendar: ReleaseCalendar, past: Past) -> State:
    """Return the state of *kfunc* when the events of *past* have happened and no others."""
    history = tuple(event for index, event in enumerate(kfunc.history) if index in past)
    state = State()
    for step in replay(kfunc.model_copy(update={"history": history}), calendar):
        state = step.after
    return state


# -- the findings


def _absent(declaration: Declaration, observation: Observation, release: Release, state: State) -> Diagnostic:
    since = state.stretches[-1].added.by
    if observation.kind is Kind.IMAGE:
        rule, hint = Rule.ABSENT_FROM_IMAGE, f"it needs {needs}" if (needs := declaration.kfunc.depends_on) else ""
        message = f"this image of {release} does not have '{declaration.name}', which is there since {since}"
    else:
        rule, hint = Rule.ABSENT, "a removal is an event: removed, with the first release that is without it"
        message = f"'{declaration.name}', declared since {since}, is not in the source of {release}"
    return _at(declaration, declaration.place("name"), rule, message, hint)


def _too_early_or_gone(declaration: Declaration, release: Release, past: Past) -> Diagnostic:
    """Return the finding for a kfunc that the kernel has, and that is declared to be added later or removed before."""
    history = declaration.kfunc.history
    removals = [index for index in past if history[index].event == "removed"]
    what = "to be gone by then" if removals else "to come later"
    message = f"{release} has '{declaration.name}', which is declared {what}"
    hint = "a kernel of a stable series may have it as a backport: backports says so"
    place = declaration.place("history", max(removals, default=0))
    return _at(declaration, place, Rule.UNDECLARED, message, hint)


def _undeclared(catalog: Catalog, observed: ObservedKfunc) -> Diagnostic:
    home: Optional[SubsystemFile] = home_of(catalog, observed)
    where = f" ({observed.source}:{observed.line})" if observed.source and observed.line else ""
    message = f"'{observed.name}' is not declared{where}"
    if home is None or home.source is None:
        return Diagnostic(
            catalog.subsystems[0].path,
            0,
            0,
            Rule.UNDECLARED,
            message,
            "no file here is near to it: kfuncdoc update makes one",
        )
    place = home.source.key_place("kfuncs")
    return Diagnostic(home.path, place.line, place.column, Rule.UNDECLARED, message, "kfuncdoc update adds it")


def _differs(declaration: Declaration, past: Past, difference: FieldDifference, release: Release) -> Diagnostic:
    words = _WORDS.get(difference.field, difference.field)
    message = (
        f"{words} of '{declaration.name}' at {release}: declared {_shown(difference.declared)}, "
        f"the kernel has {_shown(difference.observed)}"
    )
    place = _place_of(declaration, past, difference.field)
    return _at(declaration, place, RULES[difference.field], message)


def _place_of(declaration: Declaration, past: Past, field: str) -> Place:
    """Return the place that has the value of *field* after *past*: the next ``was``, or the field itself."""
    for index in _still_to_come(declaration.kfunc, past):
        if field in undone(declaration.kfunc.history[index]):
            return declaration.place("history", index, "was", field)
    return declaration.place(field)


def _shown(value: Union[str, tuple[str, ...], Mapping[str, tuple[str, ...]], None]) -> str:
    if not value:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "; ".join(f"{program_type}: {_shown(flags)}" for program_type, flags in value.items())
    return ", ".join(value)


def _hooks(catalog: Catalog, observation: Observation, release: Release) -> Iterator[Diagnostic]:
    """Compare the map of hooks; findings have no lines, because the file comes with kfuncdoc."""
    if not observation.hooks:
        return
    declared = {entry.program_type: entry.hook for entry in catalog.hooks.entries if entry.holds(release)}
    for program_type in sorted({*declared, *observation.hooks}):
        ours, theirs = declared.get(program_type), observation.hooks.get(program_type)
        if ours != theirs:
            message = (
                f"hook of {program_type} at {release}: declared {ours or 'none'}, the kernel has {theirs or 'none'}"
            )
            yield Diagnostic("data/hooks.yaml", 0, 0, Rule.HOOKS_DIFFER, message)


def _at(declaration: Declaration, place: Place, rule: Rule, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(declaration.source.path, place.line, place.column, rule, message, hint)
